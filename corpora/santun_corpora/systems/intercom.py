"""Intercom: a conversation, whose first message is its source and whose others are its parts; bodies are HTML."""

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
    language,
    listed,
    moment,
    number,
    parts,
    role_named,
    said,
    text_of_html,
    word,
)

_DELETED = "deleted message"


def accepts(document: Any) -> bool:
    """Whether it is a conversation of Intercom, or a list of them."""
    if not isinstance(document, dict):
        return False
    if isinstance(document.get("conversations"), list) and dicts(document["conversations"]):
        return all(_is_conversation(one) for one in dicts(document["conversations"]))
    return _is_conversation(document)


def _is_conversation(document: dict[str, Any]) -> bool:
    if _parts(document) is None:
        return document.get("type") == "conversation" and isinstance(document.get("source"), dict)
    return document.get("type") == "conversation" or "source" in document or "conversation_message" in document


def _parts(document: dict[str, Any]) -> tuple[list[Any], str] | None:
    held = document.get("conversation_parts")
    if isinstance(held, list):
        return held, "/conversation_parts"
    if isinstance(held, dict) and isinstance(held.get("conversation_parts"), list):
        return held["conversation_parts"], "/conversation_parts/conversation_parts"
    return None


def read(path: Path, document: Any) -> Iterator[Item]:
    """Read conversations: comments; notes, assignments, pictures and deleted messages are skipped."""
    if not isinstance(document.get("conversations"), list):
        yield from _conversation(f"{path.name}:", document, None)
        return
    for index, (at, one) in enumerate(parts(document["conversations"], f"{path.name}:/conversations")):
        if isinstance(one, Problem):
            yield one
        else:
            yield from _conversation(at, one, f"{path.stem}-{index}")


def _conversation(at: str, document: dict[str, Any], otherwise: str | None) -> Iterator[Item]:
    name = word(document.get("id")) or otherwise
    attributes = fields_of(document.get("custom_attributes"))
    lang = language(attributes.get("Language")) or language(document.get("language"))
    first = next((key for key in ("source", "conversation_message") if isinstance(document.get(key), dict)), None)
    if first:
        source = {"created_at": document.get("created_at"), **document[first], "part_type": "comment"}
        yield _part(f"{at}/{first}", source, name, lang)
    held, below = _parts(document) or ([], "")
    for place, part in parts(held, f"{at}{below}"):
        yield part if isinstance(part, Problem) else _part(place, part, name, lang)
    total = number(fields_of(document.get("conversation_parts")).get("total_count"))
    if total is not None and total > len(held):
        what = f"{int(total) - len(held)} parts of the conversation are not in the file; export it whole"
        yield Problem(f"{at}/conversation_parts", what)


def _part(at: str, part: dict[str, Any], name: str | None, lang: str | None) -> Item:
    author = fields_of(part.get("author"))
    kind = str(part.get("part_type") or "comment")
    body = part.get("body")
    text = text_of_html(body)
    empty = not (isinstance(text, str) and text.strip())
    if part.get("redacted") is True:
        skip: str | None = _DELETED
    elif not empty or (text is not None and not isinstance(text, str)):
        # what is written while handing on is for colleagues, what is written while closing is for the customer
        skip = NOTE if kind.startswith(("note", "assign")) else None
    elif listed(part.get("attachments")) or (isinstance(body, str) and "<img" in body):
        skip = MEDIA
    else:
        skip = None if kind == "comment" else EVENT
    bot = author.get("from_ai_agent") is True or author.get("is_ai_answer") is True
    return said(
        at,
        "" if skip == _DELETED else text,
        speaker=word(author.get("name")) or word(author.get("type")),
        role="bot" if bot else role_named(author.get("type")),
        time=epoch(part.get("created_at")) or moment(part.get("created_at")),
        lang=lang,
        conversation=name,
        number=part.get("id"),
        skip=skip,
    )
