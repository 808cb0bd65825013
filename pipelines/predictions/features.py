"""The columns of a snapshot that models look at, their encoding as numbers, and the words for what they say.

What the columns mean is defined once, in dbt_project/macros/snapshots.sql, for training and scoring alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import polars as pl

Matrix = npt.NDArray[np.float32]
Reals = npt.NDArray[np.float64]

TRANSIT: Final = "transit"
ORDER: Final = "order"
KINDS: Final = (ORDER, TRANSIT)

# group of features -> what an operations lead calls it
WORDS: Final[Mapping[str, str]] = {
    "progress": "how far it has come, for the time it has taken",
    "silence": "no scan for longer than usual",
    "exception": "an exception on the way",
    "attempt": "a failed delivery attempt",
    "lane": "a slow lane",
    "carrier": "a carrier that is slow at the moment",
    "warehouse": "the warehouse hands over late",
    "promise": "little time left until the promise",
    "estimate": "the carrier itself expects it later",
    "calendar": "weekend, holiday or time of day",
    "parcel": "weight, value or service of the parcel",
}
CATEGORIES: Final[Mapping[str, str]] = {
    "carrier": "carrier",
    "service": "parcel",
    "lane": "lane",
    "origin": "warehouse",
    "destination_region": "lane",
    "destination_country": "lane",
    "last_milestone": "progress",
    "last_status_code": "progress",
}
NUMBERS: Final[Mapping[str, str]] = {
    "is_operating": "calendar",
    "local_hour": "calendar",
    "local_weekday": "calendar",
    "weight_grams": "parcel",
    "order_amount": "parcel",
    "shipping_amount": "parcel",
    "pieces": "parcel",
    "destination_postal_area": "lane",
    "origin_postal_area": "lane",
    "promise_days": "promise",
    "slack_days": "promise",
    "commitment_slack_days": "estimate",
    "estimate_slack_days": "estimate",
    "hours_since_order": "progress",
    "ordered_hour": "calendar",
    "handling_hours": "warehouse",
    "days_since_acceptance": "progress",
    "hours_since_acceptance": "progress",
    "hours_since_scan": "silence",
    "scans": "progress",
    "stops": "progress",
    "stop_hours": "progress",
    "moving_hours": "progress",
    "exceptions": "exception",
    "customs_scans": "exception",
    "weather_scans": "exception",
    "carrier_faults": "exception",
    "failed_attempts": "attempt",
    "is_returning": "exception",
    "days_since_out": "progress",
    "days_since_arrival": "progress",
    "usual_days": "lane",
    "usual_stops": "lane",
    "carrier_pace_7d": "carrier",
    "carrier_pace_28d": "carrier",
    "lane_pace_7d": "lane",
    "lane_pace_28d": "lane",
    "carrier_lane_pace_56d": "carrier",
    "handling_hours_7d": "warehouse",
    "handling_hours_28d": "warehouse",
    "load_7d": "warehouse",
    "seller_handling_hours": "warehouse",
    "seller_parcels": "warehouse",
}
# of a step ahead: operating days from now, and where they would bring the parcel
STEPS: Final[Mapping[str, str]] = {
    "step": "promise",
    "step_against_usual": "lane",
    "step_against_promise": "promise",
    "step_against_estimate": "estimate",
    "step_against_pace": "progress",
}
NAMES: Final = (*CATEGORIES, *NUMBERS, *STEPS)
GROUP_OF: Final[Mapping[str, str]] = {**CATEGORIES, **NUMBERS, **STEPS}
FIRST_STEP: Final = len(CATEGORIES) + len(NUMBERS)


@dataclass(frozen=True)
class Encoder:
    """Texts as the numbers they had in training; a text that was not there then is as unknown as a missing one."""

    texts: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, frame: pl.DataFrame, least: int = 20) -> Encoder:
        """The texts that occur often enough to say anything."""
        kept = {}
        for name in CATEGORIES:
            counts = frame.get_column(name).drop_nulls().value_counts()
            kept[name] = sorted(counts.filter(counts.get_column("count") >= least).get_column(name).to_list())
        return cls(kept)

    def matrix(self, frame: pl.DataFrame) -> Matrix:
        """One row per snapshot, the columns of NAMES; those of a step are left empty."""
        import polars as pl

        matrix = np.full((frame.height, len(NAMES)), np.nan, dtype=np.float32)
        for place, name in enumerate(CATEGORIES):
            numbers = {text: float(number) for number, text in enumerate(self.texts[name])}
            column = frame.get_column(name)
            if numbers:
                column = column.replace_strict(numbers, default=None, return_dtype=pl.Float32)
                matrix[:, place] = column.fill_null(np.nan).to_numpy()
        for place, name in enumerate(NUMBERS, start=len(CATEGORIES)):
            matrix[:, place] = frame.get_column(name).cast(pl.Float32).fill_null(np.nan).to_numpy()
        return matrix

    def as_json(self) -> dict[str, Any]:
        """For the model's file."""
        return {name: list(texts) for name, texts in self.texts.items()}


_PLACE: Final = {name: place for place, name in enumerate(NAMES)}


def at_step(rows: Matrix, step: float | Reals) -> None:
    """Fill the step columns of `rows`, in place: `step` operating days from now."""
    began = rows[:, _PLACE["days_since_acceptance"]]
    began = np.where(np.isnan(began), rows[:, _PLACE["hours_since_order"]] / 24 * 6 / 7, began)
    rows[:, FIRST_STEP] = step
    rows[:, FIRST_STEP + 1] = began + step - rows[:, _PLACE["usual_days"]]
    rows[:, FIRST_STEP + 2] = step - rows[:, _PLACE["slack_days"]]
    rows[:, FIRST_STEP + 3] = step - rows[:, _PLACE["estimate_slack_days"]]
    # as the parcel has come from stop to stop so far, with as many stops as are usual
    with np.errstate(divide="ignore", invalid="ignore"):  # no stop yet says nothing
        to_go = (rows[:, _PLACE["usual_stops"]] + 1) / rows[:, _PLACE["stops"]]
        rows[:, FIRST_STEP + 4] = began + step - rows[:, _PLACE["stop_hours"]] / 24 * to_go
