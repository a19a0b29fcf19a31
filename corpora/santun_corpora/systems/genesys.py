"""Genesys Cloud: transcripts of speech and text analytics, transcripts of recordings, and messages of a conversation.

A phrase says only whether it is internal or external; who was on the line then is told by the participants and their times,
for a call is handed on. Phone numbers of participants are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from santun_corpora.schema import Problem
from santun_corpora.systems.document import (
    EVENT,
    MEDIA,
    Item,
    dicts,
    epoch,
    fields_of,
    in_time,
    iso,
    language,
    listed,
    moment,
    number,
    parts,
    role_named,
    said,
    scaled,
    word,
)

_INSIDE = ("agent", "user", "ivr", "acd", "voicemail", "fax")  # who is taken first where several are on the line
_ROLES = {"user": "agent", "acd": "bot", "ivr": "bot", "voicemail": "system", "fax": "system"}
_RECORDED = ("messageTranscript", "transcript")


def accepts(document: Any) -> bool:
    """Whether it is a transcript of Genesys Cloud, or messages that its API gave."""
    if not isinstance(document, dict):
        return False
    transcripts = document.get("transcripts")
    if isinstance(transcripts, list) and dicts(transcripts):
        return all(isinstance(one.get("phrases"), list) for one in dicts(transcripts))
    return _is_recording(document) or _is_messages(document)


def _is_recording(document: dict[str, Any]) -> bool:
    return any(isinstance(document.get(name), list) for name in _RECORDED) and (
        "conversationId" in document or "messageTranscript" in document
    )


def _is_messages(document: dict[str, Any]) -> bool:
    entities = dicts(document.get("entities"))
    return bool(entities) and all(
        "direction" in one and ("textBody" in one or "normalizedMessage" in one) for one in entities
    )


def read(path: Path, document: Any) -> Iterator[Item]:
    """Read a transcript or messages; what a machine sent and nobody said is skipped."""
    if _is_messages(document):
        yield from _messages(path, document)
    elif _is_recording(document) and "transcripts" not in document:
        yield from _recording(path, document)
    else:
        yield from _phrases(path, document)


def _phrases(path: Path, document: dict[str, Any]) -> Iterator[Item]:
    transcripts = document["transcripts"]
    stamps = [
        stamp
        for one in dicts(transcripts)
        for phrase in dicts(one.get("phrases"))
        if (stamp := number(phrase.get("startTimeMs"))) is not None
    ]
    begun = number(document.get("conversationStartTime"))
    if begun is None:
        begun = number(document.get("startTime"))
    origin = 0.0
    if stamps and epoch(min(stamps), 1000):  # and not times that count from the beginning of the call
        origin = begun if begun is not None and epoch(begun, 1000) else min(stamps)
    people = dicts(document.get("participants"))
    several = len({word(one.get("userId")) for one in people if _purpose(one) in ("agent", "user")}) > 1
    found: list[Item] = []
    for at, one in parts(transcripts, f"{path.name}:/transcripts"):
        if isinstance(one, Problem):
            found.append(one)
            continue
        lang = language(one.get("language")) or language(document.get("language"))
        for place, phrase in parts(one.get("phrases"), f"{at}/phrases"):
            if isinstance(phrase, Problem):
                found.append(phrase)
                continue
            stamp = number(phrase.get("startTimeMs"))
            speaker, role = _who(phrase, people, stamp, several=several)
            start = None if stamp is None else round((stamp - origin) / 1000, 6)
            length = _length(phrase.get("duration"))
            found.append(
                said(
                    place,
                    phrase.get("decoratedText") or phrase.get("text"),
                    speaker=speaker,
                    role=role,
                    start=start,
                    end=None if start is None or length is None else round(start + length, 6),
                    time=epoch(stamp, 1000),
                    lang=lang,
                    conversation=document.get("conversationId"),
                )
            )
    yield from in_time(found) if len(listed(transcripts)) > 1 else found


def _purpose(person: dict[str, Any]) -> str:
    return str(person.get("participantPurpose") or person.get("purpose") or "").lower()


def _length(value: Any) -> float | None:
    """Seconds of a phrase's duration: an object of milliseconds, or a number of them."""
    return scaled(value.get("milliseconds") if isinstance(value, dict) else value, 1000)


def _who(
    phrase: dict[str, Any], people: list[dict[str, Any]], stamp: float | None, *, several: bool
) -> tuple[str | None, str]:
    purpose = _purpose(phrase)
    if purpose in ("external", "customer"):
        return purpose, "customer"
    if purpose != "internal":
        return purpose or None, _ROLES.get(purpose) or role_named(purpose)
    there = [one for one in people if _purpose(one) in _INSIDE and _is_there(one, stamp)]
    # at the moment of a transfer both stand in the list, and the one who came later speaks
    there.sort(key=lambda one: (_INSIDE.index(_purpose(one)), -(number(one.get("startTimeMs")) or 0)))
    if not there:
        return purpose, "agent"
    found = _purpose(there[0])
    user = word(there[0].get("userId"))
    name = f"{found}:{user}" if several and user else found
    return name, _ROLES.get(found) or role_named(found)


def _is_there(person: dict[str, Any], stamp: float | None) -> bool:
    start, end = number(person.get("startTimeMs")), number(person.get("endTimeMs"))
    if stamp is None:
        return False
    return (start is None or start <= stamp) and (end is None or stamp < end)


def _recording(path: Path, document: dict[str, Any]) -> Iterator[Item]:
    """Messages of a recording: ``purpose``, ``messageText`` or ``body``, and a time."""
    name = next(name for name in _RECORDED if isinstance(document.get(name), list))
    for at, part in parts(document[name], f"{path.name}:/{name}"):
        if isinstance(part, Problem):
            yield part
            continue
        purpose = _purpose(part)
        text = part.get("messageText", part.get("body"))
        media = listed(part.get("messageMediaAttachments")) or listed(part.get("messageStickerAttachments"))
        yield said(
            at,
            text,
            speaker=purpose or None,
            role=_ROLES.get(purpose) or ("customer" if purpose == "external" else role_named(purpose)),
            time=moment(part.get("timestamp") or part.get("utc") or part.get("dateCreated")),
            conversation=document.get("conversationId"),
            number=part.get("id"),
            skip=MEDIA if not text and media else None,
        )


def _messages(path: Path, document: dict[str, Any]) -> Iterator[Item]:
    found: list[tuple[str, Item]] = []
    for at, part in parts(document["entities"], f"{path.name}:/entities"):
        if isinstance(part, Problem):
            found.append(("", part))
            continue
        normal = fields_of(part.get("normalizedMessage"))
        text = part.get("textBody") or normal.get("text")
        inbound = str(part.get("direction") or normal.get("direction")).lower() == "inbound"
        bot = str(normal.get("originatingEntity") or part.get("originatingEntity")).lower() == "bot"
        event = normal.get("type") in ("Event", "Receipt") and not text
        time: datetime | None = moment(part.get("timestamp") or fields_of(normal.get("channel")).get("time"))
        role = "customer" if inbound else "bot" if bot else "agent"
        item = said(
            at,
            text,
            speaker=role,
            role=role,
            time=time,
            conversation=part.get("conversationId") or document.get("conversationId"),
            number=part.get("id"),
            skip=EVENT if event else None if text else MEDIA,
        )
        found.append((iso(time) or "", item))
    if all(time for time, _ in found):
        found.sort(key=lambda pair: pair[0])
    yield from (item for _, item in found)
