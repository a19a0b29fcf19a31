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
    forms : dict of str to str
        What the classifier reads for a spelling: of `chat`, and of words that stand for each other without changing the act
        (names, terms of address, dialect), one of them.
    markers : frozenset of str
        Words that open a new clause in speech written without punctuation.
    abbreviations : frozenset of str
        Words whose full stop does not end a sentence.
    openings : frozenset of str
        Words that only the one who serves says: a company's greeting, how one can help.
    """

    chat: dict[str, str]
    forms: dict[str, str]
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
    chat = dict(line.split("\t") for line in _lines(lang, "chat.tsv"))
    alike = {name: "‹name›" for line in _lines(".", "names.txt") for name in line.split()}
    for line in _lines(lang, "alike.tsv"):
        one, words = line.split("\t")
        alike |= dict.fromkeys(words.split(), one)
    return LanguageData(
        chat=chat,
        forms=alike
        | {form: " ".join([alike.get(word, word) for word in usual.split()]) for form, usual in chat.items()},
        markers=frozenset(_lines(lang, "markers.txt")),
        abbreviations=frozenset(_lines(lang, "abbreviations.txt")),
        openings=frozenset(_lines(lang, "openings.txt")),
    )


def _lines(lang: str, name: str) -> list[str]:
    text = (files(__name__) / lang / name).read_text(encoding="utf-8")
    return [line for line in text.split("\n") if line and not line.startswith("#")]
