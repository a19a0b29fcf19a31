"""Labelled records, as ``santun label`` writes them, back as conversations: what scorecards and reports begin with."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from santun_corpora import InputError, Problem, Utterance, open_source, read
from santun_corpora.schema import fold, role_of

from santun.write import SCORED

# columns that are taken where they are there and nobody names one
FIELDS: dict[str, tuple[str, ...]] = {
    "agent": (
        "agent_name", "agentname", "agent_id", "agentid", "nama_ejen", "nama_agen", "nama_petugas", "id_ejen", "id_agen",
        "اسم_الموظف", "رقم_الموظف",
    ),
    "date": (
        "time", "date", "datetime", "timestamp", "created_at", "sent_at", "start_time", "started_at", "call_date",
        "tarikh", "tanggal", "التاريخ",
    ),
    "channel": ("channel", "channel_type", "source_channel", "saluran", "kanal", "القناة"),
}  # fmt: skip
_DAY = re.compile(r"(\d{4})[-/.](\d{2})[-/.](\d{2})(?!\d)")
_SHOWN = 100  # characters of a quotation
# what changes how neighbouring text is shown, or a terminal: never printed in a quotation
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


@dataclass(slots=True)
class Said:
    """A turn with its labels.

    Attributes
    ----------
    turn : int
        Place in the conversation, from 1.
    role, lang : str
    speaker : str or None
    text : str
    labels : list of str
    scores : dict of str to float
        Probability of each label where the record has it.
    source : str
        Where it stood in what was labelled.
    start : float or None
        Seconds since the start of the conversation.
    mixed : bool
    skipped : str or None
        Why it has no labels.
    """

    turn: int
    role: str
    speaker: str | None
    lang: str
    text: str
    labels: list[str]
    scores: dict[str, float]
    source: str
    start: float | None = None
    mixed: bool = False
    skipped: str | None = None


@dataclass(slots=True)
class Conversation:
    """The turns of a conversation.

    Attributes
    ----------
    id : str or None
        None of a lone utterance, which is a conversation of its own.
    file : str
    turns : list of Said
    agent : str or None
        Who served: the value of the agent field, else the name of the speaker who has most of the agent's turns.
    date : str or None
        The day, ISO 8601.
    channel : str or None
    """

    id: str | None
    file: str
    turns: list[Said]
    agent: str | None = None
    date: str | None = None
    channel: str | None = None

    @property
    def lang(self) -> str:
        """The language of most turns; an empty string where none is known."""
        counted = Counter(turn.lang for turn in self.turns if turn.lang and not turn.skipped)
        return counted.most_common(1)[0][0] if counted else ""

    def served_by(self) -> str:
        """Role of whoever serves: ``agent``, else ``bot``; an empty string where no turn is known to be either's."""
        roles = {turn.role for turn in self.turns if not turn.skipped}
        return next((role for role in ("agent", "bot") if role in roles), "")


@dataclass
class LabelledFiles:
    """What was read.

    Attributes
    ----------
    conversations : list of Conversation
        In the order of their first turns.
    behaviours : list of str
        Names of all labels and scores, the ten first.
    files : list of str
    read, labelled, skipped, bad : int
        Rows; ``read = labelled + skipped + bad``.
    problems : list of str
        Bad rows by place, the first hundred.
    notes : list of str
        What was decided on the way.
    """

    conversations: list[Conversation] = field(default_factory=list)
    behaviours: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    read: int = 0
    labelled: int = 0
    skipped: int = 0
    bad: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def account(self) -> dict[str, Any]:
        """Where every row went, as plain values."""
        return {
            "files": self.files, "read": self.read, "labelled": self.labelled, "skipped": self.skipped,
            "bad": self.bad, "problems": self.problems, "notes": self.notes,
            "conversations": sum(c.id is not None for c in self.conversations),
            "lone_utterances": sum(c.id is None for c in self.conversations),
        }  # fmt: skip


def read_labelled(
    paths: Sequence[Path],
    *,
    agents: Iterable[str] = (),
    agent_field: str | None = None,
    date_field: str | None = None,
    channel_field: str | None = None,
    on_rows: Callable[[int], None] | None = None,
) -> LabelledFiles:
    """Read labelled records as conversations.

    Rows of one file with the same conversation id are one conversation, wherever they stand; the same id in another
    file is another conversation.

    Parameters
    ----------
    paths : sequence of Path
        JSONL, CSV, XLSX or Parquet of ``santun label``.
    agents : iterable of str
        Speakers who are agents, where neither role nor name tells; the others of their conversations are customers.
    agent_field, date_field, channel_field : str, default=None
        Fields of the records that name the agent, the day and the channel; well-known names are found.
    on_rows : callable, default=None
        Told how many rows are read.

    Returns
    -------
    LabelledFiles

    Raises
    ------
    InputError
        If a file cannot be read, no row of it has labels, or a named field is nowhere.
    """
    found = LabelledFiles(files=[path.name for path in paths])
    wanted = {"agent": agent_field, "date": date_field, "channel": channel_field}
    used: dict[str, Counter[str]] = {kind: Counter() for kind in wanted}
    names: dict[str, None] = {}
    known = {fold(name) for name in agents}
    for path in paths:
        together: dict[str, tuple[Conversation, list[dict[str, Any]]]] = {}
        has_labels = False
        for item in read(open_source(path)):
            found.read += 1
            if isinstance(item, Problem) or item.fault:
                found.bad += 1
                if len(found.problems) < 100:
                    found.problems.append(str(item) if isinstance(item, Problem) else f"{item.source}: {item.fault}")
                continue
            said, fields = _said(item)
            has_labels = has_labels or item.labels is not None or bool(fields["scored"])
            names.update(dict.fromkeys(said.labels))
            names.update(dict.fromkeys(fields["scored"]))
            for kind, name in wanted.items():
                chosen, fields[kind] = _field(item, kind, name)
                if chosen:
                    used[kind][chosen] += 1
            found.labelled += said.skipped is None
            found.skipped += said.skipped is not None
            if item.conversation_id is None:
                kept: list[dict[str, Any]] = []
                conversation = Conversation(None, path.name, [])
                found.conversations.append(conversation)
            else:
                if item.conversation_id not in together:
                    together[item.conversation_id] = (Conversation(item.conversation_id, path.name, []), [])
                    found.conversations.append(together[item.conversation_id][0])
                conversation, kept = together[item.conversation_id]
            conversation.turns.append(said)
            kept.append(fields)
            if item.conversation_id is None:
                _finish(conversation, kept, known)
            if on_rows and found.read % 5_000 == 0:
                on_rows(found.read)
        for conversation, kept in together.values():
            _finish(conversation, kept, known)
        if not has_labels:
            raise InputError(
                f"{path.name}: no row has labels; label it first: santun label {path.name} -o labelled.jsonl"
            )
    for kind, name in wanted.items():
        if name is not None and not used[kind]:
            raise InputError(f"no row has a value in the field {name!r}; name one of the file's columns")
        if name is None and used[kind]:
            found.notes.append(f"{kind} by the field {used[kind].most_common(1)[0][0]!r}")
    from santun_corpora import BEHAVIOURS

    found.behaviours = [*BEHAVIOURS, *(name for name in names if name not in BEHAVIOURS)]
    return found


