"""Noise: the same seed gives the same, a rate is what it says, and nothing but the text of a row changes."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from santun.evaluate import evaluate
from santun.noise import KINDS, RATES, add_noise, noisy_copy
from santun.noise.lists import chat_forms, code_switches
from santun.noise.typos import NEIGHBOURS, mistype
from santun.prepare import prepare
from santun.robustness import robustness
from santun_cli.robustness import robustness as command
from santun_corpora import LANGUAGES, Utterance
from santun_corpora.seed import seed_files
from typer.testing import CliRunner

from tests.conftest import tiny_rows

languages = st.sampled_from(LANGUAGES)
kinds = st.sampled_from(KINDS)
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
wordy = st.lists(
    st.sampled_from("Maaf, terima kasih tq saya OK don't طيب شكراً أهلاً إن شاء الله ٢٥٠ بس! ? … 🙏🏻 anak-anak http://a.b/c @x 12.5 thank you sorry".split(" ")),
    max_size=30,
).map(" ".join)  # fmt: skip


def noised(text, kind, lang="en", rate=None, seed=0):
    return add_noise(text, kind, lang, np.random.default_rng(seed), rate)


@cache
def corpus(lang, n=300):
    path = next(path for path in seed_files("validation") if path.parent.name == lang)
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    return [
        Utterance(r["text"], f"{path.name}:{i}", id=r["id"], conversation_id=r["conversation_id"], lang=lang, labels=r["labels"])
        for i, r in enumerate(records[:n])
    ]  # fmt: skip


def distance(a, b):
    """Edit distance of two sequences, where exchanging neighbours is one edit."""
    rows = [list(range(len(b) + 1))]
    for i in range(1, len(a) + 1):
        rows.append([i, *[0] * len(b)])
        for j in range(1, len(b) + 1):
            best = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                best = min(best, rows[i - 2][j - 2] + 1)
            rows[i][j] = best
    return rows[-1][-1]


@settings(max_examples=300, deadline=None)
@given(anything | wordy, kinds, languages, st.integers(0, 2**32), st.none() | st.floats(0, 1))
def test_the_same_seed_gives_the_same_and_something_is_left(text, kind, lang, seed, rate):
    changed = noised(text, kind, lang, rate, seed)

    assert changed == noised(text, kind, lang, rate, seed)
    assert bool(changed.strip()) == bool(text.strip())


@settings(max_examples=200, deadline=None)
@given(anything | wordy, kinds, languages)
def test_rate_nought_changes_nothing(text, kind, lang):
    assert noised(text, kind, lang, 0) == text


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(wordy, languages, st.none() | st.integers(0, 5)), max_size=6), kinds, st.randoms())
def test_neither_order_nor_batches_matter_and_only_texts_change(said, kind, random):
    rows = [
        Utterance(text, f"a:{i}", id=name, lang=lang, speaker="ejen", role="agent", labels=["thanks"], fields={"x": i})
        for i, (text, lang, name) in enumerate(said)
    ]
    before = [replace(row) for row in rows]
    whole = noisy_copy(rows, kind, seed=3)
    order = list(range(len(rows)))
    random.shuffle(order)
    shuffled = noisy_copy([rows[i] for i in order], kind, seed=3)

    assert rows == before
    assert [replace(new, text=old.text) for new, old in zip(whole, rows, strict=True)] == rows
    assert [whole[i] for i in order] == shuffled
    assert whole == [noisy_copy([row], kind, seed=3)[0] for row in rows]


def test_seed_and_id_change_the_noise():
    rows = [
        replace(row, text="saya akan semak pesanan puan sekarang juga", id=i) for i, row in enumerate(corpus("ms", 20))
    ]
    texts = [row.text for row in noisy_copy(rows, "typos", rate=0.5)]

    assert len(set(texts)) > 10
    assert texts != [row.text for row in noisy_copy(rows, "typos", rate=0.5, seed=1)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x", "dialect", "ms"), "unknown noise 'dialect': give one of no_punctuation"),
        (("x", "plain", "fr"), "unknown language 'fr'"),
        (("x", "plain", "ms", 1.5), r"rate 1\.5 is not between 0 and 1"),
    ],
)
def test_what_is_unknown_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        noised(*arguments)


@settings(max_examples=300, deadline=None)
@given(anything | wordy, languages)
def test_no_mark_is_left(text, lang):
    left = noised(text, "no_punctuation", lang)

    if any(not c.isspace() and unicodedata.category(c)[0] != "P" for c in text):
        assert not any(unicodedata.category(c)[0] == "P" for c in left)


def test_plain_text_keeps_the_apostrophes_of_words():
    assert noised("“Don’t worry,” she said (twice): it's 'fine'.", "plain") == "don’t worry she said twice it's fine"
    assert noised("Don't worry.", "no_punctuation") == "Dont worry"
    assert noised("Anak-anak, ya?\nBaik.", "plain", "ms") == "anak anak ya\nbaik"
    assert noised("?!", "plain", "ms") == "?!"


def test_typing_errors_are_one_a_word_and_leave_its_first_letter():
    assert set(NEIGHBOURS["g"]) == set("ftyhvb")
    assert set(NEIGHBOURS["ا"]) == set("لغعتى")
    assert all(letter in NEIGHBOURS[near] for letter, some in NEIGHBOURS.items() for near in some)
    rng = np.random.default_rng(0)
    for row in corpus("ms") + corpus("ar"):
        for word in row.text.split():
            if word.isalpha() and len(word) > 1:
                wrong = mistype(word, rng)
                assert distance(word, wrong) == 1
                assert wrong[0] == word[0]


def test_share_of_mistyped_words():
    rows = [row for lang in LANGUAGES for row in corpus(lang)]
    pairs = [
        (a, b)
        for old, new in zip(rows, noisy_copy(rows, "typos", rate=0.2), strict=True)
        for a, b in zip(old.text.split(), new.text.split(), strict=True)
        if a.isalpha() and len(a) > 1
    ]

    assert np.mean([a != b for a, b in pairs]) == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_word_error_rate_is_the_rate(lang, rate):
    rows = corpus(lang)
    errors = words = 0
    for seed in range(3):
        for old, new in zip(rows, noisy_copy(rows, "word_error", rate=rate, seed=seed), strict=True):
            errors += distance(old.text.split(), new.text.split())
            words += len(old.text.split())

    assert errors / words == pytest.approx(rate, rel=0.1)


def test_fillers_are_put_in_and_nothing_else_changes():
    for lang in LANGUAGES:
        rows = corpus(lang)
        added = words = 0
        for old, new in zip(rows, noisy_copy(rows, "fillers", rate=0.2), strict=True):
            left = iter(new.text.split())
            assert all(word in left for word in old.text.split())
            added += len(new.text.split()) - len(old.text.split())
            words += len(old.text.split())
        assert 0.15 < added / words < 0.3  # some are of two words


@pytest.mark.parametrize("lang", LANGUAGES)
def test_chat_spelling_is_not_only_what_preparation_undoes(lang):
    forms = [(phrase, form) for phrase, some in chat_forms(lang).forms.items() for form in some]
    usual = prepare([phrase for phrase, _ in forms], [lang] * len(forms))
    undone = np.array(usual) == np.array(prepare([form for _, form in forms], [lang] * len(forms)))

    assert undone.sum() >= 30
    assert (~undone).sum() >= 100


def test_chat_spelling():
    said = {noised("Terima kasih, budak-budaknya sangat comel", "chat", "ms", 1.0, seed) for seed in range(300)}

    assert all(text.split(", ")[1].startswith("budak2nya") for text in said)
    assert {"Tq", "Tqvm"} <= {text.split(",")[0] for text in said}
    assert all("kakak" not in noised("kakak", "chat", "id", 1.0, seed).split() for seed in range(20))


@pytest.mark.parametrize("seed", range(3))
def test_preparation_undoes_what_arabic_writers_vary(seed):
    # not folded: a dropped hamza at the end of a word, and marks beside digits of different scripts
    rows = [row for row in corpus("ar", 1700) if not re.search(r"ء|\d", row.text)]
    after = noisy_copy(rows, "arabic_letters", rate=0.5, seed=seed)
    texts = [[row.text for row in some] for some in (rows, after)]

    assert np.mean([a != b for a, b in zip(*texts, strict=True)]) > 0.4
    assert prepare(texts[0], ["ar"] * len(rows)) == prepare(texts[1], ["ar"] * len(rows))


def test_a_number_is_written_in_one_script():
    said = {noised("المبلغ 12,500 ريال", "arabic_letters", "ar", 1.0, seed).split()[1] for seed in range(20)}

    assert said == {"١٢,٥٠٠", "۱۲,۵۰۰"}


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(max_codepoint=0x5FF, exclude_categories=["Cs"]), max_size=80), languages)
def test_text_without_arabic_letters_is_left_by_arabic_noise(text, lang):
    assert noised(text, "arabic_letters", lang, 1.0) == text


def test_pairs_of_mixed_languages():
    sizes = {(lang, other): len(pairs.forms) for lang in LANGUAGES for other, pairs in code_switches(lang).items()}

    for pair in (("ms", "en"), ("id", "en"), ("ar", "en")):
        assert sizes[pair] >= 60
        assert sizes[pair[::-1]] >= 60
    assert sizes["ms", "ar"] >= 30
    assert {noised("Minta maaf, Puan.", "code_switch", "ms", 1.0, seed) for seed in range(20)} >= {"Sorry, Puan."}


def test_losses_are_those_of_the_evaluation(model):
    rows = tiny_rows()
    report = robustness(model, rows, ["plain", ("word_error", 0.4), ("typos", 0.0)])
    changed = noisy_copy(rows, "word_error", rate=0.4)
    clean, after = (evaluate(model, some)["languages"] for some in (rows, changed))

    assert [noise["kind"] for noise in report["noise"]] == ["plain", "word_error", "typos"]
    assert report["noise"][0]["rate"] == RATES["plain"]
    for code, part in report["noise"][1]["languages"].items():
        for key in ("core_f1", "macro_f1"):
            assert part[key]["clean"] == pytest.approx(clean[code][key])
            assert part[key]["noised"] == pytest.approx(after[code][key])
            assert part[key]["loss"] == pytest.approx(100 * (clean[code][key] - after[code][key]))
            assert part[key]["interval"][0] <= part[key]["loss"] <= part[key]["interval"][1]
    assert report["noise"][2]["changed"] == 0
    assert report["noise"][2]["languages"]["all"]["core_f1"]["interval"] == [0, 0]


def test_robustness_without_language_or_support(model):
    rows = [replace(row, lang=None, labels=[]) for row in tiny_rows()[:20]]

    assert robustness(model, rows, ["chat"])["noise"][0]["languages"]["all"]["core_f1"] is None
    with pytest.raises(ValueError, match="no rows"):
        robustness(model, [])


@pytest.fixture(scope="module")
def santun():
    app = typer.Typer()
    app.command()(command)

    def call(*arguments):
        return CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200", "NO_COLOR": "1"})

    return call


def test_command(santun, tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [
        {"text": r.text, "lang": r.lang, "labels": r.labels, "conversation_id": r.conversation_id} for r in tiny_rows()
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    table = santun(path, "--kind", "lower_case", "--kind", "word_error=0.3")
    report = json.loads(santun(path, "--kind", "word_error=0.3", "--json").stdout)

    assert table.exit_code == 0
    assert "word_error" in table.stdout
    assert "points of core macro-F1 lost" in table.stdout
    assert report["noise"][0]["rate"] == 0.3
    assert set(report["noise"][0]["languages"]) == {*LANGUAGES, "all"}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--kind", "dialect"], 2, "give one of no_punctuation, lower_case"),
        (["--kind", "typos=much"], 2, "with a number from 0 to 1"),
        (["--kind", "typos=2"], 2, "a rate is from 0 to 1"),
        (["nowhere.jsonl"], 4, "nowhere.jsonl: no such file"),
    ],
)
def test_command_says_what_is_wrong(santun, arguments, code, message):
    done = santun(*arguments)

    assert done.exit_code == code
    assert message in done.stderr
