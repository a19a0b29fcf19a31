"""vCon, the IETF's container of a conversation, as Webex Contact Center and others write it.

Talk stands in dialogs of type ``text``, and in analyses that are transcripts: a list of turns, or what a recogniser wrote,
which is then read by that recogniser's reader.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from santun_corpora.schema import InputError, Problem, Utterance
from santun_corpora.systems import assemblyai, aws, azure, deepgram, google, whisper
from santun_corpora.systems.document import (
    MEDIA,
    Item,
    dicts,
    duration,
    fields_of,
    language,
    listed,
    moment,
    number,
    parts,
    role_named,
    said,
    since,
    text_of_html,
    word,
)

_TRANSCRIPTS = ("transcript", "analysis_info")
_DAY = 86_400
_RECOGNISERS = (
    (deepgram.accepts, deepgram.read),
    (assemblyai.accepts, assemblyai.read),
    (whisper.accepts_cpp, whisper.read_cpp),
    (whisper.accepts, whisper.read),
    (aws.accepts_contact_lens, aws.read_contact_lens),
    (aws.accepts_call_analytics, aws.read_call_analytics),
    (aws.accepts_transcribe, aws.read_transcribe),
    (azure.accepts_batch, azure.read_batch),
    (azure.accepts_fast, azure.read_fast),
    (google.accepts_speech, google.read_speech),
    (google.accepts_insights, google.read_insights),
)


def accepts(document: Any) -> bool:
    """Whether it is a vCon, plain, signed or encrypted."""
    if not isinstance(document, dict):
        return False
    if "vcon" in document:
        return isinstance(document.get("parties"), list) or isinstance(document.get("dialog"), list)
    return _is_signed(document) or _is_encrypted(document)


def _is_signed(document: dict[str, Any]) -> bool:
    return isinstance(document.get("payload"), str) and isinstance(document.get("signatures"), list)


def _is_encrypted(document: dict[str, Any]) -> bool:
    return isinstance(document.get("ciphertext"), str) and "recipients" in document


def read(path: Path, document: Any) -> Iterator[Item]:
    """Read the text dialogs of a vCon and the transcripts among its analyses; recordings and transfers are skipped.

    Raises
    ------
    InputError
        If it is encrypted, or signed and not whole.
    """
    if _is_encrypted(document):
        raise InputError(f"{path.name}: an encrypted vCon; decrypt it first")
    if "vcon" not in document:
        document = _payload(path, document)
    parties = listed(document.get("parties"))
    dialogs = listed(document.get("dialog"))
    name = word(document.get("uuid"))
    origin = _origin(document, dialogs)
    for at, dialog in parts(dialogs, f"{path.name}:/dialog"):
        if isinstance(dialog, Problem):
            yield dialog
            continue
        time = moment(dialog.get("start"))
        if dialog.get("type") != "text":
            kind = word(dialog.get("type"))
            known = kind if kind in ("recording", "transfer", "incomplete", "audio", "video") else MEDIA
            yield said(at, "", time=time, start=since(origin, time), conversation=name, skip=known)
            continue
        speaker, role = _party(_originator(dialog), parties)
        length = duration(dialog.get("duration"))
        start = since(origin, time)
        try:
            text = _body(dialog)
        except ValueError:
            yield Problem(f"{at}/body", "not base64url, as it says; export the file again")
            continue
        yield said(
            at,
            text,
            speaker=speaker,
            role=role,
            start=start,
            end=None if start is None or length is None else round(start + length, 6),
            time=time,
            lang=language(dialog.get("language")) or language(fields_of(dialog.get("meta")).get("language")),
            conversation=name,
        )
    yield from _transcripts(path, document, parties, dialogs, name, origin)


def _payload(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    try:
        inner = json.loads(_base64(document["payload"]))
    except (ValueError, RecursionError):
        inner = None
    if not isinstance(inner, dict) or "vcon" not in inner:
        raise InputError(f"{path.name}: a signed file whose payload is no vCon; export it again")
    return inner


def _base64(text: str) -> str:
    text = "".join(text.split()).rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("utf-8")


def _origin(document: dict[str, Any], dialogs: list[Any]) -> datetime | None:
    """When the conversation began: with its first dialog, or when its vCon was opened, if that was shortly before."""
    first = min((time for one in dicts(dialogs) if (time := moment(one.get("start")))), default=None)
    made = moment(document.get("created_at"))
    if first is None or made is None:
        return first
    before = (first - made).total_seconds()
    return made if 0 <= before < _DAY else first


def _originator(dialog: dict[str, Any]) -> Any:
    if dialog.get("originator") is not None:
        return dialog["originator"]
    found = dialog.get("parties")
    while isinstance(found, list):  # the first party is the one who speaks; it may stand in a list of its own
        found = found[0] if found else None
    return found


def _party(index: Any, parties: list[Any]) -> tuple[str | None, str]:
    at = number(index)
    person = parties[int(at)] if at is not None and at.is_integer() and 0 <= at < len(parties) else None
    if not isinstance(person, dict):
        label = word(index)
        return label, role_named(label)
    role = word(person.get("role")) or word(fields_of(person.get("meta")).get("role")) or word(person.get("type"))
    name = word(person.get("name")) or role
    return name, role_named(role) if role_named(role) != "unknown" else role_named(name)


def _body(part: dict[str, Any]) -> Any:
    """Text of a body, decoded as its encoding says.

    Raises
    ------
    ValueError
        If it is not so encoded.
    """
    body, encoding = part.get("body"), part.get("encoding")
    kind = str(part.get("mediatype") or part.get("mimetype") or "")
    if isinstance(body, str) and encoding == "base64url":
        body = _base64(body)
    if isinstance(body, str) and encoding == "json":
        with contextlib.suppress(ValueError, RecursionError):  # some write a plain text here
            body = json.loads(body)
    if isinstance(body, dict):  # a message as an object
        body = next((body[name] for name in ("text", "body", "content", "message") if name in body), body)
    return text_of_html(body) if "html" in kind else body


def _transcripts(
    path: Path,
    document: dict[str, Any],
    parties: list[Any],
    dialogs: list[Any],
    name: str | None,
    origin: datetime | None,
) -> Iterator[Item]:
    texts = {index for index, one in enumerate(dialogs) if fields_of(one).get("type") == "text"}
    done: list[Any] = []
    for at, part in parts(document.get("analysis"), f"{path.name}:/analysis"):
        if isinstance(part, Problem):
            yield part
            continue
        body = _json_body(part)
        turns = _turns_of(body)
        recogniser = next((read_it for accepts_it, read_it in _RECOGNISERS if accepts_it(body)), None)
        if part.get("type") not in _TRANSCRIPTS or (
            part.get("type") != "transcript" and turns is None and not recogniser
        ):
            continue
        of = part.get("dialog")
        about = set(
            of if isinstance(of, list) and all(isinstance(i, int) for i in of) else [of] if isinstance(of, int) else []
        )
        if of in done or (about and about <= texts):
            yield said(at, "", conversation=name, skip="the same talk again")
            continue
        done.append(of)
        first = min(about, default=None)
        begun = moment(fields_of(dialogs[first]).get("start")) if first is not None and first < len(dialogs) else None
        shift = since(origin, begun) or 0.0
        if turns is not None:
            yield from _turns(f"{at}/body{turns[1]}", turns[0], parties, name)
        elif recogniser:
            try:
                for item in recogniser(path, body):
                    place = f"{at}/body" + item.source.removeprefix(f"{path.name}:")
                    if isinstance(item, Problem):
                        yield Problem(place, item.what)
                    else:
                        yield _placed(item, place, name, parties, shift)
            except InputError:
                yield Problem(f"{at}/body", "a transcript that failed or is not finished; export it again")
        else:
            yield said(f"{at}/body", body, conversation=name)


def _placed(item: Utterance, place: str, name: str | None, parties: list[Any], shift: float) -> Utterance:
    item.source, item.conversation_id = place, name
    item.start = None if item.start is None else round(item.start + shift, 6)
    item.end = None if item.end is None else round(item.end + shift, 6)
    if item.role == "unknown" and item.speaker:
        item.role = _known(item.speaker, parties)
    return item


def _known(speaker: str, parties: list[Any]) -> str:
    """Role of the party of this name."""
    for index, person in enumerate(parties):
        if isinstance(person, dict) and word(person.get("name")) == speaker:
            return _party(index, parties)[1]
    return "unknown"


def _json_body(part: dict[str, Any]) -> Any:
    body = part.get("body")
    if isinstance(body, str) and part.get("encoding") == "base64url":
        try:
            body = _base64(body)
        except ValueError:
            return None
    if isinstance(body, str) and body.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            return body
    return body


def _turns_of(body: Any, at: str = "") -> tuple[list[Any], str] | None:
    """A list of turns with speakers, and where it stands in the body."""
    if isinstance(body, list) and body and all(isinstance(turn, dict) for turn in body):
        said_by = all("speaker" in turn or "party" in turn or "role" in turn for turn in body)
        return (body, at) if said_by and all({"message", "text", "transcript"} & turn.keys() for turn in body) else None
    if isinstance(body, dict):
        for name in ("turns", "messages", "transcript", "utterances"):
            found = _turns_of(body.get(name), f"{at}/{name}") if isinstance(body.get(name), list) else None
            if found:
                return found
    return None


def _turns(at: str, turns: list[Any], parties: list[Any], name: str | None) -> Iterator[Item]:
    for place, turn in parts(turns, at):
        if isinstance(turn, Problem):
            yield turn
            continue
        label = turn.get("speaker", turn.get("party", turn.get("role")))
        named = word(label)
        speaker, role = _party(label, parties) if isinstance(label, int) else (named, role_named(named))
        if role == "unknown" and speaker:
            role = _known(speaker, parties)
        yield said(
            place,
            turn.get("message", turn.get("text", turn.get("transcript"))),
            speaker=speaker,
            role=role,
            start=duration(turn.get("start", turn.get("start_time"))),
            end=duration(turn.get("end", turn.get("end_time"))),
            time=moment(turn.get("timestamp") or turn.get("time")),
            lang=language(turn.get("language")),
            conversation=name,
        )
