"""Errors of the fingers: a neighbouring key, a letter left out, two letters exchanged, a letter twice.

The four kinds are Damerau's (1964, doi:10.1145/363958.363994), with doubling for insertion. The first letter of a word
stays: writers seldom miss it (Yannakoudakis & Fawthrop 1983, The rules of spelling errors).
"""

from __future__ import annotations

import re

import numpy as np

from santun.noise.words import Forms, core, hits, pick, pieces

# each row is a third of a key to the right of the one above; a blank is a key without a letter of the language
_QWERTY = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_ARABIC_101 = ("ضصثقفغعهخحجد", "شسيبلاتنمكط", "ئءؤر ىةوزظ")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
# neighbouring key, omission, transposition, doubling
_SHARES = (0.35, 0.60, 0.80, 1.0)


def _neighbours(rows: tuple[str, ...]) -> Forms:
    """Letters on the keys around each letter."""
    key = {(r, c): letter for r, row in enumerate(rows) for c, letter in enumerate(row) if letter != " "}
    around = ((0, -1), (0, 1), (-1, 0), (-1, 1), (1, -1), (1, 0))
    return {
        letter: tuple(key[r + i, c + j] for i, j in around if (r + i, c + j) in key) for (r, c), letter in key.items()
    }


NEIGHBOURS: Forms = _neighbours(_QWERTY) | _neighbours(_ARABIC_101)


def typos(text: str, lang: str, rate: float, rng: np.random.Generator) -> str:  # noqa: ARG001 (all kinds' signature)
    """Make one error in a share of the words; links, addresses and names behind ``@`` stay."""
    parts, places = pieces(text)
    for hit in hits(len(places), rate, rng):
        chunk = parts[places[hit]]
        letters = _LETTERS.search(chunk) if core(chunk)[1] else None
        if letters:
            parts[places[hit]] = chunk[: letters.start()] + mistype(letters[0], rng) + chunk[letters.end() :]
    return "".join(parts)


def mistype(word: str, rng: np.random.Generator) -> str:
    """Make one error in a word of two letters or more."""
    at = 1 + int(rng.random() * (len(word) - 1))
    kind = rng.random()
    if kind < _SHARES[0]:
        near = NEIGHBOURS.get(word[at].lower())
        if near:
            letter = pick(near, rng)
            return word[:at] + (letter.upper() if word[at].isupper() else letter) + word[at + 1 :]
    elif kind < _SHARES[1] and len(word) > 2:
        return word[:at] + word[at + 1 :]
    elif kind < _SHARES[2] and at + 1 < len(word) and word[at] != word[at + 1]:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[: at + 1] + word[at:]
