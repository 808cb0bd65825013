"""A tiny shop delivering CSV files, and the command line run in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines import cli

SETTINGS = """
shop = "tiny"
data_dir = "data"
as_of = 2026-02-01T00:00:00Z
{more}

[sources.exports]
type = "files"
status_map = "codes.csv"

[[sources.exports.files]]
path = "drops/orders/*.csv"
[sources.exports.files.entities.orders]
key = ["order_id"]
[sources.exports.files.entities.orders.columns]
order_id = "id"
email = "email"
ordered_at = "created"
promised_date = "promise"
destination_region = "region"
[sources.exports.files.entities.shipments]
[sources.exports.files.entities.shipments.columns]
order_id = "id"
tracking_number = "tracking"
carrier = {{ value = "UPS" }}
service = {{ value = "Ground" }}
shipped_at = "created"
destination_region = "region"

[[sources.exports.files]]
path = "drops/scans/*.csv"
[sources.exports.files.entities.scans]
[sources.exports.files.entities.scans.columns]
tracking_number = "tracking"
carrier = {{ value = "UPS" }}
occurred_at = "at"
status_code = "code"
"""


@dataclass
class Shop:
    """A folder with settings and drops."""

    folder: Path

    @property
    def settings(self) -> Path:
        return self.folder / "shop.toml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def current(self) -> Path:
        return self.data / "published" / "current.duckdb"

    def configure(self, more: str = "") -> None:
        self.settings.write_text(SETTINGS.format(more=more))
        (self.folder / "codes.csv").write_text("status_code,milestone\nPU,accepted\nDL,delivered\n")

    def orders(self, name: str, first: int, last: int, day: str = "2026-01-10") -> None:
        lines = ["id,email,created,promise,region,tracking"]
        lines += [f"o{n},p{n}@example.com,{day}T08:00:00Z,2026-01-20,CA,1Z{n}" for n in range(first, last)]
        self.write(f"orders/{name}.csv", lines)

    def scans(self, name: str, first: int, last: int) -> None:
        lines = ["tracking,at,code"]
        for n in range(first, last):
            delivered = "2026-01-25" if n % 4 == 0 else "2026-01-15"
            lines += [f"1Z{n},2026-01-11T09:00:00Z,PU", f"1Z{n},{delivered}T15:00:00Z,DL"]
        self.write(f"scans/{name}.csv", lines)

    def write(self, name: str, lines: list[str]) -> Path:
        path = self.folder / "drops" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
        return path

    def batches(self, file: str) -> list[str]:
        """Ids of the batches that a file became."""
        lines = map(json.loads, (self.data / "landing" / "manifest.jsonl").read_text().splitlines())
        return [line["batch_id"] for line in lines if line.get("file", "").endswith(file)]

    def run(self, *arguments: str) -> int:
        return cli.main([*arguments, "--settings", str(self.settings)])


def make_shop(folder: Path) -> Shop:
    """A shop of 40 orders, ten of them late."""
    shop = Shop(folder)
    shop.configure()
    shop.orders("2026-01-10", 0, 40)
    shop.scans("2026-01-26", 0, 40)
    return shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop that has never been refreshed."""
    return make_shop(tmp_path)


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("WHEREHOUSE_KEYS", "WHEREHOUSE_SETTINGS", "DAGSTER_HOME", "DAGSTER_STORAGE_DIR"):
        monkeypatch.delenv(name, raising=False)
    yield


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What was written to standard output and error since the last call."""

    def read() -> str:
        found = capsys.readouterr()
        return found.out + found.err

    return read
