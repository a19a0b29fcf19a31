"""Writers of labelled records: JSONL, CSV, XLSX, Parquet. A file appears under its name only when it is whole."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from santun_corpora.tables import FORMULA_STARTS, unescaped

FORMATS = ("jsonl", "csv", "xlsx", "parquet")
SCORED = "score_"  # how the column of a behaviour's score begins
_NOT_XML = re.compile("[\ufffe\uffff]")
_SHEET_ROWS, _CELL_LENGTH, _EXACT = 1_048_576, 32_767, 10**15
Record = dict[str, Any]


def can_resume(path: Path | None, kind: str) -> bool:
    """Whether an output can be taken up again after a kill: a text file of our own, no pipe and no device."""
    return path is not None and kind in ("jsonl", "csv") and (path.is_file() or not path.exists())


class Writer(Protocol):
    """Takes records in order."""

    def write(self, records: Sequence[Record]) -> None:
        """Write records."""

    def position(self) -> int | None:
        """Bytes that are safely on disk; None where the format cannot be taken up again."""

    def close(self, *, finished: bool) -> None:
        """Give the file its name if the job is finished, else leave what can be taken up again."""


def partial_path(path: Path) -> Path:
    """Where a file is written until it is whole."""
    return path.with_name(f"{path.name}.part")


def open_writer(path: Path | None, kind: str, behaviours: Sequence[str], *, resume_at: int | None = None) -> Writer:
    """Open a writer.

    Parameters
    ----------
    path : Path or None
        None for standard output (``jsonl`` and ``csv`` only).
    kind : str
        One of `FORMATS`.
    behaviours : sequence of str
        Names of the score columns of tables.
    resume_at : int, default=None
        Bytes of the partial file to keep.

    Raises
    ------
    ValueError
        If a workbook or Parquet file is to go to standard output, or the format is unknown.
    """
    if kind not in FORMATS:
        raise ValueError(f"unknown format {kind!r}; the formats are {', '.join(FORMATS)}")
    if kind in ("xlsx", "parquet"):
        if path is None or (path.exists() and not path.is_file()):
            raise ValueError(f"{kind} cannot go to standard output, a pipe or a device; name a file with -o")
        return (_XlsxWriter if kind == "xlsx" else _ParquetWriter)(path, behaviours)
    return (_JsonlWriter if kind == "jsonl" else _CsvWriter)(path, behaviours, resume_at)


class _TextWriter:
    """A text file, or standard output."""

    encoding = "utf-8"

    def __init__(self, path: Path | None, behaviours: Sequence[str], resume_at: int | None) -> None:
        self.path = path
        self.behaviours = behaviours
        self.file: IO[str]
        if path is None:
            sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
            self.file = sys.stdout
            return
        if not can_resume(path, "jsonl"):  # a pipe or a device is written, not replaced
            self.path = None
            self.file = path.open("w", encoding=self.encoding, newline="")
            return
        partial = partial_path(path)
        if resume_at is not None:
            with partial.open("r+b") as kept:
                kept.truncate(resume_at)
        self.file = partial.open("a" if resume_at is not None else "w", encoding=self.encoding, newline="")

    def position(self) -> int | None:
        self.file.flush()
        if self.path is None:
            return None
        os.fsync(self.file.fileno())
        return os.fstat(self.file.fileno()).st_size

    def close(self, *, finished: bool) -> None:
        self.file.flush()
        if self.path is None:
            return
        if finished:
            os.fsync(self.file.fileno())
        self.file.close()
        if finished:
            partial_path(self.path).replace(self.path)


class _JsonlWriter(_TextWriter):
    def write(self, records: Sequence[Record]) -> None:
        self.file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def columns_of(records: Sequence[Record], behaviours: Sequence[str]) -> list[str]:
    """Columns of a table: the record's own, a score each behaviour, then what the input brought along."""
    own = ["id", "conversation_id", "turn", "speaker", "role", "lang", "text", "labels"]
    own += [f"{SCORED}{behaviour}" for behaviour in behaviours] + ["mixed", "source", "skipped"]
    brought = dict.fromkeys(key for record in records for key in record if key not in own and key != "scores")
    return [*own, *brought, "other_fields"]


def flat(record: Record, columns: Sequence[str]) -> list[Any]:
    """Values of a record under columns; fields that have no column go into ``other_fields`` as JSON."""
    values = dict(record)
    scores = values.pop("scores", None) or {}
    values |= {f"{SCORED}{name}": score for name, score in scores.items()}
    values["labels"] = ";".join(values.get("labels") or [])
    known = set(columns)
    other = {key: value for key, value in values.items() if key not in known}
    values["other_fields"] = json.dumps(other, ensure_ascii=False) if other else None
    return [_plain(values.get(column)) for column in columns]


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


