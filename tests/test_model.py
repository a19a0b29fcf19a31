"""The shipped model: what it must reach on conversations it never saw, its size, its start, and its card."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from santun.evaluate import evaluate, read_evaluation
from santun.model import load
from santun.recipe import default_recipe
from santun.training_data import digest_of, gather
from santun_corpora import BEHAVIOURS, CORE_BEHAVIOURS, LANGUAGES
from santun_corpora.seed import seed_files

FOLDER = Path(__file__).resolve().parents[1] / "models/santun_models/default"


@pytest.fixture(scope="module")
def report(model):
    rows, problems = read_evaluation(seed_files("test"))
    assert problems == []
    return evaluate(model, rows, by="slice")


def test_model_was_made_from_the_corpus_as_it_stands(model):
    learnt = gather(default_recipe()).learnt()

    assert digest_of(learnt) == model.facts["training"]["sha256"]


def test_held_out_conversations(report):
    for code in LANGUAGES:
        assert report["languages"][code]["core_f1"] > 0.78, code
    slices = report["by"]
    first = [slices[s]["core_f1"] for s in "abc"]
    assert sum(first) / 3 > 0.85
    for name in CORE_BEHAVIOURS:
        scores = report["languages"]["all"]["behaviours"][name]
        assert scores["f1"] > scores["baseline_f1"] + 0.05, name
        assert scores["calibration_error"] < 0.03, name


def test_language_of_held_out_conversations(model, report):
    assert report["language_identification"]["utterances_of_four_words"] >= 0.95
    rows, _ = read_evaluation(seed_files("test"))
    calls = [row for row in rows if row.fields["slice"] in "abcdef"]  # those after are of lone lines

    assert evaluate(model, calls)["language_identification"]["conversations"] >= 0.995


def test_gold_sets(model, shared):
    rows, _ = read_evaluation(sorted((shared / "gold").glob("*.jsonl")))
    measured = evaluate(model, rows)

    for code in LANGUAGES:
        assert measured["languages"][code]["core_f1"] >= 0.76, code
    assert measured["average"]["core_f1"] >= 0.78
    for name in CORE_BEHAVIOURS:
        scores = measured["languages"]["all"]["behaviours"][name]
        assert scores["f1"] > scores["baseline_f1"], name


def test_size_and_load_time():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 12_000_000
    load()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        load()
        times.append(time.perf_counter() - start)
    assert min(times) < 0.5


def test_card_speaks_of_this_model(model):
    card = (FOLDER / "README.md").read_text(encoding="utf-8")

    assert model.version in card
    assert model.facts["training"]["sha256"] in card
    assert "[More Information Needed]" not in card


@pytest.mark.parametrize(
    ("lang", "text", "expected"),
    [
        ("ms", "Selamat pagi, terima kasih kerana menghubungi Maju Telco, apa khabar hari ini?", ["greeting", "rapport_question", "thanks"]),
        ("ms", "Maaf sangat puan, saya faham puan kecewa.", ["empathy", "apology"]),
        ("id", "Mohon maaf atas ketidaknyamanannya ya Kak", ["apology"]),
        ("id", "Halo Kak, apa kabar?", ["greeting", "rapport_question"]),
        ("id", "Saya turut berduka cita ya Bu", ["empathy"]),
        ("ar", "السلام عليكم، كيف حالك اليوم؟", ["greeting", "rapport_question"]),
        ("ar", "نعتذر عن التأخير", ["apology"]),
        ("ar", "مع السلامة، نهارك سعيد", ["closing"]),
        ("en", "I'm so sorry to hear about your loss.", ["empathy"]),
        ("en", "Thank you for holding.", ["thanks"]),
        ("en", "Can I have your account number please?", []),
        ("en", "you're welcome", []),
    ],
)  # fmt: skip
def test_plain_cases(model, lang, text, expected):
    assert model.label([text], lang=lang)[0]["labels"] == expected


def test_mixed_language_is_reported(model):
    from santun_corpora import Utterance

    texts = [
        "Eh sorry ya, I thought you said esok, tapi the flight is tonight kan?",
        "Saya nak tanya pasal bil bulan ini",
    ]
    result = model.label_utterances([Utterance(text, "a:1") for text in texts])

    assert result.mixed.tolist() == [True, False]


def test_malay_and_indonesian_are_settled_by_the_conversation(model):
    short = "terima kasih ya"
    malay = model.label(["Encik nak tukar pelan bila? Boleh saya semak dulu bil encik", short], conversation=True)
    indonesian = model.label(["Bapak mau ganti paket kapan? Bisa saya cek dulu tagihannya", short], conversation=True)

    assert [malay[1]["lang"], indonesian[1]["lang"]] == ["ms", "id"]


def test_label_refuses_what_it_cannot_take(model):
    with pytest.raises(TypeError, match="texts is one string"):
        model.label("hello")
    with pytest.raises(ValueError, match="unknown language 'fr'"):
        model.label(["hello"], lang="fr")
    with pytest.raises(ValueError, match="2 texts, 1 languages and 2 speakers"):
        model.label(["a", "b"], lang=["en"])
    assert model.label([]) == []


@pytest.mark.slow
def test_training_again_gives_the_same_bytes(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "santun_cli.app", "train", "-q", "--no-tracking", "-o", str(tmp_path / "again")],
        check=True,
    )
    names = {path.name for path in (tmp_path / "again").iterdir()}

    assert names | {"README.md"} == {path.name for path in FOLDER.iterdir()}
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_labels_of_sample_calls_are_what_they_were(model):
    """A golden file: whoever changes labels sees which."""
    from santun.label import label_path

    samples = Path(__file__).resolve().parents[1] / "corpora/santun_corpora/samples"
    lines = []
    for path in sorted(samples.iterdir()):
        for _, records in label_path(model, path):
            lines += [f"{r['source']} {r['lang']} {' '.join(r['labels']) or 'none'}" for r in records]
    golden = Path(__file__).parent / "data/sample_labels.txt"

    assert lines == golden.read_text(encoding="utf-8").split("\n")[:-1], json.dumps(lines, indent=1)
    assert set(" ".join(lines).split()) & set(BEHAVIOURS)
