"""Prodigy: what ``db-out`` writes, of choices or of one label and an answer; and tasks for ``textcat.manual``.

Prodigy cannot be installed freely: the shapes are those of its published recipes and of files that people show, not run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from santun_corpora.exchange.mapping import ToolMap, dig
from santun_corpora.exchange.record import (
    KEY,
    Answer,
    Item,
    Options,
    Output,
    Skipped,
    Unit,
    carry,
    choose,
    label_names,
    load_objects,
    visible,
    write_lines,
)
from santun_corpora.schema import Problem, Utterance

_NOT = {"reject": "rejected by the annotator", "ignore": "ignored by the annotator", None: "not answered"}
# what Prodigy and its recipes put beside a text
_MINE = (
    "_input_hash", "_task_hash", "_session_id", "_annotator_id", "_view_id", "_timestamp", "_is_binary", "options",
    "accept", "answer", "config", "priority", "score", "label", "spans", "tokens", "meta", "html", "style",
)  # fmt: skip


def units(path: Path, plan: ToolMap, options: Options) -> Iterator[Item]:
    """Read answers; those to one text with one meta are one unit."""
    rows = list(load_objects(path))
    tasks: dict[str, list[dict[str, Any]]] = {}
    for source, row in rows:
        if not isinstance(row, Problem):
            tasks.setdefault(_task(source, row), []).append(row)
    for source, row in rows:
        if isinstance(row, Problem):
            yield row
            continue
        answered = tasks.pop(_task(source, row), None)
        if answered is None:
            yield Skipped(source, "another answer to the same text")
            continue
        try:
            labels, why, disagree = _labels(answered, plan, options)
        except (ValueError, TypeError) as error:
            yield Problem(source, str(error) if isinstance(error, ValueError) else "its labels are not names")
            continue
        meta = row.get("meta") if isinstance(row.get("meta"), dict) else {}
        own = {**(meta or {}), **{name: value for name, value in row.items() if name not in _MINE}}
        yield Unit(source, own, labels, row, why, None, disagree)


def _task(source: str, row: dict[str, Any]) -> str:
    """Name what was asked about: equal texts have equal hashes, so the record or meta counts too."""
    if row.get("_input_hash") is None:
        return source
    return json.dumps([row["_input_hash"], row.get(KEY) or row.get("meta")], sort_keys=True)


def _labels(rows: list[dict[str, Any]], plan: ToolMap, options: Options) -> tuple[list[str] | None, str, bool]:
    why = _NOT.get(rows[-1].get("answer"), _NOT[None])
    key = plan.fields.get("labels")
    if key is None and all("accept" not in row and isinstance(row.get("label"), str) for row in rows):
        asked = [row for row in rows if options.annotator is None or options.annotator in _who(row)]
        said = [(row["label"], row.get("answer")) for row in asked if row.get("answer") in ("accept", "reject")]
        if not said:
            return None, why, False
        taken = dict(said)  # the last answer to a label counts
        return [label for label, answer in taken.items() if answer == "accept"], why, len(set(said)) > len(taken)
    accepted = [row for row in rows if row.get("answer") == "accept"]
    answers = [
        Answer(label_names(dig(row, key or "accept")) or [], _who(row), when=str(row.get("_timestamp") or ""))
        for row in accepted
    ]
    labels, disagree = choose(answers, options.annotator)
    return labels, f"not annotated by {options.annotator}" if answers else why, disagree


def _who(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("_annotator_id", "_session_id") if row.get(name))


def write(rows: Sequence[Utterance], path: Path, output: Output) -> None:
    """Write tasks with the behaviours as options; labels are accepted, or only ticked for an annotator to confirm."""
    options = [{"id": name, "text": name.replace("_", " ")} for name in output.behaviours]
    write_lines(path, (_written(row, options, output.predictions) for row in rows))


def _written(row: Utterance, options: list[dict[str, str]], predictions: bool) -> dict[str, Any]:
    task = {"text": row.text, "meta": visible(row), "options": options, KEY: carry(row)}
    if row.labels is not None:
        task["accept"] = row.labels
        if not predictions:
            task["answer"] = "accept"
    return task
