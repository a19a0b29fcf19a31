"""Noise: what typing, speech recognition, chat spelling and mixed languages do to a text.

Used to make noised copies of training turns, and to measure how much of a model's F1 each kind of noise takes
(`santun.robustness`). The same seed gives the same noise, for each row by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from santun_corpora import LANGUAGES, Utterance

from santun.noise.arabic import arabic_letters
from santun.noise.chat import chat
from santun.noise.marks import lower_case, no_punctuation, plain
from santun.noise.mixing import code_switch
from santun.noise.speech import insert_fillers, word_error
from santun.noise.typos import typos
from santun.noise.words import is_arabic

__all__ = ["KINDS", "RATES", "add_noise", "noisy_copy"]

_Noise = Callable[[str, str, float, np.random.Generator], str]
_NOISES: Mapping[str, tuple[_Noise, float]] = {
    "no_punctuation": (no_punctuation, 1.0),
    "lower_case": (lower_case, 1.0),
    "plain": (plain, 1.0),
    "typos": (typos, 0.1),
    "word_error": (word_error, 0.1),
    "fillers": (insert_fillers, 0.1),
    "chat": (chat, 0.3),
    "arabic_letters": (arabic_letters, 0.3),
    "code_switch": (code_switch, 0.3),
}
KINDS: tuple[str, ...] = tuple(_NOISES)
RATES: Mapping[str, float] = {kind: rate for kind, (_, rate) in _NOISES.items()}


def add_noise(text: str, kind: str, lang: str, rng: np.random.Generator, rate: float | None = None) -> str:
    """Noise a text.

    Parameters
    ----------
    text : str
    kind : str
        One of `KINDS`:

        ``no_punctuation``
            Without marks; `rate` is the share of them that goes.
        ``lower_case``
            In small letters; `rate` is the share of the words.
        ``plain``
            Both, as raw speech recognition writes: an apostrophe inside a word ("don't") stays.
        ``typos``
            `rate` is the share of words with one error of the fingers.
        ``word_error``
            Simulated speech recognition; `rate` is the word error rate.
        ``fillers``
            "um", "anu", "يعني"; `rate` is their number by word.
        ``chat``
            Chat spelling; `rate` is the share of the words that are written so if they can be.
        ``arabic_letters``
            Letters, digits and diacritics as Arabic writers vary them; `rate` is the share of such places. A text
            without Arabic letters stays as it is.
        ``code_switch``
            Phrases in another language; `rate` is the share of those that have a counterpart.
    lang : str
        One of ms, id, ar, en.
    rng : numpy.random.Generator
    rate : float, default=None
        From 0, which changes nothing, to 1; `RATES` of the kind if not given.

    Returns
    -------
    str
        The text itself if there is nothing to change, or if nothing would be left of it.

    Raises
    ------
    ValueError
        If the kind, the language or the rate is not one of those.

    Examples
    --------
    >>> add_noise("Maaf ya, Kak!", "plain", "id", np.random.default_rng(0))
    'maaf ya kak'
    """
    if kind not in _NOISES:
        raise ValueError(f"unknown noise {kind!r}: give one of {', '.join(KINDS)}")
    if lang not in LANGUAGES:
        raise ValueError(f"unknown language {lang!r}: give one of {', '.join(LANGUAGES)}")
    noise, usual = _NOISES[kind]
    rate = usual if rate is None else rate
    if not 0 <= rate <= 1:
        raise ValueError(f"rate {rate} is not between 0 and 1")
    if rate == 0 or not text.strip():
        return text
    noised = noise(text, lang, rate, rng)
    return noised if noised.strip() else text


def noisy_copy(rows: Sequence[Utterance], kind: str, *, rate: float | None = None, seed: int = 0) -> list[Utterance]:
    """Copy rows with noised texts; nothing else of a row changes.

    Parameters
    ----------
    rows : sequence of Utterance
        A row that does not name its language is taken for Arabic if it has Arabic letters, for English if not.
    kind : str
        See `add_noise`.
    rate : float, default=None
    seed : int, default=0

    Notes
    -----
    The noise of a row is a function of the seed, the kind, its text and its id, so neither order nor batches matter,
    and a higher rate hits what a lower one hits, and more.
    """
    return [
        replace(row, text=add_noise(row.text, kind, row.lang or _guess(row.text), _generator(seed, kind, row), rate))
        for row in rows
    ]


def _guess(text: str) -> str:
    return "ar" if is_arabic(text) else "en"


def _generator(seed: int, kind: str, row: Utterance) -> np.random.Generator:
    key = repr((seed, kind, row.id, row.text)).encode()
    return np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.blake2b(key, digest_size=16).digest(), "big")))
