"""The seed corpus is sound, loads as a data set, keeps its splits, and holds nothing of the gold sets."""

from __future__ import annotations

import json
import re

import pytest
from santun.audit import check_files, count_files
from santun_corpora import BEHAVIOURS, LANGUAGES, split_of
from santun_corpora.seed import seed_files, seed_folder


def test_seed_corpus_has_no_problem():
    result = check_files(seed_files())

    assert result["problems"] == []
    assert result["rows"] > 50_000


def test_splits_go_by_conversation_and_never_change():
    homes = {}
    for path in seed_files():
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line:
                name = json.loads(line)["conversation_id"]
                assert homes.setdefault(name, path.stem) == path.stem == split_of(name)
    # recorded once: whoever changes the rule moves these
    assert [split_of(f"ms-telco-{n:03d}") for n in range(1, 9)] == [
        "test",
        "train",
        "train",
        "train",
        "test",
        "validation",
        "train",
        "test",
    ]
    assert split_of("ar-clinic-201") == homes["ar-clinic-201"]


def test_seed_corpus_loads_as_a_data_set(tmp_path):
    datasets = pytest.importorskip("datasets", reason="needs santun[data]")
    for lang in LANGUAGES:
        loaded = datasets.load_dataset(str(seed_folder()), lang, cache_dir=str(tmp_path))
        assert set(loaded) == {"train", "validation", "test"}
        features = loaded["test"].features
        assert tuple(features["labels"].feature.names) == BEHAVIOURS
        assert set(loaded["test"]["lang"]) == {lang}


def test_gold_sentences_are_not_in_the_corpus(shared):
    def folded(text: str) -> str:
        return re.sub(r"[\W\d_]+", "", text.casefold())

    gold = {
        folded(json.loads(line)["text"])
        for path in (shared / "gold").glob("*.jsonl")
        for line in path.read_text(encoding="utf-8").split("\n")
        if line
    }
    long = {text for text in gold if len(text) > 25}
    assert len(long) > 500
    for path in seed_files():
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line:
                assert folded(json.loads(line)["text"]) not in long


def row(**fields):
    return {
        "id": "a-1",
        "conversation_id": "a",
        "turn": 1,
        "speaker": "agent",
        "lang": "en",
        "text": "hi",
        "labels": [],
        **fields,
    }


def test_check_names_file_and_line(tmp_path):
    path = tmp_path / "mine.jsonl"
    rows = [
        row(), row(id="a-1", turn=2), row(id="a-3", turn=1), row(id="a-4", turn=3, lang="fr"), row(id="a-5", turn=4, labels=["sorry"]),
        row(id="a-6", turn=5, text=" "), {k: v for k, v in row(id="a-7", turn=6).items() if k != "labels"},
    ]  # fmt: skip
    path.write_text("".join(json.dumps(r) + "\n" for r in rows) + "{\n", encoding="utf-8")
    problems = check_files([path])["problems"]

    assert [problem.split(": ")[0] for problem in problems] == [f"mine.jsonl:{n}" for n in (2, 3, 4, 5, 6, 7, 8)]
    assert "id 'a-1' stands at mine.jsonl:1 too" in problems[0]
    assert "turn 1 of 'a' after turn 2" in problems[1]
    assert "unknown language 'fr'; write ms, id, ar or en" in problems[2]
    assert "unknown behaviour 'sorry'" in problems[3]


def test_stats_count(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(
        "".join(json.dumps(row(id=str(i), labels=["thanks", "closing"][:i])) + "\n" for i in range(3)), encoding="utf-8"
    )
    part = count_files([path])["languages"]["en"]

    assert (part["rows"], part["conversations"], part["unlabelled"], part["several"]) == (3, 1, 1, 1)
    assert part["behaviours"]["thanks"] == 2
