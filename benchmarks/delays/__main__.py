"""`python -m benchmarks.delays olist | simulated`: the figures that the README states about predictions."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from benchmarks.delays import olist, simulated
from simulator.settings import Request

REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> None:
    """Run one of them in a folder that goes when it is done, or stays when named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delays", description=__doc__)
    parser.add_argument("which", choices=["olist", "simulated"])
    parser.add_argument("--folder", type=Path, help="where the warehouse goes (default: a temporary folder)")
    parser.add_argument("--seed", type=int, default=7, help="of the simulated world (7)")
    parser.add_argument("--orders-per-day", type=float, default=500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if given.which == "olist":
            for one in _olist(folder):
                print(one.text, flush=True)
        else:
            request = Request(
                seed=given.seed, first_day=date(2026, 3, 2), days=130, orders_per_day=given.orders_per_day
            )
            print(simulated.run(folder, request, 100).text)


def _olist(folder: Path) -> list[olist.Result]:
    shared = Path(os.environ.get("WHEREHOUSE_SHARED_DATA", REPOSITORY.parent / "shared" / "data")).resolve()
    examples = REPOSITORY / "examples"
    settings = (examples / "olist.toml").read_text().replace('"olist_status.csv"', f'"{examples}/olist_status.csv"')
    (folder / "olist.toml").write_text(settings + olist.SETTINGS)
    command = [str(Path(sys.executable).with_name("wherehouse")), "refresh", "--quiet"]
    command += ["--settings", str(folder / "olist.toml"), "--data-dir", str(folder / "data")]
    subprocess.run(command, check=True, env={**os.environ, "WHEREHOUSE_SHARED_DATA": str(shared)})
    return olist.run(folder / "data", shared / "olist")


if __name__ == "__main__":
    main()
