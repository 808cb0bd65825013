"""Phrases and codes: the bank is large and split, the committed maps and settings fit what is written."""

from __future__ import annotations

import string
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from pipelines.domain.entities import ENTITIES
from pipelines.domain.milestones import FAULTS, MILESTONES, RETURN_REASON_GROUPS, TOPICS
from simulator import codes
from simulator.people import LANGUAGES
from simulator.phrases import NUMBERED, SITUATIONS, phrases, subjects
from simulator.shapes import SHAPES

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Sample

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
SLOTS = {"order", "tracking", "product", "days", "carrier"}


def all_phrases(part: str, language: str, topic: str) -> list[str]:
    return [text for situation in SITUATIONS[topic] for text in phrases(part, language, topic, situation)]


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_bank_is_large_enough_and_its_parts_have_nothing_in_common(language: str, topic: str) -> None:
    known, kept = all_phrases("open", language, topic), all_phrases("kept", language, topic)
    assert len(known) + len(kept) >= (40 if language == "en" else 15)
    assert len(kept) >= (20 if language == "en" else 8)
    assert not {text.lower() for text in known} & {text.lower() for text in kept}
    assert len(set(known + kept)) == len(known + kept)
    assert sorted(all_phrases("both", language, topic)) == sorted(known + kept)
    for text in known + kept:
        assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= SLOTS
    assert subjects("both", language, topic)


def test_the_kept_part_is_used_only_where_asked_for() -> None:
    kept = {text for topic, situation in NUMBERED for text in phrases("kept", "en", topic, situation)}
    known = {text for topic, situation in NUMBERED for text in phrases("open", "en", topic, situation)}
    assert not kept & known


def test_every_ticket_says_what_its_truth_says(sample: Sample) -> None:
    tickets = sample.tables["tickets"].unique("ticket_id").join(sample.truth("tickets"), on="ticket_id")
    assert len(tickets) > 800
    assert not tickets["body"].str.contains(r"[{}]").any()
    for row in tickets.head(400).iter_rows(named=True):
        bank = phrases("both", row["language"], row["topic"], row["situation"])
        pieces = [max(part.replace("{", "}").split("}")[::2], key=len) for part in bank]
        assert any(piece in row["body"] for piece in pieces), row
    assert set(tickets["language"]) == set(LANGUAGES)


def test_committed_maps_are_those_of_the_code() -> None:
    assert (EXAMPLES / "simulated_status_map.csv").read_text(encoding="utf-8") == codes.status_map_csv()
    assert (EXAMPLES / "simulated_reason_map.csv").read_text(encoding="utf-8") == codes.reason_map_csv()


def test_maps_speak_the_products_words() -> None:
    status = pl.read_csv(EXAMPLES / "simulated_status_map.csv")
    assert status["status_code"].is_unique().all()
    assert set(status["milestone"]) <= set(MILESTONES)
    assert {text.split("_")[0] for text in status["incident"].drop_nulls()} <= set(FAULTS)
    reason = pl.read_csv(EXAMPLES / "simulated_reason_map.csv")
    assert set(reason["reason_group"]) <= set(RETURN_REASON_GROUPS)
    assert set(reason["reason_fault"]) <= {"carrier", "merchant", "recipient", "unknown"}


def test_maps_know_every_code_but_the_unknown_ones(sample: Sample) -> None:
    known = set(pl.read_csv(EXAMPLES / "simulated_status_map.csv")["status_code"])
    easy = sample.export("scans_easypost").select(pl.concat_str("status", pl.lit("."), "status_detail")).to_series()
    after = sample.export("scans_aftership")["subtag"].drop_nulls()
    unmapped = {f"{'.'.join(codes.UNKNOWN_CODES['easypost'])}", codes.UNKNOWN_CODES["aftership"][1]}
    assert (set(easy) | set(after)) - known <= unmapped
    reasons = set(pl.read_csv(EXAMPLES / "simulated_reason_map.csv")["reason_code"])
    assert set(sample.tables["return_lines"]["reason_code"]) <= reasons


def test_settings_map_every_export_by_columns_that_it_has(sample: Sample) -> None:
    settings = tomllib.loads((EXAMPLES / "simulated_files.toml").read_text(encoding="utf-8"))
    mapped = set()
    for entry in settings["sources"]["merchant"]["files"]:
        folder = entry["path"].split("/")[1]
        mapped.add(folder)
        have = set(sample.export(folder).columns)
        for name, entity in entry["entities"].items():
            fields = {field.name: field for field in ENTITIES[name].fields}
            for field, column in entity["columns"].items():
                assert field in fields, (folder, field)
                wanted = column if isinstance(column, str) else column.get("column")
                assert wanted is None or wanted in have, (folder, field, wanted)
            assert {field.name for field in fields.values() if field.required} <= set(entity["columns"])
    assert mapped == {shape.folder for shape in SHAPES} | {"products"} == set(sample.exports)
