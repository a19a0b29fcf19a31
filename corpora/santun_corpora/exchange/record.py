"""What the tools' modules share: a record that travels through a tool and comes back as it was.

An export carries each record whole, as one JSON string under the key `KEY`, in the place where a tool keeps what is not
its own, for tools change types on the way (a table's missing cell makes floats of whole numbers, CSV makes strings of
everything). Text and labels are the tool's, and so is a field that was changed there: it no longer equals the carried one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from santun_corpora.columns import guess_columns, show_columns, utterance
from santun_corpora.exchange.mapping import ToolMap, behaviours_of, dig
from santun_corpora.schema import InputError, Problem, Utterance
from santun_corpora.tables import _clean

KEY = "santun"
QUESTION = "behaviours"  # what the control or question is called in the tools
_READ = ("id", "conversation_id", "turn", "speaker", "role", "lang", "start", "text", "labels", "context")
_FIRST = ("id", "conversation_id", "turn", "speaker", "role", "lang", "text", "labels")
VISIBLE = ("id", "conversation_id", "turn", "speaker", "role", "lang")
_MINIMUM = tuple(name for name in _FIRST if name != "role")


class Unit(NamedTuple):
    """One utterance as a tool has it.

    Attributes
    ----------
    source : str
        Where it stands.
    own : dict
        The fields that people put into the tool: the text and what came along with it.
    labels : list of str or None
        In the tool's words; None where nobody has labelled it.
    raw : mapping
        The tool's record, for the paths of a mapping.
    why : str
        Why it has no labels.
    number : str, int or None
        The tool's own number, for a record that has no id.
    disagree : bool
        Whether several annotators gave different labels.
    """

    source: str
    own: dict[str, Any]
    labels: list[str] | None
    raw: Mapping[str, Any]
    why: str = ""
    number: str | int | None = None
    disagree: bool = False


class Skipped(NamedTuple):
    """A row of a tool that becomes no record of its own, and why."""

    source: str
    why: str


Item = Unit | Skipped | Problem


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose of an import.

    Attributes
    ----------
    annotator : str or None
        Whose labels to take.
    empty : str
        What no label means where a tool does not say: ``unlabelled`` or ``none``.
    config, split : str or None
        Of a Hugging Face data set.
    """

    annotator: str | None = None
    empty: str = "unlabelled"
    config: str | None = None
    split: str | None = None


class Output(NamedTuple):
    """What a user may choose of an export: see `santun_corpora.exchange.export_records`."""

    behaviours: Sequence[str]
    predictions: bool = False
    annotator: str | None = None


