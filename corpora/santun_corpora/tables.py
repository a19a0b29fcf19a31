"""Readers of tables: JSONL, JSON, CSV, TSV, XLSX, Parquet. Each yields utterances and problems in the file's order."""

from __future__ import annotations

import base64
import csv
import io
import itertools
import json
import math
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError  # the exception only

from santun_corpora.columns import guess_columns, show_columns, utterance
from santun_corpora.decode import Encoding
from santun_corpora.schema import InputError, Problem, Utterance

Item = Utterance | Problem
# what a spreadsheet takes for the beginning of a formula; `santun.write` puts an apostrophe before it
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "\x00")
_DELIMITERS = (",", ";", "\t", "|")
_UNCLOSED_LINES = 2000  # a quoted field over more line breaks is taken for an unclosed quote
_JSON_DEPTH_HINT = "nested too deeply"
_TURNS = ("original", "turns", "utterances", "messages")  # under what a conversation keeps its turns
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
csv.field_size_limit(1 << 30)


def _rows(
    rows: Iterable[tuple[str, Mapping[str, Any] | Problem]], given: Mapping[str, str], where: str
) -> Iterator[Item]:
    """Utterances of rows whose columns may differ from row to row.

    Rows without a text are problems; if the first hundred have none, the file is of another kind altogether.
    """
    layouts: dict[tuple[str, ...], dict[str, str]] = {}
    refused: InputError | None = None
    held: list[Item] | None = []
    for source, row in rows:
        item: Item
        if isinstance(row, Problem):
            item = row
        else:
            row = _own_table(row)
            names = tuple(row)
            try:
                if names not in layouts:
                    known = given if held is not None else {f: c for f, c in given.items() if c in row}
                    layouts[names] = guess_columns(names, known, where)
                item = utterance(row, layouts[names], source)
                if held is not None:
                    yield from held
                    held = None
            except InputError as error:
                refused = refused or error
                item = Problem(source, str(error).removeprefix(f"{where}: "))
            except ValueError as error:
                item = Problem(source, str(error))
        if held is None:
            yield item
            continue
        held.append(item)
        if refused and len(held) > 100:
            raise refused
    if held and refused:
        raise refused
    yield from held or ()


