"""The batch job: the record's contract, the account of rows, going on after a kill, and inert spreadsheets."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from santun.label import Account, blocks, label_files
from santun.path import PathSummary
from santun.write import open_writer, partial_path
from santun_corpora import BEHAVIOURS, Problem, Utterance, open_source, read

HOSTILE = [
    "=1+1",
    "+60123",
    "-ok",
    "@SUM(1)",
    "\tcmd",
    "＝1",
    "'quoted",
    '"',
    "a,b;c",
    "line\none",
    "",
    "  ",
    "\u202eevil",
]


def records(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def write_rows(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_record_contract(tmp_path, tiny):
    source = write_rows(
        tmp_path / "calls.jsonl",
        [
            {
                "id": "x-1",
                "call_id": "C1",
                "speaker": "Ejen",
                "text": "minta maaf atas kelewatan",
                "lang": "ms-MY",
                "crm": {"a": 1},
            },
            {"id": "x-2", "call_id": "C1", "speaker": "system", "text": "call transferred"},
            {"id": "x-3", "call_id": "C1", "speaker": "Pelanggan", "text": ""},
        ],
    )
    out = tmp_path / "out.jsonl"
    account = label_files(tiny, [source], out)
    first, system, empty = records(out)

    assert list(first)[:10] == [
        "id",
        "conversation_id",
        "turn",
        "speaker",
        "role",
        "lang",
        "text",
        "labels",
        "scores",
        "mixed",
    ]
    assert (first["id"], first["conversation_id"], first["turn"]) == ("x-1", "C1", 1)
    assert (first["speaker"], first["role"], first["lang"]) == ("Ejen", "agent", "ms")
    assert first["labels"] == ["apology"]
    assert list(first["scores"]) == list(BEHAVIOURS)
    assert all(0 <= score <= 1 for score in first["scores"].values())
    assert first["source"] == "calls.jsonl:1"
    assert (first["call_id"], first["crm"], first["input"]) == ("C1", {"a": 1}, {"lang": "ms-MY"})
    assert (system["labels"], system["skipped"]) == ([], "system line")
    assert (empty["labels"], empty["skipped"], empty["role"]) == ([], "no text", "customer")
    assert (account.read, account.labelled, account.skipped, account.bad) == (3, 1, 2, 0)
    assert account.exit_code == 0


def test_given_labels_survive_beside_the_predicted(tmp_path, tiny):
    source = write_rows(tmp_path / "g.jsonl", [{"text": "goodbye and take care", "labels": ["thanks"]}])
    label_files(tiny, [source], tmp_path / "out.jsonl")
    [record] = records(tmp_path / "out.jsonl")

    assert record["labels"] == ["closing"]
    assert record["input"] == {"labels": ["thanks"]}


row = st.one_of(
    st.builds(lambda text: json.dumps({"text": text}), st.text(max_size=20)),
    st.sampled_from(
        [
            "{broken",
            "[1]",
            '{"text": 5}',
            '{"text": ["x"]}',
            '{"note": "no text"}',
            "",
            '{"text": "", "speaker": "system"}',
        ]
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(row, min_size=1, max_size=12))
def test_every_row_is_accounted_for(tmp_path, tiny, lines):
    source = tmp_path / "any.jsonl"
    source.write_text("\n".join(['{"text": "first"}', *lines]), encoding="utf-8")
    account = label_files(tiny, [source], tmp_path / "out.jsonl")

    assert account.read == 1 + sum(bool(line.strip()) for line in lines)
    assert account.read == account.labelled + account.skipped + account.bad
    assert len(records(tmp_path / "out.jsonl")) == account.labelled + account.skipped
    assert account.exit_code == (3 if account.bad else 0)


def test_an_unreadable_file_does_not_stop_the_others(tmp_path, tiny):
    (tmp_path / "a.csv").write_bytes(b"")
    write_rows(tmp_path / "b.jsonl", [{"text": "goodbye and take care"}])
    account = label_files(tiny, [tmp_path / "a.csv", tmp_path / "b.jsonl"], tmp_path / "out.jsonl")

    assert account.unreadable == ["a.csv: empty; it has no rows"]
    assert account.exit_code == 4
    assert len(records(tmp_path / "out.jsonl")) == 1


def test_blocks_never_part_a_conversation():
    items = [Utterance("x", f"f:{i}", conversation_id=f"c{i // 7}") for i in range(70)] + [Problem("f:71", "broken")]
    cut = list(blocks(iter(items), size=10))

    assert sum(map(len, cut)) == 71
    homes = [{u.conversation_id for u in block if isinstance(u, Utterance)} for block in cut]
    assert all(not (a & b) for i, a in enumerate(homes) for b in homes[i + 1 :])


def test_block_size_changes_nothing(tmp_path, tiny, monkeypatch):
    rows = [
        {"call_id": f"c{i // 5}", "speaker": ["agent", "customer"][i % 2], "text": t}
        for i, t in enumerate(
            ["terima kasih kak", "so your bill went up", "apa kabar", "أتفهم انزعاجك", "try to restart it"] * 8
        )
    ]
    source = write_rows(tmp_path / "calls.jsonl", rows)
    outs = []
    for size in (1, 7, 4000):
        monkeypatch.setattr("santun.label.blocks", lambda items, size=size: blocks(items, size))
        out = tmp_path / f"{size}.jsonl"
        label_files(tiny, [source], out)
        outs.append(out.read_bytes())

    assert outs[0] == outs[1] == outs[2]


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_stopped_job_goes_on_to_the_same_bytes(tmp_path, tiny, monkeypatch, kind):
    source = write_rows(tmp_path / "calls.jsonl", [{"text": f"terima kasih {i}", "extra": i} for i in range(50)])
    monkeypatch.setattr("santun.label.blocks", lambda items: blocks(items, 10))
    whole = tmp_path / f"whole.{kind}"
    label_files(tiny, [source], whole, kind=kind)

    class StopError(Exception):
        pass

    for stop_after in (10, 30):
        out = tmp_path / f"stopped.{kind}"

        def stop(account, path, stop_after=stop_after):
            if account.read > stop_after:
                raise StopError

        with pytest.raises(StopError):
            label_files(tiny, [source], out, kind=kind, on_block=stop)
        assert not out.exists()
        with partial_path(out).open("ab") as partial:
            partial.write(b"half a row")
    notes = []
    account = label_files(tiny, [source], out, kind=kind, on_note=notes.append)

    assert out.read_bytes() == whole.read_bytes()
    assert (account.read, account.labelled) == (50, 50)
    assert "going on after" in notes[0]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["calls.jsonl", whole.name, out.name])


def test_other_options_do_not_go_on_with_another_job(tmp_path, tiny, monkeypatch):
    source = write_rows(tmp_path / "calls.jsonl", [{"text": f"x {i}"} for i in range(30)])
    monkeypatch.setattr("santun.label.blocks", lambda items: blocks(items, 10))
    out = tmp_path / "out.jsonl"
    with pytest.raises(ZeroDivisionError):
        label_files(tiny, [source], out, lang="en", on_block=lambda account, path: 1 // (20 - account.read))
    label_files(tiny, [source], out, lang="ar")

    assert {record["lang"] for record in records(out)} == {"ar"}


def test_a_killed_command_goes_on_to_the_same_bytes(tmp_path):
    source = tmp_path / "calls.csv"
    with source.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["text"], *([f"Terima kasih kak, pesanan {i} sudah sampai"] for i in range(60_000))]
        )
    command = [sys.executable, "-m", "santun_cli.app", "label", str(source), "--lang", "id", "-q", "-o"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    out = tmp_path / "out.jsonl"
    job = subprocess.Popen([*command, str(out)], env=env)
    state = tmp_path / "out.jsonl.part.json"
    deadline = time.monotonic() + 60
    while not state.exists() and job.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    job.send_signal(signal.SIGKILL)
    job.wait()
    assert state.exists(), "the job ended before it could be killed"
    subprocess.run([*command, str(out)], env=env, check=True)
    subprocess.run([*command, str(tmp_path / "whole.jsonl")], env=env, check=True)

    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert len(records(out)) == 60_000


def hostile_rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "hostile.jsonl", [{"text": t, "=head": t, "speaker": t} for t in HOSTILE])


def test_csv_is_inert_and_reads_back_unchanged(tmp_path, tiny):
    out = tmp_path / "out.csv"
    label_files(tiny, [hostile_rows(tmp_path)], out, kind="csv")
    with out.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)

    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "＝")) for row in [header, *rows] for cell in row)
    assert [item.text for item in read(open_source(out))] == HOSTILE


def test_workbook_holds_texts_not_formulas(tmp_path, tiny):
    out = tmp_path / "out.xlsx"
    label_files(tiny, [hostile_rows(tmp_path)], out, kind="xlsx")
    sheet = openpyxl.load_workbook(out).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row]

    assert not [cell.coordinate for cell in cells if cell.data_type == "f" or cell.hyperlink]
    column = [cell.value for cell in sheet[1]].index("text") + 1
    assert [sheet.cell(i, column).value or "" for i in range(2, len(HOSTILE) + 2)] == HOSTILE


def test_workbook_says_where_a_text_was_cut(tmp_path, tiny):
    source = write_rows(tmp_path / "long.jsonl", [{"text": "x" * 40_000}])
    label_files(tiny, [source], tmp_path / "out.xlsx", kind="xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0]
    text = next(cell.value for cell in sheet[2] if isinstance(cell.value, str) and cell.value.startswith("xxx"))

    assert text.endswith("…[cut 7333 characters, see long.jsonl:1]")


def test_parquet_keeps_types_and_fields(tmp_path, tiny):
    out = tmp_path / "out.parquet"
    label_files(tiny, [hostile_rows(tmp_path)], out, kind="parquet")
    table = pq.read_table(out)

    assert table["text"].to_pylist() == HOSTILE
    assert table["=head"].to_pylist() == HOSTILE
    assert str(table.schema.field("labels").type).startswith("list")
    assert str(table.schema.field("score_thanks").type) == "double"


def test_nothing_to_write_still_gives_a_file(tmp_path):
    for kind in ("csv", "xlsx", "parquet", "jsonl"):
        writer = open_writer(tmp_path / f"empty.{kind}", kind, BEHAVIOURS)
        writer.close(finished=True)

        assert (tmp_path / f"empty.{kind}").exists()


def test_account_survives_json():
    account = Account(read=3, labelled=2, bad=1, problems=["a:1: broken"], paths=PathSummary(conversations=2))

    assert Account.from_dict(json.loads(json.dumps(account.to_dict()))) == account


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_its_own_tables_are_read_and_labelled_again(tmp_path, tiny, kind):
    source = write_rows(
        tmp_path / "a.jsonl",
        [{"text": "=1 terima kasih", "score_greeting": "mine", "other_fields": "kept"}, {"text": "x", "late": [1]}],
    )
    for step in ("b", "c"):
        label_files(tiny, [source], tmp_path / f"{step}.{kind}", kind=kind)
        source = tmp_path / f"{step}.{kind}"
    label_files(tiny, [source], tmp_path / "end.jsonl")
    first, second = records(tmp_path / "end.jsonl")

    assert (first["text"], second["text"]) == ("=1 terima kasih", "x")
    assert "mine" in json.dumps(first["input"])
    assert "kept" in json.dumps(first["input"])
    assert first["labels"] == ["thanks"]


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_lone_utterances_stay_alone_when_read_back(tmp_path, tiny, kind):
    texts = ["terima kasih kak", "so your bill went up", "apa kabar", "try to restart it"] * 3
    source = write_rows(tmp_path / "a.jsonl", [{"text": text} for text in texts])
    label_files(tiny, [source], tmp_path / f"b.{kind}", kind=kind)
    label_files(tiny, [source], tmp_path / "once.jsonl")
    label_files(tiny, [tmp_path / f"b.{kind}"], tmp_path / "twice.jsonl")
    once, twice = records(tmp_path / "once.jsonl"), records(tmp_path / "twice.jsonl")

    assert [r["scores"] for r in once] == [r["scores"] for r in twice]
    assert {r["conversation_id"] for r in twice} == {None}


def test_a_folder_job_goes_on_and_does_not_read_its_output(tmp_path, tiny, monkeypatch):
    write_rows(tmp_path / "a.jsonl", [{"text": f"x {i}"} for i in range(30)])
    (tmp_path / "~$lock.xlsx").write_bytes(b"x")
    monkeypatch.setattr("santun.label.blocks", lambda items: blocks(items, 10))
    from santun_corpora import find_files

    out = tmp_path / "out.jsonl"
    with pytest.raises(ZeroDivisionError):
        label_files(tiny, find_files([str(tmp_path)]), out, on_block=lambda account, path: 1 // (20 - account.read))

    assert [path.name for path in find_files([str(tmp_path)])] == ["a.jsonl"]


def test_a_damaged_file_is_blamed_and_the_rest_is_done(tmp_path, tiny):
    import pyarrow as pa

    pq.write_table(pa.table({"text": ["a" * 50] * 3000}), tmp_path / "a.parquet", compression="none")
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    data[4:40] = bytes(36)
    (tmp_path / "a.parquet").write_bytes(data)
    write_rows(tmp_path / "b.jsonl", [{"text": "goodbye and take care"}])
    account = label_files(tiny, [tmp_path / "a.parquet", tmp_path / "b.jsonl"], tmp_path / "out.jsonl")

    assert [message.split(":")[0] for message in account.unreadable] == ["a.parquet"]
    assert records(tmp_path / "out.jsonl")[-1]["labels"] == ["closing"]


def test_files_of_one_name_are_told_apart(tmp_path, tiny):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_rows(tmp_path / folder / "c.jsonl", [{"text": "hello", "speaker": "agent"}])
    paths = [tmp_path / "a/c.jsonl", tmp_path / "b/c.jsonl"]
    label_files(tiny, paths, tmp_path / "out.jsonl")

    assert [r["source"] for r in records(tmp_path / "out.jsonl")] == [f"{path.as_posix()}:1" for path in paths]


def test_numeric_ids_come_out_as_they_came(tmp_path, tiny):
    label_files(tiny, [write_rows(tmp_path / "a.jsonl", [{"id": 7, "text": "x"}])], tmp_path / "out.jsonl")

    assert records(tmp_path / "out.jsonl")[0]["id"] == 7


def test_numbers_that_a_spreadsheet_cannot_keep_are_text(tmp_path, tiny):
    source = write_rows(tmp_path / "a.jsonl", [{"text": "x", "card": 4111111111111111, "huge": 10**400, "small": 7}])
    label_files(tiny, [source], tmp_path / "out.xlsx", kind="xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0]
    row = dict(zip([cell.value for cell in sheet[1]], [cell.value for cell in sheet[2]], strict=True))

    assert (row["card"], row["huge"], row["small"]) == ("4111111111111111", "1" + "0" * 400, 7)


def test_a_workbook_never_replaces_a_pipe(tmp_path, tiny):
    os.mkfifo(tmp_path / "out.xlsx")
    source = write_rows(tmp_path / "a.jsonl", [{"text": "x"}])
    with pytest.raises(ValueError, match="cannot go to standard output, a pipe or a device"):
        label_files(tiny, [source], tmp_path / "out.xlsx", kind="xlsx")

    assert (tmp_path / "out.xlsx").is_fifo()
