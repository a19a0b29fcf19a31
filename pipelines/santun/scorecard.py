"""Scorecards: what a good conversation holds, as a versioned TOML file, and how labelled conversations score by it.

An item asks for behaviours, by whom, where, before what, and when it is due at all. A verdict is met, missed or not
applicable, and names the turns that it rests on. What is not due counts neither for nor against.
"""

from __future__ import annotations

import difflib
import hashlib
import itertools
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from santun_corpora import BEHAVIOURS, LANGUAGES

from santun.conversations import Conversation, Said, quote
from santun.prepare import prepare

CARDS = ("five_step", "help")
FORMAT = 1
VOICED = ("problem", "feeling")
MET, MISSED, NOT_APPLICABLE = "met", "missed", "not applicable"
_CITED = 5  # turns that a verdict quotes
_MANY = 30  # scores from which on their mean is resampled
_RESAMPLES = 1000


class ScorecardError(Exception):
    """A card that cannot be used; the message says what, where and how to mend it."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Table):
    """One thing a card asks for.

    Attributes
    ----------
    id, title : str
    behaviours : list of str
        Any one of them meets the item.
    role : {"agent", "customer", "anyone"}
        Whose turns count. Of a conversation that only a bot serves, the bot's are the agent's.
    first, last : int or None
        Only the first or last so many turns of that role count.
    due_when : list of str
        The customer must have voiced a ``problem`` or a ``feeling``, or performed a behaviour; only turns after that
        count. Empty: always due.
    each : bool
        Every such opportunity must be answered, not just one.
    within : int or None
        How many turns of the role an opportunity may wait for its answer.
    before : str
        Id of an item: only turns no later than the first that meets that one count.
    order : list of (str or list of str)
        Ids of items: of those met, each must begin no later than the next; items in a list of their own may come in any
        order among themselves. Stands in place of `behaviours`.
    weight : float
        0: told, but not counted.
    critical : bool
        A conversation that misses it fails: its score is 0.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z]\w{0,39}$")]
    title: Annotated[str, Field(min_length=1, max_length=120)]
    behaviours: list[str] = []
    role: Literal["agent", "customer", "anyone"] = "agent"
    first: Annotated[int, Field(ge=1)] | None = None
    last: Annotated[int, Field(ge=1)] | None = None
    due_when: list[str] = []
    each: bool = False
    within: Annotated[int, Field(ge=1)] | None = None
    before: str = ""
    order: list[str | list[str]] = []
    weight: Annotated[float, Field(ge=0, le=1000)] = 1.0
    critical: bool = False

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if bool(self.behaviours) == bool(self.order):
            raise ValueError("needs either behaviours or order")
        if self.order:
            alone = ("role", "first", "last", "due_when", "each", "within", "before")
            odd = [name for name in alone if getattr(self, name) != type(self).model_fields[name].default]
            if odd:
                raise ValueError(f"an item of order takes no {', '.join(odd)}")
            named = [name for group in self.groups for name in group]
            if len(self.order) < 2 or not all(self.groups) or len(set(named)) < len(named):
                raise ValueError("order needs two or more steps, each item once")
        if (self.each or self.within) and not self.due_when:
            raise ValueError("each and within go with due_when")
        return self

    @property
    def groups(self) -> list[list[str]]:
        """Steps of `order`, each a list."""
        return [[step] if isinstance(step, str) else step for step in self.order]


