"""Tables that Whisper writes: TSV of openai-whisper, CSV of whisper.cpp, Audacity's labels of WhisperX. Times in milliseconds.

As tables they would be read too, but their times would be taken for seconds, and a quotation mark in the TSV, which quotes
nothing, for the beginning of a field.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from santun_corpora.decode import Encoding, numbered_lines
from santun_corpora.schema import InputError, Problem, Utterance, role_of
from santun_corpora.systems.document import NO_TEXT

TITLE = "Whisper table, times in milliseconds"
LABELS_TITLE = "Audacity labels"
_HEADERS = ("start\tend\ttext", "start,end,text", "start,end,speaker,text")
_LABEL = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\t(\d{1,9}(?:\.\d{1,9})?)\t(?:\[\[([^\[\]\n]{1,40})\]\])?(.*)$", re.DOTALL)
_SHORTEST = 100  # segments shorter than this on average, were it milliseconds, are in seconds


def accepts(text: str, _path: Path) -> bool:
    """Whether the header is Whisper's, and its whole numbers are too far apart for seconds."""
    header, *lines = re.split("\r\n|\r|\n", text)
    if header.strip() not in _HEADERS:
        return False
    mark = "\t" if "\t" in header else ","
    lengths = []
    for line in lines:
        cells = line.split(mark, 2)
        if len(cells) == 3 and cells[0].strip().isdecimal() and cells[1].strip().isdecimal():
            lengths.append(int(cells[1]) - int(cells[0]))
        elif cells[0].strip() and cells[0].strip().replace(".", "").isdecimal() and "." in cells[0]:
            return False  # parts of a second
    return bool(lengths) and sum(lengths) >= _SHORTEST * len(lengths)


def read(path: Path, encoding: Encoding) -> Iterator[Utterance | Problem]:
    """Read a row a segment; a row whose times cannot be read keeps its words.

    Raises
    ------
    InputError
        If the header is another.
    """
    with path.open(encoding=encoding.name, errors=encoding.errors, newline="") as file:
        header = file.readline().lstrip("\ufeff").strip()
        if header not in _HEADERS:
            raise InputError(f"{path.name}: not a table of Whisper; its header is start, end, text")
        names = re.split("[\t,]", header)
        if "\t" in header:
            rows: Iterator[list[str]] = (line.rstrip("\r\n").split("\t", 2) for line in file)
        else:
            reader = csv.reader(line.replace("\x00", "\ufffd") for line in file)
            rows = reader
        number = 1
        turn = 0
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error:
                yield Problem(f"{path.name}:{number + 1}", "a quote is opened and not closed; write the table again")
                return
            here, number = number + 1, number + 1 if "\t" in header else reader.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            if len(row) < len(names):
                yield Problem(
                    f"{path.name}:{here}", f"{len(row)} cells under a header of {len(names)}; is the file cut?"
                )
                continue
            if len(row) > len(names):  # words with a comma that nobody quoted
                row = [*row[: len(names) - 1], ",".join(row[len(names) - 1 :])]
            turn += 1
            cells = dict(zip(names, row, strict=True))
            speaker = cells.get("speaker", "").strip()
            text = cells["text"].strip().replace("\x00", "\ufffd")
            yield Utterance(
                text=text,
                source=f"{path.name}:{here}",
                turn=turn,
                speaker=speaker if speaker not in ("", "?") else None,
                role=role_of(speaker),
                start=_seconds(cells["start"]),
                end=_seconds(cells["end"]),
                skip=None if text else NO_TEXT,
            )


def _seconds(cell: str) -> float | None:
    cell = cell.strip()
    return int(cell) / 1000 if cell.lstrip("-").isdecimal() and len(cell) < 16 else None


def accepts_labels(text: str, _path: Path) -> bool:
    """Whether every whole line is two times in seconds and a label, and one label at least names its speaker."""
    lines = re.split("\r\n|\r|\n", text)
    lines = [line for line in lines[: max(1, len(lines) - 1)] if line.strip()]
    found = [_LABEL.match(line) for line in lines]
    return bool(found) and all(found) and any(match[3] for match in found if match)


def read_labels(path: Path, encoding: Encoding) -> Iterator[Utterance | Problem]:
    """Read a segment a line: start, end and ``[[SPEAKER_00]]Selamat pagi``, parted by tabs."""
    turn = 0
    for number, line in numbered_lines(path, encoding):
        if not line.strip():
            continue
        match = _LABEL.match(line)
        if match is None:
            yield Problem(f"{path.name}:{number}", "not two times and a label, parted by tabs; is the file cut?")
            continue
        turn += 1
        text = match[4].strip()
        yield Utterance(
            text, f"{path.name}:{number}", turn=turn, speaker=match[3], role=role_of(match[3]), start=float(match[1]),
            end=float(match[2]), skip=None if text else NO_TEXT,
        )  # fmt: skip
