"""Argilla 2: the list of records that ``dataset.records.to_json`` writes, or ``to_list(flatten=True)`` gives.

Checked against argilla 2.8.0: `Record.from_dict` takes what is written here, and what its `to_dict` and `GenericIO` make
of that is read here. Its server refuses an empty list of labels, so that no behaviour is written as the label ``none``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from santun_corpora.exchange.mapping import ToolMap
from santun_corpora.exchange.record import (
    KEY,
    QUESTION,
    Answer,
    Item,
    Options,
    Output,
    Unit,
    carry,
    choose,
    label_names,
    load_objects,
    visible,
    write_array,
)
from santun_corpora.schema import Problem, Utterance

_NOBODY = "00000000-0000-0000-0000-000000000000"
_PARTS = ("id", "status", "_server_id", "fields", "metadata", "suggestions", "responses", "vectors", "score")


def units(path: Path, plan: ToolMap, options: Options) -> Iterator[Item]:
    """Read records, nested or flattened."""
    for source, row in load_objects(path):
        if isinstance(row, Problem):
            yield row
            continue
        try:
            yield _unit(source, row, plan, options)
        except ValueError as error:
            yield Problem(source, str(error))
        except (AttributeError, TypeError, KeyError):
            yield Problem(source, "not a record as Argilla writes it; export it again with records.to_json")


def _unit(source: str, row: dict[str, Any], plan: ToolMap, options: Options) -> Item:
    if isinstance(row.get("fields"), dict):
        own = {**(row.get("metadata") or {}), **row["fields"]}
        questions: Mapping[str, Any] = row.get("responses") or {}
    else:
        own = {name: value for name, value in row.items() if name not in _PARTS and not _answers(name)}
        questions = {
            name.removesuffix(".responses"): [
                {"value": value, "user_id": user, "status": status}
                for value, user, status in zip(
                    values or (), row.get(f"{name}.users") or (), row.get(f"{name}.status") or (), strict=True
                )
            ]
            for name, values in row.items()
            if name.endswith(".responses")
        }
    question = plan.fields.get("labels") or QUESTION
    if question not in questions and len(questions) > 1 and "labels" not in plan.fields:
        shown = ", ".join(map(repr, sorted(questions)))
        raise ValueError(f'answers to several questions ({shown}); name one in a mapping file, [fields] labels = "…"')
    if question not in questions and len(questions) == 1 and "labels" not in plan.fields:
        question = next(iter(questions))
    answers, why = [], "no response"
    for response in questions.get(question) or ():
        status = response.get("status")
        if response.get("value") is None or status in ("discarded", "draft"):
            why = f"{status or 'discarded'} by the annotator"
            continue
        answers.append(Answer(label_names(response["value"]) or [], (str(response.get("user_id")),)))
    labels, disagree = choose(answers, options.annotator)
    if answers:
        why = f"no response of {options.annotator}"
    return Unit(source, own, labels, row, why, row.get("id"), disagree)


def _answers(name: str) -> bool:
    return ".responses" in name or ".suggestion" in name


def write(rows: Sequence[Utterance], path: Path, output: Output) -> None:
    """Write records for ``Record.from_dict``; labels are the responses of a user, or suggestions."""
    write_array(path, (_written(row, output.predictions, output.annotator or _NOBODY) for row in rows))


def _written(row: Utterance, predictions: bool, user: str) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": str(row.id),
        "fields": {"text": row.text},
        "metadata": {**visible(row), KEY: carry(row)},
        "suggestions": {},
        "responses": {},
        "vectors": {},
    }
    if row.labels is not None:
        value = row.labels or ["none"]
        if predictions:
            record["suggestions"] = {QUESTION: {"value": value, "agent": "santun"}}
        else:
            record["responses"] = {QUESTION: [{"value": value, "user_id": user, "status": "submitted"}]}
    return record
