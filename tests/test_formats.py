"""Every table and text sample gives the rows that are expected of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from santun_corpora import Problem, Utterance, open_source, read

MADE = Path(__file__).parent / "data" / "formats"
EXPECTED = json.loads((MADE / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("sample", EXPECTED, ids=lambda sample: sample["file"])
def test_made_sample(sample):
    items = list(read(open_source(MADE / sample["file"])))
    rows = [
        {"speaker": u.role if u.role != "unknown" else u.speaker, "text": u.text, "start": u.start, "lang": u.lang}
        for u in items
        if isinstance(u, Utterance)
        and u.skip in (None, "internal note", "media")  # these are expected, an event is not
    ]

    assert rows == [{**row, "lang": row["lang"] and row["lang"].split("-")[0]} for row in sample["rows"]]
    assert any(isinstance(item, Problem) for item in items) == (sample["outcome"] == "partial")


def test_problems_name_their_lines():
    problems = [str(p) for p in read(open_source(MADE / "tables/bad_lines.jsonl")) if isinstance(p, Problem)]

    assert problems == [
        "bad_lines.jsonl:2: not JSON (character 1); write one object a line",
        "bad_lines.jsonl:6: byte 1 of the line is not UTF-8; save the file as UTF-8",
    ]


def test_real_samples(shared):
    folder = shared / "formats" / "real"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    tables = {name: wanted for name, wanted in expected.items() if name.startswith("tables/")}
    assert tables
    for name, wanted in tables.items():
        path = folder / name
        columns = {}
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                columns = {"text": file.readline().strip().split(",")[-1]}
        items = list(read(open_source(path), columns))

        assert all(isinstance(item, Utterance) for item in items), name
        assert len(items) == wanted["n"], name
        if "calls" in wanted:
            assert len({item.conversation_id for item in items}) == wanted["calls"]
            assert {item.role for item in items} == {"agent", "customer", "system"}


def test_quoted_fields_hold_newlines_and_quotes(shared):
    path = shared / "formats/real/tables/csvspectrum_quotes_and_newlines.csv"
    first = next(iter(read(open_source(path), {"text": "b"})))

    assert first.text == 'ha \n"ha" \nha'