class Scorecard(_Table):
    """A card.

    Attributes
    ----------
    format : int
        Of the file: 1.
    name, version, title, description : str
        Scores are comparable within one version of one card; `digest` tells cards of the same version apart.
    behaviours : list of str
        Names of own behaviours that the labels may have beside the ten.
    phrases : dict of str to list of str
        Own phrases by which a customer voices a ``problem`` or a ``feeling``, beside those of santun.
    items : list of Item
    """

    format: Literal[1]
    name: Annotated[str, Field(pattern=r"^[\w-]{1,40}$")]
    version: Annotated[str, Field(pattern=r"^[\w.+-]{1,40}$")]
    title: Annotated[str, Field(min_length=1, max_length=120)]
    description: str = ""
    behaviours: list[str] = []
    phrases: dict[Literal["problem", "feeling", "neither"], list[str]] = {}
    items: Annotated[list[Item], Field(min_length=1)]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        ids = [item.id for item in self.items]
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice:
            raise ValueError(f"two items are called {twice}")
        if not any(item.weight for item in self.items):
            raise ValueError("no item has a weight; a score needs one")
        known = (*BEHAVIOURS, *self.behaviours)
        by_id = {item.id: item for item in self.items}
        for item in self.items:
            _check_names(item.id, "behaviours", item.behaviours, known)
            _check_names(item.id, "due_when", item.due_when, (*VOICED, *known))
            named = [name for group in item.groups for name in group]
            _check_names(item.id, "order", named, [i for i in ids if not by_id[i].order and i != item.id])
            if item.before:
                others = [i for i in ids if i != item.id and not by_id[i].order and not by_id[i].before]
                _check_names(item.id, "before", [item.before], others)
        return self

    @property
    def digest(self) -> str:
        """The first twelve digits of the hash of all that the card says."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


def _check_names(where: str, setting: str, names: Iterable[str], known: Sequence[str]) -> None:
    odd = next((name for name in names if name not in known), None)
    if odd is not None:
        near = difflib.get_close_matches(odd, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise ValueError(f"{where}: {setting} has no {odd!r}; {hint}")


def card_text(name: str) -> str:
    """Text of a ready card, to be copied and changed.

    Raises
    ------
    ScorecardError
        If none is called so.
    """
    if name not in CARDS:
        raise ScorecardError(f"no ready card {name!r}; there are {', '.join(CARDS)}")
    return (files("santun") / "scorecards" / f"{name}.toml").read_text(encoding="utf-8")


def load_card(name: str | Path) -> Scorecard:
    """Read a card: a ready one by its name, or a file.

    Raises
    ------
    ScorecardError
        If there is none, it is no TOML, or it says what cannot be.

    Examples
    --------
    >>> [item.id for item in load_card("help").items]
    ['hear', 'empathise', 'apologise', 'lead', 'act', 'care_first', 'order']
    """
    if str(name) in CARDS and not Path(name).is_file():
        text, where = card_text(str(name)), str(name)
    else:
        where = str(name)
        try:
            text = Path(name).read_text(encoding="utf-8-sig")
        except OSError as error:
            raise ScorecardError(
                f"{where}: {error.strerror or 'cannot be read'}; give a TOML file, or one of {', '.join(CARDS)}"
            ) from None
        except UnicodeDecodeError:
            raise ScorecardError(f"{where}: not UTF-8; save it as UTF-8") from None
    try:
        return Scorecard.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ScorecardError(f"{where}: not TOML ({error})") from None
    except ValidationError as error:
        raise ScorecardError(f"{where}: {_first_fault(error)}") from None


def _first_fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    place = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        names = list(Item.model_fields if "items" in fault["loc"] else Scorecard.model_fields)
        near = difflib.get_close_matches(str(fault["loc"][-1]), names, 1)
        return f"unknown setting {place}; " + (f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}")
    said = fault["msg"].removeprefix("Value error, ")
    return f"{place + ': ' if place else ''}{said[:1].lower() + said[1:]}"


# ---------------------------------------------------------------------------------------------- opportunities


@cache
def voiced_phrases() -> dict[tuple[str, str], tuple[str, ...]]:
    """Phrases of ``scorecards/voiced.tsv`` by kind and language, as they stand there."""
    table: dict[tuple[str, str], tuple[str, ...]] = {}
    for line in (files("santun") / "scorecards" / "voiced.tsv").read_text(encoding="utf-8").split("\n"):
        if line and not line.startswith("#"):
            kind, lang, *phrases = line.split("\t")
            table[kind, lang] = (*table.get((kind, lang), ()), *phrases)
    return table


# whose phrases are looked for in a turn: English words stand in the talk of all four, Malay and Indonesian share theirs
_LISTS = {"en": ("en",), "ms": ("ms", "id", "en"), "id": ("id", "ms", "en"), "ar": ("ar", "en")}
# what Arabic writes together with the next word, Malay and Indonesian with the one before
_BEFORE = {"ar": ("", "و", "ف", "ال", "وال", "بال", "لل", "ب", "ل")}
_BEHIND = {"ms": ("", "nya", "lah"), "id": ("", "nya", "lah")}


def _needles(kind: str, lang: str, own: Sequence[str] = ()) -> tuple[str, ...]:
    """What to look for in a padded prepared text."""
    return tuple(
        dict.fromkeys(
            needle
            for code in _LISTS[lang]
            for phrase in (*voiced_phrases().get((kind, code), ()), *own)
            for needle in _forms(phrase, code)
        )
    )


def _forms(phrase: str, lang: str) -> list[str]:
    """Forms of a phrase, with blanks where a word must begin or end; a star leaves that open."""
    [prepared] = prepare([phrase.strip("*")], [lang])
    words = " ".join(prepared.split())
    if not words:
        return []
    before = [""] if phrase.startswith("*") else [f" {joined}" for joined in _BEFORE.get(lang, ("",))]
    behind = [""] if phrase.endswith("*") else [f"{joined} " for joined in _BEHIND.get(lang, ("",))]
    return [f"{start}{words}{end}" for start in before for end in behind]


class Voices:
    """Finds the customer's turns that voice a problem or a feeling, by phrases.

    Parameters
    ----------
    card : Scorecard, default=None
        With own phrases.
    """

    def __init__(self, card: Scorecard | None = None) -> None:
        own = card.phrases if card else {}
        self.needles = {
            (kind, lang): _needles(kind, lang, own.get(kind, ()))  # type: ignore[call-overload]
            for kind in (*VOICED, "neither")
            for lang in LANGUAGES
        }

    def of(self, text: str, lang: str) -> dict[str, str]:
        """Kinds that a text voices, with the first phrase found for each.

        Examples
        --------
        >>> voices = Voices()
        >>> voices.of("My router stopped working and I am so frustrated", "en")
        {'problem': 'stopped working', 'feeling': 'frustrat'}
        >>> voices.of("No problem at all", "en")
        {}
        """
        lang = lang if lang in LANGUAGES else "en"
        [prepared] = prepare([text], [lang])
        padded = f" {' '.join(prepared.split())} "
        for needle in self.needles["neither", lang]:
            padded = padded.replace(needle, " | ")
        found = {}
        for kind in VOICED:
            hit = next((needle for needle in self.needles[kind, lang] if needle in padded), None)
            if hit is not None:
                found[kind] = hit.strip()
        return found


# --------------------------------------------------------------------------------------------------- verdicts


@dataclass(frozen=True, slots=True)
class Evidence:
    """A turn that a verdict rests on.

    Attributes
    ----------
    turn : int
    role : str
    shows : str
        Behaviours that were performed, or what the customer voiced (``problem``, ``feeling``).
    quote : str
    """

    turn: int
    role: str
    shows: str
    quote: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Verdict on one item.

    Attributes
    ----------
    item : str
    verdict : {"met", "missed", "not applicable"}
    due, done : int
        Opportunities, and how many of them were answered; 1 and 0 or 1 where an item is always due.
    evidence : tuple of Evidence
    reason : str
        Why it is missed or not applicable, in a few words.
    """

    item: str
    verdict: str
    due: int
    done: int
    evidence: tuple[Evidence, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CallScore:
    """How one conversation scores.

    Attributes
    ----------
    conversation : Conversation
    verdicts : tuple of Verdict
        In the order of the card.
    score : float or None
        Weight met out of weight applicable, 0 to 100; 0 where a critical item was missed; None where nothing applies.
    failed : tuple of str
        Critical items that were missed.
    voiced : dict of int to list of str
        Turns of the customer in which a ``problem`` or a ``feeling`` is found.
    """

    conversation: Conversation
    verdicts: tuple[Verdict, ...]
    score: float | None
    failed: tuple[str, ...] = ()
    voiced: Mapping[int, list[str]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        call = self.conversation
        return {
            "conversation_id": call.id, "file": call.file, "agent": call.agent, "lang": call.lang, "date": call.date,
            "channel": call.channel, "turns": len(call.turns), "score": self.score, "failed": list(self.failed),
            "voiced": [{"turn": turn, "what": kinds} for turn, kinds in self.voiced.items()],
            "items": [
                {
                    "item": v.item, "verdict": v.verdict, "due": v.due, "done": v.done, "reason": v.reason,
                    "evidence": [
                        {"turn": e.turn, "role": e.role, "shows": e.shows, "quote": e.quote} for e in v.evidence
                    ],
                }
                for v in self.verdicts
            ],
        }  # fmt: skip


def score_call(card: Scorecard, conversation: Conversation, voices: Voices | None = None) -> CallScore:
    """Score a conversation by a card.

    Opportunities are the customer's turns that voice what the item is due for, or perform a behaviour; those that
    follow each other without a turn of the item's role between them are one. Where the agent shows both empathy and an
    apology, and no phrase is found before the first of them, the customer's turn before it is taken to voice a problem.
    Speakers whose role is not known count as customers where an agent is known. Where nobody is known to serve, nothing
    applies.
    """
    turns = [turn for turn in conversation.turns if not turn.skipped]
    served = conversation.served_by()
    voices = voices or Voices(card)
    shown = [_voiced(turn, conversation.lang, voices) if _is_customer(turn, served) else {} for turn in turns]
    _infer_problem(turns, served, shown)
    starts: dict[str, int] = {}
    verdicts: dict[str, Verdict] = {}
    # items that wait for another one come after it
    for item in sorted(card.items, key=lambda item: 2 if item.order else bool(item.before)):
        if item.order:
            verdicts[item.id] = _ordered(item, card, turns, starts)
        elif not served:
            verdicts[item.id] = Verdict(item.id, NOT_APPLICABLE, 0, 0, (), "no turn is known to be the agent's")
        else:
            verdicts[item.id], at = _judge(item, turns, served, shown, starts.get(item.before))
            if at is not None:
                starts[item.id] = at
    listed = tuple(verdicts[item.id] for item in card.items)
    judged = [(item, v) for item, v in zip(card.items, listed, strict=True) if v.verdict != NOT_APPLICABLE]
    failed = tuple(item.id for item, v in judged if item.critical and v.verdict == MISSED)
    score = None
    if judged:
        met, due = (sum(item.weight for item, v in judged if v.verdict in which) for which in ((MET,), (MET, MISSED)))
        score = 0.0 if failed else round(100 * met / due, 1) if due else None
    voiced = {
        turn.turn: found
        for turn, kinds in zip(turns, shown, strict=True)
        if (found := [kind for kind in VOICED if kind in kinds])
    }
    return CallScore(conversation, listed, score, failed, voiced)


def _infer_problem(turns: Sequence[Said], served: str, shown: Sequence[dict[str, str]]) -> None:
    """Take a problem for voiced where the agent shows both empathy and an apology."""
    care = [i for i, turn in enumerate(turns) if turn.role == served and {"empathy", "apology"} & set(turn.labels)]
    if {"empathy", "apology"} <= {label for i in care for label in turns[i].labels}:
        before = [i for i in range(care[0]) if _is_customer(turns[i], served)]
        if before and not any(kind in shown[i] for i in before for kind in VOICED):
            shown[before[-1]]["problem"] = ""


def _is_customer(turn: Said, served: str) -> bool:
    return turn.role == "customer" or (turn.role == "unknown" and bool(served))


def _voiced(turn: Said, lang: str, voices: Voices) -> dict[str, str]:
    return voices.of(turn.text, turn.lang or lang) | {label: label for label in turn.labels}


def _judge(
    item: Item, turns: Sequence[Said], served: str, shown: Sequence[Mapping[str, str]], limit: int | None
) -> tuple[Verdict, int | None]:
    """Verdict on an item, and the index of the first turn that meets it."""

    def is_mine(turn: Said) -> bool:
        if item.role == "anyone":
            return True
        return turn.role == served if item.role == "agent" else _is_customer(turn, served)

    mine = [i for i, turn in enumerate(turns) if is_mine(turn)]
    placed = set(mine[: item.first] if item.first else mine) & set(mine[-item.last :] if item.last else mine)
    hits = [
        i
        for i in mine
        if i in placed and (limit is None or i <= limit) and any(name in turns[i].labels for name in item.behaviours)
    ]
    names = " or ".join(name.replace("_", " ") for name in item.behaviours)
    if not item.due_when:
        if not mine:
            return Verdict(item.id, NOT_APPLICABLE, 0, 0, (), f"no turn is the {item.role}'s"), None
        cited = tuple(_cite(turns[i], item.behaviours) for i in hits[:_CITED])
        reason = "" if hits else f"{names} not heard{_where(item)}"
        return Verdict(item.id, MET if hits else MISSED, 1, int(bool(hits)), cited, reason), hits[0] if hits else None
    due = [i for i, kinds in enumerate(shown) if any(name in kinds for name in item.due_when)]
    opened: list[int] = []
    for i in due:  # what is voiced in one breath is one opportunity
        if not opened or any(opened[-1] < j < i for j in mine):
            opened.append(i)
    if not opened:
        wanted = " or ".join(name.replace("_", " ") for name in item.due_when)
        return Verdict(item.id, NOT_APPLICABLE, 0, 0, (), f"the customer voices no {wanted}"), None
    answers: list[int | None] = []
    for i in opened:
        after = [j for j in mine if j > i]
        window = set(after[: item.within] if item.within else after)
        answers.append(next((j for j in hits if j in window), None))
    answered = sorted({j for j in answers if j is not None})
    done = sum(answer is not None for answer in answers)
    met = done == len(opened) if item.each else done > 0
    cited_due = [i for i, j in zip(opened, answers, strict=True) if met or j is None][: 1 if met else _CITED]
    evidence = [Evidence(turns[i].turn, turns[i].role, _kinds(shown[i], item), quote(turns[i].text)) for i in cited_due]
    evidence += [_cite(turns[j], item.behaviours) for j in answered[:_CITED]]
    reason = "" if met else f"{names} not heard after it{_where(item)}"
    if not met and done:
        reason = f"{done} of {len(opened)} opportunities answered"
    return (
        Verdict(item.id, MET if met else MISSED, len(opened), done, tuple(sorted(evidence, key=lambda e: e.turn)), reason),
        answered[0] if met else None,
    )  # fmt: skip


def _where(item: Item) -> str:
    parts = [f"among the first {item.first} turns"] if item.first else []
    parts += [f"among the last {item.last} turns"] if item.last else []
    parts += [f"within {item.within} turns"] if item.within else []
    parts += [f"before {item.before}"] if item.before else []
    return f" {', '.join(parts)}" if parts else ""


def _kinds(kinds: Mapping[str, str], item: Item) -> str:
    return ", ".join(name for name in item.due_when if name in kinds)


def _cite(turn: Said, behaviours: Sequence[str]) -> Evidence:
    shows = ", ".join(name for name in turn.labels if name in behaviours)
    return Evidence(turn.turn, turn.role, shows, quote(turn.text))


def _ordered(item: Item, card: Scorecard, turns: Sequence[Said], starts: Mapping[str, int]) -> Verdict:
    steps = [[(starts[name], name) for name in group if name in starts] for group in item.groups]
    known = [step for step in steps if step]
    if len(known) < 2:
        return Verdict(item.id, NOT_APPLICABLE, 0, 0, (), "fewer than two of the steps were met")
    behaviours = {one.id: one.behaviours for one in card.items}
    for earlier, later in itertools.pairwise(known):
        (a, first), (b, second) = max(earlier), min(later)
        if a > b:
            cited = (_cite(turns[b], behaviours[second]), _cite(turns[a], behaviours[first]))
            reason = f"{second} (turn {turns[b].turn}) came before {first} (turn {turns[a].turn})"
            return Verdict(item.id, MISSED, 1, 0, cited, reason)
    flat = [(name, i) for step in known for i, name in sorted(step)]
    return Verdict(item.id, MET, 1, 1, tuple(_cite(turns[i], behaviours[name]) for name, i in flat[:_CITED]))


# ---------------------------------------------------------------------------------------------------- summary


@dataclass
class Tally:
    """Scores of several conversations.

    Attributes
    ----------
    calls : int
    scores : list of float
        Of those to which an item applies.
    failed : int
    items : dict of str to list of int
        Of each item: met, applicable, opportunities answered, opportunities.
    """

    calls: int = 0
    scores: list[float] = field(default_factory=list)
    failed: int = 0
    items: dict[str, list[int]] = field(default_factory=dict)

    def add(self, one: CallScore) -> None:
        """Count a conversation in."""
        self.calls += 1
        self.failed += bool(one.failed)
        if one.score is not None:
            self.scores.append(one.score)
        for v in one.verdicts:
            counts = self.items.setdefault(v.item, [0, 0, 0, 0])
            if v.verdict != NOT_APPLICABLE:
                for at, n in enumerate((v.verdict == MET, 1, v.done, v.due)):
                    counts[at] += n

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with 95 % intervals (see `mean_interval` and `wilson`)."""
        return {
            "calls": self.calls,
            "scored": len(self.scores),
            "score": round(sum(self.scores) / len(self.scores), 1) if self.scores else None,
            "score_interval": mean_interval(self.scores),
            "failed": self.failed,
            "items": {
                name: {
                    "met": met, "applicable": applicable, "share": met / applicable if applicable else None,
                    "interval": wilson(met, applicable), "answered": done, "opportunities": due,
                }
                for name, (met, applicable, done, due) in self.items.items()
            },
        }  # fmt: skip


def score_calls(
    card: Scorecard, conversations: Sequence[Conversation], on_calls: Callable[[int, int], None] | None = None
) -> list[CallScore]:
    """Score conversations; lone utterances, which belong to none, are left out. `on_calls` is told (done, total)."""
    voices = Voices(card)
    scores = []
    for number, one in enumerate(conversations, 1):
        if one.id is not None:
            scores.append(score_call(card, one, voices))
        if on_calls and number % 100 == 0:
            on_calls(number, len(conversations))
    return scores


def summarise(card: Scorecard, scores: Sequence[CallScore]) -> dict[str, Any]:
    """Sum up a batch as a whole and by agent.

    Returns
    -------
    dict
        ``card`` (name, version, digest, title, items), ``all`` and ``agents``: of each ``calls``, ``scored``, ``score``
        (mean) with ``score_interval``, ``failed`` and ``items``. Agents come by name; the one called None has none.

    Notes
    -----
    Shares have Wilson's interval (Wilson 1927; Brown, Cai, DasGupta 2001). The mean of thirty scores or more is
    resampled 1,000 times (percentiles); of fewer it gets Wilson's interval for a share of that size, which is never too
    narrow for scores between 0 and 100, also where all of them are equal.
    """
    whole = Tally()
    agents: dict[str | None, Tally] = {}
    for one in scores:
        whole.add(one)
        agents.setdefault(one.conversation.agent, Tally()).add(one)
    return {
        "card": card_facts(card),
        "all": whole.to_dict(),
        "agents": [
            {"agent": name, **tally.to_dict()}
            for name, tally in sorted(agents.items(), key=lambda pair: (pair[0] is None, pair[0] or ""))
        ],
    }


def card_facts(card: Scorecard) -> dict[str, Any]:
    """Say what a card is."""
    return {
        "name": card.name, "version": card.version, "digest": card.digest, "title": card.title,
        "description": card.description,
        "items": [
            {"id": item.id, "title": item.title, "weight": item.weight, "critical": item.critical} for item in card.items
        ],
    }  # fmt: skip


def wilson(met: float, n: int) -> list[float] | None:
    """Wilson's 95 % interval of a share; None of nothing.

    Examples
    --------
    >>> [round(edge, 3) for edge in wilson(9, 10)]
    [0.596, 0.982]
    """
    if n == 0:
        return None
    z, p = 1.959964, met / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    return [max(0.0, middle - half), min(1.0, middle + half)]


def mean_interval(scores: Sequence[float], seed: int = 0) -> list[float] | None:
    """95 % interval of a mean of scores between 0 and 100; None of nothing."""
    n = len(scores)
    if n < _MANY:
        share = wilson(sum(scores) / 100, n)
        return share and [round(100 * edge, 1) for edge in share]
    draws = np.random.default_rng(seed).integers(0, n, size=(_RESAMPLES, n)) if n * _RESAMPLES <= 1 << 25 else None
    values = np.asarray(scores)
    if draws is None:  # of very many the normal approximation is the same
        half = 1.96 * float(values.std()) / n**0.5
        return [round(float(values.mean()) - half, 1), round(float(values.mean()) + half, 1)]
    return [round(float(edge), 1) for edge in np.percentile(values[draws].mean(axis=1), [2.5, 97.5])]
