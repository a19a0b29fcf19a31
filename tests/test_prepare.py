"""Preparation: spaCy pipelines, mended tokenizer faults, spelling, and the fast way that equals them."""

from __future__ import annotations

import json

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from santun.prepare import pipeline, prepare, prepared_text, raw_span
from santun.prepare.normalise import is_normal, normalise
from santun_corpora import LANGUAGES
from santun_corpora.seed import seed_files

languages = st.sampled_from(LANGUAGES)
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)
wordy = st.lists(
    st.sampled_from("Maaf terima kasih tq saya okay jadi طيب شكراً بس ! ? . ؟ , … 🙏🏻 anak-anak e.g. http://a.b/c @x 12.5 don't".split()),
    max_size=60,
).map(" ".join)  # fmt: skip


def tokens(lang, text):
    return [token.text for token in pipeline(lang)(text)]


@pytest.mark.parametrize(
    ("lang", "text", "expected"),
    [
        ("ms", "anak-anak hari-hari macam-macam Budak-budak", ["anak-anak", "hari-hari", "macam-macam", "Budak-budak"]),
        ("id", "sehat-sehat e-mailku secepat-cepatnya", ["sehat-sehat", "e-mailku", "secepat-cepatnya"]),
        ("ms", "log-in w.b.t.", ["log-in", "w.b.t", "."]),
        ("ar", "شكراً جداً.", ["شكرا", "جدا", "."]),
        ("ar", "العافية،شكرا", ["العافية", "،", "شكرا"]),
        ("ar", "تعاونك.تم", ["تعاونك", ".", "تم"]),
        ("ar", "شــــكراً", ["شكرا"]),
        ("en", "thanks 🙏🏻 ❤️", ["thanks", "🙏", "❤"]),
        ("en", "you?I agree", ["you", "?", "I", "agree"]),
        ("ms", "RMx RM5 Rpz, RMz. ok. ya?", ["RM", "x", "RM", "5", "Rp", "z", ",", "RM", "z.", "ok", ".", "ya", "?"]),
        ("ar", "ok. hi, لا،", ["ok.", "hi", ",", "لا", "،"]),
        ("en", "im he's Mr. no.", ["i", "m", "he", "'s", "Mr.", "no", "."]),
        ("en", "see https://x.example/a?b=1.", ["see", "https://x.example/a?b=1", "."]),
    ],
)
def test_tokenizer_faults_are_mended(lang, text, expected):
    assert tokens(lang, text) == expected


@pytest.mark.parametrize(
    ("lang", "text", "expected"),
    [
        ("ms", "TQVM puan, sy xnak tunggu lg", "terima kasih ‹title› , saya tak nak tunggu lagi"),
        ("id", "makasihhh ya kakkk, gpp", "terima kasih ya ‹title› , tidak apa apa"),
        ("ms", "budak2 kawan-kawan", "budak kawan"),
        ("en", "thx u r gr8 x9y", "thanks you are great x9y"),
        ("ar", "shukran ya5i ma3lesh", "شكرا يا ‹title› معلش"),
        ("ar", "أهلاااا إنشاءالله ٢٥", "اهلا ان شاء الله 00"),
        ("ar", "كيفك؟؟ وانت ؟", "كيفك ?\nوانت ?"),
        ("ar", "ﻣﺮﺣﺒﺎ", "مرحبا"),
        ("en", "Iʼm sorry itʼs late", "i am sorry it 's late"),
        ("en", "DM @Maju #fail www.a.example", "dm ‹user› ‹tag› ‹link›"),
    ],
)  # fmt: skip
def test_spelling_that_writers_vary_is_one(lang, text, expected):
    assert prepare([text], [lang]) == [expected]


@settings(max_examples=500, deadline=None)
@given(anything)
def test_what_is_normal_stays_as_it_is(text):
    for chunk in text.split():
        assert not is_normal(chunk) or normalise(chunk).text == chunk


def test_the_arabic_pronoun_keeps_its_meaning():
    assert pipeline("ar")("أنا")[0].norm_ == "انا"


@pytest.mark.parametrize(
    ("lang", "text", "sentences"),
    [
        ("en", "No. 5 is incl. 6% tax. Dr. Tan is here!", 2),
        ("id", "Ir. Soekarno datang. Baik, Bpk. Andi.", 2),
        ("ms", "Selamat pagi\nApa khabar", 2),
        ("ar", "شكراً.العافية؟ نعم", 3),
        ("en", 'He said "go." Then (really!) left.', 3),
        ("en", "Good that you ask – we open at nine -- every day", 3),
        ("ms", "- susu\n- roti - dua, anak-anak suka", 3),
    ],
)
def test_sentences(lang, text, sentences):
    assert len(list(pipeline(lang)(text).sents)) == sentences


