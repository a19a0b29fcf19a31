"""Azure: batch and fast transcription, real-time results, and conversations for Azure Language.

Ticks are 100 ns and may be floats. Only the best hypothesis is read. Speakers are numbered anew on every channel. The
address in ``source`` holds a key and is never told.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from santun_corpora.schema import Problem
from santun_corpora.systems.document import (
    Item,
    dicts,
    duration,
    fields_of,
    in_time,
    language,
    listed,
    parts,
    role_named,
    said,
    scaled,
    voice,
    word,
)

_UNHEARD = "not recognised"
_FORMS = ("display", "itn", "maskedITN", "lexical")


def accepts_batch(document: Any) -> bool:
    """Whether it is a result of batch transcription."""
    return isinstance(document, dict) and isinstance(document.get("recognizedPhrases"), list)


def read_batch(path: Path, document: Any) -> Iterator[Item]:
    """Read a result of batch transcription; phrases that were not recognised are skipped."""
    whole = language(document.get("locale"))
    found: list[Item] = []
    for at, phrase in parts(document["recognizedPhrases"], f"{path.name}:/recognizedPhrases"):
        if isinstance(phrase, Problem):
            found.append(phrase)
            continue
        best = next(iter(dicts(phrase.get("nBest"))), {})
        status = phrase.get("recognitionStatus", "Success")
        start, length = _span(phrase, "offset"), _span(phrase, "duration")
        found.append(
            said(
                at,
                next((best[form] for form in _FORMS if best.get(form)), None),
                speaker=voice(phrase.get("channel"), phrase.get("speaker")),
                start=start,
                end=_end(start, length),
                lang=language(phrase.get("locale")) or whole,
                skip=None if status in ("Success", 0) and best else _UNHEARD,
            )
        )
    yield from in_time(found)


def _span(phrase: dict[str, Any], name: str) -> float | None:
    for ending, per_second in (("InTicks", 1e7), ("Ticks", 1e7), ("Milliseconds", 1e3)):
        found = scaled(phrase.get(f"{name}{ending}"), per_second)
        if found is not None:
            return found
    return duration(phrase.get(name))


def _end(start: float | None, length: float | None) -> float | None:
    return None if start is None or length is None else round(start + length, 7)


def accepts_fast(document: Any) -> bool:
    """Whether it is a result of fast transcription."""
    if not isinstance(document, dict) or not isinstance(document.get("phrases"), list):
        return False
    return "combinedPhrases" in document or "durationMilliseconds" in document


def read_fast(path: Path, document: Any) -> Iterator[Item]:
    """Read a result of fast transcription."""
    phrases = dicts(document["phrases"])
    voices = {(word(one.get("channel")), word(one.get("speaker"))) for one in phrases}
    # on channels of one speaker each, the channel says all
    alone = len(voices) == len({channel for channel, _ in voices}) and (None not in {channel for channel, _ in voices})
    found: list[Item] = []
    for at, phrase in parts(document["phrases"], f"{path.name}:/phrases"):
        if isinstance(phrase, Problem):
            found.append(phrase)
            continue
        start, length = _span(phrase, "offset"), _span(phrase, "duration")
        found.append(
            said(
                at,
                phrase.get("text"),
                speaker=voice(phrase.get("channel"), None if alone and len(voices) > 1 else phrase.get("speaker")),
                start=start,
                end=_end(start, length),
                lang=language(phrase.get("locale")) or language(document.get("locale")),
            )
        )
    yield from in_time(found)


# ------------------------------------------------------------------------------------------------ real time


def accepts_real_time(document: Any) -> bool:
    """Whether it is a list of results of real-time recognition."""
    return isinstance(document, list) and bool(document) and all(_is_result(part) for part in document)


def _is_result(part: Any) -> bool:
    return isinstance(part, dict) and "RecognitionStatus" in part and ("Offset" in part or "NBest" in part)


def read_real_time(path: Path, document: Any) -> Iterator[Item]:
    """Read results of real-time recognition; silence and the end of the dictation are skipped."""
    for index, part in enumerate(document):
        best = next(iter(dicts(part.get("NBest"))), {})
        status = part.get("RecognitionStatus")
        start, length = scaled(part.get("Offset"), 1e7), scaled(part.get("Duration"), 1e7)
        spoken = fields_of(part.get("PrimaryLanguage")).get("Language")
        yield said(
            f"{path.name}:/{index}",
            best.get("Display") or part.get("DisplayText") or best.get("ITN") or best.get("Lexical"),
            speaker=voice(part.get("Channel"), part.get("SpeakerId")),
            start=start,
            end=_end(start, length),
            lang=language(spoken),
            skip=None if status in ("Success", 0) else _UNHEARD,
        )


# ---------------------------------------------------------------------------------------- Azure Language


def accepts_language(document: Any) -> bool:
    """Whether it is a request of Azure Language that holds conversations."""
    if not isinstance(document, dict):
        return False
    found = dicts(fields_of(document.get("analysisInput", document)).get("conversations"))
    return bool(found) and all(isinstance(one.get("conversationItems"), list) for one in found)


def read_language(path: Path, document: Any) -> Iterator[Item]:
    """Read the conversations of a request of Azure Language."""
    below = "/analysisInput" if "analysisInput" in document else ""
    conversations = fields_of(document.get("analysisInput", document)).get("conversations")
    several = len(listed(conversations)) > 1
    for index, (at, one) in enumerate(parts(conversations, f"{path.name}:{below}/conversations")):
        if isinstance(one, Problem):
            yield one
            continue
        name = word(one.get("id")) or (f"{path.stem}-{index}" if several else None)
        for place, item in parts(one.get("conversationItems"), f"{at}/conversationItems"):
            if isinstance(item, Problem):
                yield item
                continue
            person = word(item.get("participantId"))
            yield said(
                place,
                next((item[form] for form in ("text", "itn", "maskedItn", "lexical") if item.get(form)), None),
                speaker=person,
                role=role_named(item.get("role")) if item.get("role") else role_named(person),
                lang=language(item.get("language")) or language(one.get("language")),
                conversation=name,
                number=item.get("id"),
            )