@dataclass(slots=True)
class Account:
    """What became of every row: ``read = imported + skipped + bad``.

    Attributes
    ----------
    read, imported, bad : int
    skipped, unlabelled : Counter
        Rows by reason; the unlabelled ones are imported, with no labels.
    disagreeing : int
        Rows that annotators labelled differently.
    labels : Counter
        Rows by behaviour.
    notes : list of str
        What else is worth knowing.
    """

    read: int = 0
    imported: int = 0
    bad: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    unlabelled: Counter[str] = field(default_factory=Counter)
    disagreeing: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Note once."""
        if text not in self.notes:
            self.notes.append(text)


# --------------------------------------------------------------------------------------------- out to a tool


@lru_cache(4096)
def _columns(names: tuple[str, ...]) -> dict[str, str]:
    return guess_columns(names, {}, "")


def _reading(record: Mapping[str, Any], source: str = "") -> Utterance | None:
    """Read a record as `santun_corpora.read` would; None where no field holds a text."""
    try:
        columns = _columns(tuple(record))
    except InputError:
        return None
    return utterance(record, columns, source)


def record_of(row: Utterance) -> dict[str, Any]:
    """Make the record that is read as this utterance: its fields, and what they do not say themselves.

    Examples
    --------
    >>> record_of(Utterance("hai", "a.csv:2", id="a.csv:2", fields={"Isi": "hai", "lang": None}, lang="ms"))
    {'Isi': 'hai', 'lang': 'ms', 'id': 'a.csv:2'}
    """
    record = dict(row.fields)
    for _ in _READ:  # naming one may free a column for another
        seen = _reading(record)
        if seen is None:
            record["text"] = row.text
            continue
        wrong = [name for name in _READ if getattr(seen, name) != getattr(row, name)]
        if not wrong:
            break
        for name in wrong:
            value = getattr(row, name)
            record[name] = [f"{who}: {text}" for who, text in value] if name == "context" else value
    return record


def carry(row: Utterance) -> str:
    """Write a record as one string; its text is left to the tool."""
    record = record_of(row)
    column = _columns(tuple(record))["text"]
    rest = {name: value for name, value in record.items() if name != column or not isinstance(value, str)}
    return json.dumps({"record": rest, "text": column}, separators=(",", ":"), default=str)


def visible(row: Utterance) -> dict[str, Any]:
    """Fields of an utterance that a tool shows beside the text, strings or a number; empty where there is none."""
    values = {name: getattr(row, name) for name in VISIBLE}
    return {name: "" if value is None else value for name, value in values.items()}


def extras(row: Utterance, *, nested: bool = False) -> dict[str, Any]:
    """Fields of a record beyond those that santun reads."""
    column = _columns(tuple(record_of(row)))["text"]
    plain = (str, int, float, bool, list, dict) if nested else (str, int, float, bool)
    taken = {*_READ, KEY, column}
    return {name: value for name, value in row.fields.items() if name not in taken and isinstance(value, plain)}


def names_in(rows: Iterable[Utterance], behaviours: Sequence[str]) -> list[str]:
    """Behaviours to offer in a tool: those given, and others that rows have."""
    return list(dict.fromkeys([*behaviours, *(label for row in rows for label in row.labels or ())]))


# -------------------------------------------------------------------------------------------- back from a tool


class Answer(NamedTuple):
    """Labels that one annotator gave."""

    labels: list[str]
    who: tuple[str, ...] = ()
    truth: bool = False
    when: str = ""


def choose(answers: Sequence[Answer], annotator: str | None) -> tuple[list[str] | None, bool]:
    """Take the answer of an annotator, else the one marked as the truth, else the latest; and say whether they disagree."""
    asked = [answer for answer in answers if annotator is None or annotator in answer.who]
    if not asked:
        return None, False
    best = max(enumerate(asked), key=lambda pair: (pair[1].truth, pair[1].when, pair[0]))[1]
    return best.labels, len({frozenset(answer.labels) for answer in answers}) > 1


def label_names(value: Any) -> list[str] | None:
    """Labels of a value: a name or a list of them.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return [value] if value else []
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError("labels must be a name or a list of names")
    return value


def held_labels(carried: Any) -> list[str] | None:
    """Labels of a carried record; None where it has none or cannot be read."""
    try:
        seen = _reading({"text": "", **_held(carried)[0]})
    except ValueError:
        return None
    return seen.labels if seen else None


def _held(carried: Any) -> tuple[dict[str, Any], str]:
    try:
        held = _clean(json.loads(carried))
        record, column = held["record"], held["text"]
    except (ValueError, TypeError, KeyError, RecursionError):
        record = column = None
    if not isinstance(record, dict) or not isinstance(column, str):
        raise ValueError(f"the field {KEY!r} is damaged; it must stay as it was exported")
    return record, column


