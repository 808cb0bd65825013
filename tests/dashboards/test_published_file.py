"""The published file: absent, broken, old, empty, exchanged under an open page; and what a URL may do to it."""

import hashlib
import re
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from dashboards import data

ROUTER = Path(data.__file__).with_name("streamlit_app.py")
PAGES = ["overview", "carrier_scorecard", "data_health"]


@pytest.fixture
def broken(tmp_path, build, publish):
    """Publish something a page cannot read."""

    def make(what):
        target = tmp_path / "target.duckdb"
        match what:
            case "folder":
                target.mkdir()
            case "text":
                target.write_text("hello")
            case "nothing in it":
                target.touch()
            case "other version":
                build(
                    "target.duckdb",
                    then="drop table marts.carrier_scorecard; drop table marts.order_delivery; drop table ops.loads",
                )
            case "column missing":
                build("target.duckdb", then="; ".join(f"alter table {t}" for t in DROPS))
            case "no publication":
                build("target.duckdb", then="delete from ops.publications")
        publish(target)

    return make


DROPS = (
    "marts.carrier_scorecard drop column due_commitment",
    "marts.fct_shipments drop column is_due",
    "ops.loads drop column outcome",
)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("what", "advice"),
    [
        ("link to nothing", "Run `make demo`"),
        ("folder", "Run `wherehouse refresh`"),
        ("text", "Run `wherehouse refresh`"),
        ("nothing in it", "Run `wherehouse refresh`"),
        ("other version", "Run `wherehouse refresh --full`"),
        ("column missing", "Run `wherehouse refresh --full`"),
        ("no publication", "Run `wherehouse refresh`"),
    ],
)
def test_a_sentence_says_what_to_do(broken, visit, page, what, advice):
    broken(what)
    shown = visit(page)
    assert not shown.exception
    assert any(advice in warning.value for warning in shown.warning)


def test_nothing_published_yet(tmp_path, monkeypatch, visit):
    monkeypatch.setenv(data.ENVIRONMENT, str(tmp_path / "none" / "current.duckdb"))
    [warning] = visit("overview").warning
    assert "Nothing is published yet" in warning.value


def test_it_recovers_by_itself(broken, publish, fabricated, visit):
    broken("link to nothing")
    page = visit("overview")
    publish(fabricated)
    page.run()
    assert len(page.metric) == 8


@pytest.mark.parametrize("page", PAGES)
def test_tables_without_rows(build, publish, visit, sentences, page):
    tables = ("carrier_scorecard", "fct_shipments", "fct_orders", "order_delivery", "wismo_daily")
    ops = ("loads", "quarantine", "unmapped_codes", "checks", "freshness", "restatements", "settings")
    empty = [f"delete from marts.{t}" for t in tables] + [f"delete from ops.{t}" for t in ops]
    publish(build("empty.duckdb", then="; ".join(empty)))
    shown = visit(page)
    assert not shown.exception
    expected = {
        "overview": "No order has come due in a complete week yet",
        "carrier_scorecard": "No complete week holds a parcel yet",
        "data_health": "Nothing has been loaded yet",
    }
    assert expected[page] in sentences(shown)


def test_an_old_publication_is_told(build, publish, visit):
    publish(build("old.duckdb", published=timedelta(days=9)))
    [warning] = visit("overview").warning
    assert "published 9 days ago" in warning.value
    assert "`wherehouse refresh`" in warning.value


def test_an_open_page_sees_a_new_file(build, publish, published, visit, monkeypatch):
    newer = build("wherehouse-2.duckdb", then="delete from marts.carrier_scorecard where carrier = 'ups'")
    opened = []
    connect = duckdb.connect
    monkeypatch.setattr(data.duckdb, "connect", lambda *a, **k: opened.append(connect(*a, **k)) or opened[-1])
    page = visit("carrier_scorecard")
    before = page.dataframe[0].value["due"].sum()
    publish(newer)
    page.run()
    after = page.dataframe[0].value
    assert "ups" not in set(after["carrier"])
    assert 0 < after["due"].sum() < before

    page.run()
    assert len(opened) == 2
    with pytest.raises(duckdb.ConnectionException):
        opened[0].execute("select 1")
    assert opened[1].execute("select 1").fetchall() == [(1,)]


