"""What is published: the run, its clock, the shop's settings, and the calendar weeks that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dashboards import data

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Publication:
    """The published run and what a page needs to know about it. Moments are UTC without an offset, as in the file."""

    run_id: str
    as_of: datetime
    published_at: datetime
    settings: dict[str, str]

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone; UTC where the setting says nothing usable."""
        try:
            return ZoneInfo(self.settings.get("time_zone", "UTC"))
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo("UTC")

    @property
    def currency(self) -> str:
        """The currency that amounts are reported in."""
        return self.settings.get("reporting_currency", "USD")

    @property
    def suppress_under(self) -> int:
        """Rates over fewer due parcels are not shown."""
        return self._number("thresholds.suppress_under", 30)

    @property
    def grey_under(self) -> int:
        """Rates over fewer due parcels are shown in grey."""
        return self._number("thresholds.grey_under", 100)

    @property
    def stalled_hours(self) -> int:
        """A parcel without a scan for so long has stalled."""
        return self._number("thresholds.stalled_hours", 48)

    @property
    def cost_per_contact(self) -> float:
        """What one contact costs, in the reporting currency."""
        try:
            return float(self.settings["costs.per_contact"])
        except (KeyError, ValueError):
            return 6.0

    @property
    def predicts(self) -> bool:
        """Whether the shop has predictions made."""
        return self.settings.get("predictions.enabled") == "true"

    @property
    def today(self) -> date:
        """The shop's calendar day at as_of."""
        return self.local(self.as_of).date()

    @property
    def last_complete_week(self) -> date:
        """Monday of the last week that was over at as_of."""
        return self.today - timedelta(days=self.today.weekday()) - WEEK

    @property
    def age(self) -> timedelta:
        """Time since publication."""
        return datetime.now(UTC).replace(tzinfo=None) - self.published_at

    def local(self, moment: datetime) -> datetime:
        """A UTC moment of the file in the shop's time zone."""
        return moment.replace(tzinfo=UTC).astimezone(self.zone)

    def _number(self, key: str, default: int) -> int:
        try:
            return int(float(self.settings[key]))
        except (KeyError, ValueError, TypeError):
            return default


def current() -> Publication:
    """The publication that the file holds right now. Raises data.UnavailableError."""
    newest = data.ask("publications").rows.head(1).to_dicts()
    if not newest:
        raise data.UnavailableError(
            "The published file does not say which run it comes from: its refresh did not end well. "
            "Run `wherehouse refresh`, then reload this page."
        )
    settings = {row["key"]: str(row["value"]).strip('"') for row in data.ask("settings").rows.to_dicts()}
    return Publication(newest[0]["run_id"], newest[0]["as_of"], newest[0]["published_at"], settings)
