"""Deepgram: utterances, else paragraphs, else runs of one speaker's words, else the whole transcript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from santun_corpora.schema import Problem
from santun_corpora.systems.document import (
    Item,
    dicts,
    fields_of,
    in_time,
    language,
    listed,
    number,
    parts,
    runs,
    said,
    voice,
    word,
)


def accepts(document: Any) -> bool:
    """Whether it is a response of Deepgram to a recording."""
    if not isinstance(document, dict) or not isinstance(document.get("results"), dict):
        return False
    channels = document["results"].get("channels")
    return isinstance(channels, list) and all("alternatives" in channel for channel in dicts(channels))


def read(path: Path, document: Any) -> Iterator[Item]:
    """Read a response of Deepgram."""
    results = document["results"]
    channels = listed(results["channels"])
    several = len(channels) > 1
    langs = [_language(channel) for channel in channels]
    at = f"{path.name}:/results"
    if listed(results.get("utterances")):
        found: list[Item] = []
        for place, part in parts(results["utterances"], f"{at}/utterances"):
            if isinstance(part, Problem):
                found.append(part)
                continue
            channel = number(part.get("channel"))
            known = channel is not None and 0 <= channel < len(langs)
            lang = langs[int(channel)] if known and channel is not None else None
            name = voice(part.get("channel") if several else None, part.get("speaker"))
            found.append(_said(place, part.get("transcript"), name, part, part, lang or _spoken(part.get("words"))))
        yield from in_time(found)
        return
    paragraphs = [dicts(fields_of(_best(channel).get("paragraphs")).get("paragraphs")) for channel in channels]
    if any(paragraphs):
        yield from _paragraphs(at, channels, langs)
        return
    words: list[tuple[float, str | None, dict[str, Any], int, int]] = []
    for index, channel in enumerate(channels):
        last = 0.0
        for word_at, part in enumerate(dicts(_best(channel).get("words"))):
            start = number(part.get("start"))
            last = last if start is None else start
            name = voice(index if several else None, part.get("speaker"))
            words.append((last, name, part, index, word_at))
    words.sort(key=lambda one: one[0])
    if not any(name for _, name, *_ in words):
        for index, channel in enumerate(channels):
            spoken = dicts(_best(channel).get("words"))
            first, last_word = (spoken[0], spoken[-1]) if spoken else ({}, {})
            place = f"{at}/channels/{index}/alternatives/0/transcript"
            text = _best(channel).get("transcript")
            yield _said(place, text, voice(index if several else None, None), first, last_word, langs[index])
        return
    for first_at, name, run in runs([(name, part) for _, name, part, *_ in words]):
        text = " ".join(filter(None, (word(part.get("punctuated_word") or part.get("word")) for part in run)))
        channel_at, word_at = words[first_at][3:]
        place = f"{at}/channels/{channel_at}/alternatives/0/words/{word_at}"
        yield _said(place, text, name, run[0], run[-1], langs[channel_at] or _spoken(run))


def _best(channel: Any) -> dict[str, Any]:
    return next(iter(dicts(fields_of(channel).get("alternatives"))), {})


def _language(channel: Any) -> str | None:
    spoken = listed(_best(channel).get("languages"))
    # where several are spoken, each word tells
    return language(fields_of(channel).get("detected_language")) or (language(spoken[0]) if len(spoken) == 1 else None)


def _spoken(words: Any) -> str | None:
    return next((language(part["language"]) for part in dicts(words) if "language" in part), None)


def _said(at: str, text: Any, name: str | None, first: dict[str, Any], last: dict[str, Any], lang: str | None) -> Item:
    return said(at, text, speaker=name, start=number(first.get("start")), end=number(last.get("end")), lang=lang)


def _paragraphs(at: str, channels: list[Any], langs: list[str | None]) -> Iterator[Item]:
    found: list[Item] = []
    several = len(channels) > 1
    for index, channel in enumerate(channels):
        below = f"{at}/channels/{index}/alternatives/0/paragraphs/paragraphs"
        for place, part in parts(fields_of(_best(channel).get("paragraphs")).get("paragraphs"), below):
            if isinstance(part, Problem):
                found.append(part)
                continue
            text = " ".join(filter(None, (word(one.get("text")) for one in dicts(part.get("sentences")))))
            name = voice(index if several else None, part.get("speaker"))
            found.append(_said(place, text, name, part, part, langs[index]))
    yield from in_time(found)
