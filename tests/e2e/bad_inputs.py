"""Files that go wrong in the ways that files do: one folder a case, with the settings that read it.

What has to come of each: exit code, and words of the one line that says what is wrong and what to do.
"""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

SETTINGS = """
[sources.{name}]
type = "files"
[[sources.{name}.files]]
path = "{path}"
{options}
[sources.{name}.files.entities.orders.columns]
order_id = "order_id"
ordered_at = "ordered_at"
promised_date = "promised_date"
order_amount = "total"
destination_region = "state"
"""
TAKEN, WITH_GAPS = 0, 3
ROWS = 300


def lines(name: str) -> str:
    """A good file: ids start with the case's name."""
    header = "order_id,ordered_at,promised_date,total,state\n"
    days = ((number, 1 + number % 9) for number in range(ROWS))
    return header + "".join(f"{name}-{n},2026-01-0{day} 10:00:00,2026-01-1{day},{n}.50,N{n % 7}\n" for n, day in days)


@dataclass(frozen=True)
class Case:
    """One way to go wrong. `landed` and `rejected` rows; `says`: words of one line of the output."""

    make: Callable[[str], bytes | None]
    code: int
    says: tuple[str, ...]
    landed: int = 0
    rejected: int = 0
    file: str = "orders.csv"
    path: str = "orders.csv*"
    options: str = ""

    def settings(self, name: str) -> str:
        """The source's table for a settings file in the folder above the case's."""
        return SETTINGS.format(name=name, path=f"{name}/{self.path}", options=self.options)

    def write(self, name: str, folder: Path) -> None:
        """Make the folder and the file."""
        (folder / name).mkdir(parents=True)
        content = self.make(name)
        if content is not None:
            (folder / name / self.file).write_bytes(content)


def _parquet_with_times_as_numbers(name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "orders.parquet"
        values = "1767261600 as ordered_at, date '2026-01-10' as promised_date, 1.5 as total, 'N1' as state"
        connection.execute(f"copy (select '{name}-1' as order_id, {values}) to '{path}' (format parquet)")
        return path.read_bytes()


def _with_column_added(name: str) -> bytes:
    header, *rest = lines(name).splitlines()
    return "\n".join([header + ",gift", *(line + ",yes" for line in rest), ""]).encode()


CASES: dict[str, Case] = {
    "missing": Case(
        lambda name: None, WITH_GAPS, ("orders.csv", "is not there", "missing.files[0].path"), path="orders.csv"
    ),
    "empty": Case(lambda name: b"", TAKEN, ("orders.csv", "is empty")),
    "header_only": Case(
        lambda name: lines(name).splitlines(keepends=True)[0].encode(), TAKEN, ("header_only / orders", " 0 ")
    ),
    "encoding": Case(
        lambda name: lines(name).replace("state", "état").encode("latin-1"),
        WITH_GAPS,
        ("orders.csv", "not UTF-8", 'encoding = "latin-1"'),
    ),
    "encoding_inside": Case(
        lambda name: lines(name).replace("N1", "São Paulo").encode("latin-1"),
        WITH_GAPS,
        ("encoding_inside / orders", "not in the declared encoding"),
        landed=ROWS - 43,
        rejected=43,
    ),
    "delimiter": Case(
        lambda name: lines(name).replace(",", ";").encode(),
        WITH_GAPS,
        ("orders.csv", "delimiter = ';'", "delimiter.files[0]"),
    ),
    "malformed": Case(  # 1 % of the rows
        lambda name: (
            lines(name)
            .replace(f"{name}-7,2026", f"{name}-7,MMXXVI")
            .replace(f"{name}-9,2026-01-01 10:00:00", f"{name}-9,")
            .replace(f"{name}-11,", f"{name}-11;")
            .encode()
        ),
        TAKEN,
        ("malformed / orders", "ordered_at: not a time"),
        landed=ROWS - 3,
        rejected=3,
    ),
    "malformed_much": Case(
        lambda name: lines(name).replace("0:00,2026", "0:00,2O26", 60).encode(),
        WITH_GAPS,
        ("malformed_much / orders", "orders.csv", "20.0% rejected"),
        landed=ROWS - 60,
        rejected=60,
    ),
    "column_gone": Case(
        lambda name: lines(name).replace("total", "amount").encode(),
        WITH_GAPS,
        ("orders.csv", "column 'total' is not there", "columns.order_amount"),
    ),
    "column_added": Case(_with_column_added, TAKEN, ("column_added / orders", "300"), landed=ROWS),
    "type_changed": Case(
        lambda name: lines(name).replace(".50,", " euros,").encode(),
        WITH_GAPS,
        ("type_changed / orders", "order_amount: not an amount"),
        rejected=ROWS,
    ),
    "type_changed_parquet": Case(
        _parquet_with_times_as_numbers,
        WITH_GAPS,
        ("orders.parquet", "column 'ordered_at' holds INTEGER", "unit = 's'", "columns.ordered_at"),
        file="orders.parquet",
        path="orders.parquet",
    ),
    "torn_archive": Case(
        lambda name: gzip.compress(lines(name).encode())[:-200],
        TAKEN,
        ("orders.csv.gz", "left for the next time"),
        file="orders.csv.gz",
    ),
    "unfinished": Case(
        lambda name: lines(name).encode(), TAKEN, ("nothing matches", "yet"), file="orders.csv.part", path="orders.csv*"
    ),
}

BAD_SETTINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "not_toml": ("shop = little\n", ("not valid TOML", "line 1")),
    "unknown_key": ('shopp = "little"\n', ("shopp", "unknown setting")),
    "wrong_kind": (
        'shop = "little"\n[thresholds]\nstalled_hours = "two days"\n',
        ("thresholds.stalled_hours", "two days"),
    ),
    "wrong_zone": ('time_zone = "Europe/Londres"\n', ("time_zone", "Europe/Londres")),
    "naive_clock": ("as_of = 2026-01-31T00:00:00\n", ("as_of", "offset")),
    "unset_variable": ('data_dir = "${WHEREHOUSE_NOWHERE}"\n', ("data_dir", "WHEREHOUSE_NOWHERE")),
    "unknown_source": ('[sources.x]\ntype = "teleprinter"\n', ("sources.x", "teleprinter")),
    "unknown_entity": (
        SETTINGS.format(name="x", path="a.csv", options="").replace("entities.orders", "entities.odrers"),
        ("odrers",),
    ),
    "unknown_field": (SETTINGS.format(name="x", path="a.csv", options="") + 'promised = "p"\n', ("columns.promised",)),
    "required_field": (
        SETTINGS.format(name="x", path="a.csv", options="").replace('ordered_at = "ordered_at"\n', ""),
        ("cannot do without ordered_at",),
    ),
    "bad_expression": (
        SETTINGS.format(name="x", path="a.csv", options="") + 'channel = { sql = "lower(channel" }\n',
        ("columns.channel", "not an SQL expression"),
    ),
}

BAD_MAPS: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "gone": (None, ("sources.maps.status_map", "status_map.csv")),
    "unknown_milestone": (
        "status_code,milestone\nPU,fetched\n",
        ("status_map.csv line 2", "'fetched' is not a milestone"),
    ),
}
