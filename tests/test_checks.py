"""Behavioural tests and swaps: the cases are sound, the rates are what they say, and a swap changes only whole words."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from santun.checks import SWAPS, Case, Expectation, flip_rate, read_capabilities, read_cases, run_checks, swap_rows
from santun.checks.cases import _case
from santun.checks.swaps import _lists
from santun.model import Labels
from santun.noise.words import core, fold, pieces
from santun_cli.checklist import checklist, swaps
from santun_corpora import BEHAVIOURS, LANGUAGES, Utterance
from santun_corpora.schema import fold as fold_name
from santun_corpora.seed import seed_files
from typer.testing import CliRunner

from tests.conftest import tiny_rows

FLOOR = 0.16  # share of the cases that the shipped model may fail; it failed 0.144 of them when these were written
RULES = {str(number) for number in range(1, 19)} | set(BEHAVIOURS)


class Words:
    """A model that finds a behaviour where its name is said."""

    version = "words"

    def __init__(self):
        self.behaviours = list(BEHAVIOURS)

    def label_utterances(self, rows):
        said = np.array([[name in row.text for name in BEHAVIOURS] for row in rows], np.int8).reshape(len(rows), -1)
        langs = [row.lang or "en" for row in rows]
        return Labels(said, said * 0.9, langs, np.zeros(len(rows), bool), np.zeros(len(rows), bool))

    def verdict(self, result, row):
        on = result.predicted[row]
        return {
            "labels": [name for name, yes in zip(BEHAVIOURS, on, strict=True) if yes],
            "scores": dict(zip(BEHAVIOURS, result.scores[row].tolist(), strict=True)),
        }


def case(expect, text, variant=None, capability="thanks_plain", lang="en"):
    words = tuple(Expectation(word[0], word[1:]) for word in expect.split())
    return Case(capability, lang, 1, words, text, variant)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_cases_are_sound(lang):
    cases = read_cases((lang,))
    counts = Counter(one.capability for one in cases)

    assert len(counts) >= 40
    assert min(counts.values()) >= 6
    assert len({(one.text, one.variant, one.before) for one in cases}) == len(cases)
    assert {one.label for one in cases for one in one.expect} <= {"", *BEHAVIOURS}
    assert {one.speaker for one in cases} <= {"agent", "customer"}
    for one in cases:
        signs: dict[str, str] = {}
        assert all(signs.setdefault(label, sign) == sign for sign, label in one.expect), one
        assert one.text != one.variant
        assert one.text == one.text.strip()


def test_capabilities_are_sound():
    used = {one.capability for one in read_cases()}

    assert used == set(read_capabilities())
    assert {one.kind for one in read_capabilities().values()} == {"MFT", "INV", "DIR"}
    assert {one.rule for one in read_capabilities().values()} <= RULES


def test_cases_are_not_learnt_from():
    """Stock phrases are said by everybody; nothing longer was taken from the corpus, or put into it."""
    said = set()
    for path in seed_files():
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line:
                said.add(fold_name(json.loads(line)["text"]))
    cases = read_cases()
    known = [one for one in cases if all(fold_name(text) in said for text in (one.text, one.variant) if text)]

    assert len(known) < 0.05 * len(cases)
    assert max(len(one.text.split()) for one in known) <= 9


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["unheard", "+thanks", "x"], "unknown capability 'unheard'"),
        (["thanks_plain", ">thanks", "x"], "MFT expects"),
        (["thanks_plain", "", "x"], "MFT expects"),
        (["thanks_plain", "+thanks", ""], "a text is missing"),
        (["act_added", ">thanks", "x"], "a text is missing"),
        (["thanks_plain", "+thanks", "x", "", "somebody said"], "SPEAKER: TEXT"),
    ],
)
def test_a_line_that_is_not_sound_is_named(cells, message):
    with pytest.raises(ValueError, match=rf"en\.tsv:7: .*{message}|en\.tsv:7: {message}"):
        _case("en", 7, cells)
    with pytest.raises(ValueError, match="unknown language 'fr'"):
        read_cases(("fr",))


def test_rates_on_a_toy():
    cases = [
        case("+thanks", "thanks"),
        case("+thanks -apology", "thanks apology"),
        case("+thanks", "nothing", lang="ms"),
        case("=", "thanks", "thanks indeed", "no_punctuation"),
        case("=", "thanks", "indeed", "no_punctuation"),
        case("=apology", "thanks", "indeed", "no_punctuation"),
        case(">thanks", "indeed", "thanks", "act_added"),
        case("<thanks", "thanks", "thanks", "act_reported"),
        case("<apology >empathy", "apology", "empathy", "object_of_sorry"),
    ]
    report = run_checks(Words(), cases=cases)

    assert report["overall"]["failed"] == 4
    assert report["overall"]["rate"] == pytest.approx(4 / 9)
    # statsmodels.stats.proportion.proportion_confint(4, 9, method="wilson")
    assert report["overall"]["interval"] == pytest.approx([0.18876, 0.73342], abs=1e-4)
    assert {code: part["failed"] for code, part in report["languages"].items()} == {"ms": 1, "en": 3}
    assert {kind: part["failed"] for kind, part in report["kinds"].items()} == {"MFT": 2, "INV": 1, "DIR": 1}
    assert report["capabilities"]["thanks_plain"]["languages"]["ms"]["rate"] == 1
    assert [one["unmet"] for one in report["failures"]] == [["-apology"], ["+thanks"], ["="], ["<thanks"]]
    assert report["failures"][0]["found"] == [["apology", "thanks"]]
    assert report["failures"][0]["scores"] == [{"apology": 0.9}]


def test_behaviours_that_a_model_does_not_know_are_not_tested():
    model = SimpleNamespace(**{name: getattr(Words(), name) for name in ("version", "label_utterances", "verdict")})
    model.behaviours = ["greeting"]
    cases = [case("+closing", "x"), case("-greeting +closing", "x")]

    with pytest.raises(ValueError, match="no case tests"):
        run_checks(model, cases=cases[:1])
    assert run_checks(model, cases=cases)["skipped"] == 1
    assert run_checks(model, cases=cases)["overall"]["failed"] == 0


def test_the_turn_before_and_the_speaker_are_given():
    seen = []

    class Spy(Words):
        def label_utterances(self, rows):
            seen.extend(rows)
            return super().label_utterances(rows)

    one = replace(case("+thanks", "x"), before=("agent", "y"), speaker="customer", told=False)
    run_checks(Spy(), cases=[one])

    assert (seen[0].context, seen[0].role, seen[0].lang) == ([("agent", "y")], "customer", None)


def test_the_shipped_model_does_not_fail_more(model):
    report = run_checks(model)

    assert report["overall"]["rate"] < FLOOR
    assert all(part["rate"] < FLOOR + 0.04 for part in report["languages"].values())
    assert run_checks(model, ["ar"])["overall"] == report["languages"]["ar"]


def test_word_lists_are_sound():
    for (lang, kind), words in _lists().items():
        assert kind in SWAPS
        assert all(others and word not in {fold(other) for other in others} for word, others in words.forms.items())
        assert all(fold(other) in words.forms for others in words.forms.values() for other in others), (lang, kind)
        assert not set(words.forms) & (words.neutral | words.bound), (lang, kind)
    assert set(_lists()) == {(lang, kind) for lang in LANGUAGES for kind in SWAPS}


def test_a_word_stands_in_one_line():
    from importlib.resources import files

    counts: Counter[tuple[str, str, str]] = Counter()
    for line in (files("santun.checks") / "swaps.tsv").read_text(encoding="utf-8").split("\n"):
        if line and not line.startswith(("#", "lang\t")):
            lang, kind, group, words = line.split("\t")
            if group not in ("neutral", "bound"):
                counts.update((lang, kind, fold(word)) for word in words.split())

    assert [word for word, n in counts.items() if n > 1] == []


said = st.lists(
    st.sampled_from("Encik puan, puan-puan @siti Siti siti SITI kak! (Bu) Ibu ibukota أستاذ أستاذة، والأستاذ حضرتك شو مش Mr Mr. ma'am sir's sir don't she www.sir.com tak tidak yes YES ok".split(" ")),
    max_size=15,
).map(" ".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(said, st.sampled_from(LANGUAGES), st.sampled_from(SWAPS), st.integers(0, 2**32))
def test_swaps_change_only_whole_words_of_the_list(text, lang, kind, seed):
    row = Utterance(text, "a:1", id="a", lang=lang, labels=["thanks"])
    [new] = swap_rows([row], kind, seed)
    words = _lists()[lang, kind]
    old_chunks, new_chunks = ([core(part) for part in pieces(some.text)[0]] for some in (row, new))

    assert [new] == swap_rows([row], kind, seed)
    assert replace(new, text=text) == row
    for (before, word, behind), (now_before, now, now_behind) in zip(old_chunks, new_chunks, strict=True):
        assert (before, behind) == (now_before, now_behind)
        if word != now:
            assert fold(now) in {fold(other) for other in words.forms[fold(word)]}
            assert (word == word.lower()) == (now == now.lower())


def test_a_word_of_a_conversation_is_always_swapped_for_the_same():
    rows = [Utterance(f"Puan Siti, {i}", f"a:{i}", id=i, conversation_id="c", lang="ms") for i in range(8)]
    other = [replace(row, conversation_id="d") for row in rows]

    assert len({row.text.split(",")[0] for row in swap_rows(rows, "names")}) == 1
    assert swap_rows(rows[::-1], "names") == swap_rows(rows, "names")[::-1]
    assert swap_rows(rows, "names")[0].text != swap_rows(other, "names", 1)[0].text
    with pytest.raises(ValueError, match="unknown swap 'age': give one of names"):
        swap_rows(rows, "age")


@pytest.mark.parametrize(
    ("lang", "text", "swapped"),
    [
        ("ms", "Baik, Encik! Puan-puan @puan", "Baik, Puan! Puan-puan @puan"),
        ("id", "terima kasih bu", "terima kasih pak"),
        ("en", "YES SIR", "YES MA'AM"),
        ("en", "Sir, is she your wife?", "Sir, is she your wife?"),
        ("ar", "اتفضلي يا أستاذة", "اتفضل يا أستاذ"),
        ("ar", "اكتبي الرقم يا أستاذة", "اكتبي الرقم يا أستاذة"),
        ("ar", "شكرا لكِ يا أستاذة", "شكرا لكِ يا أستاذة"),
    ],
)
def test_gender_of_address(lang, text, swapped):
    assert swap_rows([Utterance(text, "a:1", lang=lang)], "gender")[0].text == swapped


def test_flip_rates_on_a_toy():
    class Polite(Words):
        def label_utterances(self, rows):
            said = np.zeros((len(rows), len(BEHAVIOURS)), np.int8)
            said[:, 0] = ["encik" in row.text for row in rows]
            langs = [row.lang or "ms" for row in rows]
            return Labels(said, said * 0.9, langs, np.zeros(len(rows), bool), np.zeros(len(rows), bool))

    texts = ["baik encik", "baik pakcik", "baik kak", "baik", "baik datuk"] * 6
    rows = [Utterance(text, f"a:{i}", id=i, conversation_id=str(i // 5), lang="ms") for i, text in enumerate(texts)]
    report = flip_rate(Polite(), rows, ["gender", "names"])
    part = report["swaps"]["gender"]["languages"]["ms"]

    assert (part["utterances"], part["conversations"], part["flipped"]) == (24, 6, 6)
    assert part["rate"] == 0.25
    assert part["interval"] == [0.25, 0.25]
    assert part["decisions"] == pytest.approx(0.025)
    assert part["behaviours"]["greeting"] == 6
    assert report["swaps"]["gender"]["languages"]["all"] == part
    assert report["swaps"]["gender"]["flips"][0] == {
        "source": "a:0", "id": 0, "lang": "ms", "lost": ["greeting"], "gained": [],
    }  # fmt: skip
    assert report["swaps"]["names"] == {"languages": {}, "flips": []}
    still = flip_rate(Polite(), rows[1:5], ["gender"])["swaps"]["gender"]["languages"]["ms"]
    assert still["interval"] == pytest.approx([0, 0.7935], abs=1e-3)  # one conversation
    with pytest.raises(ValueError, match="no rows"):
        flip_rate(Polite(), [])


def test_flip_rate_of_a_model_is_between_nought_and_one(model):
    report = flip_rate(model, tiny_rows(), ["honorifics", "dialect"])

    for swap in report["swaps"].values():
        for part in swap["languages"].values():
            assert 0 <= part["interval"][0] <= part["rate"] <= part["interval"][1] <= 1


@pytest.fixture(scope="module")
def santun():
    app = typer.Typer()
    app.command()(checklist)
    app.command()(swaps)

    def call(*arguments):
        return CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200", "NO_COLOR": "1"})

    return call


def test_checklist_command(santun):
    table = santun("checklist", "--lang", "id", "--failures")
    report = json.loads(santun("checklist", "--lang", "id", "--json").stdout)

    assert table.exit_code == 0
    assert "by capability" in table.stdout
    assert "apology_softener" in table.stdout
    assert list(report["languages"]) == ["id"]
    assert table.stdout.count("  -> ") + table.stdout.count("]  [") >= len(report["failures"]) > 0


def test_swaps_command(santun, tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"text": row.text, "conversation_id": row.conversation_id} for row in tiny_rows()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    table = santun("swaps", path, "--kind", "honorifics", "--kind", "gender")
    report = json.loads(santun("swaps", path, "--kind", "gender", "--json").stdout)

    assert table.exit_code == 0
    assert "of which a label changes" in table.stdout
    assert "honorifics" in table.stdout
    assert list(report["swaps"]) == ["gender"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["checklist", "--lang", "fr"], 2, "unknown language 'fr'"),
        (["swaps", "--kind", "age"], 2, "give one of names, honorifics, gender, dialect"),
        (["swaps", "nowhere.jsonl"], 4, "nowhere.jsonl: no such file"),
    ],
)
def test_commands_say_what_is_wrong(santun, arguments, code, message):
    done = santun(*arguments)

    assert done.exit_code == code
    assert message in done.stderr
