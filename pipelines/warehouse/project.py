"""The dbt project on disk: where it is, what its files hash to, and its parsed form, kept from one refresh to the next.

Running it is `build.py`'s business.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pipelines.domain.errors import BuildError

ENVIRONMENT_VARIABLE: Final = "WHEREHOUSE_DBT_PROJECT"
_CODE: Final = (".sql", ".yml", ".yaml", ".py")
_PARSED: Final = "partial_parse.msgpack"
_KEEP_PARSED: Final = 4


@cache
def project_dir() -> Path:
    """The folder of dbt_project.yml: beside the package in a checkout or an editable install.

    Raises BuildError when there is none.
    """
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    found = Path(named).resolve() if named else Path(__file__).resolve().parents[2] / "dbt_project"
    if not (found / "dbt_project.yml").is_file():
        raise BuildError(f"{found}: no dbt project here; run from a checkout or set {ENVIRONMENT_VARIABLE}")
    return found


def source_hashes(project: Path) -> dict[str, str]:
    """Content hash by name: `seed <name>` for each seed, `models` for everything that shapes rows.

    Singular tests and docs are left out: changing one changes no row.
    """
    hashes = {f"seed {path.stem}": _digest([path], project) for path in sorted((project / "seeds").rglob("*.csv"))}
    code = [
        path
        for folder in ("models", "macros", "seeds")
        for path in sorted((project / folder).rglob("*"))
        if path.suffix in _CODE
    ]
    return hashes | {"models": _digest([project / "dbt_project.yml", *code], project)}


def parsed_key(project: Path) -> str:
    """Identity of the parsed project: every file dbt reads, and the versions of those who read it."""
    files = [path for path in sorted(project.rglob("*")) if path.is_file() and not _is_product(path, project)]
    versions = "|".join(f"{name}={version(name)}" for name in ("dbt-core", "dbt-duckdb"))
    return hashlib.blake2b(f"{versions}|{_digest(files, project)}".encode(), digest_size=10).hexdigest()


def parsed_dir(project: Path, fallback: Path) -> Path:
    """Where parsed forms are kept: within the project's target, shared by all data folders; else `fallback`."""
    shared = project / "target" / "parsed"
    try:
        shared.mkdir(parents=True, exist_ok=True)
    except OSError:
        return fallback / "parsed"
    return shared if os.access(shared, os.W_OK) else fallback / "parsed"


def parsed_file(kept: Path, key: str) -> Path:
    """The parsed project of that key, whether it exists or not."""
    return kept / key / _PARSED


def keep_parsed(kept: Path, key: str, produced: Path) -> None:
    """Move a folder that dbt parsed into, in one rename, to its place; drop the oldest beyond a few."""
    kept.mkdir(parents=True, exist_ok=True)
    if not (kept / key).exists():
        try:
            produced.rename(kept / key)
        except OSError:  # another process was first, with the same content
            shutil.rmtree(produced, ignore_errors=True)
    others = sorted((path for path in kept.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for old in others[:-_KEEP_PARSED]:
        if old.name != key:
            shutil.rmtree(old, ignore_errors=True)


def scratch_dir(kept: Path) -> Path:
    """An empty folder on the same file system as `kept`."""
    kept.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".parsing-", dir=kept))
    folder.chmod(kept.stat().st_mode)  # mkdtemp's is private, but other users of the checkout read the result
    return folder


def _is_product(path: Path, project: Path) -> bool:
    return path.relative_to(project).parts[0] in {"target", "logs", "dbt_packages"} or path.name.startswith(".")


def _digest(files: list[Path], project: Path) -> str:
    digest = hashlib.blake2b(digest_size=10)
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(project)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
