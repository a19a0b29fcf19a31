"""Normalisation of one whitespace-free chunk of text, with a map back to the raw characters.

What is folded and why: presentation forms, full-width letters and other compatibility characters (NFKC), invisible
format characters (bidi marks, zero-width joiners), Arabic tatweel and diacritics, emoji variation selectors and skin
tones. None of them changes what is said, all of them change what an n-gram model sees. The letters that Arabic
writers use one for another (alef, hamza, ya, ta marbuta) are folded in `spelling`, the form that features are made
of, and stay as written in the tokens.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_DROPPED = re.compile(
    "[\u0640\u064b-\u0652\u0670"  # tatweel, harakat, dagger alef
    "\ufe00-\ufe0f\U0001f3fb-\U0001f3ff"  # variation selectors, skin tones
    "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"  # invisible format characters
)
_REPLACED = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "“": '"', "”": '"', "—": "-", "–": "-", "\x00": "\ufffd"}
)
_CHANGED = re.compile(f"{_DROPPED.pattern}|[{re.escape(''.join(map(chr, _REPLACED)))}]")
_ARABIC_SPELLING = str.maketrans("أإآٱىةؤئیکگپچ؟", "اااايهويي" + "ككبج?")
_ELONGATED = re.compile(r"([^\W\d_])\1{2,}")
# digits; but one digit beside letters is a letter in Arabizi and chat ("3afwan", "gr8")
_NUMBERS = re.compile(r"\d{2,}|(?<![^\W\d_])\d(?![^\W\d_])")
_MANY_MARKS = re.compile(r"([!?،,])\1+")


class Normalised(NamedTuple):
    """A chunk as the tokenizer sees it.

    Attributes
    ----------
    text : str
    offsets : tuple of int or None
        For each character of `text` the index of its raw character; None where the text is as it was.
    """

    text: str
    offsets: tuple[int, ...] | None


def normalise(chunk: str) -> Normalised:
    """Normalise one chunk.

    Examples
    --------
    >>> normalise("شــكراً").text
    'شكرا'
    >>> normalise("ﻣﺮﺣﺒﺎ")
    Normalised(text='مرحبا', offsets=(0, 1, 2, 3, 4))
    """
    if chunk.isascii():
        return Normalised(chunk.replace("`", "'").replace("\x00", "\ufffd"), None)
    characters: list[str] = []
    offsets: list[int] = []
    start = 0
    while start < len(chunk):
        end = start + 1
        while end < len(chunk) and unicodedata.combining(chunk[end]):
            end += 1
        folded = unicodedata.normalize("NFKC", _DROPPED.sub("", chunk[start:end]))
        folded = _DROPPED.sub("", folded).translate(_REPLACED)
        for character in folded:
            characters.append(" " if character.isspace() else character)
            offsets.append(start)
        start = end
    text = "".join(characters)
    return Normalised(text, None if text == chunk else tuple(offsets))


def is_normal(chunk: str) -> bool:
    """Whether `normalise` leaves a chunk as it is; much faster.

    Examples
    --------
    >>> [is_normal(chunk) for chunk in ("maaf", "شكرا", "شــكراً", "Iʼm")]
    [True, True, False, False]
    """
    return _CHANGED.search(chunk) is None and unicodedata.is_normalized("NFKC", chunk)


def spelling(token: str) -> str:
    """Fold what writers vary freely: case, Arabic letter variants and question marks, elongation, runs of marks, digits.

    Examples
    --------
    >>> [spelling(t) for t in ("Heyyy", "أهلاا", "!!!", "٢٥٠", "3afwan")]
    ['hey', 'اهلاا', '!', '000', '3afwan']
    """
    token = token.lower()
    if not token.isascii():
        token = token.translate(_ARABIC_SPELLING)
    if not token.isalpha():
        token = _MANY_MARKS.sub(r"\1", token)
        if token.startswith(".."):
            token = "…"  # noqa: S105 (a word, not a password)
        token = _NUMBERS.sub(lambda number: "0" * len(number[0]), token)
    # three letters alike leave at least two fewer kinds of letters: most tokens need no search
    return token if len(token) - len(set(token)) < 2 else _ELONGATED.sub(r"\1", token)
