"""Looking back: snapshots of any moments of the past, and models that learn what was known at an origin only."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.domain.errors import BuildError
from pipelines.predictions.curves import EDGES, Reals
from pipelines.warehouse.connection import Engine, open_warehouse
from pipelines.warehouse.runner import invoke

if TYPE_CHECKING:
    import polars as pl

    from pipelines.predictions.hazard import Hazard

FEWEST: Final = 500  # outcomes below which there is nothing to learn


@dataclass(frozen=True)
class Fold:
    """What a model that learned at `origin` says of snapshots taken after it. `curves` are not calibrated."""

    origin: datetime
    fresh: pl.DataFrame
    curves: Reals
    model: Hazard


def snapshots(engine: Engine, cases: str) -> pl.DataFrame:
    """Snapshots with outcomes, for a query (a dbt template) that yields what `snapshots_with_outcomes` wants.

    Raises BuildError, StorageError.
    """
    template = "{% set cases %}" + cases + "{% endset %}{{ snapshots_with_outcomes(cases) }}"
    done = invoke(engine, ["compile", "--inline", template])
    if not done.success:
        raise BuildError(f"the snapshots asked for cannot be taken: {done.exception}")
    query = str(done.result.results[0].node.compiled_code)  # type: ignore[union-attr]
    with open_warehouse(engine) as connection:
        taken: pl.DataFrame = connection.sql(query).pl()
    return taken.sort("kind", "moment", "case_id")


def rolling(
    frame: pl.DataFrame,
    calendar: pl.DataFrame,
    origins: Sequence[datetime],
    rounds: int,
    asked: pl.DataFrame | None = None,
) -> Iterator[Fold]:
    """A model at each origin but the last, asked about the snapshots until the next (of `asked`, else of `frame`).

    Origins at which there is too little to learn, or nothing to ask, are left out.
    """
    import polars as pl

    from pipelines.predictions import hazard

    for origin, until in itertools.pairwise(origins):
        past = frame.filter(pl.col("moment") < origin)
        fresh = (frame if asked is None else asked).filter((pl.col("moment") >= origin) & (pl.col("moment") < until))
        days, survived = answers(past, calendar, origin)
        if (~np.isnan(days)).sum() < FEWEST or not fresh.height:
            continue
        model = hazard.fit(past, days, survived, rounds=rounds)
        yield Fold(origin, fresh, model.curves(fresh), model)


def as_known(frame: pl.DataFrame, calendar: pl.DataFrame, origin: datetime) -> pl.DataFrame:
    """Training snapshots as they would have been at `origin`."""
    import polars as pl

    past = frame.filter(pl.col("moment") < origin)
    days, survived = answers(past, calendar, origin)
    return past.with_columns(
        pl.Series("outcome_days", days, nan_to_null=True),
        pl.Series("outcome_survived_days", survived, nan_to_null=True),
        outcome_is_gone=pl.lit(value=False),
        outcome_delivered_date=pl.when(pl.Series(~np.isnan(days))).then("outcome_delivered_date"),
    )


def answers(
    frame: pl.DataFrame, calendar: pl.DataFrame | None = None, origin: datetime | None = None
) -> tuple[Reals, Reals]:
    """Days until delivery and days survived, as known at `origin` (by default: by now)."""
    import polars as pl

    days = frame.get_column("outcome_days").cast(pl.Float64)
    survived = frame.get_column("outcome_survived_days").cast(pl.Float64)
    if origin is not None and calendar is not None:
        today = calendar.filter(pl.col("day") == origin.date()).select(
            "carrier", "destination_country", pl.col("operating_no").alias("_today")
        )
        asked = frame.join(today, on=["carrier", "destination_country"], how="left", maintain_order="left")
        is_known = frame.get_column("outcome_delivered_date").fill_null(datetime.max.date()) < origin.date()
        days = days.set(~is_known, None)
        survived = (asked.get_column("_today") - asked.get_column("operating_no") - 1).cast(pl.Float64)
    else:  # what is known to have ended otherwise will never be delivered
        gone = frame.get_column("outcome_is_gone") & days.is_null()
        survived = survived.set(gone, float(EDGES[-1]))
    return days.fill_null(np.nan).to_numpy(), survived.fill_null(np.nan).to_numpy()
