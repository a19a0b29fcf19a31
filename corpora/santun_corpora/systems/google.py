"""Google: Conversational Insights (upload and export), CCAI Platform chats, and Speech-to-Text.

Insights counts microseconds, perhaps since 1970. Speech-to-Text writes durations as ``2.4s``; with speakers told apart its
last result repeats all words of the call, and only that one is read. REST writes camelCase, protobuf snake_case.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from santun_corpora.schema import InputError, Problem
from santun_corpora.systems.document import (
    EVENT,
    MEDIA,
    Item,
    dicts,
    duration,
    epoch,
    fields_of,
    in_time,
    language,
    moment,
    number,
    parts,
    role_named,
    runs,
    said,
    scaled,
    since,
    voice,
    word,
)

_REPEAT = "repeats the words of the last result"


def either(part: dict[str, Any], name: str) -> Any:
    """Value of a field whose name is camelCase in REST and snake_case in protobuf."""
    if name in part:
        return part[name]
    return part.get("".join(f"_{c.lower()}" if c.isupper() else c for c in name))


# ------------------------------------------------------------------------------------------------- Insights


def accepts_insights(document: Any) -> bool:
    """Whether it is a conversation of Insights, as uploaded or as exported, or a list of them."""
    if not isinstance(document, dict):
        return False
    if isinstance(document.get("conversations"), list) and dicts(document["conversations"]):
        return all(_segments(one) is not None for one in dicts(document["conversations"]))
    if _segments(document) is not None:
        return True
    entries = document.get("entries")
    if not isinstance(entries, list) or not dicts(entries) or "comm_id" in document:
        return False
    told = {"role", "user_id", "userId", "start_timestamp_usec", "startTimestampUsec"}
    return all("text" in entry and bool(told & entry.keys()) for entry in dicts(entries))


def _segments(document: dict[str, Any]) -> tuple[list[Any], str] | None:
    for holder, at in ((fields_of(document.get("transcript")), "/transcript"), (document, "")):
        for name in ("transcriptSegments", "transcript_segments"):
            if isinstance(holder.get(name), list):
                return holder[name], f"{at}/{name}"
    return None


def read_insights(path: Path, document: Any) -> Iterator[Item]:
    """Read the entries that are uploaded to Insights, or the segments of conversations that it exports."""
    if isinstance(document.get("conversations"), list):
        for at, one in parts(document["conversations"], f"{path.name}:/conversations"):
            if isinstance(one, Problem):
                yield one
            else:
                yield from _exported(at, one, f"{path.stem}-{at.rsplit('/', 1)[1]}")
        token = either(document, "nextPageToken")
        if token:
            yield Problem(f"{path.name}:/nextPageToken", "only a part of the conversations; export the other pages too")
    elif _segments(document) is not None:
        yield from _exported(f"{path.name}:", document, None)
    else:
        yield from _entries(path, document)


def _entries(path: Path, document: dict[str, Any]) -> Iterator[Item]:
    stamps = [epoch(either(entry, "startTimestampUsec"), 1e6) for entry in dicts(document["entries"])]
    origin = min((stamp for stamp in stamps if stamp), default=None)
    for at, entry in parts(document["entries"], f"{path.name}:/entries"):
        if isinstance(entry, Problem):
            yield entry
            continue
        stamp = either(entry, "startTimestampUsec")
        time = epoch(stamp, 1e6)
        label = word(entry.get("role"))
        yield said(
            at,
            entry.get("text"),
            speaker=label or voice(None, either(entry, "userId")),
            start=since(origin, time) if time else scaled(stamp, 1e6),
            time=time,
            lang=language(either(entry, "languageCode")) or language(either(document, "languageCode")),
            conversation=either(document, "conversationId"),
        )


def _exported(at: str, document: dict[str, Any], name: str | None) -> Iterator[Item]:
    segments, below = _segments(document) or ([], "")
    full_name = word(document.get("name"))
    conversation = full_name.rsplit("/", 1)[-1] if full_name else name
    origin = moment(either(document, "startTime"))
    whole = language(either(document, "languageCode"))
    for place, segment in parts(segments, f"{at}{below}"):
        if isinstance(segment, Problem):
            yield segment
            continue
        who = fields_of(either(segment, "segmentParticipant"))
        label = word(who.get("role"))
        if label and "UNSPECIFIED" in label:
            label = None
        channel = number(either(segment, "channelTag"))
        stamp = either(segment, "messageTime")
        time = moment(stamp) or epoch(duration(stamp) if isinstance(stamp, dict) else None)
        words = dicts(segment.get("words"))
        first = duration(either(words[0], "startOffset")) if words else None
        last = duration(either(words[-1], "endOffset")) if words else None
        yield said(
            place,
            segment.get("text"),
            speaker=label or voice(int(channel) if channel else None, None) or either(who, "userId"),
            start=since(origin, time) if first is None else first,
            end=last,
            time=time,
            lang=language(either(segment, "languageCode")) or whole,
            conversation=conversation,
        )


# --------------------------------------------------------------------------------------- CCAI Platform chats


def accepts_ccai_chat(document: Any) -> bool:
    """Whether it is a chat transcript of CCAI Platform."""
    return isinstance(document, dict) and "comm_id" in document and isinstance(document.get("entries"), list)


def read_ccai_chat(path: Path, document: Any) -> Iterator[Item]:
    """Read a chat of CCAI Platform; notices and pictures are skipped."""
    for at, entry in parts(document["entries"], f"{path.name}:/entries"):
        if isinstance(entry, Problem):
            yield entry
            continue
        body = fields_of(entry.get("body"))
        kind = str(body.get("type") or entry.get("type"))
        talk = kind.startswith(("text", "markdown"))
        media = kind in ("photo", "video", "image", "audio", "file", "document")
        label = word(entry.get("role"))
        stamp = entry.get("timestamp")
        yield said(
            at,
            body.get("content", body.get("text")) if talk else "",
            speaker=word(fields_of(entry.get("user_data")).get("name")) or label,
            role=role_named(label),
            time=moment(stamp) or epoch(stamp),
            lang=language(body.get("lang")),
            conversation=document["comm_id"],
            skip=None if talk else MEDIA if media else EVENT,
        )


# ----------------------------------------------------------------------------------------- Speech-to-Text


def accepts_speech(document: Any) -> bool:
    """Whether it is a result of Speech-to-Text, perhaps inside the long-running operation that made it."""
    if not isinstance(document, dict):
        return False
    if _is_operation(document):
        return True
    results = _results(document)
    return results is not None and bool(dicts(results)) and all(_is_result(part) for part in dicts(results))


def _is_result(part: dict[str, Any]) -> bool:
    known = {"resultEndTime", "resultEndOffset", "channelTag", "languageCode"}
    known |= {"result_end_time", "result_end_offset", "channel_tag", "language_code"}
    return isinstance(part.get("alternatives"), list) or bool(known & part.keys())


def _is_operation(document: dict[str, Any]) -> bool:
    metadata = fields_of(document.get("metadata"))
    kind = str(metadata.get("@type", "")) + str(fields_of(document.get("response")).get("@type", ""))
    return "cloud.speech" in kind


def _results(document: dict[str, Any]) -> list[Any] | None:
    holder = document
    for name in ("response", "inlineResult", "transcript"):
        if isinstance(holder.get(name), dict):
            holder = holder[name]
    results = holder.get("results")
    return results if isinstance(results, list) else None


def read_speech(path: Path, document: Any) -> Iterator[Item]:
    """Read a result of Speech-to-Text.

    Raises
    ------
    InputError
        If the operation failed or is not finished.
    """
    if "error" in document or ("response" not in document and _results(document) is None):
        raise InputError(f"{path.name}: Google says that the operation failed or is not done; it has no transcript")
    results = _results(document) or []
    at = f"{path.name}:{'/response' if isinstance(document.get('response'), dict) else ''}/results"
    repeat = _repeat(results)
    found: list[Item] = []
    for place, result in parts(results, at):
        if isinstance(result, Problem):
            found.append(result)
        elif repeat is not None and result is not results[repeat]:
            # the words come again, with their speakers, at the end
            found.append(said(place, "", skip=_REPEAT))
        elif either(result, "isFinal") is False:
            found.append(said(place, "", skip="partial result"))
        else:
            found += _voices(place, result)
    channels = {word(either(part, "channelTag")) for part in dicts(results)}
    yield from in_time(found) if len(channels) > 1 else found


def _words(result: Any) -> list[dict[str, Any]]:
    return dicts(next((a.get("words") for a in dicts(fields_of(result).get("alternatives"))), None))


def _speaker(part: dict[str, Any]) -> str | None:
    label = word(either(part, "speakerLabel")) or word(either(part, "speakerTag"))
    return None if label == "0" else label


def _repeat(results: list[Any]) -> int | None:
    """Index of the result that repeats all words of the others with their speakers; None where none does."""
    last = len(results) - 1
    if last < 1 or not all(_speaker(part) for part in _words(results[last])) or not _words(results[last]):
        return None
    others = [part for result in results[:last] for part in _words(result)]
    text = next((a.get("transcript") for a in dicts(fields_of(results[last]).get("alternatives"))), None)
    again = [part.get("word") for part in _words(results[last])]
    repeated = [part.get("word") for part in others] == again[: len(others)] and bool(others)
    silent = not (isinstance(text, str) and text.strip())
    return last if repeated or (silent and len(again) >= len(others)) else None


def _voices(at: str, result: dict[str, Any]) -> Iterator[Item]:
    """What a result says: a run of words a speaker, or its transcript where it knows no speakers."""
    best = next(iter(dicts(result.get("alternatives"))), {})
    words = _words(result)
    channel = either(result, "channelTag") or None
    lang = language(either(result, "languageCode"))
    labels = [_speaker(part) for part in words]
    if not any(labels):
        yield said(
            at,
            best.get("transcript"),
            speaker=voice(channel, None),
            start=_time(words[0], "start") if words else None,
            end=_time(words[-1], "end") if words else duration(either(result, "resultEndTime")),
            lang=lang,
        )
        return
    whole = best.get("transcript") if len(set(labels)) == 1 else None
    for first, label, spoken in runs(list(zip(labels, words, strict=True))):
        text = " ".join(filter(None, (word(part.get("word")) for part in spoken)))
        yield said(
            f"{at}/alternatives/0/words/{first}",
            whole or text,
            speaker=voice(channel, label),
            start=_time(spoken[0], "start"),
            end=_time(spoken[-1], "end"),
            lang=lang,
        )


def _time(part: dict[str, Any], edge: str) -> float | None:
    found = either(part, f"{edge}Time")
    return duration(either(part, f"{edge}Offset") if found is None else found)
