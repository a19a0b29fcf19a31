"""Amazon: Connect Contact Lens (voice, chat, real time), Transcribe Call Analytics, and Transcribe.

Contact Lens counts milliseconds, Transcribe writes seconds as strings. A voice file may name only ids, so roles come from
the list of participants. Punctuation of Transcribe has no time, and belongs to the word before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from santun_corpora.schema import InputError, Problem
from santun_corpora.systems.document import (
    EVENT,
    MEDIA,
    Item,
    dicts,
    fields_of,
    in_time,
    language,
    listed,
    moment,
    number,
    parts,
    role_named,
    runs,
    said,
    scaled,
    voice,
    word,
)

_FAILED = ("FAILED", "IN_PROGRESS", "QUEUED")
_SEGMENTS = ("Transcript", "Utterance", "Categories", "PostContactSummary", "Event", "Attachments", "Issues")
_MASKED = re.compile(r"\[.*\]|\*+")
_FILE_OF_CONTACT = re.compile(r"(.+?)_analysis_")


def accepts_contact_lens(document: Any) -> bool:
    """Whether it is an analysis of Contact Lens, post-call, chat or real-time."""
    if not isinstance(document, dict) or "JobName" in document:
        return False
    if _is_real_time(document):
        return True
    turns = document.get("Transcript")
    known = {"Participants", "ConversationCharacteristics", "Channel", "CustomerMetadata"} & document.keys()
    return isinstance(turns, list) and bool(known) and _has_content(turns)


def accepts_call_analytics(document: Any) -> bool:
    """Whether it is a result of Transcribe Call Analytics, post-call or streamed."""
    if isinstance(document, list):
        return bool(document) and all(isinstance(part, dict) and "UtteranceEvent" in part for part in document)
    if not isinstance(document, dict):
        return False
    turns = document.get("Transcript")
    return "UtteranceEvent" in document or ("JobName" in document and isinstance(turns, list) and _has_content(turns))


def accepts_transcribe(document: Any) -> bool:
    """Whether it is a result of standard Transcribe."""
    if not isinstance(document, dict):
        return False
    results = document.get("results")
    if isinstance(results, dict) and isinstance(results.get("transcripts"), list):
        return "items" in results or "jobName" in document
    return "jobName" in document and "status" in document


def _has_content(turns: list[Any]) -> bool:
    known = {"Content", "ParticipantId", "ParticipantRole", "ContentType"}  # an event may have the last alone
    return all(bool(known & turn.keys()) for turn in dicts(turns))


def _is_real_time(document: dict[str, Any]) -> bool:
    segments = document.get("Segments")
    if isinstance(segments, list):
        return all(any(key in part for key in _SEGMENTS) for part in dicts(segments)) and bool(
            dicts(segments) or "ContactId" in document
        )
    return "ContactId" in document and document.get("EventType") in ("STARTED", "COMPLETED", "FAILED")


def read_contact_lens(path: Path, document: Any) -> Iterator[Item]:
    """Read an analysis of Contact Lens.

    Raises
    ------
    InputError
        If the analysis failed.
    """
    contact = word(fields_of(document.get("CustomerMetadata")).get("ContactId")) or word(document.get("ContactId"))
    if contact is None and (match := _FILE_OF_CONTACT.match(path.name)):
        contact = match[1]
    if not _is_real_time(document):
        yield from _turns(path, document, contact)
        return
    if "Segments" not in document:
        yield said(path.name, "", conversation=contact, skip=EVENT)
    lang = language(document.get("LanguageCode"))
    for at, segment in parts(document.get("Segments"), f"{path.name}:/Segments"):
        if isinstance(segment, Problem):
            yield segment
        elif isinstance(segment.get("Transcript"), dict):
            yield _turn(f"{at}/Transcript", segment["Transcript"], {}, lang, contact)
        elif "Utterance" in segment:
            yield said(at, "", conversation=contact, skip="partial result")
        else:
            skip = EVENT if "Event" in segment else MEDIA if "Attachments" in segment else "analysis"
            yield said(at, "", conversation=contact, skip=skip)
    if document.get("NextToken"):
        yield Problem(f"{path.name}:/NextToken", "only a part of the call; export its other pages too")


def read_call_analytics(path: Path, document: Any) -> Iterator[Item]:
    """Read a result of Call Analytics; partial results of a stream are skipped.

    Raises
    ------
    InputError
        If the job failed or is not finished.
    """
    if isinstance(document, dict) and "UtteranceEvent" not in document:
        yield from _turns(path, document, None)
        return
    events = document if isinstance(document, list) else [document]
    for index, part in enumerate(events):
        at = f"{path.name}:/{index}/UtteranceEvent" if isinstance(document, list) else f"{path.name}:/UtteranceEvent"
        event = part["UtteranceEvent"]
        if not isinstance(event, dict):
            yield Problem(at, "not an object; export the file again")
            continue
        yield said(
            at,
            event.get("Transcript"),
            speaker=event.get("ParticipantRole"),
            start=scaled(event.get("BeginOffsetMillis"), 1000),
            end=scaled(event.get("EndOffsetMillis"), 1000),
            skip="partial result" if event.get("IsPartial") is True else None,
        )


def _turns(path: Path, document: dict[str, Any], contact: str | None) -> Iterator[Item]:
    turns = document.get("Transcript")
    if not turns and document.get("JobStatus") in _FAILED:
        raise InputError(f"{path.name}: Amazon says that the job is {document['JobStatus']}; it has no transcript")
    people = {word(one.get("ParticipantId")): one for one in dicts(document.get("Participants"))}
    lang = language(document.get("LanguageCode"))
    for at, turn in parts(turns, f"{path.name}:/Transcript"):
        yield turn if isinstance(turn, Problem) else _turn(at, turn, people, lang, contact)


def _turn(
    at: str, turn: dict[str, Any], people: dict[str | None, dict[str, Any]], lang: str | None, contact: str | None
) -> Item:
    person = word(turn.get("ParticipantId"))
    known = people.get(person, {})
    label = word(turn.get("ParticipantRole")) or word(known.get("ParticipantRole"))
    name = word(turn.get("DisplayName")) or word(known.get("DisplayName"))
    if name is None or _MASKED.fullmatch(name):
        name = label or person
    kind = turn.get("Type")
    content_type = str(turn.get("ContentType") or "text/plain")
    skip = {"EVENT": EVENT, "ATTACHMENT": MEDIA}.get(kind if isinstance(kind, str) else "")
    if not skip and not content_type.startswith("text/"):
        skip = EVENT if ".event." in content_type else "interactive message"
    times = fields_of(turn.get("Time"))
    return said(
        at,
        "" if skip else turn.get("Content"),
        speaker=name,
        role=role_named(label or person),
        start=scaled(turn.get("BeginOffsetMillis"), 1000),
        end=scaled(turn.get("EndOffsetMillis"), 1000),
        time=moment(turn.get("AbsoluteTime") or times.get("AbsoluteTime")),
        lang=lang,
        conversation=contact,
        number=None if turn.get("Id") == "the ID of the turn" else turn.get("Id"),
        skip=skip,
    )


# ---------------------------------------------------------------------------------------------- Transcribe


def read_transcribe(path: Path, document: Any) -> Iterator[Item]:
    """Read a result of Transcribe: its audio segments, else runs of one speaker or channel, else one long text.

    Raises
    ------
    InputError
        If the job failed or is not finished.
    """
    results = fields_of(document.get("results"))
    if not results and document.get("status") != "COMPLETED":
        raise InputError(f"{path.name}: Amazon says that the job is not completed; it has no transcript")
    whole = language(results.get("language_code"))
    at = f"{path.name}:/results"
    segments = listed(results.get("audio_segments"))
    if segments:
        words = {word(item.get("id")): item for item in dicts(results.get("items"))}
        found: list[Item] = []
        for place, segment in parts(segments, f"{at}/audio_segments"):
            if isinstance(segment, Problem):
                found.append(segment)
                continue
            spoken = next((words[key] for item in listed(segment.get("items")) if (key := word(item)) in words), {})
            found.append(
                said(
                    place,
                    segment.get("transcript"),
                    speaker=word(segment.get("speaker_label")) or segment.get("channel_label"),
                    start=number(segment.get("start_time")),
                    end=number(segment.get("end_time")),
                    lang=language(segment.get("language_code")) or language(spoken.get("language_code")) or whole,
                )
            )
        yield from in_time(found)
        return
    labelled = _labelled(results)
    if not any(label for label, _ in labelled):
        yield from _long_text(at, results, whole)
        return
    for first, label, items in runs(labelled):
        timed = [item for item in items if "start_time" in item]
        yield said(
            f"{at}/items/{first}",
            _joined(items),
            speaker=label,
            start=number(timed[0]["start_time"]) if timed else None,
            end=number(timed[-1].get("end_time")) if timed else None,
            lang=language(items[0].get("language_code")) or whole,
        )


def _labelled(results: dict[str, Any]) -> list[tuple[str | None, dict[str, Any]]]:
    """Words with the speaker or channel that each belongs to; punctuation goes with the word before it."""
    items = dicts(results.get("items"))
    channels = dicts(fields_of(results.get("channel_labels")).get("channels"))
    if channels and not any("channel_label" in item for item in items):
        items = _merged(channels)
    by_time: dict[Any, Any] = {}
    for segment in dicts(fields_of(results.get("speaker_labels")).get("segments")):
        for item in dicts(segment.get("items")):
            # the part tells the speaker where a file says it only of the segment
            by_time[_key(item.get("start_time"))] = item.get("speaker_label") or segment.get("speaker_label")
    labelled: list[tuple[str | None, dict[str, Any]]] = []
    last: str | None = None
    for item in items:
        label = word(item.get("speaker_label") or by_time.get(_key(item.get("start_time"))))
        channel = word(item.get("channel_label"))
        if channels and channel and label:
            label = voice(channel.removeprefix("ch_"), label.removeprefix("spk_"))
        label = label or (channel if channels or channel != "ch_0" else None)
        if item.get("type") == "punctuation" or label is None:
            label = last or label
        labelled.append((label, item))
        last = label
    return labelled


def _key(value: Any) -> str | None:
    return word(value) if not isinstance(value, float) else str(value)


def _merged(channels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Words of several channels in one order; punctuation stays behind its word."""
    keyed = []
    for channel in channels:
        last = 0.0
        for item in dicts(channel.get("items")):
            found = number(item.get("start_time"))
            last = last if found is None else found
            keyed.append((last, {"channel_label": channel.get("channel_label"), **item}))
    return [item for _, item in sorted(keyed, key=lambda pair: pair[0])]


def _joined(items: list[dict[str, Any]]) -> str:
    text = ""
    for item in items:
        content = next((word(a.get("content")) for a in dicts(item.get("alternatives"))), None) or ""
        text += content if item.get("type") == "punctuation" or not text else f" {content}"
    return text


def _long_text(at: str, results: dict[str, Any], lang: str | None) -> Iterator[Item]:
    timed = [item for item in dicts(results.get("items")) if "start_time" in item]
    for place, part in parts(results.get("transcripts"), f"{at}/transcripts"):
        if isinstance(part, Problem):
            yield part
            continue
        yield said(
            place,
            part.get("transcript"),
            start=number(timed[0]["start_time"]) if timed else None,
            end=number(timed[-1].get("end_time")) if timed else None,
            lang=lang,
        )
