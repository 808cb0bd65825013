"""Bad settings, bad files, an unwritable folder, a full disk: one clear line, the right exit code, no harm."""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from tests.e2e import bad_inputs
from tests.e2e.comparing import differences
from tests.e2e.fixtures import LittleShop, skip_loudly
from tests.e2e.runs import COMMAND, REPOSITORY, Run, current, refresh, rows, run

SOURCE_ERROR, SETTINGS_ERROR, STORAGE_ERROR = 1, 2, 5
HEAD = 'shop = "little"\n'


def ingest(settings: Path, data_dir: Path) -> Run:
    """`wherehouse ingest`: takes files in as a refresh does, and builds nothing."""
    return run(["ingest", "--settings", str(settings), "--data-dir", str(data_dir)])


def content(data_dir: Path) -> tuple[str, bytes]:
    """Name and bytes of the published file."""
    path = current(data_dir)
    return path.name, path.read_bytes()


def line_with(text: str, words: tuple[str, ...]) -> str:
    """The line that holds all the words; fails where none does."""
    found = [line for line in text.splitlines() if all(word in line for word in words)]
    assert found, f"no line has all of {words}:\n{text}"
    return found[0]


@pytest.mark.parametrize("name", bad_inputs.BAD_SETTINGS)
def test_bad_settings(name: str, tmp_path: Path) -> None:
    """Exit 2 before anything is touched; the line names the file and the key."""
    text, words = bad_inputs.BAD_SETTINGS[name]
    settings = tmp_path / "wherehouse.toml"
    settings.write_text(text)
    run = refresh(settings, tmp_path / "data")
    assert run.code == SETTINGS_ERROR, run.text
    assert line_with(run.err, (*words,)) == run.err.strip(), "more than one line"
    assert "wherehouse.toml" in run.err or "gone.csv" in run.err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", bad_inputs.BAD_MAPS)
def test_bad_status_map(name: str, tmp_path: Path) -> None:
    """The map belongs to the settings: exit 2, the line names the file and the line in it."""
    text, words = bad_inputs.BAD_MAPS[name]
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "orders.csv").write_text(bad_inputs.lines("maps"))
    if text is not None:
        (tmp_path / "status_map.csv").write_text(text)
    source = bad_inputs.SETTINGS.format(name="maps", path="maps/orders.csv", options="")
    settings = tmp_path / "wherehouse.toml"
    settings.write_text(HEAD + source.replace('type = "files"', 'type = "files"\nstatus_map = "status_map.csv"'))
    run = refresh(settings, tmp_path / "data")
    assert run.code == SETTINGS_ERROR, run.text
    line_with(run.last_line, words)
    assert not (tmp_path / "data" / "published").exists()


def test_no_settings(tmp_path: Path) -> None:
    """A settings file that is not there."""
    run = refresh(tmp_path / "nowhere.toml", tmp_path / "data")
    assert run.code == SETTINGS_ERROR
    assert "nowhere.toml" in run.last_line


@pytest.mark.parametrize("name", bad_inputs.CASES)
def test_bad_file(name: str, tmp_path: Path) -> None:
    """Each alone: exit code, line, and rows that landed or were rejected."""
    case = bad_inputs.CASES[name]
    case.write(name, tmp_path)
    settings = tmp_path / "wherehouse.toml"
    settings.write_text(HEAD + case.settings(name))
    run = ingest(settings, tmp_path / "data")
    assert run.code == case.code, run.text
    line_with(run.text, case.says)
    assert "Traceback" not in run.text


def test_bad_files_do_not_stop_the_others(little_shop: LittleShop, tmp_path: Path) -> None:
    """All of them at once beside a good source: published with gaps, the good figures as they were, every file told."""
    shop = little_shop.copy_to(tmp_path)
    before = current(shop.data_dir)
    text = shop.world.settings.read_text()
    for name, case in bad_inputs.CASES.items():
        case.write(name, shop.world.folder)
        text += case.settings(name)
    shop.world.settings.write_text(text.replace("quarantine_rate = 0.5", "quarantine_rate = 0.05"))
    run = shop.refresh()
    assert run.code == bad_inputs.WITH_GAPS, run.text
    for case in bad_inputs.CASES.values():
        line_with(run.text, case.says)

    loads = rows(
        shop.data_dir,
        "select source, read, landed, quarantined, duplicate, not_applicable, outcome from ops.loads "
        "where source <> 'shop'",
    )
    assert all(row[1] == sum(row[2:6]) for row in loads)
    found = {row[0]: row for row in loads}
    for name, case in bad_inputs.CASES.items():
        if case.landed or case.rejected:
            assert found[name][2:4] == (case.landed, case.rejected), name
            assert (found[name][6] == "held") == (case.code == bad_inputs.WITH_GAPS), name
    taken = {name for name, case in bad_inputs.CASES.items() if case.landed and case.code == bad_inputs.TAKEN}
    orders = dict(rows(shop.data_dir, "select source, count(*) from marts.fct_orders group by all"))
    assert {source: count for source, count in orders.items() if source != "shop"} == {
        name: bad_inputs.CASES[name].landed for name in taken
    }
    old = dict(rows(little_shop.data_dir, "select source, count(*) from marts.fct_orders group by all"))
    assert orders["shop"] == old["shop"]
    assert current(shop.data_dir) != before
    unharmed = differences(current(little_shop.data_dir), before)
    assert unharmed == {}


