"""Cases of the behavioural tests, as tab-separated files beside this module: one of capabilities, one for each language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from santun_corpora import LANGUAGES

SIGNS = {"MFT": "+-", "INV": "=", "DIR": "><"}
_COLUMNS = ("capability", "expect", "text", "variant", "before", "speaker", "lang")


@dataclass(frozen=True, slots=True)
class Capability:
    """Something that a model has to be able to do.

    Attributes
    ----------
    name : str
    kind : str
        ``MFT`` (minimum functionality: a label must or must not be there), ``INV`` (invariance: two texts get the
        same labels) or ``DIR`` (direction: a score moves from one text to the other).
    rule : str
        Of the annotation guide: a number, or the name of a behaviour for its line in the table.
    about : str
    """

    name: str
    kind: str
    rule: str
    about: str


class Expectation(NamedTuple):
    """What is expected of one behaviour.

    Attributes
    ----------
    sign : str
        ``+`` it is there, ``-`` it is not, ``=`` it is there in both texts or in neither, ``>`` and ``<`` its score is
        clearly higher or lower for the variant.
    label : str
        Empty for every behaviour.
    """

    sign: str
    label: str

    def __str__(self) -> str:
        """As the files write it."""
        return self.sign + self.label


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a capability.

    Attributes
    ----------
    capability : str
    lang : str
        Whose file it stands in.
    line : int
        Its line there.
    expect : tuple of Expectation
    text : str
    variant : str or None
        The other text of invariance and direction.
    before : (str, str) or None
        Speaker and text of the turn before.
    speaker : str
        Who says it.
    told : bool
        Whether the model is told the language.
    """

    capability: str
    lang: str
    line: int
    expect: tuple[Expectation, ...]
    text: str
    variant: str | None = None
    before: tuple[str, str] | None = None
    speaker: str = "agent"
    told: bool = True


def _lines(name: str) -> Iterator[tuple[int, list[str]]]:
    text = (files("santun.checks") / name).read_text(encoding="utf-8")
    for number, line in enumerate(text.split("\n"), 1):
        if line and not line.startswith("#"):
            yield number, line.split("\t")


@cache
def read_capabilities() -> dict[str, Capability]:
    """Capabilities by name, in the order of the file.

    Examples
    --------
    >>> read_capabilities()["apology_softener"].rule
    '3'
    """
    lines = [cells for _, cells in _lines("capabilities.tsv")]
    return {cells[0]: Capability(*cells) for cells in lines[1:]}


@cache
def read_cases(langs: Sequence[str] = LANGUAGES) -> tuple[Case, ...]:
    """Cases of these languages.

    Parameters
    ----------
    langs : tuple of str, default=LANGUAGES

    Raises
    ------
    ValueError
        If a language is unknown, or a line is not sound.
    """
    cases: list[Case] = []
    for lang in langs:
        if lang not in LANGUAGES:
            raise ValueError(f"unknown language {lang!r}; give one of {', '.join(LANGUAGES)}")
        for number, cells in list(_lines(f"{lang}.tsv"))[1:]:
            cases.append(_case(lang, number, cells))
    return tuple(cases)


def _case(lang: str, number: int, cells: list[str]) -> Case:
    row = dict(zip(_COLUMNS, cells + [""] * (len(_COLUMNS) - len(cells)), strict=True))
    capability = read_capabilities().get(row["capability"])
    expect = tuple(Expectation(word[0], word[1:]) for word in row["expect"].split())
    if capability is None:
        raise ValueError(f"{lang}.tsv:{number}: unknown capability {row['capability']!r}")
    if not expect or any(one.sign not in SIGNS[capability.kind] for one in expect):
        raise ValueError(f"{lang}.tsv:{number}: {capability.kind} expects {' or '.join(SIGNS[capability.kind])}")
    if not row["text"] or bool(row["variant"]) != (capability.kind != "MFT"):
        raise ValueError(f"{lang}.tsv:{number}: a text is missing, or there is one too many")
    speaker, mark, before = row["before"].partition(": ")
    if row["before"] and not mark:
        raise ValueError(f"{lang}.tsv:{number}: write the turn before as SPEAKER: TEXT")
    return Case(
        capability.name, lang, number, expect, row["text"], row["variant"] or None,
        (speaker, before) if mark else None, row["speaker"] or "agent", row["lang"] != "-",
    )  # fmt: skip
