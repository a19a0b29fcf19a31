"""ConvoKit: the folder of a corpus, with utterances, speakers and conversations.

Checked against convokit 5.0.0: `Corpus(filename=…)` loads what is written here with sound reply-to chains, and what its
`dump` makes of that is read here. Metadata that ConvoKit keeps as pickles is left out: a pickle can run code.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from santun_corpora.exchange.mapping import ToolMap, dig
from santun_corpora.exchange.record import (
    KEY,
    QUESTION,
    Item,
    Options,
    Output,
    Unit,
    carry,
    extras,
    label_names,
    load_json,
    load_objects,
    visible,
    write_lines,
)
from santun_corpora.schema import InputError, Problem, Utterance, role_of

_PICKLED = "<##bin{"


def units(path: Path, plan: ToolMap, _options: Options) -> Iterator[Item]:
    """Read a corpus: a conversation is together, in the order in which its utterances reply to each other."""
    folder = path if path.is_dir() else path.parent
    file = next((folder / name for name in ("utterances.jsonl", "utterances.json") if (folder / name).is_file()), None)
    if file is None:
        raise InputError(f"{path.name}: no utterances.jsonl in it; give the folder of a ConvoKit corpus")
    speakers = _components(folder, "speakers.json", "users.json")
    conversations = _components(folder, "conversations.json")
    together: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for source, row in load_objects(file):
        if isinstance(row, Problem):
            yield row
        elif not isinstance(row.get("id"), str) or ("text" not in row and "text" not in plan.fields):
            yield Problem(source, "no ConvoKit utterance; it needs an id and a text")
        else:
            conversation = row.get("conversation_id", row.get("root"))
            together.setdefault(str(row["id"] if conversation is None else conversation), []).append((source, row))
    for name, rows in together.items():
        for turn, (source, row, circular) in enumerate(_in_order(rows), 1):
            if circular:
                yield Problem(source, "it replies to itself, be it over others; mend its reply_to")
                continue
            speaker = row.get("speaker", row.get("user"))
            about = speakers.get(str(speaker), {})
            raw = {**row, "speaker_meta": about, "conversation_meta": conversations.get(name, {})}
            yield _unit(source, raw, name, turn, plan)


def _components(folder: Path, *names: str) -> dict[str, dict[str, Any]]:
    """Metadata of speakers or conversations, by id."""
    for name in names:
        if (folder / name).is_file():
            given = load_json(folder / name)
            if not isinstance(given, dict):
                raise InputError(f"{name}: not as ConvoKit writes it; it must be an object by id")
            return {
                key: value["meta"] if isinstance(value.get("meta"), dict) else value
                for key, value in given.items()
                if isinstance(value, dict)
            }
    return {}


def _in_order(rows: list[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Rows of a conversation, each after the one it replies to; of several that could be next, the earliest.

    What replies to nobody here begins a chain. Rows that reply in a circle come last, marked so.
    """
    places = {row["id"]: at for at, (_, row) in enumerate(rows)}
    replies: dict[int, list[int]] = {}
    ready: list[tuple[float, int]] = []

    def when(at: int) -> tuple[float, int]:
        time = rows[at][1].get("timestamp")
        try:
            return float(time or 0), at
        except (TypeError, ValueError):
            return 0.0, at

    for at, (_, row) in enumerate(rows):
        parent = row.get("reply_to", row.get("reply-to"))
        if isinstance(parent, str) and parent in places:
            replies.setdefault(places[parent], []).append(at)
        else:
            heapq.heappush(ready, when(at))
    left = set(range(len(rows)))
    while ready:
        at = heapq.heappop(ready)[1]
        left.discard(at)
        yield *rows[at], False
        for reply in replies.get(at, ()):
            heapq.heappush(ready, when(reply))
    for at in sorted(left):
        yield *rows[at], True


def _unit(source: str, raw: dict[str, Any], conversation: str, turn: int, plan: ToolMap) -> Item:
    meta = raw.get("meta") or {}
    if not isinstance(meta, dict):
        return Problem(source, "its meta is no object")
    meta = {name: value for name, value in meta.items() if not (isinstance(value, str) and value.startswith(_PICKLED))}
    key = next((name for name in ("labels", QUESTION) if name in meta), None)
    try:
        labels = label_names(dig(raw, plan.fields["labels"]) if "labels" in plan.fields else meta.get(key or ""))
    except ValueError as error:
        return Problem(source, str(error))
    own = {name: value for name, value in meta.items() if name != key}
    own["text"] = raw.get("text")
    if KEY in own:
        return Unit(source, own, labels, raw)
    own |= {"id": raw["id"], "conversation_id": conversation, "turn": turn}
    own["speaker"] = raw.get("speaker", raw.get("user"))
    if raw.get("timestamp") is not None:
        own["timestamp"] = raw["timestamp"]
    role = next((role for value in raw["speaker_meta"].values() if (role := _role(value)) != "unknown"), None)
    if role:
        own.setdefault("role", role)
    return Unit(source, own, labels, raw)


def _role(value: Any) -> str:
    return role_of(value) if isinstance(value, str) else "unknown"


def write(rows: Sequence[Utterance], path: Path, _output: Output) -> None:
    """Write the folder of a corpus.

    Raises
    ------
    InputError
        If two rows have one id: ConvoKit would keep one of them.
    """
    path.mkdir()
    names = {row.conversation_id for row in rows}
    speakers: dict[str, dict[str, Any]] = {}
    index: dict[str, list[str]] = {}
    places: dict[str, str] = {}
    last: dict[str, tuple[str, int]] = {}
    written: list[dict[str, Any]] = []
    for row in rows:
        number = str(row.id)
        if number in places:
            raise InputError(
                f"{row.source}: id {number!r} stands at {places[number]} too; ConvoKit needs one for each row"
            )
        places[number] = row.source
        conversation = row.conversation_id
        if conversation is None:  # a lone utterance is a conversation to ConvoKit
            conversation = number if number not in names else f"{number}#alone"
        before, turn = last.get(conversation, (None, 0))
        last[conversation] = (number, turn + 1)
        speaker = row.speaker or "unknown"
        if role_of(speaker) != "unknown" or row.speaker is None:  # a role is another person in every conversation
            speaker = f"{conversation}:{speaker}"
        about = speakers.setdefault(speaker, {"role": row.role, "name": row.speaker or ""})
        if about["role"] != row.role:
            about["role"] = "unknown"
        shown = {name: value for name, value in visible(row).items() if name in ("turn", "role", "lang")}
        meta = {**extras(row, nested=True), **shown, "labels": row.labels, KEY: carry(row)}
        for name, value in meta.items():
            kinds = index.setdefault(name, [])
            if value is not None and str(type(value)) not in kinds:
                kinds.append(str(type(value)))
        written.append(
            {
                "id": number, "conversation_id": conversation, "text": row.text, "speaker": speaker, "meta": meta,
                "reply-to": before, "timestamp": turn, "vectors": [],
            }
        )  # fmt: skip
    write_lines(path / "utterances.jsonl", written)
    _dump(path / "speakers.json", {name: {"meta": meta, "vectors": []} for name, meta in speakers.items()})
    _dump(path / "conversations.json", {name: {"meta": {}, "vectors": []} for name in last})
    _dump(path / "corpus.json", {})
    about_speakers = {"role": [str(str)], "name": [str(str)]}
    _dump(
        path / "index.json",
        {
            "utterances-index": index, "speakers-index": about_speakers, "conversations-index": {}, "overall-index": {},
            "version": 1, "vectors": [],
        },
    )  # fmt: skip


def _dump(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="ascii")
