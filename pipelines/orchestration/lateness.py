"""Whether tonight's refresh was published by its hour. Needs neither Dagster nor the warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pipelines.orchestration import alerts
from pipelines.settings import Settings
from pipelines.warehouse.connection import Engine
from pipelines.warehouse.ledger import Ledgers, append, read

_NIGHT = timedelta(hours=12)  # where the schedule is no plain hour: what was published that long before still counts


@dataclass(frozen=True, slots=True)
class Late:
    """A deadline that passed without a publication. `problems` are alerts that could not be sent."""

    deadline: datetime
    sentence: str
    problems: tuple[str, ...] = ()
    is_announced: bool = False  # by this look, rather than by one before


@dataclass(frozen=True, slots=True)
class Announced:
    """A line of ops/alerts.jsonl: a deadline that people have been told about."""

    deadline: datetime
    at: datetime


def check(settings: Settings, now: datetime) -> Late | None:
    """The last deadline before `now` (timezone-aware) if nothing was published for it, else None."""
    zone = ZoneInfo(settings.time_zone)
    hour, minute = (int(part) for part in settings.schedule.publish_by.split(":"))
    deadline = now.astimezone(zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
    if deadline > now:
        deadline = (deadline - timedelta(days=1)).replace(hour=hour, minute=minute)
    start = _start_before(deadline, settings.schedule.cron)
    published = [row.published_at for row in Ledgers.of(Engine(settings.data_dir)).publications()]
    moments = [moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo("UTC")) for moment in published]
    if any(moment >= start for moment in moments):
        return None
    last = f"the last publication is of {max(moments):%Y-%m-%d %H:%M} UTC" if moments else "nothing was ever published"
    return Late(deadline, f"no refresh was published by {deadline:%Y-%m-%d %H:%M} ({settings.time_zone}); {last}")


def announce_if_late(settings: Settings, now: datetime) -> Late | None:
    """Tell people about a missed deadline, once. Raises StorageError when that cannot be remembered."""
    late = check(settings, now)
    if late is None:
        return None
    path = settings.data_dir / "ops" / "alerts.jsonl"
    told = {line.get("deadline") for line in read(path)}
    row = Announced(late.deadline, now)
    if _text(row.deadline) in told:
        return late
    problems = alerts.announce(settings.alerts, alerts.late(settings.shop, late.sentence))
    if not problems:
        append(path, [row])
    return Late(late.deadline, late.sentence, tuple(problems), is_announced=not problems)


def _start_before(deadline: datetime, cron: str) -> datetime:
    """When the refresh for a deadline was due to start."""
    minute, hour, *rest = cron.split()
    if not (minute.isdigit() and hour.isdigit() and rest == ["*", "*", "*"]):
        return deadline - _NIGHT
    start = deadline.replace(hour=int(hour), minute=int(minute))
    return start if start <= deadline else start - timedelta(days=1)


def _text(moment: datetime) -> str:
    return moment.astimezone(ZoneInfo("UTC")).replace(tzinfo=None).isoformat(sep=" ")
