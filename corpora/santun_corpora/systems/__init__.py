"""Exports of phone, chat and speech-to-text systems: which file is whose, and how it is read.

Each system is a module with two functions. ``accepts`` looks at the beginning of a file (text systems) or at the parsed
document (JSON systems) and says whether it is the system's; ``read_…`` yields an `Utterance` for every unit of the file, in
its order: what is no talk (a system's message, a picture, an internal note) as an utterance with ``skip`` set to the
reason, what is broken as a `Problem`. Nothing is dropped without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from santun_corpora.decode import Encoding
from santun_corpora.schema import Problem, Utterance

Item = Utterance | Problem


class TextSystem(NamedTuple):
    """A system whose files are text.

    Attributes
    ----------
    accepts : callable
        Told the first 4,096 bytes, decoded, and the file's path.
    read : callable
        Told path and encoding.
    title : str
        What a user calls such a file.
    detail : callable or None
        Told path and encoding; says what was decided for this file that could have been decided otherwise.
    """

    accepts: Callable[[str, Path], bool]
    read: Callable[[Path, Encoding], Iterator[Item]]
    title: str
    detail: Callable[[Path, Encoding], str | None] | None = None


class JsonSystem(NamedTuple):
    """A system whose files are one JSON document.

    Attributes
    ----------
    accepts : callable
        Told the parsed document.
    read : callable
        Told path and parsed document.
    title : str
        What a user calls such a file.
    """

    accepts: Callable[[Any], bool]
    read: Callable[[Path, Any], Iterator[Item]]
    title: str


def text_systems() -> dict[str, TextSystem]:
    """Text systems by name, in the order in which they are asked."""
    return {}


def json_systems() -> dict[str, JsonSystem]:
    """JSON systems by name, in the order in which they are asked."""
    return {}
