"""Running Great Expectations on a data frame, and what it found as plain data.

What is expected of which frame is in `landed.py` and `published.py`. Importing Great Expectations costs seconds of CPU:
it happens here, inside the functions, and only when there is a frame to look at.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from pipelines.domain.errors import BuildError

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

ERROR: Final = "error"  # blocking: publishing would mislead
WARN: Final = "warn"  # shown, published all the same
_EXAMPLES: Final = 5
_SEVERITIES: Final = {ERROR: "critical", WARN: "warning"}
_SILENT: Final = {"GX_ANALYTICS_ENABLED": "false", "TQDM_DISABLE": "1"}
# What Great Expectations imports for distributions and pictures, which no rule here asks for: a third of its import.
_PUT_OFF: Final = ("scipy.stats", "altair")


@dataclass(frozen=True, slots=True)
class Rule:
    """One expectation of a suite: what people call it, the name of Great Expectations' class, and its arguments."""

    name: str
    kind: str
    severity: str  # error, warn
    settings: Mapping[str, Any]


def not_null(column: str, severity: str = ERROR) -> Rule:
    """Every row has a value."""
    return Rule(f"{column} not null", "ExpectColumnValuesToNotBeNull", severity, {"column": column})


def between(column: str, least: Any = None, most: Any = None, *, share: float = 1, severity: str = ERROR) -> Rule:
    """At least that share of the values lie in a range, ends included; None is no end."""
    settings = {"column": column, "min_value": least, "max_value": most, "mostly": share}
    name = f"{column} at least {least}" if most is None else f"{column} from {_day(least)} to {_day(most)}"
    return Rule(name, "ExpectColumnValuesToBeBetween", severity, settings)


def matches(column: str, pattern: str, what: str, severity: str = ERROR) -> Rule:
    """Every value has the shape of `what`."""
    settings = {"column": column, "regex": pattern}
    return Rule(f"{column} is {what}", "ExpectColumnValuesToMatchRegex", severity, settings)


def matches_not(column: str, pattern: str, what: str, severity: str = ERROR) -> Rule:
    """No value has the shape of `what`."""
    settings = {"column": column, "regex": pattern}
    return Rule(f"{column} holds no {what}", "ExpectColumnValuesToNotMatchRegex", severity, settings)


def at_least(greater: str, smaller: str, severity: str = ERROR) -> Rule:
    """One column is never below another; rows where either has no value are left out."""
    settings = {"column_A": greater, "column_B": smaller, "or_equal": True}
    settings["ignore_row_if"] = "either_value_is_missing"
    return Rule(f"{smaller} <= {greater}", "ExpectColumnPairValuesAToBeGreaterThanB", severity, settings)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `examples` are failing values; those of personal columns are masked."""

    name: str
    passed: bool
    severity: str  # error, warn
    failures: int | None = None
    checked: int | None = None
    examples: tuple[str, ...] = ()
    message: str = ""

    @property
    def is_blocking(self) -> bool:
        """Whether this finding has to stop the publication."""
        return not self.passed and self.severity == ERROR


def sentence(failed: Sequence[Finding]) -> str:
    """The first of some failed findings as part of a sentence, and how many more there are."""
    first = failed[0]
    count = f" on {first.failures:,} of {first.checked:,}" if first.failures and first.checked else ""
    shown = f", first: {first.examples[0]}" if first.examples else ""
    message = f" ({first.message})" if first.message else ""
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return f"{first.name!r} failed{count}{shown}{message}{more}"


def validate(frame: pd.DataFrame, suite: Sequence[Rule], masked: Collection[str] = frozenset()) -> tuple[Finding, ...]:
    """Hold a frame against a suite. Examples from `masked` columns are shown as shapes, never as values.

    Raises BuildError for an expectation that could not be evaluated: that is a fault of the check, not of the data.
    """
    if not suite:
        return ()
    gx, batch_definition = _context()
    kinds = gx.expectations
    rules = [
        getattr(kinds, rule.kind)(severity=_SEVERITIES[rule.severity], meta={"name": rule.name}, **rule.settings)
        for rule in suite
    ]
    whole = gx.ExpectationSuite(name="suite", expectations=rules)
    outcome = batch_definition.get_batch({"dataframe": frame}).validate(whole, result_format="SUMMARY")
    return tuple(sorted((_finding(one, masked) for one in outcome.results), key=lambda finding: finding.name))


@cache
def _context() -> tuple[Any, Any]:
    for name, value in _SILENT.items():
        os.environ.setdefault(name, value)
    for name in _PUT_OFF:
        sys.modules.setdefault(name, _PutOff(name))
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger(gx.__name__).setLevel(logging.WARNING)
    logging.getLogger(f"{gx.__name__}.data_context.types.base").setLevel(logging.WARNING)  # has a level of its own
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    return gx, asset.add_batch_definition_whole_dataframe("whole")


class _PutOff(ModuleType):
    """Stands for a module, which is imported when something is first asked of it."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def _finding(one: Any, masked: Collection[str]) -> Finding:
    config, found = one.expectation_config, one.result or {}
    name = config.meta["name"]
    if problem := _exception(one.exception_info):
        raise BuildError(f"check {name} could not be evaluated: {problem}; nothing was published")
    is_masked = config.kwargs.get("column") in masked
    failures = found.get("unexpected_count")
    observed = found.get("observed_value")
    return Finding(
        name=name,
        passed=bool(one.success),
        severity=ERROR if config.severity.value == _SEVERITIES[ERROR] else WARN,
        failures=int(failures) if failures is not None else (None if one.success else 1),
        checked=found.get("element_count"),
        examples=() if one.success else tuple(_examples(found.get("partial_unexpected_list") or (), is_masked)),
        message="" if one.success or observed is None else f"found {observed}",
    )


def _day(value: object) -> str:
    return str(value).removesuffix(" 00:00:00")


def _exception(info: Any) -> str:
    """The message of the first exception; the report is flat or keyed by metric, depending on where it was raised."""
    reports = [info] if "raised_exception" in info else list(info.values())
    for report in reports:
        if report.get("raised_exception"):
            return " ".join(str(report.get("exception_message")).split())
    return ""


def _examples(values: Iterable[object], is_masked: bool) -> Iterable[str]:
    distinct = list(dict.fromkeys(str(value) for value in values))[:_EXAMPLES]
    return (mask(value) for value in distinct) if is_masked else distinct


def mask(value: str) -> str:
    """The shape of a value: letters become x, digits 9, so that a report never holds what must not be stored."""
    return re.sub(r"[0-9]", "9", re.sub(r"[^\W\d_]", "x", value))
