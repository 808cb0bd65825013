"""What is expected of predictions before an outlook is made of them: chances are chances, later quantiles later."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.quality.expectations import Finding, Rule, at_least, between, matches, not_null, validate

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

MOST_ROWS: Final = 100_000
_SHOWN: Final = (
    "kind, case_id, basis, p10_days, p50_days, p80_days, p90_days, miss_probability, presumed_lost_probability, "
    "case when basis = 'none' or p50_days is not null then 1 else 0 end as is_answered, "
    "case when basis <> 'model' or model_id <> '' then 1 else 0 end as names_its_model"
)


def check_predicted(warehouse_file: Path) -> tuple[Finding, ...]:
    """Hold what a refresh has predicted against the suite; nothing open, nothing found.

    Call it with no other connection to the file open. Raises BuildError when a check cannot be evaluated.
    """
    import duckdb

    with duckdb.connect(str(warehouse_file), read_only=True) as connection:
        frame: pd.DataFrame = connection.execute(
            f"select {_SHOWN} from predictions.current order by kind, case_id limit {MOST_ROWS}"  # noqa: S608  constants
        ).df()
    return validate(frame, suite()) if len(frame) else ()


def suite() -> list[Rule]:
    """Of one row a prediction."""
    return [
        not_null("case_id"),
        matches("basis", "^(model|lane quantiles|none)$", "a stated basis"),
        between("miss_probability", 0, 1),
        between("presumed_lost_probability", 0, 1),
        between("p10_days", 0),
        at_least("p50_days", "p10_days"),
        at_least("p80_days", "p50_days"),
        at_least("p90_days", "p80_days"),
        between("is_answered", 1, 1),
        between("names_its_model", 1, 1),
    ]