class _CsvWriter(_TextWriter):
    """CSV that a spreadsheet opens as it is: byte order mark, CRLF, and no cell that it would take for a formula.

    A text that begins like a formula gets an apostrophe before it, and the column ``escaped`` holds the numbers of the
    columns where that was done; santun's reader takes it off again.
    """

    def __init__(self, path: Path | None, behaviours: Sequence[str], resume_at: int | None) -> None:
        super().__init__(path, behaviours, resume_at)
        self.columns: list[str] | None = None
        if resume_at and path is not None:
            with partial_path(path).open(encoding="utf-8-sig", newline="") as kept:
                self.columns = [unescaped(name) for name in next(csv.reader(kept))[:-1]]
        self.writer = csv.writer(self.file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")

    def head(self, records: Sequence[Record]) -> None:
        """Write the header that these records need."""
        self.columns = columns_of(records, self.behaviours)
        self.file.write("\ufeff")
        self.writer.writerow([inert(column) for column in self.columns] + ["escaped"])

    def write(self, records: Sequence[Record]) -> None:
        if self.columns is None:
            if not records:
                return
            self.head(records)
        assert self.columns is not None  # noqa: S101 (set with the head)
        for record in records:
            row = flat(record, self.columns)
            marked = [
                str(number)
                for number, value in enumerate(row, 1)
                if isinstance(value, str) and value.startswith(FORMULA_STARTS)
            ]
            self.writer.writerow([inert(value) for value in row] + [";".join(marked)])

    def close(self, *, finished: bool) -> None:
        if finished and self.columns is None:
            self.head([])
        super().close(finished=finished)


def inert(value: Any) -> Any:
    """Put an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def sheet_cell(sheet: Any, value: Any, source: str) -> Any:
    """Give what a write-only sheet of openpyxl takes: a text is a text, never a formula, and fits into a cell.

    Parameters
    ----------
    sheet : openpyxl.worksheet._write_only.WriteOnlyWorksheet
    value : object
    source : str
        Where a text that is cut can be read as a whole.
    """
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if isinstance(value, int) and abs(value) >= _EXACT:
        value = str(value)  # a spreadsheet keeps fifteen digits of a number
    if not isinstance(value, str):
        return value
    value = _NOT_XML.sub("\ufffd", ILLEGAL_CHARACTERS_RE.sub("\ufffd", value))
    if len(value) > _CELL_LENGTH:
        note = f"…[cut {len(value) - _CELL_LENGTH + 100} characters, see {source}]"
        value = value[: _CELL_LENGTH - 100] + note[:100]
    cell = WriteOnlyCell(sheet, value)
    cell.data_type = "s"  # openpyxl makes a formula of "=…"
    return cell


class _XlsxWriter:
    """A workbook whose texts are text, never formulas."""

    def __init__(self, path: Path, behaviours: Sequence[str]) -> None:
        import openpyxl

        self.path = path
        self.behaviours = behaviours
        self.book = openpyxl.Workbook(write_only=True)
        self.sheet: Any = None
        self.rows = 0
        self.columns: list[str] | None = None

    def write(self, records: Sequence[Record]) -> None:
        for record in records:
            if self.columns is None:
                self.columns = columns_of(records, self.behaviours)
            if self.sheet is None or self.rows >= _SHEET_ROWS:
                self.sheet = self.book.create_sheet(f"labels {len(self.book.worksheets) + 1}")
                self.sheet.append([sheet_cell(self.sheet, column, "") for column in self.columns])
                self.rows = 1
            row = flat(record, self.columns)
            self.sheet.append([sheet_cell(self.sheet, value, str(record.get("source"))) for value in row])
            self.rows += 1

    def position(self) -> int | None:
        return None

    def close(self, *, finished: bool) -> None:
        if not finished:
            return
        if self.sheet is None:
            self.sheet = self.book.create_sheet("labels 1")
            self.sheet.append(columns_of([], self.behaviours))
        partial = partial_path(self.path)
        self.book.save(partial)
        partial.replace(self.path)


class _ParquetWriter:
    """A Parquet table: strings, a list of labels, doubles for scores."""

    def __init__(self, path: Path, behaviours: Sequence[str]) -> None:
        self.path = path
        self.behaviours = behaviours
        self.columns: list[str] | None = None
        self.table: Any = None
        self.closing = False

    def write(self, records: Sequence[Record]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not records and self.table is None and not self.closing:
            return
        if self.table is None:
            self.columns = columns_of(records, self.behaviours)
            types = {"turn": pa.int64(), "mixed": pa.bool_(), "labels": pa.list_(pa.string())}
            types |= {f"{SCORED}{behaviour}": pa.float64() for behaviour in self.behaviours}
            self.schema = pa.schema([(column, types.get(column, pa.string())) for column in self.columns])
            self.table = pq.ParquetWriter(partial_path(self.path), self.schema)
        assert self.columns is not None  # noqa: S101 (set with the table)
        rows = [flat(record, self.columns) for record in records]
        at = self.columns.index("labels")
        for row, record in zip(rows, records, strict=True):
            row[at] = record.get("labels") or []
        arrays = []
        for index, kind in enumerate(self.schema):
            values = [row[index] for row in rows]
            if kind.type == pa.string():
                values = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
            arrays.append(pa.array(values, kind.type))
        self.table.write_table(pa.Table.from_arrays(arrays, schema=self.schema))

    def position(self) -> int | None:
        return None

    def close(self, *, finished: bool) -> None:
        self.closing = True
        if self.table is None and finished:
            self.write([])
        if self.table is not None:
            self.table.close()
        partial = partial_path(self.path)
        if finished:
            partial.replace(self.path)
        else:
            with contextlib.suppress(FileNotFoundError):
                partial.unlink()
