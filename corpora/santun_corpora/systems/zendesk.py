"""Zendesk: histories of chats, and comments of tickets.

Who wrote a comment is told by an id; whose it is only by the list of users that an export may bring along.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from santun_corpora.schema import Problem
from santun_corpora.systems.document import (
    EVENT,
    MEDIA,
    NOTE,
    Item,
    dicts,
    epoch,
    fields_of,
    listed,
    moment,
    parts,
    role_named,
    said,
    text_of_html,
    word,
)

# --------------------------------------------------------------------------------------------------- chats


def accepts_chat(document: Any) -> bool:
    """Whether it is a chat of Zendesk, or a list of them."""
    if not isinstance(document, dict):
        return False
    if isinstance(document.get("chats"), list) and dicts(document["chats"]):
        return all(_is_chat(chat) for chat in dicts(document["chats"]))
    return _is_chat(document)


def _is_chat(document: dict[str, Any]) -> bool:
    if isinstance(document.get("history"), list):
        kinds = [str(part.get("type", "")) for part in dicts(document["history"])]
        return any(kind.startswith("chat.") for kind in kinds) or ("visitor" in document and "type" in document)
    return document.get("type") in ("offline_msg", "chat") and "visitor" in document


def read_chat(path: Path, document: Any) -> Iterator[Item]:
    """Read chats: their messages; who came and went, ratings and files are skipped."""
    if not isinstance(document.get("chats"), list):
        yield from _chat(f"{path.name}:", document, None)
        return
    for index, (at, chat) in enumerate(parts(document["chats"], f"{path.name}:/chats")):
        if isinstance(chat, Problem):
            yield chat
        else:
            yield from _chat(at, chat, f"{path.stem}-{index}")


def _chat(at: str, chat: dict[str, Any], otherwise: str | None) -> Iterator[Item]:
    name = word(chat.get("id")) or otherwise
    visitor = word(fields_of(chat.get("visitor")).get("name"))
    if not isinstance(chat.get("history"), list) or ("message" in chat and not chat["history"]):
        time = _time(chat.get("timestamp"))
        place = f"{at}/message"
        yield said(place, chat.get("message"), speaker=visitor, role="customer", time=time, conversation=name)
        return
    for place, part in parts(chat["history"], f"{at}/history"):
        if isinstance(part, Problem):
            yield part
            continue
        kind = str(part.get("type"))
        skip = None if kind == "chat.msg" else MEDIA if kind in ("chat.file", "chat.attachment") else EVENT
        yield said(
            place,
            "" if skip else part.get("msg"),
            speaker=word(part.get("name")) or part.get("nick"),
            role=_chat_role(part),
            time=_time(part.get("timestamp")),
            conversation=name,
            number=part.get("msg_id"),
            skip=skip,
        )


def _chat_role(part: dict[str, Any]) -> str:
    nick = str(part.get("nick") or "")
    if nick == "agent:trigger" or part.get("sender_type") == "Trigger":
        return "bot"
    named = role_named(part.get("sender_type"))
    return named if named != "unknown" else role_named(nick.split(":")[0])


def _time(value: Any) -> Any:
    return moment(value) or epoch(value)


# ------------------------------------------------------------------------------------------------- tickets


def accepts_ticket(document: Any) -> bool:
    """Whether it holds comments of a ticket, or tickets with theirs."""
    if not isinstance(document, dict):
        return False
    if isinstance(document.get("tickets"), list) and dicts(document["tickets"]):
        return all(_has_comments(ticket) for ticket in dicts(document["tickets"]))
    return _has_comments(document)


def _has_comments(document: dict[str, Any]) -> bool:
    comments = dicts(document.get("comments"))
    texts = {"body", "plain_body", "html_body"}
    return bool(comments) and all(
        bool(texts & one.keys()) and bool({"author_id", "author", "public"} & one.keys()) for one in comments
    )


def read_ticket(path: Path, document: Any) -> Iterator[Item]:
    """Read the comments of tickets; internal notes are skipped, for they are not said to the customer."""
    users = dicts(document.get("users"))
    if isinstance(document.get("tickets"), list):
        for index, (at, ticket) in enumerate(parts(document["tickets"], f"{path.name}:/tickets")):
            if isinstance(ticket, Problem):
                yield ticket
            else:
                yield from _comments(at, ticket, users, f"{path.stem}-{index}")
    else:
        yield from _comments(f"{path.name}:", document, users, None)
    if document.get("next_page"):
        yield Problem(f"{path.name}:/next_page", "only a part of the comments; export the other pages too")


def _comments(at: str, document: dict[str, Any], users: list[dict[str, Any]], otherwise: str | None) -> Iterator[Item]:
    ticket = fields_of(document.get("ticket"))
    people = {word(one.get("id")): one for one in [*users, *dicts(document.get("users"))]}
    name = word(ticket.get("id")) or word(document.get("ticket_id")) or word(document.get("id")) or otherwise
    requester = word(ticket.get("requester_id")) or word(document.get("requester_id"))
    for place, part in parts(document.get("comments"), f"{at}/comments"):
        if isinstance(part, Problem):
            yield part
            continue
        author = word(part.get("author_id")) or word(fields_of(part.get("author")).get("id"))
        person = people.get(author) or fields_of(part.get("author"))
        role = role_named(person.get("role"))
        if role == "unknown" and author is not None and author == requester:
            role = "customer"
        text = _text(part)
        call = part.get("type") in ("VoiceComment", "TpeVoiceComment")
        skip = NOTE if part.get("public") is False else "call record" if call else None
        if not skip and text in (None, "") and listed(part.get("attachments")):
            skip = MEDIA
        yield said(
            place,
            text,
            speaker=word(person.get("name")) or author,
            role=role,
            time=_time(part.get("created_at")),
            conversation=word(part.get("ticket_id")) or name,
            number=part.get("id"),
            skip=skip,
        )


def _text(part: dict[str, Any]) -> Any:
    if part.get("body") is not None:
        return part["body"]
    plain = part.get("plain_body")
    return text_of_html(part.get("html_body") if plain is None else plain)