def _own_table(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Unfold the fields that a table of santun's own keeps as JSON."""
    folded = row.get("other_fields")
    if "score_greeting" not in row or not isinstance(folded, str | None):
        return row
    plain = {name: value for name, value in row.items() if name not in ("other_fields", "escaped")}
    try:
        return {**plain, **(_clean(json.loads(folded)) if folded else {})}
    except (ValueError, TypeError, RecursionError):
        return row


# ------------------------------------------------------------------------------------------------------ JSON


def read_jsonl(path: Path, given: Mapping[str, str], encoding: Encoding | None = None) -> Iterator[Item]:
    """Read one JSON object a line. Blank lines are no rows; a broken line is a problem, the rest goes on."""

    def rows() -> Iterator[tuple[str, Mapping[str, Any] | Problem]]:
        if encoding is not None:
            with path.open(encoding=encoding.name, errors=encoding.errors, newline="\n") as text:
                for number, line in enumerate(text, 1):
                    if line.strip():
                        yield f"{path.name}:{number}", _object(line, f"{path.name}:{number}")
            return
        with path.open("rb") as file:
            for number, data in enumerate(file, 1):
                source = f"{path.name}:{number}"
                if number == 1:
                    data = data.removeprefix(b"\xef\xbb\xbf")
                if not data.strip():
                    continue
                try:
                    yield source, _object(data.decode("utf-8"), source)
                except UnicodeDecodeError as error:
                    what = f"byte {error.start + 1} of the line is not UTF-8; save the file as UTF-8"
                    yield source, Problem(source, what)

    yield from _rows(rows(), given, path.name)


def _object(line: str, source: str) -> dict[str, Any] | Problem:
    try:
        row = _clean(json.loads(line, parse_constant=lambda _: None))
    except RecursionError:
        return Problem(source, f"the JSON is {_JSON_DEPTH_HINT}")
    except ValueError as error:
        column = getattr(error, "colno", None)
        return Problem(source, f"not JSON{f' (character {column})' if column else ''}; write one object a line")
    if not isinstance(row, dict):
        return Problem(source, f"a JSON {type(row).__name__}, not an object; write one object a line")
    return row


def _clean(value: Any) -> Any:
    """Make a value one that every format can hold: no lone surrogates, no NUL, no infinity, no type of its own."""
    if isinstance(value, str):
        return value if value.isascii() and "\x00" not in value else _UNWRITABLE.sub("\ufffd", value)
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value if value is None or isinstance(value, bool | int) else str(value)


def _first_line_is_json(path: Path, encoding: Encoding | None) -> bool:
    name, errors = (encoding.name, encoding.errors) if encoding else ("utf-8-sig", "strict")
    with path.open(encoding=name, errors=errors) as file:
        line = next((line for line in file if line.strip()), "")
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def read_json(path: Path, given: Mapping[str, str], encoding: Encoding | None = None) -> Iterator[Item]:
    """Read a JSON array of records, or of conversations that hold their turns as records or (speaker, text) pairs."""
    try:
        data = _clean(json.loads(path.read_bytes(), parse_constant=lambda _: None))
    except RecursionError:
        raise InputError(f"{path.name}: the JSON is {_JSON_DEPTH_HINT}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: not UTF-8; save it as UTF-8") from None
    except ValueError as error:
        if str(error).startswith("Extra data") and _first_line_is_json(path, encoding):  # JSONL under another name
            yield from read_jsonl(path, given, encoding)
            return
        raise InputError(f"{path.name}: not JSON ({error}); export it again") from None
    if isinstance(data, dict) and any(isinstance(data.get(key), list) for key in _TURNS):
        data = [data]
    elif isinstance(data, dict):
        data = next((v for v in data.values() if isinstance(v, list) and v and isinstance(v[0], dict)), [data])
    if not isinstance(data, list):
        raise InputError(f"{path.name}: the JSON holds no list of records; give JSONL, one object a line")

    def rows() -> Iterator[tuple[str, Mapping[str, Any] | Problem]]:
        for number, item in enumerate(data):
            source = f"{path.name}:/{number}"
            if not isinstance(item, dict):
                yield source, Problem(source, "not an object")
                continue
            key = next((k for k in _TURNS if isinstance(item.get(k), list)), None)
            if key is None:
                yield source, item
                continue
            shared = {k: v for k, v in item.items() if isinstance(v, str | int | float)}
            if "id" in shared:
                shared.setdefault("conversation_id", shared["id"])
                del shared["id"]
            if not any("id" in name.lower() for name in shared):
                shared["conversation_id"] = f"{path.stem}-{number}"
            for turn, part in enumerate(item[key]):
                at = f"{source}/{key}/{turn}"
                if isinstance(part, list | tuple) and len(part) >= 2:
                    yield at, {**shared, "speaker": part[0], "text": part[1]}
                elif isinstance(part, dict):
                    yield at, {**shared, **part}
                else:
                    yield at, Problem(at, "neither a record nor a (speaker, text) pair")

    yield from _rows(rows(), given, path.name)


# ------------------------------------------------------------------------------------------------------- CSV


class _UnclosedError(Exception):
    pass


class _Lines:
    """Physical lines of a file, remembered since the last row, so that a row can be read again."""

    def __init__(self, file: io.TextIOBase) -> None:
        self.file = iter(file)
        self.number = 0
        self.held: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.held) > _UNCLOSED_LINES:
            raise _UnclosedError
        line = next(self.file)
        self.number += 1
        self.held.append(line)
        return line.replace("\x00", "\ufffd")


