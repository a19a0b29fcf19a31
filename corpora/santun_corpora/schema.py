"""The vocabulary of the project: behaviours, languages, roles, and one utterance."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any

CORE_BEHAVIOURS = ("greeting", "rapport_question", "empathy", "apology", "thanks")
BEHAVIOURS = (*CORE_BEHAVIOURS, "needs_question", "active_listening", "solution_offer", "ownership", "closing")
LANGUAGES = ("ms", "id", "ar", "en")
ROLES = ("agent", "customer", "bot", "system", "unknown")

_ROLE_WORDS = {
    "agent": (
        "agent agt rep representative advisor adviser csr cs operator admin support internal human_agent staff "
        "doctor nurse seller ejen agen petugas pegawai wakil khidmat_pelanggan layanan_pelanggan kasir penjual "
        "موظف الموظف موظفة الموظفة وكيل الوكيل ممثل_الخدمة خدمة_العملاء المندوب الدعم"
    ),
    "customer": (
        "customer cust client caller user end_user enduser visitor external contact lead guest patient buyer "
        "pelanggan pemanggil nasabah konsumen pembeli pengguna pasien tamu "
        "عميل العميل العميلة زبون الزبون الزبونة المتصل متصل المريض الزائر"
    ),
    "bot": "bot ivr acd automated_agent virtual_agent assistant custom_bot chatbot",
    "system": "system action voicemail fax sistem النظام",
}


def fold(word: str) -> str:
    """Fold a name for comparison: case, marks, diacritics, and blanks, hyphens or dots to one underscore.

    Examples
    --------
    >>> fold(" Tipe-Pengirim: "), fold("sendTime")
    ('tipe_pengirim', 'sendtime')
    """
    decomposed = unicodedata.normalize("NFKD", word).casefold()
    letters = "".join([c if c.isalnum() else " " for c in decomposed if not unicodedata.combining(c)])
    return "_".join(letters.split())


_ROLE_OF = {fold(word): role for role, words in _ROLE_WORDS.items() for word in words.split()}


def role_of(speaker: str | None) -> str:
    """Role that a speaker's label names, in any of the four languages; ``unknown`` where it names none.

    Examples
    --------
    >>> [role_of(s) for s in ("Ejen:", "الموظف", "end-user", "Agent 2", "Aina", None)]
    ['agent', 'agent', 'customer', 'agent', 'unknown', 'unknown']
    """
    return _ROLE_OF.get(fold(speaker).rstrip("_0123456789"), "unknown") if speaker else "unknown"


@dataclass(slots=True)
class Utterance:
    """One turn of one speaker, as read.

    Attributes
    ----------
    text : str
        As the file has it.
    source : str
        Where it stands: ``calls.csv:4`` is line 4, ``calls.xlsx:Sheet1:4`` row 4 of a sheet.
    id : str, int or None
        As the file has it.
    conversation_id : str or None
    turn : int or None
        Place in the conversation, from 1.
    speaker : str or None
        As the file has it; None where it is empty or says that it is unknown.
    role : str
        One of `ROLES`.
    role_guessed : bool
        Whether the role is a guess, by what is said, and not told by the file or the user.
    lang : str or None
        One of `LANGUAGES`; None where the file does not say.
    start, end : float or None
        Seconds since the start of the conversation.
    time : str or None
        When it was said, ISO 8601, where the file knows the day.
    labels : list of str or None
        Behaviours that the file gives; None where it gives none.
    context : list of (str, str)
        Speaker and text of turns before this one that come with the record itself.
    fields : dict
        Every field of the input row, unchanged.
    skip : str or None
        Why it is not to be labelled: a system's message, a picture, an internal note. It is written and counted.
    fault : str or None
        Why its labels or context could not be read. Labelling does not need them; training and evaluation do.
    """

    text: str
    source: str
    id: str | int | None = None
    conversation_id: str | None = None
    turn: int | None = None
    speaker: str | None = None
    role: str = "unknown"
    lang: str | None = None
    start: float | None = None
    end: float | None = None
    time: str | None = None
    labels: list[str] | None = None
    context: list[tuple[str, str]] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    skip: str | None = None
    fault: str | None = None
    role_guessed: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that could not be read.

    Attributes
    ----------
    source : str
        Where it stands.
    what : str
        What is wrong and how to mend it, in one line that holds no text of the row.
    """

    source: str
    what: str

    def __str__(self) -> str:
        return f"{self.source}: {self.what}"


class InputError(Exception):
    """An input that cannot be read at all; the message says what, where and how to mend it."""
