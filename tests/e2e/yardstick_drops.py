"""The yardstick's drops as nights deliver them, and settings that read them, personal data included."""

from __future__ import annotations

import os
import shutil
from datetime import date, timedelta
from pathlib import Path

from tests.e2e.runs import EXAMPLES, Forked, start

TABLES = ("orders", "order_items", "scans", "returns", "tickets")
LAST_DAY = date(2026, 1, 31)
_PERSON = """customer = "customer_id"
email = "customer_email"
person_name = "customer_name"
street = "ship_address1"
destination_postal = "ship_postcode"
"""


def settings(folder: Path, *, more: str = "") -> Path:
    """The example's settings plus the personal columns that `gen.py --pii` adds, in a folder of their own.

    One key file for all data folders that use them: tokens, and so marts, can then be compared.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = (EXAMPLES / "yardstick.toml").read_text()
    with_person = text.replace('customer = "customer_id"\n', _PERSON)
    assert with_person != text, "examples/yardstick.toml has changed"
    head, mark, sources = with_person.partition("[sources.yardstick]")
    path = folder / "yardstick.toml"
    path.write_text(f'{head}[privacy]\nkey_file = "keys.json"\n\n{more}\n{mark}{sources}')
    for name in ("yardstick_status.csv", "yardstick_reasons.csv"):
        shutil.copy(EXAMPLES / name, folder / name)
    return path


def deliver(generated: Path, kind: str, target: Path, until: date = LAST_DAY) -> None:
    """Put the drops of the days up to `until` into the target folder. `kind`: parquet, csv or jsonl."""
    source = generated if kind == "parquet" else generated / kind
    for table in TABLES:
        for day in sorted((source / table).glob("dt=*")):
            if date.fromisoformat(day.name[3:]) <= until and not (target / table / day.name).exists():
                shutil.copytree(day, target / table / day.name, copy_function=os.link)


def days(generated: Path) -> list[date]:
    """Days that any table has a drop of."""
    found = {date.fromisoformat(day.name[3:]) for table in TABLES for day in (generated / table).glob("dt=*")}
    return sorted(found)


def clock(until: date) -> str:
    """The clock of the night after that day."""
    return f"{until + timedelta(days=1)}T00:00:00Z"


def start_night(generated: Path, kind: str, settings_file: Path, world: Path, until: date = LAST_DAY) -> Forked:
    """Deliver what has come until that day and start the refresh of the night after it."""
    deliver(generated, kind, world / "drops", until)
    environment = {"WHEREHOUSE_YARDSTICK": str(world / "drops")}
    return start(settings_file, world / "data", as_of=clock(until), environment=environment)
