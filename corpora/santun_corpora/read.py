"""The one way in: files, folders or standard input to utterances, in order, with an account of every row."""

from __future__ import annotations

import codecs
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from santun_corpora.columns import guess_columns
from santun_corpora.decode import Encoding, detect, utf16_without_mark
from santun_corpora.schema import InputError, Problem, Utterance
from santun_corpora.systems import json_systems, text_systems
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
_JSON_HEAD = re.compile(rb"\{\s*[\"}]|\[\s*[\[{\"\]]")  # and not a clock in brackets


class Source(NamedTuple):
    """One file to read.

    Attributes
    ----------
    path : Path
    format : str
        One of `formats`.
    encoding : Encoding or None
        For formats that are decoded.
    name : str
        What the file is called in `Utterance.source` and in messages.
    """

    path: Path
    format: str
    encoding: Encoding | None
    name: str


def formats() -> list[str]:
    """Names of all formats."""
    return [*READERS, *text_systems(), *json_systems()]


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
        if not name:
            raise InputError("an input has an empty name; name a file or folder")
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and _is_input(p))
            if not inside:
                raise InputError(f"{name}: no file in this folder has a known ending ({', '.join(sorted(_SUFFIXES))})")
            paths += inside
        elif path.exists():
            paths.append(path)
        else:
            raise InputError(f"{name}: no such file or folder")
    return paths


def _is_input(path: Path) -> bool:
    """Whether a file of a folder is one to read: of a known ending, not hidden, no lock and no unfinished output."""
    partial = path.name.endswith((".part.json", ".part.json.new"))
    return path.suffix.lower() in _SUFFIXES and not path.name.startswith((".", "~$")) and not partial


def spool(stream: BinaryIO, name: str) -> Path:
    """Copy a stream to a file of this name in a folder of its own, so that it can be looked at before it is read."""
    path = Path(tempfile.mkdtemp(prefix="santun-")) / name
    with path.open("wb") as file:
        shutil.copyfileobj(stream, file)
    return path


