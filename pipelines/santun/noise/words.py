"""Words and chances, as all kinds of noise use them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from santun.prepare.normalise import spelling

Forms = dict[str, tuple[str, ...]]
T = TypeVar("T")

MARKS = "".join([chr(c) for c in range(0x1F000) if unicodedata.category(chr(c))[0] == "P"])  # none stands further up
DIACRITICS = "\u064b-\u0652\u0670"
WORD = re.compile(r"[^\W\d_]+")
_SPACES = re.compile(r"(\s+)")
_ARABIC = re.compile("[\u0621-\u064a\u0671-\u06d3]")
_UNSEEN = re.compile(f"[{DIACRITICS}\u0640]+")
_WHOLE = re.compile(r"(?:https?://|www\.)|[@#]|.*\w@\w", re.IGNORECASE)


class Phrases(NamedTuple):
    """Phrases and what may stand in their place.

    Attributes
    ----------
    forms : dict of str to tuple of str
        By folded phrase, its words between single blanks.
    longest : int
        Words of the longest phrase.
    """

    forms: Forms
    longest: int


def is_arabic(text: str) -> bool:
    """Whether a text has Arabic letters."""
    return _ARABIC.search(text) is not None


def fold(word: str) -> str:
    """Fold what look-ups do not mind: case, diacritics, Arabic letter variants, elongation."""
    return spelling(word if word.isascii() else _UNSEEN.sub("", word).replace("’", "'"))


def pieces(text: str) -> tuple[list[str], list[int]]:
    """Cut a text at white space.

    Returns
    -------
    parts : list of str
        Chunks and the white space between them; joined they are the text.
    places : list of int
        Where the chunks stand among the parts.

    Examples
    --------
    >>> pieces("maaf  puan")
    (['maaf', '  ', 'puan'], [0, 2])
    """
    parts = _SPACES.split(text)
    return parts, [i for i in range(0, len(parts), 2) if parts[i]]


def core(chunk: str) -> tuple[str, str, str]:
    """Marks before the word of a chunk, the word, marks behind it; no word in a link, an address or a ``@name``.

    Examples
    --------
    >>> core("(puan!),"), core("@maju")
    (('(', 'puan', '!),'), ('@maju', '', ''))
    """
    word = "" if _WHOLE.match(chunk) else chunk.strip(MARKS)
    if not word:
        return chunk, "", ""
    start = chunk.index(word)
    return chunk[:start], word, chunk[start + len(word) :]


def hits(n: int, rate: float, rng: np.random.Generator) -> list[int]:
    """Draw which of `n` places are hit, each by itself; those of a lower rate are among those of a higher one."""
    return np.flatnonzero(rng.random(n) < rate).tolist()


def pick(some: Sequence[T], rng: np.random.Generator) -> T:
    """Draw one of a sequence; three times as quick as ``rng.choice``."""
    return some[int(rng.random() * len(some))]


def like(word: str, model: str) -> str:
    """Write a word with the capital of another."""
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


def replace_phrases(
    text: str,
    phrases: Phrases,
    rate: float,
    rng: np.random.Generator,
    otherwise: Callable[[str, np.random.Generator], str] | None = None,
) -> str:
    """Put other forms in the place of phrases, the longest first.

    Parameters
    ----------
    text : str
    phrases : Phrases
    rate : float
        Share of the phrases that are replaced.
    rng : Generator
    otherwise : callable, default=None
        What to do with a word that begins no phrase.
    """
    parts, places = pieces(text)
    at = 0
    for hit in hits(len(places), rate, rng):
        if hit < at:  # inside the phrase before
            continue
        chunks = [parts[place] for place in places[hit : hit + phrases.longest]]
        length, found = _longest(chunks, phrases)
        if found:
            before, first, _ = core(chunks[0])
            behind = core(chunks[length - 1])[2]
            parts[places[hit]] = before + like(pick(found, rng), first) + behind
            for place in places[hit + 1 : hit + length]:
                parts[place] = parts[place - 1] = ""
            at = hit + length
        elif otherwise:
            before, word, behind = core(chunks[0])
            if word:
                parts[places[hit]] = before + otherwise(word, rng) + behind
    return "".join(parts)


def _longest(chunks: Sequence[str], phrases: Phrases) -> tuple[int, tuple[str, ...]]:
    """Words of the longest phrase that the chunks begin with, and its other forms."""
    cores = [core(chunk) for chunk in chunks]
    for length in range(len(cores), 0, -1):
        inside = cores[:length]
        # a mark within parts a phrase
        if any(c[2] for c in inside[:-1]) or any(c[0] for c in inside[1:]):
            continue
        found = phrases.forms.get(" ".join([fold(c[1]) for c in inside]))
        if found:
            return length, found
    return 0, ()
