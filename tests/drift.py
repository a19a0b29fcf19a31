"""What `santun drift` says of batches that differ in a known way, and how often it cries wolf where they do not.

``python tests/drift.py`` labels the held-out conversations of the seed corpus with the shipped model and compares: random
halves of them (40 times), halves with another mix of languages, a language that REF has not, one channel alone, rules of
the service changed, speech recognition with a third of the words misheard, and texts of a language the model does not know.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from santun.drift import Batch, drift, read_batch
from santun.label import label_files
from santun.model import Model, load
from santun.noise import add_noise
from santun_corpora.seed import seed_files

Row = dict[str, Any]
Conversations = list[list[Row]]


def seed_conversations(langs: Sequence[str] = ("ms", "id", "ar", "en")) -> Conversations:
    """Held-out conversations, without their labels."""
    found: dict[str, list[Row]] = {}
    for path in seed_files("test"):
        if path.parent.name in langs:
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                found.setdefault(row["conversation_id"], []).append({k: v for k, v in row.items() if k != "labels"})
    return list(found.values())


def labelled(model: Model, conversations: Conversations, folder: Path) -> Conversations:
    """The conversations as ``santun label`` writes them."""
    source, out = folder / "in.jsonl", folder / "out.jsonl"
    rows = [row for one in conversations for row in one]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    label_files(model, [source], out, restart=True)
    records = iter([json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()])
    return [[next(records) for _ in one] for one in conversations]


def batch(conversations: Conversations, folder: Path) -> Batch:
    path = folder / "batch.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for one in conversations for row in one), encoding="utf-8")
    return read_batch([path])


def halves(conversations: Conversations, seed: int) -> tuple[Conversations, Conversations]:
    order = list(conversations)
    random.Random(seed).shuffle(order)
    return order[: len(order) // 2], order[len(order) // 2 :]


def altered(conversations: Conversations, change: Callable[[Row], str]) -> Conversations:
    """The same conversations with other texts, to be labelled anew."""
    own = ("labels", "scores", "mixed", "source", "role")
    return [
        [{k: v for k, v in row.items() if k not in own} | {"text": change(row)} for row in one] for one in conversations
    ]


def misheard(row: Row) -> str:
    rng = np.random.default_rng(len(row["text"]))
    return add_noise(add_noise(row["text"], "plain", row["lang"], rng), "word_error", row["lang"], rng, 0.33)


def foreign(row: Row) -> str:
    """The words of another language: letters moved on by seven."""
    return "".join(chr((ord(c) - 90) % 26 + 97) if "a" <= c <= "z" else c for c in row["text"].lower())


def simulate(folder: Path, times: int) -> None:
    model = load()
    whole = labelled(model, seed_conversations(), folder)
    alarms: list[str] = []
    for seed in range(times):
        a, b = halves(whole, seed)
        verdict = drift(batch(a, folder), batch(b, folder), seed=seed)["verdict"]
        alarms += [verdict] if verdict != "fits" else []
    print(f"false alarms on random halves: {len(alarms)} of {times}")
    ref, other = halves(whole, 0)
    fewer = random.Random(1)
    cases = {
        "more Indonesian and Arabic": [c for c in other if c[0]["lang"] in ("id", "ar") or fewer.random() < 0.3],
        "store alone": [c for c in other if c[0]["channel"] == "store"],
        "nobody greets": [c[1:] for c in other if len(c) > 1 and "greeting" in c[0]["labels"]]
        + [c for c in other if "greeting" not in c[0]["labels"]],
        "a third misheard": labelled(model, altered(other, misheard), folder),
        "a language nobody taught": labelled(
            model, altered([c for c in other if c[0]["lang"] == "en"], foreign), folder
        ),
    }
    for name, new in cases.items():
        report = drift(batch(ref, folder), batch(new, folder))
        print(f"\n== {name}: {report['verdict']}", *report["words"], sep="\n")
    report = drift(batch([c for c in ref if c[0]["lang"] != "ar"], folder), batch(other, folder))
    print(f"\n== Arabic is new: {report['verdict']}", *report["words"], sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--times", type=int, default=40, help="random halves")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        simulate(Path(folder), given.times)


if __name__ == "__main__":
    main()
