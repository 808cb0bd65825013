"""Looking for personal data in a folder: every byte of every file, and what compressed and columnar files decode to."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa

from tests.e2e.fixtures import skip_loudly


def people(orders: Path) -> set[str]:
    """E-mail addresses (and what stands before the @), names and streets of the yardstick's orders."""
    with duckdb.connect() as connection:
        query = (
            f"select distinct customer_email, customer_name, ship_address1 from read_parquet('{orders}/*/*.parquet')"
        )
        rows = connection.execute(query).fetchall()
    assert rows
    emails = {email for email, _, _ in rows}
    parts = {email.split("@")[0] for email in emails} | {"@" + email.split("@")[1] for email in emails}
    streets = {street.split(" ", 1)[1] for _, _, street in rows}
    return emails | parts | streets | {name for _, name, _ in rows}


def files_with(folder: Path, texts: Iterable[str], decoded: Path) -> list[str]:
    """Files that hold one of the texts, as written or in one case: as bytes, or in their copy below `decoded`."""
    if shutil.which("grep") is None:
        skip_loudly("grep is not installed")
    with duckdb.connect() as connection:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                _decode(path, decoded / path.relative_to(folder), connection)
    wanted = decoded.with_name(f"{decoded.name}-wanted.txt")
    wanted.write_text("\n".join(sorted({form for text in texts for form in (text, text.lower(), text.upper())})) + "\n")
    command = ["grep", "-r", "-a", "-l", "-F", "-f", str(wanted), str(folder), str(decoded)]
    found = subprocess.run(command, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    assert found.returncode in (0, 1), found.stderr
    return found.stdout.splitlines()


def _decode(path: Path, copy: Path, connection: duckdb.DuckDBPyConnection) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        copy.write_bytes(gzip.decompress(path.read_bytes()))
    elif path.suffix == ".zst":
        copy.write_bytes(pa.CompressedInputStream(pa.OSFile(str(path)), "zstd").read())
    elif path.suffix == ".parquet":
        connection.execute(f"copy (from read_parquet('{path}', hive_partitioning = false)) to '{copy}' (format csv)")
    elif path.suffix == ".duckdb":
        connection.execute(f"attach '{path}' as searched (read_only)")
        tables = "select schema_name, table_name from duckdb_tables() where database_name = 'searched' and not internal"
        for schema, table in connection.execute(tables).fetchall():
            target = copy.with_name(f"{copy.name}.{schema}.{table}.csv")
            connection.execute(f'copy (from searched."{schema}"."{table}") to \'{target}\' (format csv)')
        connection.execute("detach searched")
