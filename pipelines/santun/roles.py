"""Who is the agent where a file names its speakers and not their roles: by the user's word, or by a guess that says so."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from itertools import groupby

from santun_corpora import LANGUAGES, Utterance
from santun_corpora.schema import fold

from santun.prepare.languages import language_data

_LOOKED_AT = 1000  # characters of a turn, for an opening stands at its beginning


def called(name: str) -> str:
    """Fold a speaker's label for comparison; one without a letter stays as it is."""
    return fold(name) or name.strip()


def set_roles(rows: Sequence[Utterance], agents: Collection[str], *, guess: bool) -> None:
    """Make the speakers of these names agents, and every other named speaker whose role is unknown a customer.

    Parameters
    ----------
    rows : sequence of Utterance
        Whole conversations, in order.
    agents : collection of str
        Labels of speakers; case and punctuation do not matter.
    guess : bool
        Whether to guess, by `guess_roles`, in conversations in which none of them speaks.
    """
    names = {called(name) for name in agents}
    for row in rows:
        if names and row.speaker is not None and row.role != "system" and called(row.speaker) in names:
            row.role = "agent"
    if guess:
        guess_roles(rows)
    for row in rows:
        if names and row.speaker is not None and row.role == "unknown":
            row.role = "customer"


def guess_roles(rows: Sequence[Utterance]) -> None:
    """Guess the agents of each conversation that names speakers and no agent, and mark the rows.

    The agents are those who say what only the one who serves says: a company's greeting, or how they can help (the lists
    ``openings.txt`` of the languages); where everybody does, who says it first. Where nobody does, the one who speaks first in
    a call, that is where turns have times since its start. The other speakers of unknown role are customers. Where no rule
    holds, as in a chat without an opening, nothing is guessed.

    Parameters
    ----------
    rows : sequence of Utterance
        Whole conversations, in order.
    """
    for name, run in groupby(rows, key=lambda row: row.conversation_id):
        if name is not None:
            _guess(list(run))


def _guess(rows: list[Utterance]) -> None:
    talk = [row for row in rows if row.speaker is not None and row.skip is None]
    if any(row.role == "agent" for row in talk):
        return
    unknown = list(dict.fromkeys(row.speaker for row in talk if row.role == "unknown"))
    speakers = set(dict.fromkeys(row.speaker for row in talk if row.role in ("unknown", "customer")))
    opening = list(dict.fromkeys(row.speaker for row in talk if row.role == "unknown" and _opens(row.text)))
    agents = opening[:1] if len(opening) == len(speakers) else opening
    if not agents and len(speakers) > 1 and any(row.start is not None for row in talk):
        agents = [name for name in unknown[:1] if name == talk[0].speaker]
    if not agents:
        return
    for row in rows:
        if row.role == "unknown" and row.speaker is not None:
            row.role = "agent" if row.speaker in agents else "customer"
            row.role_guessed = True


def _opens(text: str) -> bool:
    said = f"_{fold(text[:_LOOKED_AT])}_"
    return any(opening in said for opening in _openings())


@cache
def _openings() -> tuple[str, ...]:
    return tuple(_folded())


def _folded() -> Iterator[str]:
    for lang in LANGUAGES:
        for opening in sorted(language_data(lang).openings):
            yield f"_{fold(opening)}_"