def test_nothing_can_be_read(little_shop: LittleShop, tmp_path: Path) -> None:
    """The only source names a file that is gone: exit 1, nothing is published, what was there is still there."""
    shop = little_shop.copy_to(tmp_path)
    before = content(shop.data_dir)
    shop.world.settings.write_text(
        shop.world.settings.read_text().replace('"drops/*/orders.csv"', '"drops/orders.csv"')
    )
    run = shop.refresh()
    assert run.code == SOURCE_ERROR, run.text
    line_with(
        run.last_line, ("sources.shop.files[0].path", "drops/orders.csv", "is not there", "nothing was published")
    )
    assert content(shop.data_dir) == before


def _in_a_namespace(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script where it may mount file systems of its own."""
    if (
        shutil.which("unshare") is None
        or subprocess.run(["unshare", "-Urm", "true"], capture_output=True).returncode != 0
    ):
        skip_loudly("user namespaces are forbidden here: a read-only folder and a full disk were not tried")
    return subprocess.run(
        ["unshare", "-Urm", "sh", "-eu", "-c", script, "sh", *arguments], capture_output=True, text=True, cwd=REPOSITORY
    )


READ_ONLY = """
settings=$1 data=$2 mount=$3 command=$4 as_of=$5
mount -t tmpfs -o size=200m tmpfs "$mount"
cp -a "$data/." "$mount/"
sha256sum "$mount"/published/*.duckdb > "$mount/../before"
mount -o remount,ro "$mount"
set +e
"$command" refresh --settings "$settings" --data-dir "$mount" --as-of "$as_of" > "$mount/../out" 2> "$mount/../err"
echo $?
sha256sum -c --quiet "$mount/../before" && echo unharmed
"""

FULL_DISK = """
settings=$1 data=$2 mount=$3 command=$4 as_of=$5 free_kb=$6
mount -t tmpfs -o size=200m tmpfs "$mount"
cp -a "$data/." "$mount/"
sha256sum "$mount"/published/*.duckdb > "$mount/../before"
left=$(df --output=avail -k "$mount" | tail -1)
fallocate -l "$((left - free_kb))k" "$mount/filler"
set +e
"$command" refresh --settings "$settings" --data-dir "$mount" --as-of "$as_of" > "$mount/../out" 2> "$mount/../err"
echo $?
sha256sum -c --quiet "$mount/../before" && echo unharmed
rm "$mount/filler"
"$command" refresh --settings "$settings" --data-dir "$mount" --as-of "$as_of" > "$mount/../out2" 2> "$mount/../err2"
echo $?
cp -L "$mount/published/current.duckdb" "$mount/../after.duckdb"
"""


def _prepare(little_shop: LittleShop, folder: Path) -> tuple[LittleShop, list[str]]:
    shop = little_shop.copy_to(folder)
    shop.world.next_night()
    (folder / "mount").mkdir()
    arguments = [str(shop.world.settings), str(shop.data_dir), str(folder / "mount"), str(COMMAND), shop.world.as_of]
    return shop, arguments


def test_unwritable_data_folder(little_shop: LittleShop, tmp_path: Path) -> None:
    """A read-only file system: exit 5, one line that names the folder."""
    _, arguments = _prepare(little_shop, tmp_path)
    done = _in_a_namespace(READ_ONLY, *arguments)
    assert done.stdout.split() == [str(STORAGE_ERROR), "unharmed"], done.stderr + (tmp_path / "err").read_text()
    last = (tmp_path / "err").read_text().strip().splitlines()[-1]
    assert str(tmp_path / "mount") in last
    assert "cannot be written" in last or "Read-only file system" in last


@pytest.mark.parametrize("free_kb", [0, 3_000], ids=["nothing_free", "3_MB_free"])
def test_full_disk(little_shop: LittleShop, tmp_path: Path, free_kb: int) -> None:
    """Exit 5 and a line that says so; nothing published is harmed; with space again the next run completes."""
    shop, arguments = _prepare(little_shop, tmp_path)
    done = _in_a_namespace(FULL_DISK, *arguments, str(free_kb))
    code, harm, after = done.stdout.split()
    errors = (tmp_path / "err").read_text()
    assert (code, harm) == (str(STORAGE_ERROR), "unharmed"), errors[-3000:]
    assert "full" in errors.strip().splitlines()[-1]
    assert "Traceback" not in errors
    assert after == "0", (tmp_path / "err2").read_text()[-3000:]
    with duckdb.connect(str(tmp_path / "after.duckdb"), read_only=True) as connection:
        published = connection.execute("select count(*), max(as_of) from ops.publications").fetchall()
    assert published == [(4, datetime.fromisoformat(shop.world.as_of).replace(tzinfo=None))]
