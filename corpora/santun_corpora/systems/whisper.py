"""Whisper and its kin: openai-whisper and the OpenAI API, WhisperX, whisper-timestamped, faster-whisper, whisper.cpp.

What the recogniser itself doubts, or says over and over as it does on silence, is told in the field ``flags`` and kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from santun_corpora.columns import seconds
from santun_corpora.schema import Problem
from santun_corpora.systems.document import Item, dicts, fields_of, language, number, parts, said, scaled, word

_TELLS = frozenset(("tokens", "avg_logprob", "no_speech_prob", "compression_ratio", "seek"))
_SILENT_ABOVE, _REPEATED = 0.6, 4
_TURN, _BLANK = "[SPEAKER_TURN]", "[BLANK_AUDIO]"


def accepts(document: Any) -> bool:
    """Whether it is a result of Whisper or one of its kin with `segments`, or a list of segments."""
    if isinstance(document, list):
        return bool(document) and all(
            _is_array(part) or (_is_segment(part) and _TELLS & part.keys()) for part in document
        )
    if not isinstance(document, dict) or not isinstance(document.get("segments"), list):
        return False
    segments = dicts(document["segments"])
    if not all(_is_segment(part) for part in segments):
        return False
    told = {"language", "word_segments", "text", "info"} & document.keys()
    return bool(told) if segments else "language" in document and ("text" in document or "word_segments" in document)


def _is_segment(part: Any) -> bool:
    return isinstance(part, dict) and "text" in part and ("start" in part or "end" in part or "words" in part)


def _is_array(part: Any) -> bool:
    """Whether it is a segment of faster-whisper written as an array: id, seek, start, end, text, tokens, and so on."""
    if not isinstance(part, list) or len(part) < 6:
        return False
    return (
        isinstance(part[4], str) and isinstance(part[5], list) and all(number(value) is not None for value in part[:4])
    )


def read(path: Path, document: Any) -> Iterator[Item]:
    """Read the segments of a result."""
    if isinstance(document, list):
        names = ("id", "seek", "start", "end", "text", "tokens")
        rows: list[Any] = [dict(zip(names, p, strict=False)) if isinstance(p, list) else p for p in document]
        at, whole = f"{path.name}:", None
    else:
        rows, at = document["segments"], f"{path.name}:/segments"
        whole = language(document.get("language")) or language(fields_of(document.get("info")).get("language"))
    repeated = _repeated([part.get("text") if isinstance(part, dict) else None for part in rows])
    for index, (place, part) in enumerate(parts(rows, at)):
        if isinstance(part, Problem):
            yield part
            continue
        words = dicts(part.get("words"))
        silence = number(part.get("no_speech_prob"))
        flags = ["no_speech"] if silence is not None and silence > _SILENT_ABOVE else []
        yield said(
            place,
            part.get("text"),
            speaker=word(part.get("speaker")) or _most_heard(words),
            start=_edge(part, words, "start"),
            end=_edge(part, words[::-1], "end"),
            lang=language(part.get("language")) or whole,
            flags=[*flags, "repeated"] if repeated[index] else flags,
        )


def _edge(part: dict[str, Any], words: list[dict[str, Any]], name: str) -> float | None:
    found = number(part.get(name))
    return found if found is not None else next((t for w in words if (t := number(w.get(name))) is not None), None)


def _most_heard(words: list[dict[str, Any]]) -> str | None:
    heard = Counter(name for part in words if (name := word(part.get("speaker"))))
    return heard.most_common(1)[0][0] if heard else None


def _repeated(texts: list[Any]) -> list[bool]:
    """Which segments stand in a run of four or more that say the same."""
    marks = [False] * len(texts)
    first = 0
    for at in range(1, len(texts) + 1):
        if at < len(texts) and texts[at] == texts[first]:
            continue
        if at - first >= _REPEATED and isinstance(texts[first], str) and texts[first].strip():
            marks[first:at] = [True] * (at - first)
        first = at
    return marks


# --------------------------------------------------------------------------------------------- whisper.cpp


def accepts_cpp(document: Any) -> bool:
    """Whether it is a result of whisper.cpp."""
    if not isinstance(document, dict) or not isinstance(document.get("transcription"), list):
        return False
    return bool({"systeminfo", "params", "result"} & document.keys())


def read_cpp(path: Path, document: Any) -> Iterator[Item]:
    """Read a result of whisper.cpp; a segment of silence is skipped."""
    lang = language(fields_of(document.get("result")).get("language"))
    rows = document["transcription"]
    repeated = _repeated([part.get("text") if isinstance(part, dict) else None for part in rows])
    for index, (at, part) in enumerate(parts(rows, f"{path.name}:/transcription")):
        if isinstance(part, Problem):
            yield part
            continue
        text = part.get("text")
        blank = isinstance(text, str) and text.strip() == _BLANK
        speaker = word(part.get("speaker"))
        yield said(
            at,
            text.replace(_TURN, "") if isinstance(text, str) else text,
            speaker=None if speaker == "?" else speaker,
            start=_offset(part, "from"),
            end=_offset(part, "to"),
            lang=lang,
            skip="no speech" if blank else None,
            flags=["repeated"] if repeated[index] else [],
        )


def _offset(part: dict[str, Any], edge: str) -> float | None:
    found = scaled(fields_of(part.get("offsets")).get(edge), 1000)
    return seconds(fields_of(part.get("timestamps")).get(edge)) if found is None else found
