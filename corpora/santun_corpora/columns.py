"""Which column of somebody's table holds what, by its name in four languages or by the user's word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from santun_corpora.schema import BEHAVIOURS, LANGUAGES, ROLES, InputError, Utterance, fold, role_of

_NAMES = {
    "text": (
        "text utterance message content body transcript sentence msg teks isi isi_pesan pesan ucapan kalimat ayat mesej "
        "kandungan tuturan النص نص الرسالة نص_الرسالة المحادثة الكلام"
    ),
    "speaker": (
        "speaker sender sender_type sendertype from author participant role speaker_role penutur pengirim pembicara "
        "peranan tipe_pengirim المتحدث المرسل الدور"
    ),
    "conversation_id": (
        "conversation_id conversationid convo_id call_id callid ticket_id session session_id dialogue_id dialog_id contact_id "
        "call conversation id_panggilan id_percakapan no_tiket nombor_panggilan رقم_المكالمة معرف_المحادثة رقم_التذكرة"
    ),
    "id": "id utterance_id utteranceid message_id msg_id turn_id id_pesan id_mesej معرف_الرسالة",
    "turn": "turn turn_number turnnumber turn_index giliran الدور_رقم",
    "start": "start start_time starttime begin offset start_s waktu masa وقت الوقت",
    "lang": "lang language locale bahasa اللغة",
    "role": "role speaker_role sender_role peranan الدور",
    "labels": "labels behaviours",
    "context": "context",
}
_BY_NAME: dict[str, dict[str, int]] = {
    field: {fold(name): rank for rank, name in enumerate(names.split())} for field, names in _NAMES.items()
}
FIELDS = tuple(_NAMES)
_NOBODY = frozenset(("", "unknown", "none", "null", "n_a", "na"))


def guess_columns(names: Iterable[str], given: Mapping[str, str], where: str) -> dict[str, str]:
    """Map santun's fields to the columns of a table.

    Parameters
    ----------
    names : iterable of str
        Column names of the table.
    given : mapping of str to str
        Field to column, as the user says; always wins.
    where : str
        The file, for messages.

    Returns
    -------
    dict of str to str

    Raises
    ------
    InputError
        If a named column is missing, or no column holds the text.

    Examples
    --------
    >>> guess_columns(["No. Tiket", "Pengirim", "Isi Pesan"], {}, "a.csv")
    {'text': 'Isi Pesan', 'speaker': 'Pengirim', 'conversation_id': 'No. Tiket'}
    """
    columns = list(names)
    shown = show_columns(columns)
    for field, column in given.items():
        if column not in columns:
            raise InputError(f"{where}: no column {column!r} for {field}; the columns are {shown}")
    folded = {column: fold(column) for column in columns}
    found = dict(given)
    for field, ranks in _BY_NAME.items():
        if field in found:
            continue
        taken = set(found.values())
        # one column may be speaker and role at once
        free = [c for c in columns if c not in taken or field == "role"]
        ranked = sorted((ranks[folded[c]], i, c) for i, c in enumerate(free) if folded[c] in ranks)
        if ranked:
            found[field] = ranked[0][2]
    if "text" not in found:
        raise InputError(f"{where}: no column holds the text; the columns are {shown}: name it, --map text=COLUMN")
    return found


def show_columns(columns: Iterable[str]) -> str:
    """Name columns in a message; what looks like a row of texts is not shown, for it may be somebody's words."""
    names = list(columns)
    if any(len(n) > 40 or len(n.split()) > 4 or sum(map(str.isdigit, n)) > len(n) / 2 for n in names if n):
        return f"{len(names)} cells that look like no header; does the file have one?"
    return ", ".join(repr(name) for name in names[:12])