def test_a_connection_closed_by_another_session(published, visit):
    page = visit("overview")
    data._connection(str(data.real_path())).close()
    data._connection.clear()
    assert not page.run().exception


NASTY = (
    "'; drop table marts.carrier_scorecard; --",
    "ups' or '1'='1",
    "<script>alert(1)</script>",
    "![x](http://example.com/x.png)",
    "$grain",
    "\u0000\ud7ff\U0001f4a9",
    "x" * 100_000,
    "",
)
KEPT = ("clock", "weeks", "until", "carrier", "service", "lane", "show", "of", "on", "unheard_of")


@pytest.mark.parametrize("turn", [0, 3, 6])
def test_what_a_url_cannot_do(published, fabricated, visit, turn):
    before = hashlib.sha256(fabricated.read_bytes()).digest()
    page = visit("carrier_scorecard", **{key: NASTY[(turn + i) % len(NASTY)] for i, key in enumerate(KEPT)})
    assert not page.exception
    [(due,)] = published(
        "select sum(due) from marts.carrier_scorecard where week between '2026-10-05' and '2026-10-26'"
    )
    assert page.dataframe[0].value["due"].sum() == due  # the view that opens without any parameter
    assert not visit("data_health", batches=NASTY[turn], reason=NASTY[turn + 1]).exception
    assert hashlib.sha256(fabricated.read_bytes()).digest() == before


AWKWARD = 'o\'hare $grain "<b>" ![x](http://example.com/x.png)'


def test_names_with_quotes_and_markup(build, publish, visit, sentences):
    quoted = AWKWARD.replace("'", "''")
    then = "; ".join(
        f"update marts.{table} set carrier = '{quoted}' where carrier = 'usps'"
        for table in ("carrier_scorecard", "fct_shipments", "wismo_daily")
    )
    publish(build("awkward.duckdb", then=then))
    page = visit("carrier_scorecard", carrier=AWKWARD, of=f"{AWKWARD} · priority")
    assert not page.exception
    assert list(page.dataframe[0].value["carrier"]) == [AWKWARD]
    assert len(page.dataframe[-1].value) == page.dataframe[0].value["due"][0] - page.dataframe[0].value["on_time"][0]
    assert not re.search(r"(?<!\\)!?(?<!\\)\[x(?<!\\)\]", sentences(page)), "markup came to life"


@pytest.mark.parametrize("page", PAGES)
def test_the_copied_sql_gives_the_same_rows(build, publish, visit, monkeypatch, page):
    then = "update marts.carrier_scorecard set carrier = 'o''hare $grain' where carrier = 'usps'"
    file = build("copied.duckdb", then=then)
    publish(file)
    asked = []
    ask = data.ask

    def remember(query, **values):
        answer = ask(query, **values)
        asked.append((query, answer))
        return answer

    monkeypatch.setattr(data, "ask", remember)
    assert not visit(page, carrier=["o'hare $grain", "dhl"] if page == "carrier_scorecard" else []).exception
    assert len(asked) > 5
    for query, answer in asked:
        with duckdb.connect(str(file), read_only=True, config=data._CONFIG) as alone:
            assert alone.sql(answer.sql).pl().equals(answer.rows), query


def test_sign_in_is_asked_for_where_it_is_set_up(published):
    """Off by default: every other test looks without it."""
    app = AppTest.from_file(str(ROUTER), default_timeout=120)
    app.user = {"is_logged_in": False}  # as Streamlit says of everybody at first, where [auth] is in its secrets
    app.run()
    assert not app.exception
    assert [button.label for button in app.button] == ["Sign in"]
    assert not app.metric
    app.user = {"is_logged_in": True}
    assert app.run().metric


def test_values_are_bound_not_pasted():
    for file in data.QUERIES.glob("*.sql"):
        assert "{" not in file.read_text(encoding="utf-8"), file.name