def _said(item: Utterance) -> tuple[Said, dict[str, Any]]:
    row = item.fields
    scores = scores_of(row)
    probabilities = {name: _number(value) for name, value in scores.items()}
    labels = item.labels or []
    skipped = row.get("skipped") or item.skip
    return Said(
        turn=item.turn or 0, role=item.role, speaker=item.speaker, lang=item.lang or "", text=item.text,
        labels=labels, scores={name: p for name in labels if (p := probabilities.get(name)) is not None},
        source=str(row.get("source") or item.source), start=item.start, mixed=row.get("mixed") in (True, "True", "true"),
        skipped=str(skipped) if skipped else None,
    ), {"scored": list(scores)}  # fmt: skip


def scores_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Scores as a record has them, or as a row of a table does in columns of their own; not checked to be numbers."""
    scores = fields.get("scores")
    if isinstance(scores, dict):
        return scores
    return {name.removeprefix(SCORED): value for name, value in fields.items() if name.startswith(SCORED)}


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _field(item: Utterance, kind: str, name: str | None) -> tuple[str | None, str | None]:
    """Name of the field that says it, and what it says."""
    row: Mapping[str, Any] = item.fields
    candidates = ([name] if name in row else []) if name is not None else _columns(kind, tuple(row))
    for column in candidates:
        value = str(row[column]).strip() if row[column] not in (None, "") else ""
        if kind == "date":
            value = day_of(value) or ""
        if value:
            return column, value[:200]
    if kind == "date" and item.time:
        return None, day_of(item.time)
    return None, None


@lru_cache(maxsize=1000)
def _columns(kind: str, names: tuple[str, ...]) -> list[str]:
    """Columns with a well-known name, the likeliest first."""
    folded = {fold(name): name for name in names}
    return [folded[one] for one in FIELDS[kind] if one in folded]


def day_of(value: str) -> str | None:
    """Day of a time written year first; None where it is none. Day-first dates are ambiguous, and not guessed at.

    Examples
    --------
    >>> day_of("2024-05-03T10:00:00Z"), day_of("2024/05/03 10:00"), day_of("03/05/2024"), day_of("2024-13-01")
    ('2024-05-03', '2024-05-03', None, None)
    """
    match = _DAY.match(value)
    try:
        return date(*map(int, match.groups())).isoformat() if match else None
    except ValueError:
        return None


def _finish(conversation: Conversation, kept: Sequence[Mapping[str, Any]], agents: set[str]) -> None:
    turns = conversation.turns
    if agents and any(turn.speaker and fold(turn.speaker) in agents for turn in turns):
        for turn in turns:
            if turn.role in ("unknown", "agent", "customer") and turn.speaker:
                turn.role = "agent" if fold(turn.speaker) in agents else "customer"
    numbers = [turn.turn for turn in turns]
    if numbers[0] < 1 or any(a >= b for a, b in itertools.pairwise(numbers)):
        for number, turn in enumerate(turns, 1):
            turn.turn = number
    role = conversation.served_by()
    mine = [(turn, fields) for turn, fields in zip(turns, kept, strict=True) if turn.role == role and role]
    named = Counter(fields["agent"] for _, fields in mine if fields["agent"])
    if not named:  # the field may stand in the first row alone
        named = Counter(fields["agent"] for fields in kept if fields["agent"])
    if not named:
        named = Counter(
            " ".join(turn.speaker.split()) for turn, _ in mine if turn.speaker and role_of(turn.speaker) == "unknown"
        )
    conversation.agent = named.most_common(1)[0][0] if named else None
    conversation.date = next((fields["date"] for fields in kept if fields["date"]), None)
    conversation.channel = next((fields["channel"] for fields in kept if fields["channel"]), None)


def quote(text: str, shown: int = _SHOWN) -> str:
    r"""Write the beginning of a text on one line, without what would change how its neighbours are shown.

    Examples
    --------
    >>> quote("one\n two\u202e three", 9)
    'one two t…'
    """
    line = " ".join(_UNSEEN.sub(" ", text[: 20 * shown]).split())
    return line[:shown] + "…" if len(line) > shown or len(text) > 20 * shown else line
