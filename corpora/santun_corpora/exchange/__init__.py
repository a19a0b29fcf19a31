"""Labelled records to and from annotation tools and corpus formats, and back as they were."""

from __future__ import annotations

import csv
import importlib
import json
import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, cast

from santun_corpora.exchange.mapping import ToolMap, read_mapping
from santun_corpora.exchange.record import Account, Item, Options, Output, load_objects, names_in, utterances
from santun_corpora.schema import BEHAVIOURS, InputError, Problem, Utterance

__all__ = [
    "EXCHANGES",
    "Account",
    "Options",
    "ToolMap",
    "dump_record",
    "export_records",
    "import_records",
    "read_mapping",
    "sniff",
]


class _Exchange(Protocol):
    """A tool's module."""

    def units(self, path: Path, plan: ToolMap, options: Options, /) -> Iterator[Item]:
        """Read what the tool writes."""

    def write(self, rows: list[Utterance], path: Path, output: Output, /) -> None:
        """Write what the tool reads."""


# format to module, which is imported when it is needed
EXCHANGES = {
    name: name.replace("-", "_") for name in ("convokit", "label-studio", "doccano", "argilla", "prodigy", "hf")
}
FOLDERS = ("convokit", "hf")


def _exchange(format: str) -> _Exchange:  # noqa: A002 (the option's name)
    if format not in EXCHANGES:
        raise InputError(f"unknown format {format!r}; the formats are {', '.join(EXCHANGES)}")
    return cast(_Exchange, importlib.import_module(f"santun_corpora.exchange.{EXCHANGES[format]}"))


def import_records(
    path: Path,
    format: str,  # noqa: A002 (the option's name)
    mapping: ToolMap | None = None,
    *,
    options: Options | None = None,
    account: Account | None = None,
) -> Iterator[Utterance | Problem]:
    """Read what a tool exports.

    Parameters
    ----------
    path : Path
        A file; for ``convokit`` a folder, for ``hf`` a folder or a name on the hub.
    format : str
        A key of `EXCHANGES`.
    mapping : ToolMap, default=None
    options : Options, default=None
    account : Account, default=None
        Is filled while the rows are read.

    Yields
    ------
    Utterance or Problem
        `Utterance.fields` is the record; written as a line of JSON it is read as the same utterance.

    Raises
    ------
    InputError
        If it cannot be read at all.
    """
    plan = mapping or ToolMap()
    items = _exchange(format).units(path, plan, options or Options())
    yield from utterances(items, plan, path.stem, account if account is not None else Account())


def export_records(
    rows: Iterable[Utterance],
    path: Path,
    format: str,  # noqa: A002 (the option's name)
    *,
    behaviours: Iterable[str] = BEHAVIOURS,
    predictions: bool = False,
    annotator: str | None = None,
    config: Path | None = None,
) -> int:
    """Write records for a tool; the file or folder appears under its name when it is whole.

    Parameters
    ----------
    rows : iterable of Utterance
    path : Path
        A file, a folder for ``convokit`` and ``hf``.
    format : str
        A key of `EXCHANGES`.
    behaviours : iterable of str
        Offered to annotators, with whatever else the rows are labelled with.
    predictions : bool, default=False
        Whether labels are to be confirmed by an annotator, rather than taken.
    annotator : str, default=None
        Argilla's id of the user whose responses the labels are.
    config : Path, default=None
        Where Label Studio's labelling config goes; beside the tasks, as ``<name>.config.xml``, if not given.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    InputError
        If the output cannot be written there, or the tool cannot hold the rows.
    """
    exchange = _exchange(format)
    held = list(rows)
    names = names_in(held, list(behaviours))
    if format in FOLDERS and path.exists():
        raise InputError(f"{path}: it is there already; name a new folder")
    if format not in FOLDERS and path.is_dir():
        raise InputError(f"{path}: a folder; name a file")
    partial = path.with_name(f"{path.name}.part")
    if partial.exists() and (partial.is_dir() or format in FOLDERS):
        raise InputError(f"{partial}: left by a run that was stopped; remove it")
    try:
        exchange.write(held, partial, Output(names, predictions, annotator))
        if format == "label-studio":
            from santun_corpora.exchange.label_studio import labelling_config

            beside = config or path.with_name(f"{path.stem}.config.xml")
            beside.write_text(labelling_config(names), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'cannot be written'}") from None
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        else:
            partial.unlink(missing_ok=True)
    return len(held)


def sniff(path: Path) -> str:
    """Find out from its content which tool has written something.

    Raises
    ------
    InputError
        If it is not there, or could be of several or none.
    """
    if path.is_dir():
        inside = {child.name for child in path.iterdir()}
        if inside & {"utterances.jsonl", "utterances.json"}:
            return "convokit"
        card = path / "README.md"
        if inside & {"state.json", "dataset_dict.json"} or any(path.rglob("*.parquet")):
            return "hf"
        if card.is_file() and card.read_bytes()[:4] == b"---\n":
            return "hf"
        raise InputError(f"{path}: no corpus and no data set that santun knows; name its format with -f")
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; a data set on the hub needs -f hf")
    if path.name == "utterances.jsonl":
        return "convokit"
    if path.suffix.lower() == ".csv":
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            header = [name.lstrip("\ufeff") for name in next(csv.reader(file), [])]
        kinds = ["doccano"] if "text" in header and "label" in header else []
    else:
        kinds = _kinds([row for _, row in islice(load_objects(path), 20) if isinstance(row, dict)])
    if len(kinds) != 1:
        could = f"could be {' or '.join(kinds)}" if kinds else "of no tool that santun knows"
        raise InputError(f"{path.name}: {could}; name its format with -f: {', '.join(EXCHANGES)}")
    return kinds[0]


def _kinds(rows: list[dict[str, Any]]) -> list[str]:
    """Tools that could have written rows, by keys that no other has."""
    keys = {key for row in rows for key in row}
    nested = {key for row in rows for key, value in row.items() if isinstance(value, dict)}
    signs = {
        "label-studio": "data" in nested or {"annotation_id", "lead_time"} <= keys,
        "argilla": ("fields" in nested and bool(keys & {"responses", "suggestions", "metadata"}))
        or any(key.endswith(".responses") for key in keys),
        "prodigy": bool(keys & {"_input_hash", "_task_hash"}) or ("answer" in keys and bool(keys & {"accept", "label"}))
        or {"options", "meta"} <= keys,
        "doccano": "text" in keys and "label" in keys and not keys & {"answer", "_input_hash"},
    }  # fmt: skip
    return [name for name, sign in signs.items() if sign]


def dump_record(row: Utterance) -> str:
    """Write an imported utterance as a line of JSONL, without the line's end."""
    return json.dumps(row.fields, ensure_ascii=False)
