"""Great Expectations on frames: findings as plain data, and a check that breaks is never mistaken for bad data."""

from __future__ import annotations

import pandas as pd
import pytest

from pipelines.domain.errors import BuildError
from pipelines.quality.expectations import WARN, at_least, between, mask, matches, matches_not, not_null, validate


def test_clean_data_passes_and_bad_data_fails_with_examples():
    suite = [not_null("order_id"), between("amount", 0, 100, severity=WARN), at_least("due", "on_time")]
    clean = pd.DataFrame({"order_id": ["a", "b"], "amount": [1.0, None], "due": [2, 2], "on_time": [2, 1]})
    bad = pd.DataFrame({"order_id": ["a", None], "amount": [1.0, 250.0], "due": [2, 2], "on_time": [3, 1]})

    assert all(finding.passed for finding in validate(clean, suite))
    found = {finding.name: finding for finding in validate(bad, suite)}

    assert {name: one.passed for name, one in found.items()} == {
        "order_id not null": False,
        "amount from 0 to 100": False,
        "on_time <= due": False,
    }
    assert found["order_id not null"].is_blocking
    assert not found["amount from 0 to 100"].is_blocking
    assert found["amount from 0 to 100"].examples == ("250.0",)
    assert (found["order_id not null"].failures, found["order_id not null"].checked) == (1, 2)


def test_an_expectation_that_raises_is_an_error_of_the_check():
    with pytest.raises(BuildError, match=r"'?gone not null'? could not be evaluated: .*gone"):
        validate(pd.DataFrame({"there": [1]}), [not_null("there"), not_null("gone")])


def test_examples_of_masked_columns_show_shapes_only():
    frame = pd.DataFrame({"customer_token": ["jane.doe7@example.com", "0" * 32], "note": ["x", "y"]})
    suite = [matches("customer_token", "^[0-9a-f]{32}$", "a token"), matches_not("note", "y", "y")]

    found = {one.name: one for one in validate(frame, suite, masked={"customer_token"})}

    assert found["customer_token is a token"].examples == ("xxxx.xxx9@xxxxxxx.xxx",)
    assert found["note holds no y"].examples == ("y",)
    assert mask("Ünal 12") == "xxxx 99"


def test_an_empty_suite_costs_nothing():
    assert validate(pd.DataFrame({"a": [1]}), []) == ()