def read_csv(path: Path, given: Mapping[str, str], encoding: Encoding) -> Iterator[Item]:
    """Read a delimited table with a header; the delimiter is the one that gives most rows of one width."""
    with path.open(encoding=encoding.name, errors=encoding.errors, newline="") as file:
        sample = [line for _, line in zip(range(100), file, strict=False)]
        file.seek(0)
        lines = _Lines(file)
        named = sample[0].strip('\r\n\ufeff"').lower() if sample else ""
        if named.startswith("sep=") and len(named) == 5:
            delimiter = named[4]
            next(lines)
            lines.held.clear()
        else:
            delimiter = _delimiter(sample, path)
        records = _records(lines, delimiter)
        header = next((row for _, row, _ in records if any(cell.strip() for cell in row)), None)
        if header is None:
            raise InputError(f"{path.name}: empty; it has no header and no rows")
        names = [name.strip().lstrip("\ufeff") or f"column {i}" for i, name in enumerate(header, 1)]
        _refuse_twins(names, path)
        escaped = names[-1] == "escaped" and "score_greeting" in names
        if escaped:
            names = [unescaped(name) for name in names]
        columns = guess_columns(names, given, path.name)
        text_at = names.index(columns["text"])

        def rows() -> Iterator[tuple[str, Mapping[str, Any] | Problem]]:
            for number, row, broken in records:
                source = f"{path.name}:{number}"
                if broken:
                    yield source, Problem(source, "a quote is opened and not closed; double the quotes inside a text")
                elif not row or (len(row) == 1 and not row[0].strip() and len(names) > 1):
                    continue
                elif len(row) > len(names):
                    what = f"{len(row)} fields under a header of {len(names)}; quote texts that hold {delimiter!r}"
                    yield source, Problem(source, what)
                elif len(row) <= text_at:
                    yield (
                        source,
                        Problem(source, f"{len(row)} fields under a header of {len(names)}: the text is missing"),
                    )
                else:
                    full = row + [""] * (len(names) - len(row))
                    yield source, dict(zip(names, _unescaped(full) if escaped else full, strict=True))

        yield from _rows(rows(), given, path.name)


def _refuse_twins(names: list[str], path: Path) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{path.name}: two columns are named alike ({show_columns([twice])}); rename one")


def unescaped(name: str) -> str:
    """Take the apostrophe off a column's name that `santun.write` put before it."""
    return name[1:] if name[:1] == "'" and name[1:].startswith(FORMULA_STARTS) else name


def _unescaped(row: list[str]) -> list[str]:
    """Take off the apostrophes that `santun.write` puts before what a spreadsheet would take for a formula."""
    marked = {int(number) for number in row[-1].split(";") if number.isdecimal()}
    return [cell.removeprefix("'") if at in marked else cell for at, cell in enumerate(row, 1)]


def _delimiter(sample: list[str], path: Path) -> str:
    if not any(line.strip() for line in sample):
        raise InputError(f"{path.name}: empty; it has no header and no rows")
    if path.suffix.lower() == ".tsv" and "\t" in sample[0]:
        return "\t"
    best, most = ",", 0
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
        same = sum(width == widths[0] for width in widths) if widths and widths[0] > 1 else 0
        if same > most:
            best, most = delimiter, same
    return best


def _records(lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str], bool]]:
    """Rows with the number of their first line; rows with a quoting fault are read again, line by line, unquoted."""
    while True:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for row in reader:
                yield lines.number - len(lines.held) + 1, row, False
                lines.held.clear()
        except (_UnclosedError, csv.Error):
            first, held = lines.number - len(lines.held) + 1, lines.held[:]
            lines.held.clear()
            for index, line in enumerate(held):
                try:  # a line that is sound by itself is read as it would have been
                    yield first + index, next(csv.reader([line], delimiter=delimiter, strict=True), []), False
                    continue
                except csv.Error:
                    row = next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])
                lone = any(cell.startswith('"') != cell.endswith('"') for cell in row)
                yield first + index, _unquoted(row), lone or line.count('"') % 2 == 1
            continue
        return


def _unquoted(row: list[str]) -> list[str]:
    return [cell[1:-1].replace('""', '"') if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell for cell in row]