def test_long_speech_without_marks_is_cut_where_clauses_open():
    text = "okay thank you for waiting i can see your booking now so the flight leaves at ten and i am sorry about the delay earlier"

    assert prepare([text], ["en"])[0].split("\n") == [
        "okay thank you for waiting i can see your booking",
        "now so the flight leaves at ten",
        "and i am sorry about the delay earlier",
    ]


def test_clauses_point_into_the_raw_text():
    raw = "Maaf puan 🙏🏻,  saya faham. Boleh tunggu?"
    doc = pipeline("ms")(raw)

    assert [raw[slice(*raw_span(span))] for span in doc.spans["clauses"]] == [
        "Maaf puan 🙏🏻,",
        "saya faham.",
        "Boleh tunggu?",
    ]


@settings(max_examples=200, deadline=None)
@given(languages, anything | wordy)
def test_tokens_point_into_the_raw_text(lang, text):
    doc = pipeline(lang)(text)
    end = 0
    for start, stop in doc.user_data["santun.offsets"]:
        assert 0 <= start <= stop <= len(text)
        assert start >= min(end, start)
        end = stop
    assert doc.user_data["santun.raw"] == text


@settings(max_examples=200, deadline=None)
@given(languages, anything | wordy)
def test_the_fast_way_reads_the_same_words_as_the_pipeline(lang, text):
    assert prepare([text], [lang])[0].split() == prepared_text(pipeline(lang)(text)).split()


@given(st.lists(st.sampled_from(["-", "–", "--", "yes", "well.", "\n"]), max_size=8).map(" ".join))
def test_both_ways_end_a_sentence_at_the_same_dashes(text):
    assert prepare([text], ["en"])[0].split("\n") == prepared_text(pipeline("en")(text)).split("\n")


def test_the_fast_way_equals_the_pipeline_on_the_corpus():
    for path in seed_files("validation"):
        lang = path.parent.name
        texts = [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").split("\n") if line][:400]
        docs = pipeline(lang).pipe(texts)
        differing = [
            t for t, p, d in zip(texts, prepare(texts, [lang] * len(texts)), docs, strict=True) if p != prepared_text(d)
        ]

        # only where chat spelling of two words meets a long sentence may the cut fall elsewhere
        assert len(differing) <= 2


@settings(max_examples=100, deadline=None)
@given(languages, wordy, st.sampled_from(["\u200d", "\u202b", "\ufeff", "\u0640"]), st.integers(0, 80))
def test_invisible_characters_change_nothing(lang, text, mark, at):
    chunks = text.split()
    marked = [c[: at % (len(c) + 1)] + mark + c[at % (len(c) + 1) :] if c.isalpha() else c for c in chunks]

    assert prepare([" ".join(marked)], [lang]) == prepare([" ".join(chunks)], [lang])


@pytest.mark.parametrize(
    ("lang", "one", "other"),
    [
        ("ms", "Encik Ahmad, saya dah tengok akaun.", "puan Zaleha, aku sudah lihat akaun."),
        ("id", "Bapak Hendra, aku nggak bisa besok", "Ibu Wulan, saya tidak dapat besok"),
        ("ar", "يا أستاذ محمود شو بدك دلوقتي", "يا أستاذة فاطمة وش تبغى الحين"),
        ("en", "Mr. Gregory, my mum's phone is okay", "Mrs. Okafor, my dad's mobile is alright"),
    ],
)
def test_who_is_meant_and_where_from_reads_alike(lang, one, other):
    assert prepare([one], [lang]) == prepare([other], [lang])


def test_factories_are_found_by_entry_point(tmp_path):
    pipeline("ms").to_disk(tmp_path)
    loaded = spacy.load(tmp_path)

    assert loaded.pipe_names == ["santun_sentences", "santun_clauses"]
    assert [token.norm_ for token in loaded("tq puan")] == ["terima kasih", "‹title›"]


def test_every_language_has_the_same_files():
    from importlib.resources import files

    listed = {
        lang: sorted(
            f.name for f in (files("santun.prepare") / "languages" / lang).iterdir() if not f.name.startswith("_")
        )
        for lang in LANGUAGES
    }
    assert set(map(tuple, listed.values())) == {
        ("abbreviations.txt", "alike.tsv", "chat.tsv", "markers.txt", "openings.txt")
    }


def test_unknown_language_is_refused():
    with pytest.raises(ValueError, match="unknown language 'fr': give one of ms, id, ar, en"):
        pipeline("fr")
