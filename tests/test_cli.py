"""The command as it is installed: exit codes, one clear line, help that teaches, nothing heavy before it is needed."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from santun_corpora import BEHAVIOURS

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "corpora/santun_corpora/samples"
COMMANDS = (
    ["label"], ["explain"], ["evaluate"], ["path"], ["score"], ["report"], ["drift"], ["review", "sample"], ["review", "import"], ["scorecard", "list"], ["scorecard", "show"], ["scorecard", "check"], ["scorecard", "phrases"], ["train"], ["tune"], ["compare"], ["promote"], ["rollback"], ["runs", "list"], ["runs", "push"], ["robustness"], ["checklist"], ["swaps"], ["card"], ["corpora", "check"], ["corpora", "import"], ["corpora", "export"], ["corpora", "stats"], ["version"],
)  # fmt: skip


def santun(*arguments, stdin: bytes | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "200", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "santun_cli.app", *map(str, arguments)],
        input=stdin or b"",
        capture_output=True,
        env=env,
        cwd=cwd,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_installed_command_answers_from_anywhere(tmp_path):
    command = shutil.which("santun", path=str(Path(sys.executable).parent))
    assert command, "santun is not installed beside this Python: pip install -e '.[test]'"
    done = subprocess.run([command, "version"], capture_output=True, text=True, cwd=tmp_path, check=True)

    assert re.fullmatch(r"\d+\.\d+\.\d+\n", done.stdout)


def test_help_is_quick_and_loads_nothing_heavy():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = santun("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    assert done.returncode == 0
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, santun_cli.app; print(*sorted({m.split('.')[0] for m in sys.modules}))"],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert not {"numpy", "scipy", "sklearn", "spacy", "pyarrow", "openpyxl", "matplotlib"} & set(loaded.stdout.split())


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_and_stands_in_the_guide(command):
    done = santun(*command, "--help")

    assert done.returncode == 0
    guide = "".join(path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    assert f"santun {' '.join(command)}" in guide


def test_label_writes_records_and_a_summary():
    done = santun("label", SAMPLES)
    rows = [json.loads(line) for line in done.stdout.split("\n") if line]

    assert done.returncode == 0
    assert {row["lang"] for row in rows} == {"ms", "id", "ar", "en"}
    assert re.search(r"read (\d+) = labelled \1 \+ skipped 0 \+ bad 0", done.stderr)
    assert "service path of 4 conversations" in done.stderr


def test_label_text_and_stdin():
    by_text = santun("label", "--text", "Terima kasih banyak puan", "--lang", "ms")
    by_pipe = santun("label", "-", "--lang", "ms", "-q", stdin=b"Agent: Terima kasih banyak puan\n")

    assert json.loads(by_text.stdout)["labels"] == ["thanks"]
    assert json.loads(by_pipe.stdout)["labels"] == ["thanks"]


def test_summary_as_json_adds_up(tmp_path):
    source = tmp_path / "calls.jsonl"
    source.write_text('{"text": "hello there"}\n{broken\n{"text": ""}\n', encoding="utf-8")
    done = santun("label", source, "--json")
    summary = json.loads(done.stderr)

    assert done.returncode == summary["exit_code"] == 3
    assert summary["read"] == 3 == summary["labelled"] + summary["skipped"] + summary["bad"]
    assert summary["problems"] == ["calls.jsonl:2: not JSON (character 2); write one object a line"]


def broken_model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(ROOT / "models/santun_models/default", folder)
    data = bytearray((folder / "arrays.npz").read_bytes())
    data[5000] ^= 1
    (folder / "arrays.npz").write_bytes(data)
    return folder


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["label"], 2, "give files to label, or --text"),
        (["label", "nowhere.csv"], 4, "unreadable: nowhere.csv: no such file or folder"),
        (["label", "empty.csv"], 4, "unreadable: empty.csv: empty; it has no rows"),
        (["label", "columns.csv"], 4, "no column holds the text; the columns are 'a', 'b': name it, --map text=COLUMN"),
        (["label", "binary.txt"], 4, "binary.txt: not a text file"),
        (["label", "arabic.csv", "--encoding", "utf-8"], 4, "arabic.csv: not utf-8; name its encoding with --encoding"),
        (["label", "arabic.csv", "--encoding", "klingon"], 4, "unknown encoding 'klingon'"),
        (["label", "columns.csv", "--lang", "fr"], 2, "unknown language 'fr'; give one of ms, id, ar, en"),
        (
            ["label", "columns.csv", "--speaker-role", "boss"],
            2,
            "unknown role 'boss'; give one of agent, customer, bot",
        ),
        (["label", "columns.csv", "--map", "txt=a"], 2, "--map 'txt=a': write FIELD=COLUMN"),
        (
            ["label", "columns.csv", "--format", "docx"],
            2,
            "unknown format 'docx'; the formats are jsonl, csv, xlsx, parquet",
        ),
        (["label", "columns.csv", "--format", "xlsx"], 2, "xlsx cannot go to standard output; name a file with -o"),
        (["label", "columns.csv", "--map", "text=a", "-o", "columns.csv"], 2, "columns.csv: is an input too"),
        (
            ["label", "--text", "x", "--model", "nobody"],
            4,
            "no model 'nobody': give a folder that `santun train` wrote",
        ),
        (["label", "--text", "x", "--model", "model"], 4, "changed since the model was made (its hash differs)"),
        (["explain", "x", "-b", "empati"], 2, "unknown behaviour 'empati'; the model knows greeting, "),
        (["evaluate", "columns.csv", "--map", "text=a"], 4, "no row has labels"),
        (["evaluate", "--where", "slice=z"], 2, "no row has such a value; write FIELD=VALUE,VALUE"),
        (
            ["train", "--set", 'corpus.where={lang=["en"],slice=["a"]}', "-o", "columns.csv/model"],
            4,
            "cannot be written (Not a directory)",
        ),
        (["path", "nowhere.txt"], 4, "nowhere.txt: no such file"),
        (["label", "--nonsense"], 2, "No such option: --nonsense"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_clear_line_and_a_documented_code(tmp_path, arguments, code, message):
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "columns.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (tmp_path / "binary.txt").write_bytes(b"\x7fELF" + bytes(300))
    (tmp_path / "arabic.csv").write_bytes("speaker,text\nagent,السلام عليكم\n".encode("cp1256"))
    if arguments[-1] == "model":
        broken_model(tmp_path)
    done = santun(*arguments, cwd=tmp_path)

    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert [line for line in done.stderr.split("\n") if message in line]


def test_good_rows_are_labelled_beside_bad_inputs(tmp_path):
    (tmp_path / "good.jsonl").write_text('{"text": "thank you so much"}\n', encoding="utf-8")
    (tmp_path / "bad.csv").write_bytes(b"")
    done = santun("label", "bad.csv", "good.jsonl", "nowhere", cwd=tmp_path)

    assert done.returncode == 4
    assert [json.loads(line)["labels"] for line in done.stdout.split("\n") if line] == [["thanks"]]


def test_a_fault_of_ours_is_one_line_without_text(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(
        "import santun.label\ndef broken(*a, **k): raise RuntimeError('secret words of a caller')\n"
        "santun.label.label_block = broken\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    done = santun("label", SAMPLES / "en_call.txt")

    assert done.returncode == 5
    assert "a fault of santun (RuntimeError at sitecustomize.py:2)" in done.stderr
    assert "secret" not in done.stderr


def test_no_log_line_holds_a_text_of_the_input(tmp_path):
    canary = "zebracanary"
    (tmp_path / "a.jsonl").write_text(
        f'{{"text": "{canary}"\n{{"text": ["{canary}"]}}\n{{"text": "{canary}"}}\n', encoding="utf-8"
    )
    (tmp_path / "b.csv").write_text(f'speaker,text\nagent,x,{canary}\nagent,"{canary}\n', encoding="utf-8")
    done = santun("label", "a.jsonl", "b.csv", "-o", "out.jsonl", cwd=tmp_path)

    assert done.returncode == 3
    assert canary not in done.stderr


def test_explain_shows_the_words():
    shown = santun("explain", "Terima kasih puan", "--lang", "ms", "-b", "thanks")
    told = json.loads(santun("explain", "Terima kasih puan", "--lang", "ms", "--json").stdout)

    assert "thanks: yes" in shown.stdout
    part = told["behaviours"]["thanks"]
    assert sum(w["weight"] for w in part["words"]) + part["base"] + part["context"] == pytest.approx(
        part["log_odds"], abs=1e-3
    )
    assert [w["text"] for w in part["words"]] == ["Terima", "kasih", "puan"]
    assert list(told["behaviours"]) == list(BEHAVIOURS)


def test_explain_points_to_the_span():
    told = json.loads(
        santun("explain", "Baik puan. Maaf sangat atas kelewatan, boleh tunggu?", "--lang", "ms", "--json").stdout
    )
    spans = told["behaviours"]["apology"]["spans"]

    assert max(spans, key=lambda span: span["weight"])["text"] == "Maaf sangat atas kelewatan,"
    words = told["behaviours"]["apology"]["words"]
    assert sum(s["weight"] for s in spans) == pytest.approx(sum(w["weight"] for w in words), abs=1e-6)


def test_path_quotes_the_turns():
    done = santun("path", SAMPLES / "en_call.txt")
    told = json.loads(santun("path", SAMPLES / "en_call.txt", "--json").stdout)

    assert done.returncode == 0
    assert "greet: turn 1: “Good morning" in done.stdout
    assert told[0]["steps"]["greet"] == 1


def test_train_evaluate_and_use_a_model_of_ones_own(tmp_path):
    from tests.conftest import tiny_rows

    rows = [
        {"id": r.id, "conversation_id": r.conversation_id, "turn": r.turn, "speaker": r.speaker, "lang": r.lang, "text": r.text, "labels": r.labels}
        for r in tiny_rows()
    ]  # fmt: skip
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert santun("train", "own.jsonl", "--no-corpus", "--no-tracking", "-o", "own", "-q", cwd=tmp_path).returncode == 0
    labelled = santun("label", "--text", "terima kasih banyak", "--model", "own", cwd=tmp_path)
    report = json.loads(santun("evaluate", "own.jsonl", "--model", "own", "--json", cwd=tmp_path).stdout)

    assert json.loads(labelled.stdout)["labels"] == ["thanks"]
    assert report["rows"] == len(rows)
    bad = santun("train", "own.jsonl", "nowhere.jsonl", "--no-corpus", cwd=tmp_path)
    assert bad.returncode == 4
    assert "nowhere.jsonl: no such file or folder" in bad.stderr
