"""Twilio: sentences of Conversational (Voice) Intelligence, and messages of Conversations.

Which channel is whose stands in another resource, the transcript; where the file brings it along, it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from santun_corpora.schema import Problem
from santun_corpora.systems.document import (
    MEDIA,
    Item,
    dicts,
    fields_of,
    in_time,
    language,
    moment,
    number,
    parts,
    role_named,
    said,
    voice,
    word,
)
from santun_corpora.systems.google import either

_PHONE = re.compile(r"(?:[a-z]+:)?\+\d{6,}")  # an address of somebody outside
_PARTLY = "only the first page; export the other pages too"


def _rest(path: Path, document: Any) -> Iterator[Item]:
    meta = fields_of(document.get("meta")) if isinstance(document, dict) else {}
    if either(meta, "nextPageUrl"):
        yield Problem(f"{path.name}:/meta/next_page_url", _PARTLY)


# ----------------------------------------------------------------------------------------------- sentences


def accepts_sentences(document: Any) -> bool:
    """Whether it holds sentences of a transcript."""
    sentences = document.get("sentences") if isinstance(document, dict) else document
    found = dicts(sentences)
    if not isinstance(sentences, list) or len(found) < len(sentences):
        return False
    if not found:
        return isinstance(document, dict) and fields_of(document.get("meta")).get("key") == "sentences"
    return all("transcript" in one and either(one, "mediaChannel") is not None for one in found)


def read_sentences(path: Path, document: Any) -> Iterator[Item]:
    """Read the sentences of a transcript."""
    at = f"{path.name}:/sentences" if isinstance(document, dict) else f"{path.name}:"
    whole = document if isinstance(document, dict) else {}
    roles: dict[str | None, str] = {}
    for holder in (whole, fields_of(whole.get("transcript"))):
        for one in dicts(fields_of(holder.get("channel")).get("participants")):
            roles[word(either(one, "channelParticipant"))] = role_named(one.get("role"))
    lang = language(either(fields_of(whole.get("transcript")), "languageCode") or either(whole, "languageCode"))
    found: list[Item] = []
    for place, part in parts(whole["sentences"] if whole else document, at):
        if isinstance(part, Problem):
            found.append(part)
            continue
        channel = either(part, "mediaChannel")
        found.append(
            said(
                place,
                part.get("transcript"),
                speaker=voice(channel, None),
                role=roles.get(word(channel)),
                start=number(either(part, "startTime")),
                end=number(either(part, "endTime")),
                lang=lang,
                conversation=either(part, "transcriptSid") or whole.get("transcript_sid"),
                number=part.get("sid"),
            )
        )
    yield from in_time(found)
    yield from _rest(path, document)


# ------------------------------------------------------------------------------------------------ messages


def accepts_messages(document: Any) -> bool:
    """Whether it holds messages of Conversations."""
    messages = document.get("messages") if isinstance(document, dict) else document
    found = dicts(messages)
    if not isinstance(messages, list) or not found or len(found) < len(messages):
        return False
    return all(_is_message(one) for one in found)


def _is_message(part: dict[str, Any]) -> bool:
    inside = either(part, "conversationSid") or either(part, "channelSid") or str(part.get("sid", "")).startswith("IM")
    return "body" in part and bool(inside) and ("author" in part or "from" in part)


def read_messages(path: Path, document: Any) -> Iterator[Item]:
    """Read messages, in the order of their numbers; pictures and files are skipped."""
    at = f"{path.name}:/messages" if isinstance(document, dict) else f"{path.name}:"
    messages = document["messages"] if isinstance(document, dict) else document
    people = {word(one.get("sid")): one for one in dicts(fields_of(document).get("participants"))}
    found: list[tuple[float | None, Item]] = []
    for place, part in parts(messages, at):
        if isinstance(part, Problem):
            found.append((None, part))
            continue
        author = word(part.get("author")) or word(part.get("from"))
        person = people.get(word(either(part, "participantSid")), {})
        role = role_named(person.get("role")) if person.get("role") else role_named(author)
        if role == "unknown" and author and _PHONE.fullmatch(author):
            role = "customer"
        body = part.get("body")
        media = part.get("media") not in (None, [], {}) or part.get("type") == "media"
        item = said(
            place,
            body,
            speaker=author,
            role=role,
            time=_time(either(part, "dateCreated")),
            conversation=either(part, "conversationSid") or either(part, "channelSid"),
            number=part.get("sid"),
            skip=MEDIA if media and not body else None,
        )
        found.append((number(part.get("index")), item))
    names = {item.conversation_id for _, item in found if not isinstance(item, Problem)}
    if len(names) == 1 and all(index is not None for index, _ in found):
        found.sort(key=lambda pair: pair[0] or 0.0)  # a list may run from the newest
    yield from (item for _, item in found)
    yield from _rest(path, document)


def _time(value: Any) -> Any:
    found = moment(value)
    if found is None and isinstance(value, str) and len(value) < 60:
        try:
            return parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError):
            return None
    return found
