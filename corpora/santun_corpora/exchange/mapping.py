"""The mapping file: where a tool's record keeps what santun needs, and what its labels are called here."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from santun_corpora.columns import FIELDS
from santun_corpora.schema import BEHAVIOURS, InputError, fold

_TABLES = ("behaviours", "fields", "labels", "constants")
_CONSTANTS = tuple(name for name in FIELDS if name not in ("id", "text", "labels", "context", "turn"))


@dataclass(frozen=True, slots=True)
class ToolMap:
    """How a tool's records become santun's.

    Attributes
    ----------
    fields : dict of str to str
        Santun's field to a dotted path in the tool's record; ``labels`` to the control, question or path of the labels.
    labels : dict of str to str
        The tool's label to a behaviour; the empty string drops the label.
    constants : dict of str to str
        Santun's field to a value for the rows that have none.
    behaviours : tuple of str or None
        Names that labels may have; any where None.
    """

    fields: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    behaviours: tuple[str, ...] | None = BEHAVIOURS


def with_behaviours(names: Iterable[str]) -> tuple[str, ...]:
    """Put behaviours of one's own behind the ten.

    Examples
    --------
    >>> with_behaviours(["upsell", "greeting"])[-2:]
    ('closing', 'upsell')
    """
    return (*BEHAVIOURS, *(name for name in dict.fromkeys(names) if name not in BEHAVIOURS))


def read_mapping(path: Path | None, behaviours: Iterable[str] = ()) -> ToolMap:
    """Read a mapping file.

    Parameters
    ----------
    path : Path or None
        A TOML file; None for a mapping that maps nothing.
    behaviours : iterable of str
        Names that labels may have beside the ten and those of the file.

    Returns
    -------
    ToolMap

    Raises
    ------
    InputError
        If the file cannot be read, or holds a key or a behaviour that is none.
    """
    if path is None:
        return ToolMap(behaviours=with_behaviours(behaviours))
    try:
        with path.open("rb") as file:
            given = tomllib.load(file)
    except OSError as error:
        raise InputError(f"{path.name}: {error.strerror or 'cannot be opened'}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path.name}: not TOML ({error}); see docs/exchange.md") from None
    _refuse_others(given, _TABLES, path, "")
    own = given.get("behaviours", [])
    if not isinstance(own, list) or not all(isinstance(name, str) and name.strip() for name in own):
        raise InputError(f'{path.name}: behaviours must be a list of names: behaviours = ["greeting", "upsell"]')
    names = with_behaviours([*own, *behaviours])
    tables = {}
    for table, known in (("fields", FIELDS), ("labels", None), ("constants", _CONSTANTS)):
        tables[table] = given.get(table, {})
        if not isinstance(tables[table], dict):
            raise InputError(f"{path.name}: {table} must be a table: a line [{table}], then NAME = VALUE lines")
        if known:
            _refuse_others(tables[table], known, path, f"[{table}] ")
        for name, value in tables[table].items():
            if not isinstance(value, str):
                raise InputError(f'{path.name}: [{table}] {name} must be a string: {name} = "…"')
    for label, name in tables["labels"].items():
        if name and name not in names:
            raise InputError(
                f"{path.name}: [labels] {label!r}: {_unknown('behaviour', name, names)}; "
                "a name of your own goes into behaviours = [...]"
            )
    return ToolMap(behaviours=names, **tables)


def _refuse_others(given: Iterable[str], known: tuple[str, ...], path: Path, where: str) -> None:
    for name in given:
        if name not in known:
            raise InputError(f"{path.name}: {where}{_unknown('key', name, known)}")


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    return f"unknown {what} {name!r}, " + (f"did you mean {near[0]!r}?" if near else f"write one of {', '.join(names)}")


def dig(record: Any, path: str) -> Any:
    """Look up a dotted path; a key that holds dots itself is found too. None where there is nothing.

    Examples
    --------
    >>> dig({"data": {"who.role": "agent", "turns": [{"text": "a"}]}}, "data.who.role")
    'agent'
    >>> dig({"data": {"turns": [{"text": "a"}]}}, "data.turns.0.text")
    'a'
    """
    if isinstance(record, list) and (head := path.partition("."))[0].isdecimal():
        at = int(head[0])
        value = record[at] if at < len(record) else None
        return dig(value, head[2]) if head[2] else value
    if not isinstance(record, Mapping):
        return None
    if path in record:
        return record[path]
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        head_key = ".".join(parts[:end])
        if head_key in record:
            return dig(record[head_key], ".".join(parts[end:]))
    return None


def behaviours_of(labels: Iterable[str], plan: ToolMap) -> list[str]:
    """Behaviours of a tool's labels: as mapped, else by name.

    Case, blanks and hyphens do not count, and ``none`` is the empty set.

    Raises
    ------
    ValueError
        If a label is neither; the message says how to map it.

    Examples
    --------
    >>> behaviours_of(["Salam", "Rapport question", "none"], ToolMap(labels={"Salam": "greeting"}))
    ['greeting', 'rapport_question']
    """
    found: dict[str, None] = {}
    for label in labels:
        name = plan.labels.get(label)
        if name is None:
            name = label if plan.behaviours is None or label in plan.behaviours else fold(label)
            if name == "none" and name not in (plan.behaviours or ()):
                name = ""
            elif plan.behaviours is not None and name not in plan.behaviours:
                shown = repr(label) if len(label) <= 40 and len(label.split()) <= 4 else "of some length"
                near = difflib.get_close_matches(name, plan.behaviours, 1) or ["greeting"]
                raise ValueError(
                    f"label {shown} is no behaviour; map it in a mapping file, [labels] {shown} = {near[0]!r} "
                    "('' drops it), or allow it with --behaviours"
                )
        if name:
            found[name] = None
    return [name for name in BEHAVIOURS if name in found] + [name for name in found if name not in BEHAVIOURS]