def _restored(carried: Any, own: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Take a record as it was carried, with what was changed in the tool."""
    record, column = _held(carried)
    if column not in record or ("" if record[column] is None else str(record[column])) != text:
        record[column] = text
    seen = _reading(record)
    for name, value in own.items():
        if name in ("id", "text", "labels", KEY, column) or value is None or value == "":
            continue
        before = getattr(seen, name) if name in VISIBLE else record.get(name)
        if not _same(before, value):
            record[name] = value
    return record


def _same(before: Any, after: Any) -> bool:
    if before == after or str(before) == str(after):
        return True
    try:
        return float(before) == float(after)  # 3 comes back from a table as 3.0
    except (TypeError, ValueError, OverflowError):
        return False


def _settled(unit: Unit, plan: ToolMap, found: set[str]) -> Utterance:
    """Make an utterance of a unit.

    Raises
    ------
    ValueError
        If a label is no behaviour, or the text is missing; the message says how to mend it.
    """
    labels = None if unit.labels is None else behaviours_of(unit.labels, plan)
    own = {name: value for name, value in unit.own.items() if name != KEY}
    carried = unit.own.get(KEY)
    for name, path in plan.fields.items():
        value = dig(unit.raw, path)
        if value is not None:
            found.add(name)
            if name != "labels":
                own[name] = value
    if carried is not None and "text" in own:
        record = _restored(carried, own, "" if own["text"] is None else str(own["text"]))
        record |= {name: own[name] for name in plan.fields if name in found and name in own and name != "text"}
    else:
        record = own
    seen = _reading(record)
    if seen is None:
        raise ValueError(f'no text; name its field in a mapping file, [fields] text = "…" ({show_columns(own)})')
    for name, value in plan.constants.items():
        if getattr(seen, name) in (None, "unknown"):
            record[name] = value
    # as a set: some tools sort labels
    changed = (seen.labels is None) != (labels is None) or set(seen.labels or ()) != set(labels or ())
    if changed or (carried is None and seen.fault):
        record["labels"] = labels
    row = utterance(record, _columns(tuple(record)), unit.source)
    if carried is None:
        row.fields |= {name: getattr(row, name) for name in _MINIMUM if name not in record}
        if row.id is None:
            row.id = unit.number
    return row


def utterances(items: Iterable[Item], plan: ToolMap, stem: str, account: Account) -> Iterator[Utterance | Problem]:
    """Make utterances of a tool's units, as `santun_corpora.read` makes them of the records that are written of them.

    Parameters
    ----------
    items : iterable of Unit, Skipped or Problem
    plan : ToolMap
    stem : str
        What a conversation without a name is called.
    account : Account
        Is kept as they pass.

    Yields
    ------
    Utterance or Problem
        With the whole record in `Utterance.fields`.
    """
    conversation: str | None = None
    turn = 0
    found: set[str] = set()
    for item in items:
        account.read += 1
        if isinstance(item, Skipped):
            account.skipped[item.why] += 1
            continue
        if isinstance(item, Unit):
            try:
                row = _settled(item, plan, found)
            except ValueError as error:
                item = Problem(item.source, str(error))
        if isinstance(item, Problem):
            account.bad += 1
            yield item
            continue
        stands_alone = "context" in row.fields or (row.speaker is None and row.turn is None)
        if row.conversation_id is None and not stands_alone:
            row.conversation_id = stem
        if row.conversation_id is None or row.conversation_id != conversation:
            conversation, turn = row.conversation_id, 0
        turn += 1
        if row.turn is None and row.conversation_id is not None:
            row.turn = turn
        if row.id is None:
            row.id = row.source
        record = record_of(row)
        first = {name: record[name] for name in _FIRST if name in record}
        account.imported += 1
        account.disagreeing += item.disagree
        account.labels.update(row.labels or ())
        if row.labels is None:
            account.unlabelled[item.why or "no labels"] += 1
        yield replace(row, fields=first | record)
    for name in sorted(plan.fields.keys() - found - {"labels"}) if account.imported else ():
        account.note(f"[fields] {name}: no row has {plan.fields[name]!r}")


# ---------------------------------------------------------------------------------------------------- files


def load_json(path: Path) -> Any:
    """Load a JSON file.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        return _clean(json.loads(path.read_bytes(), parse_constant=lambda _: None))
    except OSError as error:
        raise InputError(f"{path.name}: {error.strerror or 'cannot be opened'}") from None
    except RecursionError:
        raise InputError(f"{path.name}: the JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: not UTF-8; save it as UTF-8") from None
    except ValueError as error:
        raise InputError(f"{path.name}: not JSON ({error}); export it again") from None


def load_objects(path: Path) -> Iterator[tuple[str, dict[str, Any] | Problem]]:
    """Objects of a JSON array, or of a file with one on each line, with their places.

    Raises
    ------
    InputError
        If the file is neither.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    except OSError as error:
        raise InputError(f"{path.name}: {error.strerror or 'cannot be opened'}") from None
    if not start:
        raise InputError(f"{path.name}: empty; it has no rows")
    if start.startswith(b"["):
        for number, value in enumerate(load_json(path)):
            source = f"{path.name}:/{number}"
            yield source, value if isinstance(value, dict) else Problem(source, "not an object")
        return
    if not start.startswith(b"{"):
        raise InputError(f"{path.name}: neither a JSON array nor one JSON object a line; export it again")
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            source = f"{path.name}:{number}"
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if not line.strip():
                continue
            try:
                value = _clean(json.loads(line, parse_constant=lambda _: None))
            except (ValueError, RecursionError):
                yield source, Problem(source, "not JSON; write one object a line")
                continue
            yield source, value if isinstance(value, dict) else Problem(source, "not an object")


def write_lines(path: Path, objects: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object a line, in ASCII, for some tools guess the encoding of what they read."""
    with path.open("w", encoding="ascii", newline="") as file:
        file.writelines(json.dumps(value, default=str) + "\n" for value in objects)


def write_array(path: Path, objects: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON array with an object a line, in ASCII as above."""
    with path.open("w", encoding="ascii", newline="") as file:
        mark = "[\n"
        for value in objects:
            file.write(mark + json.dumps(value, default=str))
            mark = ",\n"
        file.write("[]\n" if mark == "[\n" else "\n]\n")
