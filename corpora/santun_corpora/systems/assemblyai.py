"""AssemblyAI: utterances, sentences or paragraphs, else runs of one speaker's words, else the whole text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from santun_corpora.schema import InputError, Problem
from santun_corpora.systems.document import (
    Item,
    dicts,
    in_time,
    language,
    listed,
    parts,
    runs,
    said,
    scaled,
    voice,
    word,
)

_STATES = ("completed", "error", "queued", "processing")
_KNOWN = frozenset(("words", "utterances", "audio_url", "audio_duration", "language_code", "acoustic_model"))


def accepts(document: Any) -> bool:
    """Whether it is a transcript of AssemblyAI, or the sentences or paragraphs of one."""
    if not isinstance(document, dict):
        return False
    if document.get("status") in _STATES and "id" in document:
        return bool(_KNOWN & document.keys())
    if "audio_duration" not in document:
        return False
    return any(isinstance(document.get(name), list) for name in ("utterances", "sentences", "paragraphs"))


def read(path: Path, document: Any) -> Iterator[Item]:
    """Read a transcript of AssemblyAI.

    Raises
    ------
    InputError
        If the transcription failed, is not finished, or was deleted.
    """
    state = document.get("status", "completed")
    if state != "completed":
        what = "failed" if state == "error" else "is not finished"
        raise InputError(f"{path.name}: AssemblyAI says that the transcription {what}; it has no transcript")
    if document.get("text") == "Deleted by user." and not document.get("words"):
        raise InputError(f"{path.name}: AssemblyAI says that the transcript was deleted by its user")
    lang = language(document.get("language_code"))
    for name in ("utterances", "sentences", "paragraphs"):
        if listed(document.get(name)):
            found = [
                part if isinstance(part, Problem) else _said(at, part.get("text"), part, part, lang)
                for at, part in parts(document[name], f"{path.name}:/{name}")
            ]
            yield from in_time(found)
            return
    words = dicts(document.get("words"))
    labelled = [(_name(part), part) for part in words]
    if any(name for name, _ in labelled):
        for first, _, run in runs(labelled):
            text = " ".join(filter(None, (word(part.get("text")) for part in run)))
            yield _said(f"{path.name}:/words/{first}", text, run[0], run[-1], lang)
        return
    first_word, last_word = (words[0], words[-1]) if words else ({}, {})
    yield _said(f"{path.name}:/text", document.get("text"), first_word, last_word, lang)


def _name(part: dict[str, Any]) -> str | None:
    """Speaker of a part; where a channel is one speaker, the channel."""
    speaker, channel = word(part.get("speaker")), word(part.get("channel"))
    return voice(channel, None) if channel and speaker in (None, channel) else speaker


def _said(at: str, text: Any, first: dict[str, Any], last: dict[str, Any], lang: str | None) -> Item:
    start, end = scaled(first.get("start"), 1000), scaled(last.get("end"), 1000)
    own = language(first.get("language_code"))
    return said(at, text, speaker=_name(first), start=start, end=end, lang=own or lang)
