"""Taking files: what lands, what is rejected and why, and counts that add up."""

from __future__ import annotations

import gzip
import json
import os
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.domain.entities import ORDERS as ORDERS_ENTITY
from pipelines.landing import Landing, Manifest
from pipelines.landing.vault import Vault

HEAD = "id,at,total,email,promised\n"
GOOD = HEAD + "1,2024-05-01T10:00:00Z,9.90,a@example.com,2024-05-04\n2,2024-05-02 11:00:00,5,b@example.com,\n"


def as_jsonl(csv_text: str) -> str:
    head, *lines = csv_text.splitlines()
    names = head.split(",")
    records = ({k: v or None for k, v in zip(names, line.split(","), strict=False)} for line in lines)
    return "".join(json.dumps(record) + "\n" for record in records)


def test_rows_land_typed_in_the_entitys_columns(shop: Any) -> None:
    shop.put("orders.csv", GOOD)
    outcome = shop.land_one()
    assert (outcome.outcome, outcome.read, outcome.landed) == ("accepted", 2, 2)
    assert (outcome.min_at, outcome.max_at) == ("2024-05-01 10:00:00", "2024-05-02 11:00:00")
    file = shop.data / outcome.path
    schema = duckdb.connect().execute("DESCRIBE SELECT * FROM read_parquet($1, hive_partitioning = false)", [str(file)])
    assert {row[0]: row[1] for row in schema.fetchall()} == ORDERS_ENTITY.columns
    rows = shop.rows("orders", "shop, source, order_id, ordered_at, order_amount, promised_date, _row, _deleted")
    assert rows == [
        ("acme", "exports", "1", datetime(2024, 5, 1, 10), Decimal("9.9000"), date(2024, 5, 4), 1, False),
        ("acme", "exports", "2", datetime(2024, 5, 2, 11), Decimal("5.0000"), None, 2, False),
    ]
    beside = json.loads(file.with_suffix(".json").read_text())
    assert beside["landed"] == 2