def open_source(
    path: Path,
    *,
    format: str | None = None,  # noqa: A002 (the option's name)
    encoding: str | None = None,
    name: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Source:
    """Find out how a file is to be read, from its first bytes, then from its ending, and from columns that are named.

    Raises
    ------
    InputError
        If it is empty, not text, or of no known format.
    """
    if path.exists() and not path.is_file():  # a pipe would be used up by looking at it
        raise InputError(f"{path}: not a file; save it as one")
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise InputError(f"{path.name}: {error.strerror or 'cannot be opened'}") from None
    if not head.strip():
        raise InputError(f"{path.name}: empty; it has no rows")
    kind = format or _sniff(path, head, columns or {})
    if kind not in formats():
        raise InputError(f"{path.name}: unknown format {kind!r}; the formats are {', '.join(formats())}")
    name = name or path.name
    if encoding is not None:
        try:
            "".encode(encoding)
        except LookupError:
            raise InputError(f"unknown encoding {encoding!r}; for example utf-8, cp1256, cp1252, utf-16") from None
        plain = encoding.lower().replace("_", "-") in ("utf-8", "utf8")
        return Source(path, kind, Encoding("utf-8-sig" if plain else encoding), name)
    if kind in _DECODED or kind in text_systems() or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Source(path, kind, detect(path), name)
    return Source(path, kind, None, name)


def _sniff(path: Path, head: bytes, columns: Mapping[str, str]) -> str:
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    if head.startswith(b"PAR1"):
        return "parquet"
    named = _SUFFIXES.get(path.suffix.lower())
    if named in ("xlsx", "parquet"):
        raise InputError(f"{path.name}: not a {named} file, whatever its name says; export it again")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    json_like = bool(_JSON_HEAD.match(start))
    if not columns and named in (None, "text", "json") and (system := _system_of(path, head, json_like)):
        return system
    first = start.split(b"\n", 1)[0]
    if named in (None, "text", "json") and json_like:
        try:
            whole = isinstance(json.loads(first), dict)
        except (ValueError, RecursionError):
            whole = False
        return "jsonl" if whole and (named != "json" or b"\n{" in head) else "json"
    if named in (None, "text"):
        header = (
            first.decode("utf-8", "replace")
            if b"\x00" not in first
            else head.decode("utf-16", "replace").split("\n")[0]
        )
        # columns that are named speak for a table whatever the ending; a transcript has none
        marks = ",;\t|" if named is None or columns else "\t"
        return "csv" if _is_header(header, marks, columns) else "text"
    return named


def _items(source: Source, columns: Mapping[str, str]) -> Iterator[Utterance | Problem]:
    if source.format in READERS:
        return READERS[source.format](source.path, columns, source.encoding)
    if source.format in text_systems():
        return text_systems()[source.format].read(source.path, source.encoding or detect(source.path))
    return json_systems()[source.format].read(source.path, _document(source.path, source.encoding))


def describe(source: Source) -> str | None:
    """Say whose export a file is taken for, and what was decided for it; None for plain tables and text."""
    if source.format in json_systems():
        return f"read as {json_systems()[source.format].title}"
    if source.format not in text_systems():
        return None
    system = text_systems()[source.format]
    try:
        detail = system.detail(source.path, source.encoding or detect(source.path)) if system.detail else None
    except UnicodeError:
        detail = None  # reading it tells
    return f"read as {system.title}" + (f"; {detail}" if detail else "")


def _document(path: Path, encoding: Encoding | None) -> Any:
    """Parse a JSON document.

    Raises
    ------
    InputError
        If it is none.
    """
    found = encoding or detect(path)
    try:
        return json.loads(path.read_bytes().decode(found.name, found.errors).lstrip("\ufeff"))
    except (ValueError, RecursionError):
        raise InputError(f"{path.name}: not one JSON document, or cut; export it again") from None


def _system_of(path: Path, head: bytes, json_like: bool) -> str | None:
    """Name of the system whose export a file is; None where it is none's."""
    if json_like:
        try:
            document = _document(path, None)
        except InputError:
            return None
        return next((name for name, system in json_systems().items() if system.accepts(document)), None)
    marked = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    name = "utf-16" if marked else utf16_without_mark(head) or "utf-8"
    if name == "utf-8" and b"\x00" in head:
        return None
    text = head.decode(name, "replace").lstrip("\ufeff")
    return next((name for name, system in text_systems().items() if system.accepts(text, path)), None)


def _is_header(line: str, delimiters: str, columns: Mapping[str, str]) -> bool:
    """Whether a line names a column of texts."""
    for delimiter in delimiters:
        names = [cell.strip(' "\r\ufeff') for cell in line.split(delimiter)]
        if len(names) > 1:
            try:
                guess_columns(names, columns, "")
            except InputError:
                continue
            return True
    return False


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
    items = _items(source, columns or {})
    called = len(source.path.name)
    stem = source.name.removesuffix(source.path.suffix)
    conversation: str | None = None
    turn = 0
    try:
        for item in items:
            place = source.name + item.source[called:]
            if isinstance(item, Problem):
                yield Problem(place, item.what)
                continue
            item.source = place
            # a record that brings its own context, be it empty, stands for itself
            stands_alone = "context" in item.fields or (item.speaker is None and item.turn is None)
            if item.conversation_id is None and not stands_alone:
                item.conversation_id = stem
            if item.conversation_id is None or item.conversation_id != conversation:
                conversation, turn = item.conversation_id, 0
            turn += 1
            if item.turn is None and item.conversation_id is not None:
                item.turn = turn  # a lone utterance has no turn, lest a table of them be read back as one conversation
            if item.id is None:
                item.id = item.source
            yield item
    except UnicodeError:
        encoding = source.encoding.name.removesuffix("-sig") if source.encoding else "utf-8"
        raise InputError(f"{source.name}: not {encoding}; name its encoding with --encoding") from None
