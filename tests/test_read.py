"""Reading what people have: encodings, separators, broken rows, and one clear line where it cannot be read."""

from __future__ import annotations

import json

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from santun_corpora import InputError, Problem, Utterance, find_files, open_source, read


def rows_of(path, columns=None, **options):
    return list(read(open_source(path, **options), columns))


def texts_of(path, columns=None, **options):
    return [item.text for item in rows_of(path, columns, **options) if isinstance(item, Utterance)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1256", "iso-8859-6"])
def test_arabic_encodings_are_found(tmp_path, encoding):
    path = tmp_path / "calls.csv"
    text = "call_id,speaker,text\n" + "C1,agent,السلام عليكم ورحمة الله هل عندك مشكلة في الفاتورة من الشهر\n" * 3
    path.write_bytes(text.encode(encoding))

    assert texts_of(path) == ["السلام عليكم ورحمة الله هل عندك مشكلة في الفاتورة من الشهر"] * 3


def test_malay_with_curly_quotes_in_cp1252(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_bytes("speaker,text\nejen,Baik – saya faham “puan”\n".encode("cp1252"))

    assert texts_of(path) == ["Baik – saya faham “puan”"]


def test_one_bad_byte_in_utf8_is_replaced_and_told(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_bytes(b"speaker,text\n" + "agent,شكرا لك على الاتصال\n".encode() * 50 + b"agent,x\xffy\n")
    source = open_source(path)

    assert source.encoding is not None
    assert source.encoding.note is not None
    assert "1 bytes are not UTF-8" in source.encoding.note
    assert texts_of(path)[-1] == "x\ufffdy"


def test_unclosed_quote_loses_no_row(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text(
        "speaker,text\n" + 'agent,"open\n' + "".join(f"customer,row {i}\n" for i in range(80)), encoding="utf-8"
    )
    items = rows_of(path)

    assert [str(item) for item in items if isinstance(item, Problem)] == [
        "calls.csv:2: a quote is opened and not closed; double the quotes inside a text"
    ]
    assert [item.text for item in items if isinstance(item, Utterance)] == [f"row {i}" for i in range(80)]


def test_unquoted_separator_is_a_problem_not_a_shift(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text("speaker,text,lang\nagent,hello, there,en\nagent,good,en\n", encoding="utf-8")
    items = rows_of(path)

    assert str(items[0]) == "calls.csv:2: 4 fields under a header of 3; quote texts that hold ','"
    assert items[1].text == "good"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "a.csv: empty; it has no rows"),
        ("a.jsonl", b"  \n", "a.jsonl: empty; it has no rows"),
        ("a.csv", b"x,y\n1,2\n", "a.csv: no column holds the text; the columns are 'x', 'y': name it, --map text=COLUMN"),
        ("a.csv", b"text,text\na,b\n", "a.csv: two columns are named alike ('text'); rename one"),
        ("a.txt", b"\x7fELF" + bytes(500), "a.txt: not a text file (it holds zero bytes); give a table or a transcript"),
        ("a.xlsx", b"hello", "a.xlsx: not a xlsx file, whatever its name says; export it again"),
        ("a.xlsx", b"PK\x03\x04broken", "a.xlsx: not a workbook; open it in a spreadsheet and save it as .xlsx without a password"),
        ("a.parquet", b"PAR1broken", "a.parquet: not a readable Parquet file (ArrowInvalid); export it again"),
        ("a.json", b'{"a": ', "a.json: not JSON (Expecting value: line 1 column 7 (char 6)); export it again"),
    ],
)  # fmt: skip
def test_unreadable_input_is_one_clear_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        rows_of(path)

    assert str(error.value) == message


def test_deep_json_is_a_problem_of_its_line(tmp_path):
    path = tmp_path / "deep.jsonl"
    path.write_text("[" * 100_000 + "\n" + '{"text": "ok"}\n', encoding="utf-8")
    first, second = rows_of(path)

    assert isinstance(first, Problem)
    assert second.text == "ok"


def test_labels_of_ones_own_follow_the_ten(tmp_path):
    path = tmp_path / "calls.jsonl"
    path.write_text(
        '{"text": "hi", "labels": ["refund", "thanks", "greeting", "refund"]}\n{"text": "x", "labels": [1]}\n'
    )
    first, second = rows_of(path)

    assert first.labels == ["greeting", "thanks", "refund"]
    assert (second.text, second.labels, second.fault) == ("x", None, "labels must be a list of behaviours")


def test_column_map_wins_and_names_what_is_missing(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text("text,Isi\nwrong,right\n", encoding="utf-8")

    assert texts_of(path, {"text": "Isi"}) == ["right"]
    with pytest.raises(InputError, match="no column 'Teks' for text; the columns are 'text', 'Isi'"):
        rows_of(path, {"text": "Teks"})


def test_workbook_numbers_ids_and_empty_cells(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["call_id", "speaker", "text"])
    book.active.append([7.0, "agent", "hello"])
    book.active.append([7, "customer", None])
    path = tmp_path / "book.xlsx"
    book.save(path)
    first, second = rows_of(path)

    assert (first.conversation_id, first.source, first.role) == ("7", "book.xlsx:Sheet:2", "agent")
    assert second.text == ""


def test_turns_and_conversations_are_filled_in(tmp_path):
    path = tmp_path / "call.txt"
    path.write_text("Agent: hello\nCaller: hi\nand more\nAgent: bye\n", encoding="utf-8")
    items = rows_of(path)

    assert [(u.conversation_id, u.turn, u.role, u.text) for u in items] == [
        ("call", 1, "agent", "hello"),
        ("call", 2, "customer", "hi\nand more"),
        ("call", 3, "agent", "bye"),
    ]


def test_records_with_their_own_context_are_no_conversation(tmp_path):
    path = tmp_path / "gold.jsonl"
    rows = [
        {"text": "a", "speaker": "agent", "context": []},
        {"text": "b", "speaker": "agent", "context": ["customer: x"]},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    assert [(u.conversation_id, u.context) for u in rows_of(path)] == [(None, []), (None, [("customer", "x")])]


def test_a_clock_or_an_address_is_no_speaker(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("http://a.example/x\n10:30 we met\nhttp://a.example/y\n", encoding="utf-8")

    assert texts_of(path) == ["http://a.example/x", "10:30 we met", "http://a.example/y"]


def test_a_folder_gives_its_files_in_order(tmp_path):
    for name in ("b.csv", "a.txt", "c.pdf"):
        (tmp_path / name).write_text("speaker,text\nx,y\n", encoding="utf-8")

    assert [path.name for path in find_files([str(tmp_path)])] == ["a.txt", "b.csv"]
    with pytest.raises(InputError, match="no such file or folder"):
        find_files([str(tmp_path / "nowhere")])


plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(plain.filter(lambda text: "\r" not in text), min_size=1, max_size=8))
def test_jsonl_and_csv_give_every_text_unchanged(tmp_path, texts):
    import csv

    path = tmp_path / "any.jsonl"
    path.write_text("".join(json.dumps({"text": t, "speaker": "agent"}) + "\n" for t in texts), encoding="utf-8")
    assert texts_of(path) == texts

    path = tmp_path / "any.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["speaker", "text"], *(["agent", t] for t in texts)])
    assert texts_of(path) == texts


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=400), st.sampled_from(["csv", "jsonl", "json", "txt", "xlsx", "parquet"]))
def test_no_bytes_are_a_fault_of_ours(tmp_path, data, ending):
    path = tmp_path / f"any.{ending}"
    path.write_bytes(data)
    try:
        items = rows_of(path)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert all(isinstance(item, Utterance | Problem) for item in items)


def test_workbook_keeps_its_own_width_and_its_dates(tmp_path):
    import datetime

    book = openpyxl.Workbook()
    book.active.append(["Report of March"])
    book.active.append(["text", "day", "price"])
    book.active.append(["hello", datetime.datetime(2026, 3, 1, 9, 30), 7.5])
    book.active.append(["too", 1, 2, "wide"])
    path = tmp_path / "dates.xlsx"
    book.save(path)
    first, second = rows_of(path)

    assert first.fields == {"text": "hello", "day": "2026-03-01T09:30:00", "price": 7.5}
    assert str(second) == "dates.xlsx:Sheet:4: 4 cells under a header of 3; name the columns"


def test_parquet_types_become_plain_values(tmp_path):
    import datetime
    import decimal

    import pyarrow as pa
    import pyarrow.parquet as pq

    row = {
        "text": "hi",
        "day": datetime.date(2026, 1, 2),
        "price": decimal.Decimal("1.50"),
        "raw": b"\xff",
        "list": [1.5, None],
    }
    path = tmp_path / "odd.parquet"
    pq.write_table(pa.Table.from_pylist([row]), path)
    [item] = rows_of(path)

    assert json.loads(json.dumps(item.fields)) == {
        "text": "hi",
        "day": "2026-01-02",
        "price": "1.50",
        "raw": "/w==",
        "list": [1.5, None],
    }


@pytest.mark.parametrize(
    "line",
    [
        '{"text": "x", "y": ' + "[" * 600 + "]" * 600 + "}",
        '{"text": "x", "turn": 1e999}',
        '{"text": "x", "start": ' + "9" * 400 + "}",
    ],
    ids=["deep", "infinite", "long"],
)
def test_a_hostile_row_never_stops_the_others(tmp_path, line):
    path = tmp_path / "hostile.jsonl"
    path.write_text('{"text": "first"}\n' + line + '\n{"text": "last"}\n', encoding="utf-8")
    items = rows_of(path)

    assert len(items) == 3
    assert (items[0].text, items[2].text) == ("first", "last")


def test_long_quoted_texts_stay_whole_and_faulty_quotes_part_no_other_row(tmp_path):
    path = tmp_path / "mail.csv"
    mail = "\n".join(f"line {i}" for i in range(200))
    path.write_text(f'id,text\n1,"{mail}"\n2,Thanks\n', encoding="utf-8")
    assert texts_of(path) == [mail, "Thanks"]

    path.write_text('id,text\n1,"Hi there\n2,Hello\n3,"Thanks\n4,Bye\n', encoding="utf-8")
    items = rows_of(path)
    assert [i.text for i in items if isinstance(i, Utterance)] == ["Hello", "Bye"]
    assert [i.source for i in items if isinstance(i, Problem)] == ["mail.csv:2", "mail.csv:4"]


def test_a_quoting_fault_never_cuts_a_sound_row(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text('id,text,note\n1,"open, one\n2,"My secret, text"\n3,Thanks\n', encoding="utf-8")
    items = rows_of(path)

    assert [i.source for i in items if isinstance(i, Problem)] == ["calls.csv:2"]
    assert [i.text for i in items if isinstance(i, Utterance)] == ["My secret, text", "Thanks"]


def test_json_conversations_keep_their_ids_and_fields(tmp_path):
    path = tmp_path / "calls.json"
    calls = [
        {"id": f"c{n}", "lang": "ms", "channel": "voice", "turns": [{"speaker": "Ejen", "text": "hai"}] * 2}
        for n in (1, 2)
    ]
    path.write_text(json.dumps(calls), encoding="utf-8")

    assert [(u.conversation_id, u.turn, u.lang, u.fields["channel"]) for u in rows_of(path)] == [
        ("c1", 1, "ms", "voice"), ("c1", 2, "ms", "voice"), ("c2", 1, "ms", "voice"), ("c2", 2, "ms", "voice"),
    ]  # fmt: skip


def test_messages_do_not_show_what_looks_like_a_row(tmp_path):
    path = tmp_path / "nohead.csv"
    path.write_text("1,agent,My card number is 4111 1111 ok\n2,agent,x\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        rows_of(path)

    assert "card" not in str(error.value)
    assert "3 cells that look like no header; does the file have one?" in str(error.value)


def test_a_first_row_without_text_is_only_a_problem(tmp_path):
    path = tmp_path / "first.jsonl"
    path.write_text('{"note": 1}\n{"text": "a"}\n', encoding="utf-8")
    problem, row = rows_of(path)

    assert isinstance(problem, Problem)
    assert row.text == "a"


def test_a_last_byte_counts_for_the_encoding(tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes(b"id,text\n1,Hello\n2,caf\xe9")

    assert texts_of(path) == ["Hello", "café"]


def test_single_speakers_beside_known_ones_keep_their_words(tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("Agent 1: Hello\nSarah: My line is down\nwith a second line: really\n", encoding="utf-8")

    assert [(u.speaker, u.role, u.text) for u in rows_of(path)] == [
        ("Agent 1", "agent", "Hello"),
        ("Sarah", "unknown", "My line is down\nwith a second line: really"),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"Agent: Hello, how can I help?\nCaller: Hi\n", ["Hello, how can I help?", "Hi"]),
        (b'{"text": "a"}\n{"text": "b"}\n', ["a", "b"]),
        (b'[{"text": "a"}]', ["a"]),
        (b"id;text\n1;a\n", ["a"]),
    ],
)
def test_a_file_without_an_ending_is_sniffed(tmp_path, content, expected):
    path = tmp_path / "stdin"
    path.write_bytes(content)

    assert texts_of(path) == expected


def test_sheets_of_one_header_are_one_table(tmp_path):
    book = openpyxl.Workbook()
    for title, header in (
        ("Jan", ["speaker", "text"]),
        ("Notes", ["what"]),
        ("Feb", ["speaker", "text"]),
        ("Mar", ["text"]),
    ):
        sheet = book.create_sheet(title)
        sheet.append(header)
        sheet.append([title] * len(header))
    path = tmp_path / "year.xlsx"
    book.save(path)

    assert [(u.source, u.text) for u in rows_of(path)] == [("year.xlsx:Jan:2", "Jan"), ("year.xlsx:Feb:2", "Feb")]


def test_named_columns_make_a_table_of_any_text(tmp_path):
    path = tmp_path / "export.txt"
    path.write_text("Kata,Pengirim\nHello,agent\n", encoding="utf-8")
    source = open_source(path, columns={"text": "Kata"})

    assert source.format == "csv"
    assert [(u.text, u.role) for u in read(source, {"text": "Kata"})] == [("Hello", "agent")]


def test_pipes_and_empty_names_are_refused(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a file; save it as one"):
        open_source(tmp_path / "pipe")
    with pytest.raises(InputError, match="an input has an empty name"):
        find_files([""])
