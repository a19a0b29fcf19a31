"""Label Studio: tasks with annotations (JSON), and one row for each annotation (JSON_MIN).

Checked against label-studio-sdk 2.1.2: its `LabelInterface` accepts the labelling config, tasks, annotations and
predictions that are written here, and its converter makes of them the JSON_MIN that is read here.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
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
    Skipped,
    Unit,
    carry,
    choose,
    extras,
    load_json,
    visible,
    write_array,
)
from santun_corpora.schema import InputError, Problem, Utterance

# what JSON_MIN puts beside the data of a task
_MINE = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")


def units(path: Path, plan: ToolMap, options: Options) -> Iterator[Item]:
    """Read an export, of either kind."""
    tasks = load_json(path)
    tasks = [tasks] if isinstance(tasks, dict) else tasks
    if not isinstance(tasks, list):
        raise InputError(f"{path.name}: no list of tasks; export it as JSON or JSON_MIN")
    if any(isinstance(task, dict) and isinstance(task.get("data"), dict) for task in tasks):
        for number, task in enumerate(tasks):
            yield _task(f"{path.name}:/{number}", task, plan, options)
    else:
        yield from _rows(path, tasks, plan, options)


def _task(source: str, task: Any, plan: ToolMap, options: Options) -> Item:
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        return Problem(source, "no task; it has no data")
    given = task.get("annotations", task.get("completions")) or []
    try:
        sound = [one for one in given if not (one.get("was_cancelled") or one.get("skipped"))]
        control = plan.fields.get("labels") or _control(sound)
        answers = [
            Answer(
                _choices(one, control),
                _who(one.get("completed_by")),
                bool(one.get("ground_truth")),
                str(one.get("updated_at") or one.get("created_at") or ""),
            )
            for one in sound
        ]
    except (AttributeError, TypeError, KeyError):
        return Problem(source, "its annotations are not as Label Studio writes them; export it again as JSON")
    except ValueError as error:
        return Problem(source, str(error))
    labels, disagree = choose(answers, options.annotator)
    why = "not annotated"
    if given and not sound:
        why = "cancelled by the annotator"
    elif answers:
        why = f"not annotated by {options.annotator}"
    number = task.get("id")
    return Unit(
        source, dict(task["data"]), labels, task, why, number if isinstance(number, int | str) else None, disagree
    )


def _who(value: Any) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(str(value[key]) for key in ("id", "email") if value.get(key) is not None)
    return () if value is None else (str(value),)


def _control(annotations: list[dict[str, Any]]) -> str:
    """Name the control that the labels are chosen with."""
    names = {
        one["from_name"] for each in annotations for one in each.get("result") or () if one.get("type") == "choices"
    }
    if len(names) > 1 and QUESTION not in names:
        shown = ", ".join(map(repr, sorted(names)))
        raise ValueError(f'choices of several controls ({shown}); name one in a mapping file, [fields] labels = "…"')
    return QUESTION if QUESTION in names or not names else str(names.pop())


def _choices(annotation: dict[str, Any], control: str) -> list[str]:
    labels = [
        str(label)
        for one in annotation.get("result") or ()
        if one.get("from_name") == control
        for label in one["value"].get("choices") or ()
    ]
    return list(dict.fromkeys(labels))


def _rows(path: Path, rows: list[Any], plan: ToolMap, options: Options) -> Iterator[Item]:
    """Rows of JSON_MIN; those of one task are one unit."""
    control = plan.fields.get("labels") or _min_control(path, rows)
    tasks: dict[Any, list[dict[str, Any]]] = {}
    for at, row in enumerate(rows):
        if isinstance(row, dict):
            tasks.setdefault(_number(row, at), []).append(row)
    seen = set()
    for at, row in enumerate(rows):
        source = f"{path.name}:/{at}"
        if not isinstance(row, dict):
            yield Problem(source, "not an object")
            continue
        number = _number(row, at)
        if number in seen:
            yield Skipped(source, "another annotation of the same task")
            continue
        seen.add(number)
        answered = [one for one in tasks[number] if one.get("annotation_id") is not None or control in one]
        try:
            answers = [
                Answer(
                    _min_labels(one.get(control)),
                    _who(one.get("annotator")),
                    when=str(one.get("updated_at") or one.get("created_at") or ""),
                )
                for one in answered
            ]
        except ValueError as error:
            yield Problem(source, str(error))
            continue
        labels, disagree = choose(answers, options.annotator)
        own = {name: value for name, value in row.items() if name not in _MINE and name != control}
        why = f"not annotated by {options.annotator}" if answers else "not annotated"
        yield Unit(source, own, labels, row, why, row.get("id"), disagree)


def _number(row: dict[str, Any], at: int) -> int | str:
    number = row.get("id")
    return number if isinstance(number, int | str) else f"row {at}"


def _min_control(path: Path, rows: list[Any]) -> str:
    names = {name for row in rows if isinstance(row, dict) for name in row}
    sure = {
        name
        for row in rows
        if isinstance(row, dict)
        for name, value in row.items()
        if isinstance(value, dict) and isinstance(value.get("choices"), list)
    }
    if QUESTION in names or not names:
        return QUESTION
    if len(sure) == 1:
        return str(sure.pop())
    if any(isinstance(row, dict) and row.get("annotation_id") is not None for row in rows):
        shown = ", ".join(sorted(sure or names - set(_MINE)))
        raise InputError(
            f'{path.name}: which field holds the labels? name it in a mapping file, [fields] labels = "…" ({shown})'
        )
    return QUESTION


def _min_labels(value: Any) -> list[str]:
    """Labels of a field: a name for one, choices for several, nothing for none."""
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict) and isinstance(value.get("choices"), list):
        return [str(label) for label in value["choices"]]
    if isinstance(value, list):
        return list(dict.fromkeys(label for part in value for label in _min_labels(part)))
    raise ValueError("its labels are neither a name nor choices")


def write(rows: Sequence[Utterance], path: Path, output: Output) -> None:
    """Write tasks to import; labels are annotations, or predictions for an annotator to confirm."""
    write_array(path, (_written(row, output.predictions) for row in rows))


def _written(row: Utterance, predictions: bool) -> dict[str, Any]:
    task: dict[str, Any] = {"data": {**extras(row), **visible(row), "text": row.text, KEY: carry(row)}}
    if row.labels is not None:
        chosen = {
            "id": "r1",
            "from_name": QUESTION,
            "to_name": "text",
            "type": "choices",
            "value": {"choices": row.labels},
        }
        result = [chosen] if row.labels else []
        # not marked as the truth: what a reviewer says later goes before it
        task |= (
            {"predictions": [{"model_version": "santun", "result": result}]}
            if predictions
            else {"annotations": [{"result": result, "was_cancelled": False, "ground_truth": False}]}
        )
    return task


def labelling_config(behaviours: Sequence[str]) -> str:
    """Labelling config of a project that takes the tasks."""
    choices = "\n".join(f'    <Choice value="{html.escape(name)}"/>' for name in behaviours)
    return (
        "<View>\n"
        '  <Header value="$speaker"/>\n'
        '  <Text name="text" value="$text"/>\n'
        f'  <Choices name="{QUESTION}" toName="text" choice="multiple" showInline="true">\n{choices}\n  </Choices>\n'
        "</View>\n"
    )
