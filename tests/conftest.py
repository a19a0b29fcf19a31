"""Shared fixtures: the shipped model, a tiny trained one, the samples that live beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from santun.model import Model, load
from santun.recipe import Recipe
from santun.train import train
from santun_corpora import Utterance

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def model() -> Model:
    return load()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder beside the checkout with gold sets and public samples."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not here: public samples are not part of the repository")
    return SHARED


_SAID = {
    "greeting": ("selamat pagi puan", "good morning sir", "مرحبا بك", "halo kak"),
    "rapport_question": ("apa khabar hari ini", "how are you today", "كيف حالك اليوم", "apa kabar kak"),
    "empathy": ("saya faham puan kecewa", "that must be so hard", "أتفهم انزعاجك", "pasti berat ya kak"),
    "apology": ("minta maaf atas kelewatan", "we apologise for the delay", "نعتذر عن التأخير", "mohon maaf kak"),
    "thanks": ("terima kasih banyak", "thank you so much", "شكرا جزيلا", "makasih kak"),
    "needs_question": ("ada apa boleh saya bantu", "how can i help", "كيف أقدر أساعدك", "ada yang bisa dibantu"),
    "active_listening": ("jadi bil puan naik", "so your bill went up", "يعني فاتورتك ارتفعت", "jadi tagihannya naik"),
    "solution_offer": ("cuba tutup dan buka semula", "try to restart it", "جرب إعادة التشغيل", "coba restart kak"),
    "ownership": ("saya akan telefon esok", "i will call you tomorrow", "سأتصل بك غدا", "besok saya telepon"),
    "closing": ("jumpa lagi", "goodbye and take care", "مع السلامة", "sampai jumpa"),
}
_PLAIN = ("nombor akaun empat lima", "my order is red", "رقم الطلب خمسة", "alamatnya di jalan mawar")


def tiny_rows() -> list[Utterance]:
    """Eight short conversations a language in which every behaviour is said."""
    rows = []
    for copy in range(8):
        for at, lang in enumerate(("ms", "en", "ar", "id")):
            name = f"{lang}-tiny-{copy:03d}"
            said = [(text[at], [behaviour]) for behaviour, text in _SAID.items()] + [(_PLAIN[at], [])] * 3
            for turn, (text, labels) in enumerate(said, 1):
                rows.append(
                    Utterance(
                        f"{text} {['', 'ya', 'ok'][copy % 3]}".strip(), f"tiny:{len(rows)}", id=f"{name}-{turn}",
                        conversation_id=name, turn=turn, speaker="agent", role="agent", lang=lang, labels=labels,
                    )
                )  # fmt: skip
    return rows


@pytest.fixture(scope="session")
def tiny() -> Model:
    small = Recipe().updated({"features.word_bits": 12, "features.char_bits": 12, "classifier.n_folds": 2})
    model = train(tiny_rows(), small)
    model.facts["content_sha256"] = "0" * 64
    return model
