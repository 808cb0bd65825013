"""Topics: hand-written sentences in four languages, the data files' consistency, and SQL that stands anywhere."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.domain.milestones import TOPICS
from pipelines.landing import topics
from pipelines.landing.topics import rules
from pipelines.landing.topics.learning import learn
from pipelines.landing.topics.words import WEIGHTS

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests" / "cases" / "topics"
SHARED = Path(os.environ.get("WHEREHOUSE_SHARED_DATA", ROOT / ".." / "shared" / "data"))
YARDSTICK = ROOT / ".." / "shared" / "yardstick" / "gen.py"


def test_weights_are_what_the_sentences_teach() -> None:
    """To a hundredth: the last digit may round otherwise on another machine."""
    with WEIGHTS.open(encoding="utf-8", newline="") as lines:
        held = {word: list(map(int, numbers)) for word, *numbers in list(csv.reader(lines))[1:]}
    learned = dict(learn())
    assert [*learned] == [*held]
    assert max(abs(a - b) for word in held for a, b in zip(held[word], learned[word], strict=True)) <= 1


@pytest.mark.parametrize("language", rules.LANGUAGES)
def test_sentences(language: str) -> None:
    cases = json.loads((CASES / f"{language}.json").read_text(encoding="utf-8"))
    assert len(cases) >= 25
    found = topics.classify_all([(case["subject"], case["body"], None) for case in cases])
    wrong = [(case, one.basis) for case, one in zip(cases, found, strict=True) if one.topic != case["topic"]]
    assert wrong == []


@pytest.mark.parametrize(
    ("subject", "body", "tags", "basis"),
    [
        ("Where is my order?", None, None, "en:wismo:where_is"),
        (None, "Where is my refund?", None, "en:return_refund:refund_status"),
        (None, "It says delivered but I never got it", None, "en:delivery_problem:delivered_not_received"),
        (None, "My parcel never arrived", None, "en:delivery_problem:never_received"),
        (None, "It has not arrived yet", None, "en:wismo:not_yet"),
        (None, "I didn\u2019t receive my parcel", None, "en:delivery_problem:not_received"),
        (None, None, "vip where_is_my_order", "en:wismo:where_is"),
        ("Cancel my order", "when will it arrive?", None, "en:order_change:cancel"),
        ("Hello", "when will it arrive? else cancel my order", None, "en:wismo:when_arrives"),
        ("I do not want a refund", "Where is my order", None, "en:wismo:where_is"),
        (None, "N\u00e3o recebi", None, "pt:delivery_problem:not_received"),
        (None, "NAO RECEBI O PRODUTO", None, "pt:delivery_problem:not_received"),
        (None, "Rücksendung", None, "de:return_refund:return"),
        ("", "  ", None, rules.NO_TEXT),
        (None, None, None, rules.NO_TEXT),
        (None, "\u6211\u7684\u5305\u88f9\u5728\u54ea\u91cc", None, rules.NO_TEXT),
        (None, "Lorem ipsum dolor sit amet", None, rules.NO_RULE),
    ],
)
def test_what_decides(subject: str | None, body: str | None, tags: str | None, basis: str) -> None:
    found = topics.classify(subject, body, tags)
    assert found.basis == basis
    assert found.topic == basis.split(":")[1]
    assert found.rules_version == topics.rules_version() >= 1


def test_quoted_history_beyond_the_limit_is_not_read() -> None:
    assert topics.classify(None, "word " * 500 + "where is my order", None).basis == rules.NO_RULE
    assert topics.classify(None, "word " * 300 + "where is my order", None).topic == "wismo"


def test_data_files_agree_with_each_other() -> None:
    names = [rule.name for rule in rules._rules()]
    assert len(set(names)) == len(names)
    for rule in rules._rules():
        assert rule.topic in TOPICS
        assert rule.stage in rules.STAGES
        assert 0 < rule.confidence <= 1
    for language in rules.LANGUAGES:
        phrases = rules._compiled(language)
        assert set(phrases) - {"neutral"} == set(names), language


def test_every_phrase_compiles_alone_and_has_no_leftovers() -> None:
    con = duckdb.connect()
    for language in rules.LANGUAGES:
        for name, phrases in rules._compiled(language).items():
            for phrase in phrases:
                assert ".." not in phrase and "(?P" not in phrase, (language, name, phrase)
                assert con.execute("SELECT regexp_matches('', $1)", [phrase]).fetchone() == (False,), (name, phrase)


def test_a_decision_is_one_more_column_of_any_query() -> None:
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE tickets AS SELECT * FROM (VALUES (1, 'Order status', 'it''s late', NULL),"
        " (2, NULL, NULL, 'refund'), (3, 'Danke', 'Wo ist mein Paket?', NULL), (4, NULL, NULL, NULL)"
        ") t(id, subject, body, tags)"
    )
    texts = ("subject", "body", "tags")
    layered = topics.with_decision("SELECT * FROM tickets", *texts)
    one = _select(con, topics.split_sql(), f"({layered})")
    assert [row[1] for row in one] == ["wismo", "return_refund", "wismo", "other"]
    assert con.execute(f"DESCRIBE {layered}").fetchall()[-1][0] == topics.DECISION


def _select(con: duckdb.DuckDBPyConnection, columns: dict[str, str], relation: str) -> list[tuple[object, ...]]:
    assert list(columns) == ["topic", "topic_confidence", "topic_basis", "topic_rules_version"]
    names = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    return con.execute(f"SELECT id, {names} FROM {relation} ORDER BY id").fetchall()


def test_reviews_of_a_real_marketplace() -> None:
    """Complaints of non-receipt or delay stand out: their mean score is far below that of the rest."""
    reviews = SHARED / "olist" / "order_reviews.parquet"
    if not reviews.exists():
        pytest.skip(f"no real data at {SHARED}: set WHEREHOUSE_SHARED_DATA")
    query = topics.with_decision(
        f"SELECT * FROM '{reviews}' WHERE review_comment_message IS NOT NULL",
        "review_comment_title",
        "review_comment_message",
        "NULL",
    )
    con = duckdb.connect()
    con.execute(
        f"CREATE TABLE reviews AS SELECT *, split_part({topics.DECISION}, ':', 2) IN ('wismo', 'delivery_problem') AS complains"
        f" FROM ({query})"
    )
    rows = con.execute(
        "SELECT complains, count(*), avg(review_score),"
        " count_if(regexp_matches(lower(strip_accents(review_comment_message)), 'nao recebi (o|meu) (produto|pedido)'))"
        " FROM reviews GROUP BY 1 ORDER BY 1"
    ).fetchall()
    (_, quiet, quiet_score, missed), (_, complaints, complaint_score, found) = rows
    assert 2_500 < complaints < 4_500 and quiet > 7_000
    assert complaint_score < 2.2 and quiet_score > 4
    assert found > 10 * missed
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    said, right = con.execute(
        f"SELECT count(*), count_if(label = 'complaint') FROM (SELECT DISTINCT review_id FROM reviews WHERE complains) "
        f"JOIN '{CASES.parent}/olist_reviews/labels.csv' USING (review_id)"
    ).fetchall()[0]
    assert f"{right} of {said} are" in readme, (right, said)
    for row in con.execute(CURVE.format(orders=reviews.with_name("orders.parquet"))).fetchall():
        line = "| {} | {:,} | {:,} | {:.1f} % |".format(*row)
        assert line in readme, line


# Orders by how late they were, and how many of their customers complain of the delivery in a review
CURVE = """
    SELECT CASE WHEN late IS NULL THEN 'not delivered' WHEN late < -7 THEN 'more than a week early'
            WHEN late <= 0 THEN 'up to a week early' WHEN late <= 3 THEN '1 to 3 days late' WHEN late <= 7 THEN '4 to 7 days'
            WHEN late <= 14 THEN '8 to 14 days' ELSE 'more than 14 days' END AS days,
        count(*), count_if(complains), 100 * count_if(complains) / count(*)
    FROM (
        SELECT order_id, coalesce(bool_or(complains), false) AS complains, any_value(datediff(
            'day', order_estimated_delivery_date::DATE, order_delivered_customer_date::DATE)) AS late
        FROM '{orders}' LEFT JOIN reviews USING (order_id) WHERE order_status NOT IN ('canceled', 'unavailable')
        GROUP BY order_id
    )
    GROUP BY 1 ORDER BY min(coalesce(late, 999))
