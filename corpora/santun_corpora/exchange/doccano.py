"""doccano: text classification, as JSONL, JSON or CSV.

Checked against the readers, makers, formatters and writers of doccano 1.8.4 (run without its database). doccano refuses
examples without text, and writes ``[]`` both for an example that has no label and for one that nobody has looked at.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from santun_corpora.exchange.mapping import ToolMap, dig
from santun_corpora.exchange.record import (
    KEY,
    Item,
    Options,
    Output,
    Unit,
    carry,
    held_labels,
    label_names,
    load_objects,
    visible,
    write_lines,
)
from santun_corpora.schema import InputError, Problem, Utterance

_LABELS = ("label", "labels", "cats", "category")
_COMMENTS = "Comments"  # stands in every export of doccano, and in no other file


def units(path: Path, plan: ToolMap, options: Options) -> Iterator[Item]:
    """Read an export."""
    for source, row in _objects(path):
        if isinstance(row, Problem):
            yield row
            continue
        key = plan.fields.get("labels") or next((name for name in _LABELS if name in row), _LABELS[0])
        try:
            labels = label_names(dig(row, key))
        except ValueError:
            yield Problem(source, f"{key!r} holds spans or the like; export a text classification project")
            continue
        unsaid = _COMMENTS in row and labels == [] and options.empty != "none" and held_labels(row.get(KEY)) is None
        own = {name: value for name, value in row.items() if name != key and (name != _COMMENTS or value)}
        yield Unit(source, own, None if unsaid else labels, row, "no label" if unsaid else "no labels")


def _objects(path: Path) -> Iterator[tuple[str, dict[str, Any] | Problem]]:
    if path.suffix.lower() != ".csv":
        yield from load_objects(path)
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            label = next((name for name in _LABELS if name in (rows.fieldnames or ())), None)
            for row in rows:
                source = f"{path.name}:{rows.line_num}"
                if None in row or None in row.values():
                    yield source, Problem(source, "not as many fields as the header; quote texts that hold ','")
                    continue
                values: dict[str, Any] = dict(row)
                if label:
                    values[label] = [name for name in values[label].split("#") if name]
                yield source, values
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path.name}: not a CSV table in UTF-8 ({type(error).__name__}); export it again") from None
    except OSError as error:
        raise InputError(f"{path.name}: {error.strerror or 'cannot be opened'}") from None


def write(rows: Sequence[Utterance], path: Path, _output: Output) -> None:
    """Write JSONL to import, with the columns that doccano looks for."""
    write_lines(path, map(_written, rows))


def _written(row: Utterance) -> dict[str, Any]:
    # doccano puts rows into a pandas table, where a missing cell becomes NaN: every cell is a string
    shown = {name: str(value) for name, value in visible(row).items()}
    return {"text": row.text, "label": row.labels, **shown, KEY: carry(row)}
