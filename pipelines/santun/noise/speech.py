"""Speech: what recognisers mishear, and what speakers say while they think.

Of the word errors six tenths are substitutions, a quarter deletions, the rest insertions; words of few letters, most of
them function words, go missing more often than long ones. On which words are hard to recognise: Goldwater, Jurafsky &
Manning 2010, doi:10.1016/j.specom.2009.10.001; the shares are our choice. A substitute sounds or looks like the word: near words are found by their common
deletions (Mor & Fraenkel 1982, doi:10.1145/358728.358752), those that share its sounds and frequent ones first.
Fillers open clauses more often than they stand inside (Shriberg 2001, doi:10.1017/S0025100301001128).
"""

from __future__ import annotations

import json
from bisect import bisect
from collections import Counter, defaultdict
from functools import cache, lru_cache
from itertools import accumulate

import numpy as np
from santun_corpora.seed import seed_files

from santun.noise.lists import confusions, fillers
from santun.noise.words import WORD, core, fold, hits, is_arabic, like, pick, pieces
from santun.prepare.languages import language_data

_SUBSTITUTED, _DELETED = 0.60, 0.25
_SHORT, _LONG = 3, 7  # letters of words that go missing often, and seldom
_CLAUSE_OPENS = 3.0  # times as likely to take a filler as inside a clause
_CLOSES = frozenset(".!?؟,،;؛:…")
_OFTEN = 2  # times a word is in the corpus before it is a word, not a slip or a name
# letters that sound alike or nearly so; vowels are heard least
_SOUNDS = str.maketrans(
    "pdgqzvfcxyeouw" + "طصضظذثقحغىةأإآؤئء",
    "btkksffksiiauu" + "تسدززسكهخاهاااويا",
)
# what the ear takes for another letter, for words that have no near one
_MISHEARD = {
    **dict(zip("bpdtgkszfvmneiou", "pbtdkgzsvfnmieuo", strict=True)),
    **dict(zip("تطسصدضذزظقكحهعاغخيوثن", "طتصسضدزذضكقهحاعخغويسم", strict=True)),
}


def word_error(text: str, lang: str, rate: float, rng: np.random.Generator) -> str:
    """Mishear, drop and insert words at a word error rate; marks and digits stay as a recogniser would set them."""
    parts, places = pieces(text)
    left = len(places)
    for hit in hits(len(places), rate, rng):
        place = places[hit]
        before, word, behind = core(parts[place])
        error = _error(word, rng)
        if error == "substitution":
            heard = mishear(word, lang, rng)
            if heard:
                parts[place] = before + heard + behind
                continue
            error = "deletion"  # nothing sounds like a number or an emoji
        if error == "insertion" or left == 1:  # the last word stays
            parts[place] = f"{_filler(lang, text, rng)} {parts[place]}"
        else:
            _drop(parts, place)
            left -= 1
    return "".join(parts).strip()


def _drop(parts: list[str], place: int) -> None:
    """Take a chunk out, and the white space before it; that behind it if nothing stands before."""
    parts[place] = ""
    gap = place - 1 if any(parts[:place]) else place + 1
    if gap < len(parts):
        parts[gap] = ""


def _error(word: str, rng: np.random.Generator) -> str:
    # 0.40 of the errors of short words, 0.25 of middling, 0.10 of long ones are deletions
    deleted = _DELETED + 0.15 * ((len(word) <= _SHORT) - (len(word) >= _LONG))
    kind = rng.random()
    if kind < deleted:
        return "deletion"
    return "substitution" if kind < _SUBSTITUTED + _DELETED else "insertion"


def _filler(lang: str, text: str, rng: np.random.Generator) -> str:
    """Draw a filler of one word."""
    return pick(_single_fillers(lang, is_arabic(text)), rng)


@cache
def _single_fillers(lang: str, arabic: bool) -> tuple[str, ...]:
    return tuple(filler for filler in fillers(lang, arabic) if " " not in filler)


def mishear(word: str, lang: str, rng: np.random.Generator) -> str | None:
    """Give a word that sounds like another; None for what has no letters."""
    if not WORD.search(word):
        return None
    known = confusions(lang).get(fold(word))
    if known and rng.random() < 0.5:
        return like(pick(known, rng), word)
    words, weights = near_words(word.lower(), lang)
    if words:
        return like(words[bisect(weights, rng.random() * weights[-1])], word)
    places = [i for i, letter in enumerate(word) if letter in _MISHEARD]
    if not places:
        return None
    at = pick(places, rng)
    return word[:at] + _MISHEARD[word[at]] + word[at + 1 :]


@lru_cache(maxsize=50_000)
def near_words(word: str, lang: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Words of the corpus near a word, and their cumulated weights.

    Returns
    -------
    words : tuple of str
        That differ by one letter, or by two where each has one letter of its own.
    weights : tuple of float
        Rising; the last is the sum. The share of a word is the root of its frequency, times four if it sounds the same.
    """
    counts, index = _vocabulary(lang)
    found = sorted({near for form in _deletions(word) for near in index.get(form, ())} - {word})
    sound = _sound(word)
    weights = [counts[near] ** 0.5 * (4 if _sound(near) == sound else 1) for near in found]
    return tuple(found), tuple(accumulate(weights))


@cache
def _vocabulary(lang: str) -> tuple[dict[str, int], dict[str, tuple[str, ...]]]:
    """Words of the train split of the seed corpus with their counts, and the words behind each form of a deletion."""
    counted: Counter[str] = Counter()
    for path in seed_files("train"):
        if path.parent.name == lang:
            for line in path.read_text(encoding="utf-8").split("\n"):
                if line:
                    counted.update([core(chunk)[1].lower() for chunk in json.loads(line)["text"].split()])
    counts = {word: n for word, n in counted.items() if n >= _OFTEN and WORD.fullmatch(word)}
    index: dict[str, list[str]] = defaultdict(list)
    for word in counts:
        for form in _deletions(word):
            index[form].append(word)
    return counts, {form: tuple(words) for form, words in index.items()}


def _deletions(word: str) -> set[str]:
    """Give a word and what is left of it without one of its letters, if two are."""
    short = {word[:i] + word[i + 1 :] for i in range(len(word))} if len(word) > 2 else set()
    return short | {word}


def _sound(word: str) -> str:
    return word.translate(_SOUNDS).replace("aa", "a").replace("ii", "i")


def insert_fillers(text: str, lang: str, rate: float, rng: np.random.Generator) -> str:
    """Put fillers before words, so that there are about `rate` of them a word, most where clauses open."""
    parts, places = pieces(text)
    said = fillers(lang, is_arabic(text))
    markers = language_data(lang).markers
    chunks = [parts[place] for place in places]
    opens = [i == 0 or chunks[i - 1][-1] in _CLOSES or chunk.lower() in markers for i, chunk in enumerate(chunks)]
    weights = np.where(opens, _CLAUSE_OPENS, 1.0)
    chances = rate * len(chunks) * weights / weights.sum()
    for hit in np.flatnonzero(rng.random(len(chunks)) < chances).tolist():
        parts[places[hit]] = f"{pick(said, rng)} {parts[places[hit]]}"
    return "".join(parts)