"""


def test_yardstick_phrases(tmp_path: Path) -> None:
    if not YARDSTICK.exists():
        pytest.skip(f"no yardstick at {YARDSTICK}")
    subprocess.run(
        [sys.executable, str(YARDSTICK), "--rows", "20k", "--out", str(tmp_path / "y")], check=True, capture_output=True
    )
    tickets = f"'{tmp_path}/y/tickets/*/*.parquet'"
    query = topics.with_decision(f"SELECT DISTINCT subject, NULL AS body FROM {tickets}", "subject", "body", "NULL")
    found = dict(
        duckdb.connect().execute(f"SELECT subject, split_part({topics.DECISION}, ':', 2) FROM ({query})").fetchall()
    )
    expected = {
        "Where is my order?": "wismo",
        "Order status": "wismo",
        "Package not moving": "wismo",
        "Tracking not updating since Monday": "wismo",
        "Refund please": "return_refund",
        "Item arrived damaged": "delivery_problem",
        "Wrong size, want to exchange": "return_refund",
        "Cancel my order": "order_change",
        "Marked delivered but not received": "delivery_problem",
        "Question about product": "product",
        "Missing item in box": "delivery_problem",
        "Thanks!": "other",
    }
    assert len(found) > 8
    assert found == {subject: expected[subject] for subject in found}
