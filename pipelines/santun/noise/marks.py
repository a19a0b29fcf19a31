"""Texts without punctuation and capitals, as speech recognition and hurried writers leave them."""

from __future__ import annotations

import re

import numpy as np

from santun.noise.words import MARKS

_APOSTROPHES = "'’‘"
_LETTER = r"[^\W\d_]"
_OTHERS = "".join([mark for mark in MARKS if mark not in _APOSTROPHES])
_INSIDE = re.compile(rf"(?<={_LETTER})[{_APOSTROPHES}](?={_LETTER})")
_MARKS = re.compile(f"[{re.escape(MARKS)}]+")
_BUT_INSIDE = re.compile(rf"(?:[{re.escape(_OTHERS)}]|(?<!{_LETTER})[{_APOSTROPHES}]|[{_APOSTROPHES}](?!{_LETTER}))+")
_WORDS = re.compile(r"\S+")
_BLANKS = re.compile(r"[^\S\n\r]+")


def no_punctuation(text: str, lang: str, rate: float, rng: np.random.Generator) -> str:  # noqa: ARG001 (all kinds' signature)
    """Take marks out; a mark between words becomes a blank, an apostrophe inside one nothing ("dont")."""
    return _tidy(text, _without(_MARKS, " ", _without(_INSIDE, "", text, rate, rng), rate, rng))


def lower_case(text: str, lang: str, rate: float, rng: np.random.Generator) -> str:  # noqa: ARG001
    """Write words in small letters."""
    if rate == 1:
        return text.lower()
    return _WORDS.sub(lambda word: word[0].lower() if rng.random() < rate else word[0], text)


def plain(text: str, lang: str, rate: float, rng: np.random.Generator) -> str:
    """Write as a recogniser does: small letters and no marks, but for the apostrophe that belongs to the spelling."""
    return lower_case(_tidy(text, _without(_BUT_INSIDE, " ", text, rate, rng)), lang, rate, rng)


def _without(marks: re.Pattern[str], instead: str, text: str, rate: float, rng: np.random.Generator) -> str:
    if rate == 1:
        return marks.sub(instead, text)
    return marks.sub(lambda run: instead if rng.random() < rate else run[0], text)


def _tidy(before: str, text: str) -> str:
    """Leave no double blanks where marks were, nor blanks at the ends of lines."""
    if text == before:
        return text
    return "\n".join([_BLANKS.sub(" ", line).strip(" ") for line in text.split("\n")])
