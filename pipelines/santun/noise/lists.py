"""The word lists of noise, as tab-separated files beside this module."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from santun.noise.words import WORD, Forms, Phrases, fold, is_arabic
from santun.prepare.languages import language_data

# of chat spellings that stand for one word, those that the tokenizer makes out of contractions ("ca" of "can't")
_PARTS_OF_WORDS = frozenset({"ca", "wo"})


def _rows(name: str) -> Iterator[list[str]]:
    text = (files("santun.noise") / name).read_text(encoding="utf-8")
    for line in text.split("\n"):
        if line and not line.startswith("#"):
            yield line.split("\t")


def _phrases(collected: dict[str, list[str]]) -> Phrases:
    forms = {phrase: tuple(dict.fromkeys(f for f in some if f != phrase)) for phrase, some in collected.items()}
    return Phrases(forms, max(phrase.count(" ") for phrase in forms) + 1)


def _folded(phrase: str) -> str:
    return " ".join(map(fold, phrase.split()))


@cache
def fillers(lang: str, arabic: bool) -> tuple[str, ...]:
    """What speakers of a language say while they think; Arabic has a list of its own in Latin letters."""
    key = "ar-latin" if lang == "ar" and not arabic else lang
    return tuple(row[1] for row in _rows("fillers.tsv") if row[0] == key)


@cache
def confusions(lang: str) -> Forms:
    """What speech recognition writes for the words it knows best."""
    return {fold(word): tuple(heard) for code, word, *heard in _rows("confusions.tsv") if code == lang}


@cache
def chat_forms(lang: str) -> Phrases:
    """Chat spellings by the usual one: those of noise itself, and those that preparation undoes."""
    collected: dict[str, list[str]] = defaultdict(list)
    for code, phrase, *variants in _rows("chat.tsv"):
        if code == lang:
            collected[_folded(phrase)] += variants
    for variant, usual in language_data(lang).chat.items():
        if _is_chat_spelling(variant, usual):
            collected[_folded(usual)].append(variant)
    return _phrases(collected)


def _is_chat_spelling(variant: str, usual: str) -> bool:
    """Whether a form that preparation folds into another is a spelling of it, not another word or another script."""
    if not WORD.fullmatch(variant) or variant in _PARTS_OF_WORDS or is_arabic(variant) != is_arabic(usual):
        return False
    if " " in usual and not is_arabic(usual):
        return True
    letters = iter(usual)
    return variant != usual and variant[0] == usual[0] and all(letter in letters for letter in variant)


@cache
def code_switches(lang: str) -> dict[str, Phrases]:
    """Phrases and their counterparts, by the language that is mixed in."""
    collected: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for code, other, phrase, *counterparts in _rows("code_switch.tsv"):
        if code == lang:
            collected[other][_folded(phrase)] += counterparts
    return {other: _phrases(pairs) for other, pairs in collected.items()}
