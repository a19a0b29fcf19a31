"""The service path of a conversation: which steps were taken, in which order, and what was said.

The path is greet, build rapport, find the need, offer a solution, thank or close. Beside it stands the order of care:
empathy before apology, and both before the solution (Agnihotri et al. and the HELP model both put feeling first).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

STEPS: dict[str, tuple[str, ...]] = {
    "greet": ("greeting",),
    "rapport": ("rapport_question",),
    "need": ("needs_question", "active_listening"),
    "solution": ("solution_offer", "ownership"),
    "thanks": ("thanks", "closing"),
}
_SHOWN = 100  # characters of a quotation


class Turn(NamedTuple):
    """A labelled turn.

    Attributes
    ----------
    turn : int
        Place in the conversation, from 1.
    role : str
    text : str
    labels : list of str
    """

    turn: int
    role: str
    text: str
    labels: Sequence[str]


@dataclass(frozen=True)
class Path:
    """What was taken of the path.

    Attributes
    ----------
    conversation_id : str or None
    steps : dict of str to (Turn or None)
        The first turn that takes each of `STEPS`; None where none does.
    in_order : bool
        Whether the steps that were taken came in the order of the path.
    empathy_before_apology, care_before_solution : bool or None
        None where one side of the comparison was not performed.
    empathy, apology : Turn or None
        First turns of each.
    agent_known : bool
        Whether the turns are the agent's; where no turn is known to be, all turns count.
    """

    conversation_id: str | None
    steps: dict[str, Turn | None]
    in_order: bool
    empathy_before_apology: bool | None
    care_before_solution: bool | None
    empathy: Turn | None
    apology: Turn | None
    agent_known: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a turn is its number."""
        return {
            "conversation_id": self.conversation_id,
            "steps": {step: turn.turn if turn else None for step, turn in self.steps.items()},
            "in_order": self.in_order,
            "empathy": self.empathy.turn if self.empathy else None,
            "apology": self.apology.turn if self.apology else None,
            "empathy_before_apology": self.empathy_before_apology,
            "care_before_solution": self.care_before_solution,
            "agent_known": self.agent_known,
        }

    def lines(self) -> list[str]:
        """Say it in words, a line a step, quoting the utterances."""
        said = [
            f"{step}: {_quote(turn)}" if turn else f"{step}: not taken ({' or '.join(STEPS[step])} not heard)"
            for step, turn in self.steps.items()
        ]
        taken = [step for step, turn in self.steps.items() if turn]
        said.append(
            f"{len(taken)} of {len(STEPS)} steps taken" + ("" if self.in_order else ", not in the order of the path")
        )
        said.append(f"empathy: {_quote(self.empathy)}" if self.empathy else "empathy: not heard")
        said.append(f"apology: {_quote(self.apology)}" if self.apology else "apology: not heard")
        if self.empathy_before_apology is not None:
            said.append(
                "empathy came before the apology" if self.empathy_before_apology else "the apology came before empathy"
            )
        if self.care_before_solution is not None:
            said.append(
                "empathy and apology came before the solution"
                if self.care_before_solution
                else "the solution came before empathy or apology"
            )
        if not self.agent_known:
            said.append("no turn is known to be the agent's: turns of all speakers were counted")
        return said


def _quote(turn: Turn) -> str:
    text = " ".join(turn.text.split())
    return f"turn {turn.turn}: “{text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}”"


def trace_path(turns: Iterable[Turn], conversation_id: str | None = None) -> Path:
    """Trace the path through the turns of one conversation.

    Examples
    --------
    >>> turns = [Turn(1, "agent", "Selamat pagi", ["greeting"]), Turn(2, "agent", "Sila cuba semula", ["solution_offer"])]
    >>> path = trace_path(turns)
    >>> [step for step, turn in path.steps.items() if turn]
    ['greet', 'solution']
    """
    everything = list(turns)
    agent_known = any(turn.role == "agent" for turn in everything)
    mine = [turn for turn in everything if turn.role in ("agent", "bot")] if agent_known else everything

    def first(behaviours: Sequence[str]) -> Turn | None:
        return next((turn for turn in mine if any(label in behaviours for label in turn.labels)), None)

    steps = {step: first(behaviours) for step, behaviours in STEPS.items()}
    last_thanks = next((t for t in reversed(mine) if any(label in STEPS["thanks"] for label in t.labels)), None)
    if last_thanks is not None:
        steps["thanks"] = last_thanks  # an opening "thank you for calling" does not end the path
    taken = [turn.turn for turn in steps.values() if turn]
    empathy, apology, solution = first(("empathy",)), first(("apology",)), steps["solution"]
    cares = [turn.turn for turn in (empathy, apology) if turn]
    return Path(
        conversation_id=conversation_id,
        steps=steps,
        in_order=taken == sorted(taken),
        empathy_before_apology=empathy.turn <= apology.turn if empathy and apology else None,
        care_before_solution=max(cares) <= solution.turn if cares and solution else None,
        empathy=empathy,
        apology=apology,
        agent_known=agent_known,
    )


@dataclass
class PathSummary:
    """Counts over conversations.

    Attributes
    ----------
    conversations : int
    steps : dict of str to int
        Conversations in which each step was taken.
    in_order, empathy_before_apology, care_before_solution : int
        Conversations in which it was so.
    empathy_and_apology, care_and_solution : int
        Conversations in which the comparison could be made.
    """

    conversations: int = 0
    steps: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STEPS, 0))
    in_order: int = 0
    empathy_before_apology: int = 0
    empathy_and_apology: int = 0
    care_before_solution: int = 0
    care_and_solution: int = 0

    def add(self, path: Path) -> None:
        """Count a conversation in."""
        self.conversations += 1
        for step, turn in path.steps.items():
            self.steps[step] += turn is not None
        self.in_order += path.in_order
        self.empathy_and_apology += path.empathy_before_apology is not None
        self.empathy_before_apology += bool(path.empathy_before_apology)
        self.care_and_solution += path.care_before_solution is not None
        self.care_before_solution += bool(path.care_before_solution)
