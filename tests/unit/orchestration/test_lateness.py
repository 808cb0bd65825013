"""When a refresh counts as late, in the shop's own time zone, and that people are told once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.orchestration import alerts, lateness
from pipelines.settings import Alerts, Schedule, Settings
from pipelines.warehouse.ledger import append
from pipelines.warehouse.ops import Publication

BERLIN = "Europe/Berlin"  # UTC+1 in winter


def _settings(tmp_path: Path, cron: str = "0 4 * * *") -> Settings:
    return Settings(
        data_dir=tmp_path,
        time_zone=BERLIN,
        schedule=Schedule(cron=cron, publish_by="06:00"),
        alerts=Alerts(webhook_url_env="HOOK"),
    )


def _published(tmp_path: Path, at: str) -> None:
    moment = datetime.fromisoformat(at)
    row = Publication(
        run_id=at,
        as_of=moment,
        published_at=moment,
        is_full=False,
        full_reason="",
        code_version="",
        project_hash="",
        seeds_hash="",
        settings_hash="",
        batches=0,
        batches_hash="",
        new_batches=0,
        cpu_seconds=0,
        wall_seconds=0,
        outcome="published",
        rows_json="{}",
    )
    append(tmp_path / "ops" / "publications.jsonl", [row])


@pytest.mark.parametrize(
    ("now", "published", "deadline"),
    [
        ("2026-01-10T04:59:00+00:00", "2026-01-09T03:30:00+00:00", None),  # 05:59 in Berlin: not yet due
        ("2026-01-10T05:01:00+00:00", "2026-01-09T03:30:00+00:00", "2026-01-10T06:00:00+01:00"),
        ("2026-01-10T05:01:00+00:00", "2026-01-10T03:30:00+00:00", None),
        ("2026-01-10T23:00:00+00:00", "2026-01-10T15:00:00+00:00", None),  # late, but there
        ("2026-01-10T05:01:00+00:00", "2026-01-10T02:59:00+00:00", "2026-01-10T06:00:00+01:00"),  # before its night
    ],
)
def test_late_is_judged_by_the_last_deadline(tmp_path: Path, now: str, published: str, deadline: str | None):
    _published(tmp_path, published)

    late = lateness.check(_settings(tmp_path), datetime.fromisoformat(now))

    assert (late.deadline if late else None) == (datetime.fromisoformat(deadline) if deadline else None)


def test_a_night_that_starts_the_evening_before(tmp_path: Path):
    _published(tmp_path, "2026-01-09T21:30:00+00:00")  # 22:30 in Berlin

    assert lateness.check(_settings(tmp_path, "0 22 * * *"), datetime(2026, 1, 10, 5, 1, tzinfo=UTC)) is None
    assert lateness.check(_settings(tmp_path, "0 4 * * *"), datetime(2026, 1, 10, 5, 1, tzinfo=UTC)) is not None
    assert lateness.check(_settings(tmp_path, "*/30 * * * *"), datetime(2026, 1, 10, 5, 1, tzinfo=UTC)) is None


def test_people_are_told_once_a_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told: list[alerts.Alert] = []
    monkeypatch.setattr(alerts, "announce", lambda settings, alert: told.append(alert) or [])
    settings, now = _settings(tmp_path), datetime(2026, 1, 10, 5, 1, tzinfo=UTC)

    first = lateness.announce_if_late(settings, now)
    second = lateness.announce_if_late(settings, now + timedelta(minutes=5))
    next_day = lateness.announce_if_late(settings, now + timedelta(days=1))

    assert [late is not None and late.is_announced for late in (first, second, next_day)] == [True, False, True]
    assert "nothing was ever published" in told[0].text
    assert len(told) == 2


def test_what_could_not_be_sent_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(alerts, "announce", lambda settings, alert: ["down"])
    settings, now = _settings(tmp_path), datetime(2026, 1, 10, 5, 1, tzinfo=UTC)

    for _ in range(2):
        late = lateness.announce_if_late(settings, now)
        assert late is not None and (late.is_announced, late.problems) == (False, ("down",))
