"""Swaps: names, honorifics, gender of address and dialect words that carry no behaviour, and how many labels they change."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
from santun_corpora import LANGUAGES, Utterance

from santun.checks.run import wilson
from santun.evaluate import RESAMPLES, clusters_of
from santun.model import Labels, Model
from santun.noise.words import core, fold, is_arabic, like, pick, pieces

_VOWELS = re.compile("[\u064e-\u0650]")  # an ending that is written out tells the gender
SWAPS = ("names", "honorifics", "gender", "dialect")


@dataclass
class _Words:
    """What may stand for each word of a language, by folded form."""

    forms: dict[str, tuple[str, ...]] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    neutral: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()


@cache
def _lists() -> dict[tuple[str, str], _Words]:
    """Words by language and kind, as `swaps.tsv` has them; a gender swap takes names along."""
    groups: dict[tuple[str, str], list[tuple[str, list[str]]]] = defaultdict(list)
    text = (files("santun.checks") / "swaps.tsv").read_text(encoding="utf-8")
    for line in [line for line in text.split("\n") if line and not line.startswith("#")][1:]:
        lang, kind, group, members = line.split("\t")
        groups[lang, kind].append((group, members.split()))
    lists = {}
    for (lang, kind), some in groups.items():
        words = _Words()
        for group, listed in some:
            if group in ("neutral", "bound"):
                setattr(words, group, frozenset(map(fold, listed)))
                continue
            words.forms |= {fold(one): tuple(w for w in listed if w != one) for one in listed}
        if kind == "gender":
            (_, one), (_, other) = groups[lang, "names"]
            words.forms |= dict.fromkeys(map(fold, one), tuple(other)) | dict.fromkeys(map(fold, other), tuple(one))
        words.names = frozenset(fold(name) for _, listed in groups[lang, "names"] for name in listed)
        lists[lang, kind] = words
    return lists


def swap_rows(rows: Sequence[Utterance], kind: str, seed: int = 0) -> list[Utterance]:
    """Copy rows with words in the place of others of their kind; nothing else of a row changes.

    Parameters
    ----------
    rows : sequence of Utterance
        A row that does not name its language is taken for Arabic if it has Arabic letters, for English if not.
    kind : str
        ``names`` (of persons, of one gender), ``honorifics`` (of one gender), ``gender`` (of address, with the names
        beside it) or ``dialect`` (words that only tell where the speaker is from).
    seed : int, default=0

    Raises
    ------
    ValueError
        If the kind is unknown.

    Notes
    -----
    Only whole words between blanks and marks are swapped, a word of a conversation always for the same. A name has to
    have a capital, but not in a text that has none. Arabic agrees in gender, so a text of it has its gender swapped
    only where every word of it is listed: a pair, a name, or a word that agrees with both. No gender is swapped beside
    words that are bound to it ("she", "husband").

    Examples
    --------
    >>> [row] = swap_rows([Utterance("Baik, encik!", "a:1", lang="ms")], "gender")
    >>> row.text
    'Baik, puan!'
    """
    if kind not in SWAPS:
        raise ValueError(f"unknown swap {kind!r}: give one of {', '.join(SWAPS)}")
    swapped = []
    for row in rows:
        words = _lists()[row.lang or ("ar" if is_arabic(row.text) else "en"), kind]
        key = row.conversation_id if row.conversation_id is not None else (row.id, row.text)
        swapped.append(replace(row, text=_swap(row.text, words, (seed, kind, key))))
    return swapped


def _swap(text: str, words: _Words, key: tuple[Any, ...]) -> str:
    parts, places = pieces(text)
    cores = {place: core(parts[place]) for place in places}
    if not _is_safe(text, [fold(word) for _, word, _ in cores.values() if word], words):
        return text
    cased = text != text.lower()
    for place, (before, word, behind) in cores.items():
        folded = fold(word)
        found = words.forms.get(folded)
        if not found or (folded in words.names and cased and not is_arabic(word) and word == word.lower()):
            continue
        new = _like(pick(found, _generator(*key, folded)), word, folded in words.names and cased)
        parts[place] = before + new + behind
    return "".join(parts)


def _is_safe(text: str, said: Sequence[str], words: _Words) -> bool:
    """Whether nothing in a text would have to agree with the other gender."""
    if any(word in words.bound for word in said):
        return False
    return not words.neutral or (
        _VOWELS.search(text) is None and all(word in words.forms or word in words.neutral for word in said)
    )


def _like(new: str, word: str, capital: bool) -> str:
    """Write a word in the case of the one it stands for."""
    if word == word.lower() and not capital:
        return new.lower()
    return new.upper() if len(word) > 1 and word == word.upper() != word.lower() else like(new, word)


def _generator(*key: Any) -> np.random.Generator:
    digest = hashlib.blake2b(repr(key).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def flip_rate(
    model: Model,
    rows: Sequence[Utterance],
    kinds: Sequence[str] = SWAPS,
    seed: int = 0,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Share of the swapped utterances of which any label changes.

    Parameters
    ----------
    model : Model
    rows : sequence of Utterance
        The turns of a conversation in order, none of them trained on. They need no labels.
    kinds : sequence of str, default=SWAPS
    seed : int, default=0
        Of the swaps and of the bootstrap.
    progress : callable, default=None
        Told (done, total).

    Returns
    -------
    dict
        ``model``, ``rows``, ``conversations``, ``seed`` and ``swaps``, for each kind its ``languages`` (each that has
        swapped utterances, and ``all``): ``utterances`` that were swapped, the ``conversations`` they are of, how many
        ``flipped``, ``rate``, its 95 % ``interval``, ``decisions`` (share of the utterance-behaviour decisions that
        changed) and ``behaviours`` (how often each changed); and ``flips``: the ``source``, ``id``, ``lang``, ``lost``
        and ``gained`` labels of each utterance that flipped.

    Raises
    ------
    ValueError
        If there are no rows, or a kind is unknown.

    Notes
    -----
    Intervals are percentiles of 1,000 resamples of conversations. Where none or all flipped, resamples cannot vary:
    there it is Wilson's, with conversations for trials. The turns before an utterance are swapped with it.
    """
    if not rows:
        raise ValueError("no rows to measure on")
    clean = model.label_utterances(rows)
    named = [replace(row, lang=code) for row, code in zip(rows, clean.lang, strict=True)]
    clusters, langs = clusters_of(rows), np.array(clean.lang)
    swaps = {}
    for done, kind in enumerate(kinds, 1):
        texts = [row.text for row in swap_rows(named, kind, seed)]
        after = model.label_utterances([replace(row, text=text) for row, text in zip(rows, texts, strict=True)])
        swapped = np.array([row.text != text for row, text in zip(rows, texts, strict=True)])
        change = clean.predicted[swapped] != after.predicted[swapped]
        groups = _groups(langs[swapped], change, clusters[swapped], model.behaviours, seed)
        swaps[kind] = {"languages": dict(groups), "flips": list(_flips(rows, clean, after, swapped, model.behaviours))}
        if progress:
            progress(done, len(kinds))
    return {
        "model": model.version, "rows": len(rows), "conversations": int(clusters.max()) + 1, "seed": seed,
        "swaps": swaps,
    }  # fmt: skip


