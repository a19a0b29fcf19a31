"""Reader of plain transcripts: ``Agent: …``, ``[00:01:02] Ejen: …``, ``الموظف： …``, one turn a line or a few."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from santun_corpora.columns import seconds
from santun_corpora.decode import Encoding
from santun_corpora.schema import InputError, Problem, Utterance, role_of

_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,3})?)?"
_TIME_ONLY = re.compile(rf"\[?({_CLOCK})\]?$")
_TIME_HEAD = re.compile(rf"[\[(]?({_CLOCK})[\])]?\s*[-–]?\s+(?=\S)")
_LABEL = re.compile(r"\[?([^\W\d][^:：\[\]]{0,39}?)\]?(?:\s*\((" + _CLOCK + r")\))?\s*[:：]\s*(.*)", re.DOTALL)


def read_transcript(path: Path, _given: Mapping[str, str], encoding: Encoding) -> Iterator[Utterance | Problem]:
    """Read a labelled transcript; a line without a label goes on with the turn before it.

    A label is a known role word, or a name of at most five words that opens two lines or more. Lines before the first
    labelled turn (a title, a list of attendees) are no turns. With no label at all each non-empty line is a turn of an
    unknown speaker.

    Raises
    ------
    InputError
        If the file has no line of text.
    """
    text = path.read_bytes().decode(encoding.name, encoding.errors)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff").split("\n")
    parsed = [_line(line.strip()) for line in lines]
    seen = Counter(label for label, *_ in parsed if label)
    labels = {label for label, n in seen.items() if role_of(label) != "unknown" or (n > 1 and len(label.split()) < 6)}
    if labels:  # beside known speakers a name that speaks once is one too, lest its words be taken for another's
        labels |= {label for label in seen if len(label.split()) <= 3 and all(map(_is_name, label.split()))}
    if not any(line.strip() for line in lines):
        raise InputError(f"{path.name}: empty; it has no turns")
    turn: Utterance | None = None
    clock: float | None = None
    number = 0
    for at, (line, (label, time, rest)) in enumerate(zip(lines, parsed, strict=True), 1):
        line = line.strip()
        if not line:
            continue
        alone = _TIME_ONLY.match(line)
        if alone:
            clock = seconds(alone[1])
        elif label in labels or not labels:
            if turn is not None:
                yield turn
            number += 1
            known = label in labels
            clock = seconds(time) if time else clock
            turn = Utterance(
                text=(rest if known else line).replace("\x00", "\ufffd"),
                source=f"{path.name}:{at}",
                turn=number,
                speaker=label if known else None,
                role=role_of(label) if known else "unknown",
                start=clock,
            )
        elif turn is not None:
            turn.text += "\n" + line
    if turn is not None:
        yield turn


def _is_name(word: str) -> bool:
    """Whether a word is written as names are: with a capital, or in a script without capitals."""
    return word[0].isupper() or (word[0].isalpha() and word[0].lower() == word[0].upper()) or word[0].isdigit()


def _line(line: str) -> tuple[str | None, str | None, str]:
    """Label, time and text of a line."""
    time = None
    head = _TIME_HEAD.match(line)
    if head:
        time, line = head[1], line[head.end() :]
    match = _LABEL.match(line)
    if not match or match[3].startswith("//"):
        return None, time, line
    return match[1].strip(), match[2] or time, match[3]
