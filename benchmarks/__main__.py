"""`python -m benchmarks`: our refresh on the yardstick's drops beside the hand-written limit, in rounds.

Figures are CPU seconds of the whole process (they hold on a busy machine), medians over the rounds, ratios within a
round. Everything is on: tokens, quarantine, checks, all marts, publishing. It leaves a table and a picture here.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from benchmarks import drops, report
from benchmarks.measure import Cost, run
from benchmarks.pulling import peers

REPOSITORY = Path(__file__).resolve().parents[1]
WHEREHOUSE = REPOSITORY / ".venv" / "bin" / "wherehouse"
SETTINGS = REPOSITORY / "examples" / "yardstick.toml"


@dataclass
class Bench:
    """Where things are, and what was measured: name -> costs, one a round."""

    tools: Path
    folder: Path
    costs: dict[str, list[Cost]] = field(default_factory=dict)

    def note(self, name: str, cost: Cost) -> None:
        """Keep a cost and say it."""
        self.costs.setdefault(name, []).append(cost)
        print(f"{name:40} {cost.cpu:8.1f} CPU s {cost.wall:8.1f} s {cost.mib:8.0f} MiB", flush=True)

    def refresh(self, name: str, data: Path, into: Path, as_of: str, *options: str) -> None:
        """One refresh, measured."""
        command = [str(WHEREHOUSE), "refresh", "--settings", str(SETTINGS), "--data-dir", str(into), "--as-of", as_of]
        environment = {"WHEREHOUSE_YARDSTICK": str(data)}
        self.note(name, run([*command, *options], log=self.folder / "refresh.log", environment=environment))

    def limit(self, name: str, data: Path, form: str) -> None:
        """The yardstick's full build; it measures itself, without start-up."""
        command = [
            sys.executable,
            str(self.tools / "limit.py"),
            "--data",
            str(data),
            "--db",
            str(self.folder / "limit.duckdb"),
        ]
        command += ["--format", form] if form != "parquet" else []
        self._self_measured(name, command)

    def peer(self, name: str, data: Path, variant: str) -> None:
        """What a team would otherwise use, in an environment of its own; it measures itself, start-up included."""
        python, work = peers(self.tools, self.folder), _fresh(self.folder / "peer")
        command = [str(python), str(self.tools / "peer.py"), variant, "--data", str(data), "--work", str(work)]
        self._self_measured(name, command)

    def _self_measured(self, name: str, command: list[str]) -> None:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        line = json.loads(done.stdout.splitlines()[-1])
        self.note(name, Cost(line["cpu"], line["wall"], line["rss_mb"]))


def main() -> None:
    """Make the drops, run the rounds, write the report."""
    given = _arguments()
    tools = given.tools.expanduser().resolve()
    if not (tools / "gen.py").exists():
        raise SystemExit(f"{tools}: the yardstick's gen.py is not there; name its folder with --tools")
    bench = Bench(tools, given.folder.expanduser().resolve())
    bench.folder.mkdir(parents=True, exist_ok=True)
    same = True
    for rows in given.rows:
        data = drops.make(tools, bench.folder, rows, given.formats, pii=given.pii)
        size = f"{rows}-pii" if given.pii else rows
        for number in range(given.rounds):
            print(f"round {number + 1} of {given.rounds}, {size} scans", flush=True)
            bench.note(f"{size} writing landing", _writing(bench, data))
            for form in given.formats:
                _full(bench, data, size, form)
            for variant in given.peers:
                bench.peer(f"{size} parquet peer {variant}", data, variant)
            same &= _nights(bench, data, size, given.formats[0])
    report.write(Path(__file__).parent, bench.costs, rounds=given.rounds, same=same)
    if not same:
        raise SystemExit("incremental and full marts differ")


def _full(bench: Bench, data: Path, size: str, form: str) -> None:
    bench.limit(f"{size} {form} limit", data, form)
    bench.refresh(f"{size} {form} full refresh", _drop(data, form), _fresh(bench.folder / f"full-{form}"), "2026-02-01")


def _drop(data: Path, form: str) -> Path:
    return data if form == "parquet" else data / form


def _writing(bench: Bench, data: Path) -> Cost:
    """What copying every drop to Parquet files costs by itself: landing cannot be cheaper."""
    out = _fresh(bench.folder / "written")
    code = (
        "import duckdb, sys, pathlib; con = duckdb.connect(); con.execute('set preserve_insertion_order = false')\n"
        "for i, f in enumerate(sorted(pathlib.Path(sys.argv[1]).glob('*/dt=*/*.parquet'))):\n"
        "    read = f\"from read_parquet('{f}', hive_partitioning = false)\"\n"
        "    con.execute(f\"copy ({read}) to '{sys.argv[2]}/{i}.parquet' (format parquet, compression zstd)\")"
    )
    return run([sys.executable, "-c", code, str(data), str(out)], log=bench.folder / "writing.log")


def _nights(bench: Bench, data: Path, size: str, form: str) -> bool:
    """One more day on top, then nights with nothing new; whether the marts of that day equal the full build's."""
    links, into, full = _fresh(bench.folder / "links"), _fresh(bench.folder / "night"), bench.folder / f"full-{form}"
    shutil.copytree(full / "secrets", into / "secrets")  # the same key makes the same tokens
    *before, last = drops.days(_drop(data, form))
    drops.link(_drop(data, form), links, before[-1])
    bench.refresh(f"{size} {form} all but the last day", links, into, "2026-01-31")
    drops.link(_drop(data, form), links, last)
    bench.refresh(f"{size} {form} one more day", links, into, "2026-02-01")
    bench.refresh(f"{size} {form} nothing new", links, into, "2026-02-01")
    same = _equal(into / "marts.duckdb", full / "marts.duckdb")
    bench.refresh(f"{size} {form} nothing new, a day later", links, into, "2026-02-02")
    return same


def _equal(one: Path, other: Path) -> bool:
    connection = duckdb.connect()
    connection.execute(f"attach '{one}' as one (read_only); attach '{other}' as other (read_only)")
    found = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() "
        "where database_name = 'one' and schema_name = 'marts'"
    )
    for (table,) in found.fetchall():
        row = connection.execute(
            f"select (select count(*) from (from one.{table} except all from other.{table})), "
            f"(select count(*) from (from other.{table} except all from one.{table}))"
        ).fetchone()
        if row != (0, 0):
            print(f"{table}: {row} rows differ", flush=True)
            return False
    return True


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    default = Path(os.environ.get("WHEREHOUSE_SHARED_DATA", REPOSITORY.parent / "shared" / "data")).parent / "yardstick"
    parser.add_argument("--tools", type=Path, default=default, help="the yardstick's folder (%(default)s)")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "data" / "bench", help="where drops and results go")
    parser.add_argument("--rows", nargs="+", default=["1M"], help="scans: 100k 1M 10M 50M (1M)")
    parser.add_argument("--formats", nargs="+", default=["parquet"], choices=["parquet", "csv", "jsonl"])
    parser.add_argument("--peers", nargs="*", default=[], help="beside it: dbt dlt-arrow dlt-arrow-dbt (none)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds that take turns (3)")
    parser.add_argument("--pii", action="store_true", help="with names, e-mails and streets")
    return parser.parse_args()


if __name__ == "__main__":
    main()
