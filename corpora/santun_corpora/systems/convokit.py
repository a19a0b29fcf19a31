"""ConvoKit: the utterances of a corpus as a table, with the roles that stand beside them in the file of its speakers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from santun_corpora.decode import Encoding
from santun_corpora.schema import Utterance
from santun_corpora.systems.document import Item, fields_of, role_named, word
from santun_corpora.tables import read_jsonl

TITLE = "ConvoKit corpus"
UTTERANCES = "utterances.jsonl"
# what a corpus keeps beside its utterances; none of it is talk
COMPANIONS = frozenset(("speakers.json", "users.json", "conversations.json", "corpus.json", "index.json"))
_OLD_NAMES = {"speaker": "user", "conversation_id": "root"}


def is_corpus(path: Path) -> bool:
    """Whether a file holds the utterances of a corpus."""
    return path.name == UTTERANCES and any(path.with_name(name).is_file() for name in COMPANIONS)


def is_companion(path: Path) -> bool:
    """Whether a file stands beside the utterances of a corpus and holds none."""
    return path.name in COMPANIONS and path.with_name(UTTERANCES).is_file()


def read_corpus(path: Path, given: Mapping[str, str], encoding: Encoding | None = None) -> Iterator[Item]:
    """Read the utterances of a corpus, in the file's order."""
    roles = _roles(path)
    with path.open("rb") as file:
        first = _object(next((line for line in file if line.strip()), b""))
    old = {field: name for field, name in _OLD_NAMES.items() if name in first and field not in first}
    for item in read_jsonl(path, {**old, **given}, encoding):
        if isinstance(item, Utterance) and item.role == "unknown" and item.speaker:
            item.role = roles.get(item.speaker, "unknown")
        yield item


def _object(data: bytes) -> dict[str, Any]:
    try:
        return fields_of(json.loads(data.removeprefix(b"\xef\xbb\xbf")))
    except (ValueError, RecursionError):
        return {}


def _roles(path: Path) -> dict[str, str]:
    """Roles of speakers by their ids, where the metadata of a speaker names one."""
    file = next((f for name in ("speakers.json", "users.json") if (f := path.with_name(name)).is_file()), None)
    if file is None:
        return {}
    roles = {}
    for name, about in _object(file.read_bytes()).items():
        told = fields_of(about).get("meta", about)
        named = (role_named(word(value)) for key, value in fields_of(told).items() if key in ("role", "type", "side"))
        roles[name] = next((role for role in named if role != "unknown"), "unknown")
    return roles
