"""The one way in: files, folders or standard input to utterances, in order, with an account of every row."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from santun_corpora.decode import Encoding, detect
from santun_corpora.schema import InputError, Problem, Utterance
from santun_corpora.tables import read_csv, read_json, read_jsonl, read_parquet, read_xlsx
from santun_corpora.transcript import read_transcript

Reader = Callable[[Path, Mapping[str, str], Any], Iterator[Utterance | Problem]]
READERS: dict[str, Reader] = {
    "jsonl": read_jsonl,
    "json": read_json,
    "csv": read_csv,
    "xlsx": read_xlsx,
    "parquet": read_parquet,
    "text": read_transcript,
}
_SUFFIXES = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "csv", ".tab": "csv",
    ".xlsx": "xlsx", ".xlsm": "xlsx", ".parquet": "parquet", ".txt": "text", ".text": "text",
}  # fmt: skip
_DECODED = ("csv", "text")


class Source(NamedTuple):
    """One file to read.

    Attributes
    ----------
    path : Path
    format : str
        A key of `READERS`.
    encoding : Encoding or None
        For formats that are decoded.
    """

    path: Path
    format: str
    encoding: Encoding | None


def find_files(inputs: Sequence[str]) -> list[Path]:
    """List the files of inputs; of a folder those below it that a reader exists for, sorted by path.

    Raises
    ------
    InputError
        If an input does not exist, or a folder holds no file that can be read.
    """
    paths: list[Path] = []
    for name in inputs:
        path = Path(name)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in _SUFFIXES)
            if not inside:
                raise InputError(f"{name}: no file in this folder has a known ending ({', '.join(sorted(_SUFFIXES))})")
            paths += inside
        elif path.is_file():
            paths.append(path)
        else:
            raise InputError(f"{name}: no such file or folder")
    return paths


def spool_stdin() -> Path:
    """Copy standard input to a temporary file, so that it can be looked at before it is read."""
    with tempfile.NamedTemporaryFile(prefix="stdin-", delete=False) as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return Path(file.name)


def open_source(path: Path, *, format: str | None = None, encoding: str | None = None) -> Source:  # noqa: A002 (the option's name)
    """Find out how a file is to be read, from its first bytes, then from its ending.

    Raises
    ------
    InputError
        If it is empty, not text, or of no known format.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise InputError(f"{path.name}: {error.strerror or 'cannot be opened'}") from None
    if not head.strip():
        raise InputError(f"{path.name}: empty; it has no rows")
    kind = format or _sniff(path, head)
    if kind not in READERS:
        raise InputError(f"{path.name}: unknown format {kind!r}; the formats are {', '.join(READERS)}")
    if kind not in _DECODED:
        return Source(path, kind, None)
    if encoding is None:
        return Source(path, kind, detect(path))
    try:
        "".encode(encoding)
    except LookupError:
        raise InputError(f"unknown encoding {encoding!r}; for example utf-8, cp1256, cp1252, utf-16") from None
    return Source(path, kind, Encoding(encoding))


def _sniff(path: Path, head: bytes) -> str:
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    if head.startswith(b"PAR1"):
        return "parquet"
    named = _SUFFIXES.get(path.suffix.lower())
    if named in ("xlsx", "parquet"):
        raise InputError(f"{path.name}: not a {named} file, whatever its name says; export it again")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if named in (None, "text") and start.startswith(b"{"):
        return "jsonl"
    if named == "json" and start.startswith(b"{") and b"\n{" in head:
        return "jsonl"
    if named is None:
        first = start.split(b"\n", 1)[0]
        return "csv" if any(first.count(mark) for mark in (b",", b";", b"\t", b"|")) else "text"
    return named


def read(source: Source, columns: Mapping[str, str] | None = None) -> Iterator[Utterance | Problem]:
    """Read a file.

    Parameters
    ----------
    source : Source
    columns : mapping of str to str, default=None
        Santun's field to the file's column, where the names are not to be guessed.

    Yields
    ------
    Utterance or Problem
        One for each row, in order. Turns are numbered within a conversation where the file does not number them. Where
        a file names speakers but no conversation, it is one conversation, called by the file's name.

    Raises
    ------
    InputError
        If the file cannot be read at all.
    UnicodeDecodeError
        Never: what cannot be decoded is an InputError.
    """
    items = READERS[source.format](source.path, columns or {}, source.encoding)
    conversation: str | None = None
    turn = 0
    try:
        for item in items:
            if isinstance(item, Utterance):
                if (
                    item.conversation_id is None
                    and (item.speaker is not None or item.turn is not None)
                    and not item.context
                ):
                    item.conversation_id = source.path.stem
                if item.conversation_id is None or item.conversation_id != conversation:
                    conversation, turn = item.conversation_id, 0
                turn += 1
                if item.turn is None:
                    item.turn = turn
                if item.id is None:
                    item.id = item.source
            yield item
    except UnicodeError:
        encoding = source.encoding.name if source.encoding else "utf-8"
        raise InputError(f"{source.path.name}: not {encoding}; name its encoding with --encoding") from None