def utterance(row: Mapping[str, Any], columns: Mapping[str, str], source: str) -> Utterance:
    """Make an utterance of a table's row.

    Raises
    ------
    ValueError
        If a field holds what it cannot; the message says which and why.
    """

    def value(field: str) -> Any:
        return row.get(columns[field]) if field in columns else None

    text = value("text")
    if text is None:
        text = ""
    elif not isinstance(text, str):
        if isinstance(text, list | dict):
            raise ValueError(f"the text in {columns['text']!r} is not a string")
        text = str(text)
    speaker = _name(value("speaker"))
    role = _name(value("role"))
    fault = None
    labels: list[str] | None = None
    context: list[tuple[str, str]] = []
    try:
        labels, context = _labels(value("labels")), _context(value("context"))
    except ValueError as error:
        fault = str(error)
    number = value("id")
    return Utterance(
        text=text,
        source=source,
        id=number if isinstance(number, int) else _word(number),
        conversation_id=_word(value("conversation_id")),
        turn=_integer(value("turn")),
        speaker=speaker,
        role=_role(role, speaker),
        lang=_language(value("lang")),
        start=seconds(value("start")),
        labels=labels,
        context=context,
        fields=dict(row),
        fault=fault,
    )


def _word(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _name(value: Any) -> str | None:
    word = _word(value)
    return None if word is None or fold(word) in _NOBODY else word


def _role(role: str | None, speaker: str | None) -> str:
    if role in ROLES:
        return role
    named = role_of(role)
    return named if named != "unknown" else role_of(speaker)


def _integer(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < 1 << 63 else None


def _language(value: Any) -> str | None:
    """Language of a tag such as ``ms``, ``id-ID`` or ``ar_SA``; None where it is another's or none."""
    if not isinstance(value, str):
        return None
    code = value.strip().replace("_", "-").split("-")[0].lower()
    return code if code in LANGUAGES else None


def seconds(value: Any) -> float | None:
    """Seconds of a time cell: a number, ``hh:mm:ss``, ``mm:ss`` or a spreadsheet's time.

    Examples
    --------
    >>> seconds("00:01:02,5"), seconds("7"), seconds("2021-03-22T04:55:51+00:00"), seconds(None)
    (62.5, 7.0, None, None)
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e15 else None
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, time):
        return float(value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6)
    if isinstance(value, datetime) or not isinstance(value, str):
        return None
    parts = value.strip().replace(",", ".").split(":")
    try:
        numbers = [float(part) for part in parts if len(part) < 16]
    except ValueError:
        return None
    if len(numbers) != len(parts) or len(numbers) > 3:
        return None
    return float(sum(number * 60**power for power, number in enumerate(reversed(numbers))))


def _labels(value: Any) -> list[str] | None:
    """Behaviours of a list, or of a string parted by ``,``, ``;``, ``|`` or blanks; ``none`` and ``[]`` are the empty set.

    The ten come first and in their order; names of one's own follow as they stand.
    """
    if value is None:
        return None
    if isinstance(value, str):
        for mark in ",;|[]'\"":
            value = value.replace(mark, " ")
        value = [word for word in value.split() if word != "none"]
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise ValueError("labels must be a list of behaviours")
    return [label for label in BEHAVIOURS if label in value] + [
        label for label in dict.fromkeys(value) if label not in BEHAVIOURS
    ]


def unknown_label(labels: Iterable[str] | None, behaviours: Sequence[str]) -> str | None:
    """Say which label is none of the behaviours; None where there is none such.

    Examples
    --------
    >>> unknown_label(["empaty"], ["greeting", "empathy"])
    "unknown behaviour 'empaty', did you mean 'empathy'?"
    """
    unknown = next((label for label in labels or () if label not in behaviours), None)
    if unknown is None:
        return None
    named = f" {unknown!r}" if len(unknown) <= 30 and len(unknown.split()) <= 3 else ""
    near = difflib.get_close_matches(unknown, behaviours, 1) if named else []
    return f"unknown behaviour{named}" + (
        f", did you mean {near[0]!r}?" if near else f"; the behaviours are {', '.join(behaviours)}"
    )


def _context(value: Any) -> list[tuple[str, str]]:
    """Turns before, as ``"speaker: text"`` strings."""
    if not isinstance(value, list):
        return []
    turns = []
    for item in value:
        if not isinstance(item, str):
            raise ValueError('context must be a list of "speaker: text"')
        speaker, mark, text = item.partition(": ")
        turns.append((speaker, text) if mark else ("unknown", item))
    return turns