def test_the_same_rows_whatever_the_format(shop: Any) -> None:
    shop.put("a.csv", GOOD)
    shop.put("b.jsonl", as_jsonl(GOOD))
    duckdb.connect().execute(
        "COPY (SELECT * FROM read_csv($1, all_varchar = true, nullstr = '')) TO '%s' (FORMAT parquet)"
        % (shop.drops / "c.parquet"),
        [str(shop.drops / "a.csv")],
    )
    shop.put("d.csv.gz", gzip.compress(GOOD.encode()))
    with pa.output_stream(shop.drops / "e.jsonl.zst", compression="zstd") as stream:
        stream.write(as_jsonl(GOOD).encode())
    shop.put("f.csv", b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert [outcome.outcome for outcome in shop.land()] == ["accepted"] * 6
    rows = shop.rows("orders", "* EXCLUDE (_seq)")
    assert all(rows[index : index + 2] == rows[:2] for index in range(0, 12, 2))


def test_no_e_mail_is_anywhere_below_the_data_folder(shop: Any) -> None:
    shop.put("orders.csv", GOOD + "3,never,1,c@example.com,\nbroken line of d@example.com\n")
    outcome = shop.land_one()
    assert outcome.quarantined == 2
    for file in shop.data.rglob("*"):
        assert not file.is_file() or b"@example.com" not in file.read_bytes(), file
    tokens = [row[0] for row in shop.rows("orders", "email_token")]
    assert len(set(tokens)) == 2
    assert all(len(token) == 32 for token in tokens)
    lines = [line.line for _, line in Vault(shop.data, shop.keys).read_lines("exports")]
    assert lines == ["broken line of d@example.com"]


BAD = (
    HEAD
    + "1,2024-05-01T10:00:00Z,9.90,,2024-05-04\n"
    + "2,N/A,twelve,,2024-02-30\n"  # three reasons
    + ",2024-05-01,1,,\n"
    + "4,0001-01-01T00:00:00Z,1,,\n"
    + "5,2024-05-01,1,\n"  # a column short
    + "6,2024-05-01,1,,,x\n"  # one too many
    + '"7 ""quoted""\nin two lines",2024-05-01,1,,\n'
    + "\n"
    + "8,,1,,\n"
)


def test_all_reasons_of_a_row_with_its_place(shop: Any) -> None:
    file = shop.put("orders.csv", BAD)
    shop.options["quarantine_rate"] = 1
    outcome = shop.land_one()
    assert (outcome.read, outcome.landed, outcome.quarantined) == (8, 2, 6)
    assert outcome.reasons == {
        "ordered_at: not a time": 1,
        "order_amount: not an amount": 1,
        "promised_date: not a date": 1,
        "order_id: missing": 1,
        "ordered_at: before 1980 or after 2199": 1,
        "line: too few columns": 1,
        "line: too many columns": 1,
        "ordered_at: missing": 1,
    }
    starts = {reasons[0]: file.read_bytes()[offset:].split(b"\n")[0] for reasons, offset, _ in shop.rejected(outcome)}
    assert starts["ordered_at: not a time"] == b"2,N/A,twelve,,2024-02-30"
    assert starts["line: too few columns"] == b"5,2024-05-01,1,"
    assert starts["line: too many columns"] == b"6,2024-05-01,1,,,x"
    assert starts["ordered_at: missing"] == b"8,,1,,"


def test_malformed_lines_of_json(shop: Any) -> None:
    text = as_jsonl(GOOD).encode() + b'{bad\n\n[1]\n{"id": "x", "at": "\xff"}\n{}\n' + as_jsonl(GOOD).encode()
    file = shop.put("orders.jsonl", text)
    shop.options["quarantine_rate"] = 1
    outcome = shop.land_one(shop.source(entities=ORDERS_WITHOUT_KEY))
    assert (outcome.read, outcome.landed, outcome.quarantined) == (8, 4, 4)
    places = {reasons[0]: file.read_bytes()[offset:].split(b"\n")[0] for reasons, offset, _ in shop.rejected(outcome)}
    assert places == {
        "line: not valid JSON": b"{bad",
        "line: not a JSON object": b"[1]",
        "line: not UTF-8 text": b'{"id": "x", "at": "\xff"}',
        "order_id: missing": b"{}",
    }
    lines = [line.line for _, line in Vault(shop.data, shop.keys).read_lines("exports")]
    assert lines == ["{bad", "[1]", '{"id": "x", "at": "\\xff"}']


ORDERS_WITHOUT_KEY = '[files.entities.orders.columns]\norder_id = "id"\nordered_at = "at"\n'


def test_a_malformed_line_is_rejected_even_where_no_required_column_would_tell(shop: Any) -> None:
    shop.put("orders.jsonl", '{"note": "x"}\n{bad\n')
    entities = '[files.entities.orders.columns]\norder_id = { sql = "cast(_row as varchar)" }\n'
    entities += 'ordered_at = { value = "2024-01-01" }\nchannel = "note"\n'
    outcome = shop.land_one(shop.source(entities=entities))
    assert (outcome.landed, outcome.quarantined) == (1, 1)


def test_a_quote_that_is_never_closed_shows_what_it_swallowed(shop: Any) -> None:
    lines = [f"{number},2024-05-01,1,,\n" for number in range(1, 21)]
    lines[3] = '"4,2024-05-01,1,,\n'
    shop.put("orders.csv", HEAD + "".join(lines))
    outcome = shop.land_one()
    assert (outcome.read, outcome.landed, outcome.outcome) == (20, 3, "held")
    assert outcome.reasons == {"line: broken quotes": 1, "line: inside a broken quote": 16}


def test_a_large_file_with_few_bad_rows_names_exactly_those(shop: Any) -> None:
    rows = [f"{number},2024-05-01T00:00:{number % 60:02}Z,1.5,,\n" for number in range(1, 30_001)]
    bad = [7, 8, 15_000, 29_999, 30_000]
    for number in bad:
        rows[number - 1] = f"{number},N/A,1.5,,\n"
    file = shop.put("orders.csv", HEAD + "".join(rows))
    outcome = shop.land_one()
    assert outcome.quarantined == 5
    content = file.read_bytes()
    for (_, offset, row), number in zip(shop.rejected(outcome), bad, strict=True):
        assert row == number
        assert content[offset:].startswith(f"{number},N/A".encode())


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_offsets_survive_quotes_line_ends_and_blank_lines(shop: Any, line_end: str) -> None:
    rows = []
    for number in range(1, 5001):
        rows.append(f'{number},2024-05-01,1,"x""{number}\n,",' if number % 3 == 0 else f"{number},2024-05-01,1,,")
        if number % 500 == 0:
            rows[-1] = f'"{number}",bad,1,"a\nb",'
            rows.append("")
        if number == 1700:
            rows.append("1,2")
    file = shop.put("orders.csv", HEAD.strip() + line_end + line_end.join(rows) + line_end)
    outcome = shop.land_one()
    assert (outcome.read, outcome.quarantined) == (5001, 11)
    content = file.read_bytes()
    found = [content[offset:].split(b",")[0].strip(b'"') for reasons, offset, row in shop.rejected(outcome)]
    assert found == [b"500", b"1000", b"1500", b"1", b"2000", b"2500", b"3000", b"3500", b"4000", b"4500", b"5000"]


def test_exact_duplicates_only_where_a_key_is_declared(shop: Any) -> None:
    line = "1,2024-05-01,1,,\n"
    shop.put("orders.csv", HEAD + line + line + "1,2024-05-01,2,,\n2,2024-05-01,1,,\n")
    outcome = shop.land_one()
    assert (outcome.read, outcome.landed, outcome.duplicate) == (4, 3, 1)
    assert shop.rows("orders", "order_id, order_amount, _row") == [("1", 1, 1), ("1", 2, 3), ("2", 1, 4)]
    shop.put("orders.csv", HEAD + line + line + line)
    outcome = shop.land_one(shop.source(entities=ORDERS_WITHOUT_KEY))
    assert (outcome.landed, outcome.duplicate) == (3, 0)


def test_not_applicable_records_and_once_per(shop: Any) -> None:
    entities = """
[files.entities.orders]
when = "kind <> 'test'"
once_per = ["id"]
[files.entities.orders.columns]
order_id = "id"
ordered_at = "at"
[files.entities.order_lines]
when = "kind <> 'test'"
[files.entities.order_lines.columns]
order_line_id = { sql = "id || '-' || _row" }
order_id = "id"
quantity = "qty"
"""
    text = "id,at,kind,qty\n1,2024-05-01,web,1\n1,2024-05-01,web,two\n2,2024-05-01,test,1\n3,2024-05-01,,1\n"
    for name, content in (("a.csv", text), ("b.jsonl", as_jsonl(text))):
        shop.put(name, content)
        orders, lines = shop.land(shop.source(f'path = "drops/{name}"', entities))
        assert (orders.read, orders.landed, orders.not_applicable) == (4, 1, 3)
        assert (lines.read, lines.landed, lines.quarantined, lines.not_applicable) == (4, 1, 1, 2)
        assert lines.reasons == {"quantity: not a whole number": 1}


def test_an_expression_that_raises_rejects_the_row(shop: Any) -> None:
    entities = '[files.entities.orders.columns]\norder_id = { sql = "cast(cast(id as integer) + 1 as varchar)" }\n'
    entities += 'ordered_at = "at"\norder_number = { sql = "cast(cast(id as integer) + 2 as varchar)" }\n'
    shop.put("a.csv", "id,at\n1,2024-05-01\ntwo,2024-05-01\n")
    outcome = shop.land_one(shop.source(entities=entities))
    assert (outcome.landed, outcome.quarantined) == (1, 1)
    assert set(outcome.reasons) == {"order_id: not readable", "order_number: not readable"}


def test_lookups_add_columns_and_never_rows(shop: Any) -> None:
    (shop.drops.parent / "customers.csv").write_text("cid,state\n7,SP\n7,RJ\n8,MG\n")
    (shop.drops.parent / "states.csv").write_text("code,name\nSP,Sao Paulo\n")
    files = """
path = "drops/*"
[[files.lookups]]
path = "customers.csv"
on = { customer = "cid" }
columns = ["state"]
[[files.lookups]]
path = "states.csv"
on = { state = "code" }
columns = ["name"]
as = "state_"
"""
    entities = '[files.entities.orders.columns]\norder_id = "id"\nordered_at = "at"\n'
    entities += 'destination_region = "state"\nchannel = "state_name"\n'
    for name, content in (
        ("a.csv", "id,at,customer\n1,2024-05-01,7\n2,2024-05-01,9\n"),
        ("b.jsonl", '{"id":1,"at":"2024-05-01","customer":7}\n{"id":2,"at":"2024-05-01"}\n'),
    ):
        shop.put(name, content)
    source = shop.source(files, entities)
    assert [outcome.landed for outcome in shop.land(source)] == [2, 2]
    expected = [("1", "SP", "Sao Paulo"), ("2", None, None)]
    assert shop.rows("orders", "order_id, destination_region, channel") == expected * 2
    # Another lookup makes other rows of the same file: they take the place of the old ones.
    (shop.drops.parent / "customers.csv").write_text("cid,state\n7,MG\n")
    assert [outcome.outcome for outcome in shop.land(shop.source(files, entities))] == ["accepted"] * 2
    assert shop.rows("orders", "order_id, destination_region, channel") == [("1", "MG", None), ("2", None, None)] * 2


def test_encodings(shop: Any) -> None:
    entities = '[files.entities.orders.columns]\norder_id = "id"\nordered_at = "at"\nchannel = "où"\n'
    text = "id,at,où\n1,2024-05-01,café\n2,bad,x\n"
    shop.put("l.csv", text.encode("latin-1"))
    shop.put("w.csv", text.replace("café", "“café” €").encode("cp1252"))
    shop.put("u.csv", text.encode("utf-16"))
    japanese = text.replace("où", "チャネル").replace("café", "東京")
    shop.put("j.csv.gz", gzip.compress(japanese.encode("shift_jis")))
    for name, encoding, expected in (
        ("l.csv", "latin-1", "café"),
        ("w.csv", "windows-1252", "“café” €"),
        ("u.csv", "utf-16", "café"),
        ("j.csv.gz", "shift_jis", "東京"),
    ):
        mapping = entities.replace("où", "チャネル") if encoding == "shift_jis" else entities
        outcome = shop.land_one(shop.source(f'path = "drops/{name}"\nencoding = "{encoding}"', mapping))
        assert outcome.quarantined == 1
        assert shop.rows("orders", "channel")[-1] == (expected,)


def test_text_goes_to_the_vault_and_its_topic_to_landing(shop: Any) -> None:
    entities = """
[files.entities.tickets.columns]
ticket_id = "id"
created_at = "at"
email = "mail"
subject = "subject"
body = "body"
"""
    shop.put("t.csv", "id,at,mail,subject,body\n1,2024-05-01,a@example.com,Where is my order?,\n2,bad,,secret,\n")
    outcome = shop.land_one(shop.source(entities=entities))
    assert (outcome.landed, outcome.quarantined) == (1, 1)
    assert shop.rows("tickets", "topic_rules_version") != [(None,)]
    records = [record for _, record in Vault(shop.data, shop.keys).read_records("exports", "tickets")]
    assert [(record.record_key, record.fields) for record in records] == [("1", {"subject": "Where is my order?"})]


def test_null_values_delimiter_quote_names_and_skipped_lines(shop: Any) -> None:
    files = (
        'path = "drops/*"\ndelimiter = \';\'\nquote = "\'"\nheader = false\nskip_lines = 2\n'
        'names = ["id", "at", "total", "email", "promised"]\nnull_values = ["-", "NULL"]'
    )
    shop.put("a.csv", "report\nof today\n'1';2024-05-01;-;NULL;-\n2;bad;1;;\n")
    outcome = shop.land_one(shop.source(files))
    assert (outcome.landed, outcome.quarantined) == (1, 1)
    assert shop.rejected(outcome) == [(["ordered_at: not a time"], 40, 2)]
    assert shop.rows("orders", "order_id, order_amount, promised_date") == [("1", None, None)]


def test_parquet_types_pass_and_changed_ones_are_refused(shop: Any) -> None:
    def write(name: str, select: str) -> None:
        duckdb.connect().execute(f"COPY ({select}) TO '{shop.drops / name}' (FORMAT parquet)")

    rest = "2.5::DOUBLE AS total, NULL::VARCHAR AS email, DATE '2024-05-04' AS promised"
    write("a.parquet", f"SELECT 1::BIGINT AS id, TIMESTAMP '2024-05-01 10:00' AS at, {rest}")
    write("b.parquet", f"SELECT 2::BIGINT AS id, TIMESTAMPTZ '2024-05-01 10:00+02' AS at, {rest}")
    write("c.parquet", f"SELECT 3 AS id, 1714557600::BIGINT AS at, {rest}")
    write("d.parquet", f"SELECT 4 AS id, {rest}")
    good, zoned, number, gone = shop.land()
    assert (good.outcome, zoned.outcome) == ("accepted", "accepted")
    assert (number.outcome, gone.outcome) == ("failed", "failed")
    assert "c.parquet: column 'at' holds BIGINT" in number.message
    assert "files[0].entities.orders.columns.ordered_at" in number.message
    assert "d.parquet: column 'at' is not there (found: id, total, email, promised)" in gone.message
    assert shop.rows("orders", "ordered_at") == [(datetime(2024, 5, 1, 10),), (datetime(2024, 5, 1, 8),)]


def test_each_bad_file_is_one_clear_line_and_stops_no_other(shop: Any) -> None:
    shop.put("a_empty.csv", "")
    shop.put("b_header.csv", HEAD)
    shop.put("c_delimiter.csv", GOOD.replace(",", ";"))
    shop.put("d_gone.csv", GOOD.replace(",promised", ",promise"))
    shop.put("e_utf16.csv", GOOD.encode("utf-16"))
    shop.put("f_latin.csv", ("idé" + GOOD).encode("latin-1"))
    shop.put("g_array.json", "[{}]")
    shop.put("h_torn.csv.gz", gzip.compress((GOOD * 50_000).encode())[:-100])
    shop.put("i_not.csv.gz", GOOD)
    shop.put("j_torn.parquet", b"PAR1 and so on")
    shop.put("k_not.parquet", b"id,at\n")
    shop.put("l_twice.csv", GOOD.replace("total", "id"))
    shop.put("m_good.csv", GOOD)
    shop.put(
        "o_ends.csv", HEAD + "1,2024-05-01,1,,2024-05-04\r\n2,2024-05-01,1,,2024-05-04\n3,2024-05-01,1,,2024-05-04\r\n"
    )
    shop.put(
        "n_added.csv", GOOD.replace("promised\n", "promised,new\n").replace("04\n", "04,x\n").replace(",\n", ",,y\n")
    )
    by_name = {Path(outcome.file).name.split(".")[0]: outcome for outcome in shop.land()}
    expected = {
        "a_empty": ("empty", "is empty"),
        "b_header": ("accepted", "holds no records"),
        "c_delimiter": ("failed", "say delimiter = ';'"),
        "d_gone": ("failed", "column 'promised' is not there (found: id, at, total, email, promise)"),
        "e_utf16": ("failed", 'encoding = "utf-16"'),
        "f_latin": ("failed", 'is not UTF-8 text; say encoding = "latin-1"'),
        "g_array": ("failed", "one JSON array"),
        "h_torn": ("incomplete", "left for the next time"),
        "i_not": ("failed", "is named as gzip but is not"),
        "j_torn": ("incomplete", "no Parquet footer"),
        "k_not": ("failed", "is not a Parquet file"),
        "l_twice": ("failed", "has the column 'id' twice"),
        "m_good": ("accepted", ""),
        "o_ends": ("failed", "line ends of two kinds"),
        "n_added": ("accepted", ""),
    }
    for name, (outcome, words) in expected.items():
        assert by_name[name].outcome == outcome, by_name[name]
        assert words in by_name[name].message
        assert "\n" not in by_name[name].message
        if words:
            assert str(shop.drops) in by_name[name].message
    assert len(shop.rows("orders")) == 4
    assert not list(shop.data.rglob("*.tmp"))


@pytest.mark.parametrize("cut", [10, 2_000, -1])
def test_a_torn_zstd_file_is_not_taken_for_a_short_one(shop: Any, cut: int) -> None:
    path = shop.drops / "orders.csv.zst"
    rows = "".join(f"{number},2024-05-01,{os.urandom(8).hex()},,\n" for number in range(20_000))
    with pa.output_stream(path, compression="zstd") as stream:
        stream.write((HEAD + rows).encode())
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    entities = ORDERS_WITHOUT_KEY
    assert shop.land_one(shop.source(entities=entities)).outcome == "incomplete"
    path.write_bytes(whole)
    outcome = shop.land_one(shop.source(entities=entities))
    assert (outcome.outcome, outcome.landed) == ("accepted", 20_000)


def test_a_file_that_changes_while_being_read_is_left_for_the_next_time(shop: Any, monkeypatch: Any) -> None:
    file = shop.put("orders.csv", GOOD)
    plan = shop.source().find().plans[0]
    file.write_text(GOOD + "3,2024-05-03,1,,\n")
    with shop.landing() as landing:
        (outcome,) = landing.take(plan)
        assert (outcome.outcome, list(landing.manifest.batches())) == ("incomplete", [])
    plan = shop.source().find().plans[0]
    read = plan.read

    def read_slowly() -> Any:
        reading = read()
        file.write_text(GOOD + "4,2024-05-03,1,,\n" * 3)
        return reading

    from dataclasses import replace

    with shop.landing() as landing:
        (outcome,) = landing.take(replace(plan, read=read_slowly))
        assert (outcome.outcome, list(landing.manifest.batches())) == ("incomplete", [])
    assert not list((shop.data / "landing" / "exports").rglob("*.parquet"))


def test_too_many_rejects_hold_the_batch_until_released(shop: Any) -> None:
    shop.put("orders.csv", HEAD + "1,bad,1,,\n2,bad,1,,\n3,2024-05-01,1,,\n")
    outcome = shop.land_one()
    assert outcome.outcome == "held"
    assert "66.7% of the rows were rejected" in outcome.message
    assert shop.rows("orders") == []
    assert shop.land_one().outcome == "known"
    manifest = Manifest(shop.data)
    assert [batch.batch_id for batch in manifest.held()] == [outcome.batch_id]
    manifest.release(outcome.batch_id)
    assert len(shop.rows("orders")) == 1
    assert Manifest(shop.data).held() == []


def test_a_memory_limit_is_kept_and_enough(shop: Any) -> None:
    rows = "".join(f"{number},2024-05-01 10:00:00,{number}.5,p{number}@example.com,\n" for number in range(60_000))
    shop.put("orders.csv", HEAD + rows)
    shop.options["memory_limit"] = "80MB"
    assert shop.land_one().landed == 60_000


def test_a_crash_between_file_and_manifest_line_leaves_nothing_and_is_simply_repeated(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.put("orders.csv", GOOD)
    with monkeypatch.context() as patch:

        def die(*_: Any) -> None:
            raise KeyboardInterrupt

        patch.setattr(Manifest, "commit", die)
        with pytest.raises(KeyboardInterrupt):
            shop.land()
    assert list((shop.data / "landing" / "exports").rglob("*.parquet"))
    assert shop.rows("orders") == []
    assert shop.land_one().outcome == "accepted"
    assert len(shop.rows("orders")) == 2
    assert len(list((shop.data / "landing" / "exports").rglob("*.parquet"))) == 1


def test_an_unwritable_data_folder_is_one_clear_line(shop: Any, tmp_path: Path) -> None:
    from pipelines.domain.errors import StorageError

    blocked = tmp_path / "file"
    blocked.write_text("")
    shop.put("orders.csv", GOOD)
    plan = shop.source().find().plans[0]
    with pytest.raises(StorageError, match=str(blocked)), Landing(blocked, shop.keys, shop="acme") as landing:
        landing.take(plan)


TICKETS = """
[files.entities.tickets.columns]
ticket_id = "id"
created_at = "at"
subject = "subject"
"""


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_tickets_of_files_foreseen_get_the_topics_they_get_alone(shop: Any, tmp_path: Path, suffix: str) -> None:
    subjects = ["Where is my order?", "I want my money back", "", "Where is my order?", "zzz", 'say "hi"']
    for day in range(1, 5):
        lines = [{"id": f"{day}-{n}", "at": f"2024-05-0{day}", "subject": s} for n, s in enumerate(subjects[day:])]
        quoted = [(x["id"], x["at"], x["subject"].replace('"', '""')) for x in lines]
        text = "id,at,subject\n" + "".join(f'{one},{at},"{subject}"\n' for one, at, subject in quoted)
        shop.put(f"t{day}.{suffix}", text if suffix == "csv" else "".join(json.dumps(x) + "\n" for x in lines))
    shop.put(f"t3.{suffix}.gz", b"\x1f\x8btorn")
    source = shop.source(entities=TICKETS)
    alone = [outcome.outcome for outcome in shop.land(source)]
    columns = "ticket_id, topic, topic_confidence, topic_basis, topic_rules_version"
    expected = shop.rows("tickets", columns)
    assert {row[1] for row in expected} >= {"wismo", "return_refund", "other"}
    (tmp_path / "other").mkdir()
    other = type(shop)(tmp_path / "other")
    with other.landing() as landing:
        plans = source.find().plans
        landing.foresee(plans)
        outcomes = [outcome.outcome for plan in plans for outcome in landing.take(plan)]
        assert landing.con.execute("SELECT count(*) FROM decisions").fetchone() == (5,)
    assert outcomes == alone
    assert other.rows("tickets", columns) == expected
