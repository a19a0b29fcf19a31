"""Chat spelling: abbreviations, dropped vowels, letters repeated for stress, ``2`` for a word said twice."""

from __future__ import annotations

import re

import numpy as np

from santun.noise.lists import chat_forms
from santun.noise.words import is_arabic, pick, replace_phrases

_REDUPLICATED = re.compile(r"(?<!\w)([^\W\d_]{2,})-\1(\w*)", re.IGNORECASE)
_INNER_VOWELS = re.compile(r"(?<=\w)[aeiou](?=\w)", re.IGNORECASE)
_STRETCHED, _WITHOUT_VOWELS = 0.15, 0.35  # of the words that have no form of their own
_LONG_ENOUGH = 5  # letters of a word that is still read without its vowels


def chat(text: str, lang: str, rate: float, rng: np.random.Generator) -> str:
    """Write words as people do in chats: by lexicon, or by the habits of the language."""
    if lang in ("ms", "id") and "-" in text:
        text = _REDUPLICATED.sub(lambda twice: f"{twice[1]}2{twice[2]}" if rng.random() < rate else twice[0], text)
    return replace_phrases(text, chat_forms(lang), rate, rng, shorten_or_stretch)


def shorten_or_stretch(word: str, rng: np.random.Generator) -> str:
    """Drop vowels of a word, or stretch its last letter, or leave it."""
    how = rng.random()
    if not word.isalpha():
        return word
    if how < _STRETCHED and len(word) > 2:
        return word + word[-1] * pick((1, 2, 2, 3, 4), rng)
    if how < _STRETCHED + _WITHOUT_VOWELS and len(word) >= _LONG_ENOUGH and not is_arabic(word):
        return _INNER_VOWELS.sub("", word, count=pick((0, 1, 1), rng))  # 0: all of them
    return word
