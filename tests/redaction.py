"""How much redaction finds, what else it touches, and what it would cost if labels were computed after it.

``python tests/redaction.py`` reads ``tests/data/redaction`` (written for this: every number is made up) and the seed
corpus; ``--labels`` also labels the held-out conversations with the shipped model, once as they are and once redacted,
with an identifier planted in every fifth turn.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from santun.redact import Identifier, find_identifiers, redact
from santun_corpora import Utterance
from santun_corpora.seed import seed_files

DATA = Path(__file__).parent / "data" / "redaction"
_MARKED = re.compile(r"⟦(\w+)\|(.*?)⟧")


def planted() -> Iterator[tuple[str, str, list[tuple[int, int, str]]]]:
    """Language, text, and where identifiers of which kind stand in it."""
    for line in (DATA / "planted.tsv").read_text(encoding="utf-8").splitlines():
        lang, marked = line.split("\t")
        text, spans, last = "", [], 0
        for match in _MARKED.finditer(marked):
            text += marked[last : match.start()]
            spans.append((len(text), len(text) + len(match[2]), match[1]))
            text += match[2]
            last = match.end()
        yield lang, text + marked[last:], spans


def others() -> Iterator[tuple[str, str]]:
    """Language and texts with numbers that identify nobody."""
    for line in (DATA / "others.tsv").read_text(encoding="utf-8").splitlines():
        lang, text = line.split("\t")
        yield lang, text


def digits(text: str) -> int:
    return sum(map(str.isdecimal, text))


def covers(found: list[Identifier], start: int, end: int) -> Identifier | None:
    return next((one for one in found if one.start <= start and end <= one.end), None)


def recall() -> dict[str, Any]:
    """Share of planted identifiers that are gone as a whole, by language and kind, and of those with the right kind."""
    gone: Counter[str] = Counter()
    total: Counter[str] = Counter()
    named = 0
    for lang, text, spans in planted():
        found = find_identifiers(text)
        for start, end, kind in spans:
            hit = covers(found, start, end)
            total.update([lang, kind, "all"])
            gone.update([lang, kind, "all"] if hit else [])
            named += hit is not None and hit.kind == kind
    shares = {name: [gone[name], total[name]] for name in total}
    return {"gone": shares, "right_kind": named}


def seed_rows() -> Iterator[tuple[dict[str, Any], str]]:
    """Turns of the seed corpus, and the turn before each."""
    for path in seed_files():
        name, before = None, ""
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield row, before if row["conversation_id"] == name else ""
            name, before = row["conversation_id"], row["text"]


def touched() -> dict[str, Any]:
    """Digits of the hard negatives that are touched, and every identifier found in the seed corpus, to be looked at."""
    report: dict[str, Any] = {"others": [0, 0], "seed_digits": 0, "seed_found": []}
    for _, text in others():
        report["others"][0] += sum(digits(text[one.start : one.end]) for one in find_identifiers(text))
        report["others"][1] += digits(text)
    rows = list(seed_rows())
    begun = time.process_time()
    found = [find_identifiers(row["text"], before) for row, before in rows]
    report["milliseconds"] = 1000 * (time.process_time() - begun) / len(rows)
    for (row, _), identifiers in zip(rows, found, strict=True):
        report["seed_digits"] += digits(row["text"])
        for one in identifiers:
            said = row["text"][one.start : one.end]
            report["seed_found"].append((row["id"], one.kind, said, digits(said)))
    return report


def label_cost() -> dict[str, float]:
    """Core F1 of the shipped model on held-out turns with identifiers planted, and on the same turns redacted."""
    from santun.evaluate import evaluate, read_evaluation
    from santun.model import load

    rows, _ = read_evaluation(seed_files("test"))
    said: dict[str, list[str]] = {}
    for lang, text, spans in planted():
        said.setdefault(lang, []).extend(text[start:end] for start, end, _ in spans)
    with_numbers, redacted, plain = [], [], []
    numbering: dict[tuple[str, str], int] = {}
    conversation, before = None, ""
    for i, row in enumerate(rows):
        text = f"{row.text} {said[row.lang or 'en'][i % 100]}" if i % 5 == 0 else row.text
        if row.conversation_id != conversation:
            numbering, conversation, before = {}, row.conversation_id, ""
        with_numbers.append(replace(row, text=text))
        redacted.append(replace(row, text=redact(text, numbering, before)))
        plain.append(replace(row, text=redact(row.text, numbering, before)))
        before = text
    model = load()

    def core(rows: list[Utterance]) -> float:
        return float(evaluate(model, rows)["languages"]["all"]["core_f1"])

    return {
        "as it is": core(rows),
        "as it is, redacted": core(plain),
        "planted": core(with_numbers),
        "planted, redacted": core(redacted),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--labels", action="store_true", help="also measure F1 on redacted text")
    given = parser.parse_args()
    found = recall()
    print("planted identifiers that are gone:")
    for name, (gone, total) in found["gone"].items():
        print(f"  {name:13} {gone:3} of {total:3}")
    print(f"  of them with the right kind: {found['right_kind']}")
    rest = touched()
    print("other digits touched: {} of {} in the hard negatives".format(*rest["others"]))
    print(f"{rest['milliseconds']:.3f} ms of processor time an utterance of the seed corpus")
    print(f"found in the seed corpus: {len(rest['seed_found'])}, of {rest['seed_digits']} digits:")
    for place, kind, said, n in rest["seed_found"]:
        print(f"  {place:24} {kind:10} {n:3} digits  {said}")
    if given.labels:
        for name, value in label_cost().items():
            print(f"core F1, {name}: {value:.4f}")


if __name__ == "__main__":
    main()
