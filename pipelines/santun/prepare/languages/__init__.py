"""What is particular to a language, as data: one folder each, with files of the same names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class LanguageData:
    """The word lists of a language.

    Attributes
    ----------
    chat : dict of str to str
        Chat spelling (folded by `santun.prepare.normalise.spelling`) to the usual one; several words where it is so.
    alike : dict of str to str
        Words that stand for each other without changing the act (names, terms of address, dialect), to one of them.
    markers : frozenset of str
        Words that open a new clause in speech written without punctuation.
    abbreviations : frozenset of str
        Words whose full stop does not end a sentence.
    openings : frozenset of str
        Words that only the one who serves says: a company's greeting, how one can help.
    """

    chat: dict[str, str]
    alike: dict[str, str]
    markers: frozenset[str]
    abbreviations: frozenset[str]
    openings: frozenset[str]


@cache
def language_data(lang: str) -> LanguageData:
    """Read the lists of a language.

    Raises
    ------
    FileNotFoundError
        If there is no such language.
    """
    return LanguageData(
        chat=dict(_pairs(lang, "chat.tsv")),
        alike=_names() | {word: one for one, words in _pairs(lang, "alike.tsv") for word in words.split()},
        markers=frozenset(_lines(lang, "markers.txt")),
        abbreviations=frozenset(_lines(lang, "abbreviations.txt")),
        openings=frozenset(_lines(lang, "openings.txt")),
    )


@cache
def _names() -> dict[str, str]:
    return {name: "‹name›" for line in _lines(".", "names.txt") for name in line.split()}


def _pairs(lang: str, name: str) -> list[tuple[str, str]]:
    return [(key, value) for key, value in (line.split("\t") for line in _lines(lang, name))]


def _lines(lang: str, name: str) -> list[str]:
    text = (files(__name__) / lang / name).read_text(encoding="utf-8")
    return [line for line in text.split("\n") if line and not line.startswith("#")]
