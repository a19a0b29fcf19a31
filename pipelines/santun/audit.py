"""Look at labelled data: is it sound, and what is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from santun_corpora import BEHAVIOURS, SPLITS, Problem, Utterance, open_source, read, split_of
from santun_corpora.columns import unknown_label

from santun.prepare import prepare
from santun.training_data import text_hashes

_COUNTED = ("domain", "channel", "style", "region", "slice", "source")
_LONG = 5  # words from which a repeated text is worth a note


def check_files(paths: Sequence[Path], behaviours: Sequence[str] = BEHAVIOURS) -> dict[str, Any]:
    """Check records for training and evaluation.

    Parameters
    ----------
    paths : sequence of Path
    behaviours : sequence of str
        Names that labels may have.

    Returns
    -------
    dict
        ``rows``, ``conversations``, ``problems`` (what makes a row unusable, by place) and ``warnings`` (what is worth
        knowing: repeated texts, near-duplicates between test and training).

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    problems: list[str] = []
    warnings: list[str] = []
    rows: list[Utterance] = []
    ids: dict[str | int | None, str] = {}
    last: dict[str, tuple[int, str]] = {}
    home: dict[str, str] = {}
    for path in paths:
        for item in read(open_source(path)):
            if isinstance(item, Problem):
                problems.append(str(item))
                continue
            problems += [f"{item.source}: {what}" for what in _faults(item, behaviours)]
            if item.id in ids:
                problems.append(f"{item.source}: id {item.id!r} stands at {ids[item.id]} too; give every row its own")
            ids[item.id] = item.source
            name = item.conversation_id
            if name is not None:
                turn, where = last.get(name, (0, ""))
                if item.turn is not None and item.turn <= turn:
                    problems.append(f"{item.source}: turn {item.turn} of {name!r} after turn {turn} at {where}")
                last[name] = (item.turn or turn + 1, item.source)
                if path.stem in SPLITS and home.setdefault(name, path.stem) != path.stem:
                    problems.append(
                        f"{item.source}: conversation {name!r} is in two splits, {home[name]} and {path.stem}"
                    )
            rows.append(item)
    warnings += _repeats(rows)
    conversations = {row.conversation_id for row in rows if row.conversation_id is not None}
    return {"rows": len(rows), "conversations": len(conversations), "problems": problems, "warnings": warnings}


def _faults(row: Utterance, behaviours: Sequence[str]) -> list[str]:
    faults = []
    if not row.text.strip():
        faults.append("the text is empty")
    if row.fault:
        faults.append(row.fault)
    elif row.labels is None:
        faults.append(f"no labels; write a list of {', '.join(behaviours)}, [] for none")
    elif unknown := unknown_label(row.labels, behaviours):
        faults.append(unknown)
    if row.lang is None:
        given = row.fields.get("lang")
        faults.append(
            f"unknown language {given!r}; write ms, id, ar or en" if given else "no lang; write ms, id, ar or en"
        )
    if row.conversation_id is None:
        faults.append("no conversation_id; splits go by conversation")
    return faults


def _repeats(rows: Sequence[Utterance]) -> list[str]:
    sound = [row for row in rows if row.lang and len(row.text.split()) >= _LONG]
    hashes = text_hashes(prepare([row.text for row in sound], [row.lang or "en" for row in sound])).tolist()
    seen = Counter(hashes)
    repeated = sum(n - 1 for n in seen.values())
    notes = []
    if repeated:
        notes.append(
            f"{repeated:,} of {len(sound):,} texts of {_LONG} words or more repeat another, apart from marks and digits"
        )
    test = {h for h, row in zip(hashes, sound, strict=True) if split_of(row.conversation_id or "") == "test"}
    rest = [h for h, row in zip(hashes, sound, strict=True) if split_of(row.conversation_id or "") != "test"]
    shared = sum(h in test for h in rest)
    if shared:
        notes.append(f"{shared:,} of them stand outside the test split and in it; training leaves them out")
    return notes


def count_files(paths: Sequence[Path]) -> dict[str, Any]:
    """Count records.

    Returns
    -------
    dict
        ``languages``: for each its rows, conversations, unlabelled rows, rows of several labels, behaviours and roles;
        ``fields``: values of the descriptive fields that the records carry.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    languages: dict[str, dict[str, Any]] = {}
    conversations: dict[str, set[str | None]] = {}
    fields: dict[str, Counter[str]] = {}
    for path in paths:
        for item in read(open_source(path)):
            if isinstance(item, Problem):
                continue
            code = item.lang or "unknown"
            part = languages.setdefault(
                code,
                {"rows": 0, "conversations": 0, "unlabelled": 0, "several": 0,
                 "behaviours": Counter(dict.fromkeys(BEHAVIOURS, 0)), "roles": Counter()},
            )  # fmt: skip
            labels = item.labels or []
            part["rows"] += 1
            part["unlabelled"] += not labels
            part["several"] += len(labels) > 1
            part["roles"][item.role] += 1
            for label in labels:
                part["behaviours"][label] += 1
            conversations.setdefault(code, set()).add(item.conversation_id)
            for name in _COUNTED:
                if isinstance(item.fields.get(name), str):
                    fields.setdefault(name, Counter())[item.fields[name]] += 1
    for code, names in conversations.items():
        languages[code]["conversations"] = len(names - {None})
        for key in ("roles", "behaviours"):
            languages[code][key] = dict(languages[code][key])
    return {"languages": languages, "fields": {name: dict(c.most_common()) for name, c in fields.items()}}
