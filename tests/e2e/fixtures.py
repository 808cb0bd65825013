"""Where the real data and the yardstick are, and the worlds that several tests share. Imported by the conftests."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from tests.e2e.runs import REPOSITORY, Run, refresh
from tests.e2e.shop_world import ShopWorld

SHARED = REPOSITORY.parent / "shared"


def skip_loudly(reason: str) -> NoReturn:
    """Skip, with a warning that shows in the summary whatever the verbosity."""
    warnings.warn(f"SKIPPED: {reason}", stacklevel=2)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the real data sets."""
    folder = Path(os.environ.get("WHEREHOUSE_SHARED_DATA") or SHARED / "data").resolve()
    if not (folder / "olist" / "orders.parquet").is_file():
        skip_loudly(f"no real data in {folder}: set WHEREHOUSE_SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def yardstick_scripts() -> Path:
    """The folder of the yardstick's generator and of its hand-written marts."""
    beside_data = Path(os.environ.get("WHEREHOUSE_SHARED_DATA") or SHARED / "data").parent
    places = [(folder / "yardstick").resolve() for folder in (SHARED, beside_data)]
    folder = next((place for place in places if (place / "gen.py").is_file()), None)
    if folder is None:
        skip_loudly(f"no yardstick in {places[0]}: set WHEREHOUSE_SHARED_DATA to the folder of the real data beside it")
    return folder


@pytest.fixture(scope="session")
def yardstick(yardstick_scripts: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`yardstick("100k", "--pii")`: a generated folder, made once a session for the same arguments."""
    made: dict[tuple[str, ...], Path] = {}

    def generate(rows: str, *options: str) -> Path:
        key = (rows, *options)
        if key not in made:
            folder = tmp_path_factory.mktemp("yardstick") / "drops"
            script = str(yardstick_scripts / "gen.py")
            subprocess.run(
                [sys.executable, script, "--rows", rows, "--out", str(folder), *options],
                check=True,
                capture_output=True,
            )
            made[key] = folder
        return made[key]

    return generate


@dataclass(frozen=True)
class LittleShop:
    """The made-up shop after some nights, each of them refreshed; `last` is how the last refresh ended."""

    world: ShopWorld
    data_dir: Path
    last: Run

    def copy_to(self, folder: Path) -> LittleShop:
        """A copy to do things to, published file included."""
        data_dir = shutil.copytree(self.data_dir, folder / "data", symlinks=True)
        return LittleShop(self.world.copy_to(folder / "input"), data_dir, self.last)

    def refresh(self, *, as_of: str = "", full: bool = False) -> Run:
        """Refresh it, by the clock of its last night if no other is given."""
        return refresh(self.world.settings, self.data_dir, as_of=as_of or self.world.as_of, full=full)


@pytest.fixture(scope="session")
def little_shop(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> LittleShop:
    """Three nights of the made-up shop, made once for all test processes. Copy it before changing anything."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder if worker_id == "master" else folder.parent) / "little_shop"
    folder.mkdir(exist_ok=True)
    kept = folder / "shop.pickle"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(_three_nights(folder)))
    shop = pickle.loads(kept.read_bytes())  # ours, written above
    assert isinstance(shop, LittleShop)
    return shop


def _three_nights(folder: Path) -> LittleShop:
    world = ShopWorld(folder / "input", seed=20)
    for _ in range(3):
        world.next_night()
        last = refresh(world.settings, folder / "data", as_of=world.as_of).expect()
    return LittleShop(world, folder / "data", last)