# ------------------------------------------------------------------------------------------------------ XLSX

_MAX_UNPACKED, _MAX_RATIO, _MAX_COLUMNS = 1 << 30, 200, 512
_TITLE_ROWS = 10  # a header may stand below a title


def read_xlsx(path: Path, given: Mapping[str, str], _encoding: Encoding | None = None) -> Iterator[Item]:
    """Read the first sheet that has a column of texts, and later sheets that have the same header."""
    import openpyxl

    _check_zip(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:
        raise InputError(
            f"{path.name}: not a readable workbook ({type(error).__name__}); save it as .xlsx again"
        ) from None
    try:
        yield from _rows(_book_rows(book, given, path), given, path.name)
    except (ParseError, KeyError, zlib.error, zipfile.BadZipFile, EOFError, OSError) as error:
        what = f"damaged ({type(error).__name__}); save it as .xlsx again"
        raise InputError(f"{path.name}: {what}") from None
    finally:
        book.close()


def _book_rows(book: Any, given: Mapping[str, str], path: Path) -> Iterator[tuple[str, Mapping[str, Any] | Problem]]:
    """Rows of the first sheet that has a column of texts, and of later sheets with the same header."""
    refused: InputError | None = None
    first: list[str] | None = None
    for sheet in book.worksheets:
        sheet.reset_dimensions()
        cells = enumerate(sheet.iter_rows(values_only=True, max_col=_MAX_COLUMNS), 1)
        for _, row in itertools.islice(cells, _TITLE_ROWS):
            names = [str(cell).strip() if cell is not None else "" for cell in row]
            while names and not names[-1]:
                names.pop()
            if not names:
                continue
            names = [name or f"column {at}" for at, name in enumerate(names, 1)]
            try:
                guess_columns(names, given, path.name)
            except InputError as error:
                refused = refused or error
                continue
            if first is None:
                _refuse_twins(names, path)
                first = names
            if names == first:
                yield from _sheet_rows(cells, names, f"{path.name}:{sheet.title}")
            break
    if first is None:
        raise refused or InputError(f"{path.name}: empty; no sheet has a row")


def _sheet_rows(
    cells: Iterator[tuple[int, tuple[Any, ...]]], names: list[str], where: str
) -> Iterator[tuple[str, Mapping[str, Any] | Problem]]:
    for number, row in cells:
        values = [int(c) if isinstance(c, float) and c.is_integer() else _clean(c) for c in row]
        while len(values) > len(names) and values[-1] is None:
            values.pop()
        source = f"{where}:{number}"
        if len(values) > len(names):
            yield source, Problem(source, f"{len(values)} cells under a header of {len(names)}; name the columns")
        elif any(value is not None for value in values):
            yield source, dict(zip(names, values + [None] * (len(names) - len(values)), strict=True))


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
    except zipfile.BadZipFile:
        what = "not a workbook; open it in a spreadsheet and save it as .xlsx without a password"
        raise InputError(f"{path.name}: {what}") from None
    if unpacked > _MAX_UNPACKED and unpacked > _MAX_RATIO * path.stat().st_size:
        raise InputError(f"{path.name}: refused; it would unpack to {unpacked >> 20} MB")


# --------------------------------------------------------------------------------------------------- Parquet


def read_parquet(path: Path, given: Mapping[str, str], _encoding: Encoding | None = None) -> Iterator[Item]:
    """Read a Parquet table in batches."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def rows() -> Iterator[tuple[str, Mapping[str, Any] | Problem]]:
        number = 0
        for batch in table.iter_batches(batch_size=1000):
            for row in batch.to_pylist():
                number += 1
                yield f"{path.name}:{number}", _clean(row)

    try:
        table = pq.ParquetFile(path)
        with table:
            guess_columns(table.schema_arrow.names, given, path.name)
            yield from _rows(rows(), given, path.name)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{path.name}: not a readable Parquet file ({type(error).__name__}); export it again"
        ) from None
