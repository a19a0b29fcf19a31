"""A newcomer's domain: what 300 labelled utterances of one's own bring, by the commands that people type.

``python tests/newcomer.py`` leaves a domain of the seed corpus out of training as a whole, trains, adds 300 of its
utterances, trains again, and compares both on the conversations of the domain that neither has seen. The domain is
English scraps of clinic visits, of every batch, and the quick recipe learns from slices a to f.
``--domain`` takes another domain, or several as one, ``--lang`` their language, ``--full`` the shipped recipe over all
languages instead.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from santun_corpora.seed import seed_files

CLINIC = "clin,cling,clinh,clini,clinj,clinm,clinp,clinq,clinr,clins"
QUICK = """
name = "{name}"
[corpus]
where = {{ lang = ["{lang}"], slice = ["a", "b", "c", "d", "e", "f"] }}
without = {{ domain = {domains} }}
[splits]
field = "split"
[features]
min_df = 4
[classifier]
rounds = 1
n_folds = 3
[calibration]
prior = {{}}
[augmentation]
share = 0.0
"""
FULL = """
name = "{name}"
[corpus]
without = {{ domain = {domains} }}
[splits]
field = "split"
"""


def records(domain: str, lang: str) -> Iterator[dict[str, Any]]:
    for path in seed_files():
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if record["lang"] == lang and record["domain"] in domain.split(","):
                yield {**record, "split": "train"}


def santun(folder: Path, *arguments: str) -> str:
    print("$ santun", *arguments, file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "santun_cli.app", *arguments], cwd=folder, text=True, capture_output=True,
        env={**os.environ, "SANTUN_DEBUG": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def play(
    folder: Path,
    domain: str = CLINIC,
    lang: str = "en",
    n: int = 300,
    *,
    recipe: str = QUICK,
    picture: Path | None = None,
) -> dict[str, Any]:
    """Train without the domain and with `n` of its utterances; give the comparison on the rest of it."""
    rows = list(records(domain, lang))
    names = list(dict.fromkeys(row["conversation_id"] for row in rows))
    random.Random(0).shuffle(names)
    order = {name: at for at, name in enumerate(names)}
    rows.sort(key=lambda row: (order[row["conversation_id"]], row["turn"]))
    begun = {row["conversation_id"] for row in rows[:n]}
    held_out = [row for row in rows if row["conversation_id"] not in begun]
    for name, part in (("own", rows[:n]), ("held_out", held_out)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part), encoding="utf-8")
    (folder / "mine.toml").write_text(
        recipe.format(name="mine", domains=json.dumps(domain.split(",")), lang=lang), encoding="utf-8"
    )
    santun(folder, "train", "--recipe", "mine.toml", "-o", "before", "-q", "--no-tracking")
    santun(
        folder,
        "train",
        "own.jsonl",
        "--recipe",
        "mine.toml",
        "--set",
        "data.weight=3",
        "-o",
        "after",
        "-q",
        "--no-tracking",
    )
    plot = ("--plot", str(picture)) if picture else ()
    report = json.loads(santun(folder, "compare", "before", "after", "--on", "held_out.jsonl", *plot, "--json"))
    return {"held_out": len(held_out), **report["pairs"][0]["languages"]["all"]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domain", default=CLINIC)
    parser.add_argument("--lang", default="en")
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--plot", type=Path, help="draw the differences here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        part = play(
            Path(name),
            given.domain,
            given.lang,
            given.rows,
            recipe=FULL if given.full else QUICK,
            picture=given.plot and given.plot.resolve(),
        )
    for key in ("core_f1", "macro_f1"):
        s = part[key]
        low, high = s["interval"]
        print(f"{given.lang} {given.domain}, {part['held_out']:,} held-out turns, {key}: {s['a']:.3f} to {s['b']:.3f}, "
              f"{s['difference']:+.3f} ({low:+.3f} to {high:+.3f})")  # fmt: skip
