"""Telegram Desktop's export, ``result.json``: one chat, or the whole account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from santun_corpora.schema import Problem, Utterance
from santun_corpora.systems.document import EVENT, MEDIA, dicts, epoch, fields_of, listed, moment, parts, said, word

TITLE = "Telegram export"
_MEDIA = (
    "photo", "file", "media_type", "sticker_emoji", "contact_information", "location_information", "poll", "game_title",
    "invoice_information", "giveaway_information", "paid_media",
)  # fmt: skip


def accepts(document: Any) -> bool:
    """Whether a document is a chat with Telegram's messages, or an account's list of such chats."""
    if not isinstance(document, dict):
        return False
    return _is_chat(document) or any(map(_is_chat, dicts(fields_of(document.get("chats")).get("list"))))


def _is_chat(chat: dict[str, Any]) -> bool:
    first = dicts(chat.get("messages"))[:20]
    return (
        bool(first)
        and all(m.get("type") in ("message", "service", "unsupported") for m in first)
        and any("date_unixtime" in m or ({"id", "date"} <= set(m) and {"from_id", "actor_id"} & set(m)) for m in first)
    )


def read_telegram(path: Path, document: Any) -> Iterator[Utterance | Problem]:
    """Read the messages of every chat, in order; services and messages without words are skipped.

    The time is the export's Unix time, else its local time.
    """
    chats: list[tuple[str, dict[str, Any]]] = []
    if isinstance(document.get("messages"), list):
        chats.append(("", document))
    for name in ("chats", "left_chats"):
        for at, chat in enumerate(listed(fields_of(document.get(name)).get("list"))):
            if isinstance(chat, dict):
                chats.append((f"/{name}/list/{at}", chat))
            else:
                yield Problem(f"{path.name}:/{name}/list/{at}", "not an object; export the file again")
    for place, chat in chats:
        # one chat is called by its file, as other files are
        conversation = None if not place else word(chat.get("id")) or place
        for turn, (where, message) in enumerate(parts(chat.get("messages"), f"{path.name}:{place}/messages"), 1):
            if isinstance(message, Problem):
                yield message
                continue
            item = _message(where, message, conversation)
            if isinstance(item, Utterance):
                item.turn = turn
            yield item


def _message(at: str, message: dict[str, Any], conversation: str | None) -> Utterance | Problem:
    text = _text(message.get("text"))
    time = epoch(message.get("date_unixtime"))
    skip = role = None
    if message.get("type") == "service":
        skip, role = EVENT, "system"
    elif not text and any(message.get(key) for key in _MEDIA):
        skip = MEDIA
    item = said(
        at,
        text,
        speaker=message.get("from") or message.get("from_id") or message.get("actor"),
        role=role,
        time=time,
        conversation=conversation,
        skip=skip,
        flags=["edited"] if message.get("edited") or message.get("edited_unixtime") else [],
    )
    if isinstance(item, Utterance) and time is None and moment(message.get("date")) is not None:
        item.time = str(message["date"]).strip()  # without a zone, as it stands
    return item


def _text(text: Any) -> Any:
    """Text of a message: a string, or pieces of which some are marked as links, names or bold."""
    if not isinstance(text, list):
        return text
    pieces = [piece if isinstance(piece, str) else fields_of(piece).get("text") for piece in text]
    return "".join(piece for piece in pieces if isinstance(piece, str))
