"""The one way in: files, folders or standard input to utterances, in order, with an account of every row."""

from __future__ import annotations

import codecs
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from santun_corpora.columns import guess_columns
from santun_corpora.decode import Encoding, detect, numbered_lines, utf16_without_mark
from santun_corpora.schema import InputError, Problem, Utterance
from santun_corpora.systems import convokit, json_systems, one_of_many, read_document, system_of, text_systems
from santun_corpora.systems.whatsapp import TITLE, read_zip
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
    "zip": read_zip,
    "convokit": convokit.read_corpus,
}
_SUFFIXES = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "csv", ".tab": "csv",
    ".xlsx": "xlsx", ".xlsm": "xlsx", ".parquet": "parquet", ".txt": "text", ".text": "text",
    ".vcon": "json", ".vtt": "webvtt", ".srt": "srt", ".sbv": "srt", ".rttm": "rttm", ".zip": "zip",
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
    hidden = path.name.startswith((".", "~$")) or partial or convokit.is_companion(path)
    return path.suffix.lower() in _SUFFIXES and not hidden


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
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _packed(path)
    if head.startswith(b"PAR1"):
        return "parquet"
    named = _SUFFIXES.get(path.suffix.lower())
    if named in ("xlsx", "parquet", "zip"):
        raise InputError(f"{path.name}: not a {named} file, whatever its name says; export it again")
    start = _beginning(head)
    json_like = bool(_JSON_HEAD.match(start))
    if not columns and named != "jsonl" and (system := _system_of(path, head, json_like)):
        return system
    if convokit.is_corpus(path):
        return "convokit"
    if not columns and named == "jsonl" and (system := _system_of_line(path)):
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


def _packed(path: Path) -> str:
    """Format of what is packed as a zip.

    Raises
    ------
    InputError
        If it is a document of another program.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        names = []  # the reader says what is wrong
    for inside, what in (("word/document.xml", "a Word document"), ("ppt/presentation.xml", "slides")):
        if inside in names:
            raise InputError(f"{path.name}: {what}; save it as plain text (.txt)")
    book = "xl/workbook.xml" in names or "[Content_Types].xml" in names
    return "xlsx" if book or (not names and path.suffix.lower() != ".zip") else "zip"


def _items(source: Source, columns: Mapping[str, str]) -> Iterator[Utterance | Problem]:
    if source.format in READERS:
        return READERS[source.format](source.path, columns, source.encoding)
    if source.format in text_systems():
        return text_systems()[source.format].read(source.path, source.encoding or detect(source.path))
    try:
        return read_document(source.format, source.path, _document(source.path, source.encoding))
    except _SeveralError:
        return _lines_of_documents(source)


def describe(source: Source) -> str | None:
    """Say whose export a file is taken for, and what was decided for it; None for plain tables and text."""
    if source.format in json_systems():
        return f"read as {json_systems()[source.format].title}"
    if source.format == "convokit":
        return f"read as {convokit.TITLE}"
    if source.format == "zip":
        return f"read as {TITLE} in a zip"
    if source.format not in text_systems():
        return None
    system = text_systems()[source.format]
    try:
        detail = system.detail(source.path, source.encoding or detect(source.path)) if system.detail else None
    except UnicodeError:
        detail = None  # reading it tells
    return f"read as {system.title}" + (f"; {detail}" if detail else "")


class _SeveralError(Exception):
    """A file of several JSON documents, one after the other."""


def _document(path: Path, encoding: Encoding | None) -> Any:
    """Parse a JSON document.

    Raises
    ------
    InputError
        If it is none.
    _SeveralError
        If another follows it.
    """
    found = encoding or detect(path)
    try:
        return json.loads(path.read_bytes().decode(found.name, found.errors).lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        if str(error).startswith("Extra data"):
            raise _SeveralError from None
        raise InputError(f"{path.name}: not one JSON document, or cut; export it again") from None


def _lines_of_documents(source: Source) -> Iterator[Utterance | Problem]:
    """Read a document a line, with the reader of a JSON system."""
    path, rows = source.path, []
    together: bool | None = None
    for number, line in numbered_lines(path, source.encoding or detect(path)):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            yield Problem(f"{path.name}:{number}", "not JSON; write one document a line")
            continue
        if together is None:  # a line may also be a part of one conversation
            accepts = json_systems()[source.format].accepts
            together = not accepts(document) and accepts([document])
        if together:
            rows.append(document)
        else:
            yield from one_of_many(source.format, path, document, f"{number}:", f"{path.stem}-{number}")
    if together:
        yield from read_document(source.format, path, rows)


def _beginning(head: bytes) -> bytes:
    """Begin of a file as UTF-8, without byte order mark and leading blanks."""
    marked = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    name = "utf-16" if marked else utf16_without_mark(head)
    if name:
        head = head.decode(name, "ignore").lstrip("\ufeff").encode("utf-8", "ignore")
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()


def _system_of_line(path: Path) -> str | None:
    """Name of the system whose export stands in the first line of a file; None where it is none's."""
    with path.open("rb") as file:
        line = next((line for line in file if line.strip()), b"")
    try:
        document = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return None
    return system_of(document) or system_of([document])


def _system_of(path: Path, head: bytes, json_like: bool) -> str | None:
    """Name of the system whose export a file is; None where it is none's."""
    if json_like:
        try:
            return system_of(_document(path, None))
        except _SeveralError:
            return _system_of_line(path)
        except InputError:
            return None
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
            # a record that brings its own context, be it empty, stands for itself; a system's file is a conversation
            stands_alone = "context" in item.fields or (item.speaker is None and item.turn is None)
            stands_alone = stands_alone and source.format in READERS and source.format != "zip"
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