def _groups(
    langs: npt.NDArray[np.str_],
    change: npt.NDArray[np.bool_],
    clusters: npt.NDArray[np.int64],
    names: Sequence[str],
    seed: int,
) -> Iterator[tuple[str, dict[str, Any]]]:
    for code in (*LANGUAGES, "all"):
        mask = (langs == code) | (code == "all")
        if not mask.any():
            continue
        changed = change[mask]
        flipped = changed.any(axis=1)
        _, cluster = np.unique(clusters[mask], return_inverse=True)
        yield (
            code,
            {
                "utterances": len(flipped),
                "conversations": int(cluster.max()) + 1,
                "flipped": int(flipped.sum()),
                "rate": float(flipped.mean()),
                "interval": _interval(flipped, cluster, seed),
                "decisions": float(changed.mean()),
                "behaviours": dict(zip(names, changed.sum(axis=0).tolist(), strict=True)),
            },
        )


def _interval(flipped: npt.NDArray[np.bool_], cluster: npt.NDArray[np.int64], seed: int) -> list[float]:
    n = int(cluster.max()) + 1
    if flipped.all() or not flipped.any():
        return list(wilson(n * int(flipped.all()), n))
    counts = np.stack([np.bincount(cluster, flipped, n), np.bincount(cluster, minlength=n)], axis=1)
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES) @ counts
    return [float(end) for end in np.percentile(draws[:, 0] / draws[:, 1], [2.5, 97.5])]


def _flips(
    rows: Sequence[Utterance], clean: Labels, after: Labels, swapped: npt.NDArray[np.bool_], names: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    moved = after.predicted - clean.predicted
    for i in np.flatnonzero(swapped & moved.any(axis=1)).tolist():
        lost, gained = ([name for name, step in zip(names, moved[i], strict=True) if step == way] for way in (-1, 1))
        yield {"source": rows[i].source, "id": rows[i].id, "lang": clean.lang[i], "lost": lost, "gained": gained}
