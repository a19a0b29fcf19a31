"""What 200 reviewed turns bring: those that ``santun review sample`` picks beside 200 at random.

``python tests/review_gain.py`` plays a team that begins with some 700 labelled turns of its own, in one language: it trains
a quick model on them alone, and has it label other conversations. A simulated reviewer, who knows the hidden labels,
answers 200 turns that ``review sample`` chose (the random quarter included) and 200 drawn at random; a model is trained
with each, and both are compared on the held-out conversations of the seed corpus. Every seed draws anew.

Intervals resample the held-out conversations, in pairs, and the seeds.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from santun.evaluate import RESAMPLES, clusters_of, f1_of
from santun.label import label_files
from santun.model import Model
from santun.recipe import Recipe
from santun.review import CONTEXT, corrections, sample, settle_all, task_of
from santun.review_files import read_answers, read_tasks, write_tasks
from santun.train import train
from santun.training_data import label_matrix, read_labelled
from santun_corpora import BEHAVIOURS, CORE_BEHAVIOURS, LANGUAGES, Utterance, open_source, read
from santun_corpora.seed import seed_files

QUICK: dict[str, Any] = {
    "features.min_df": 4, "features.word_bits": 16, "features.char_bits": 15, "classifier.rounds": 1,
    "classifier.n_folds": 2,
}  # fmt: skip
SLICES = "abcdef"  # conversations; g and h are mostly lone lines
FIRST = 700  # turns that the team has labelled before
POOL = 6000  # turns that it has not


def said_by(rows: list[Utterance]) -> dict[str, list[str]]:
    return {str(row.id): row.labels or [] for row in rows}


def picked(labelled: Path, hidden: dict[str, list[str]], n: int, seed: int, folder: Path) -> list[Utterance]:
    """Choose by the sampler, write the sheet, have it filled in, and read it back."""
    import csv

    out = folder / f"tasks{seed}.csv"
    write_tasks(sample([labelled], n, seed=seed).tasks, out, "csv", blind=True)
    tasks = read_tasks(out)
    labels = {task_of(task): hidden[str(task.id)] for task in tasks}
    with out.open(encoding="utf-8-sig", newline="") as file:
        sheet = list(csv.DictReader(file))
    for row in sheet:
        row |= {name: "yes" if name in labels[row["task"]] else "" for name in BEHAVIOURS} | {"reviewer": "hidden"}
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(sheet[0]))
        writer.writeheader()
        writer.writerows(sheet)
    answers = read_answers([out], tasks)
    assert not answers.problems
    back = folder / f"corrections{seed}.jsonl"
    records = corrections(tasks, answers.votes, settle_all(tasks, answers.votes, {}))
    back.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return own(read_labelled([back]))


def at_random(pool: list[Utterance], n: int, seed: int) -> list[Utterance]:
    """As many turns drawn at random, with their turns before."""
    rows = []
    for at in sorted(random.Random(seed).sample(range(len(pool)), n)):
        before = [row for row in pool[max(0, at - CONTEXT) : at] if row.conversation_id == pool[at].conversation_id]
        context = [(row.role if row.role != "unknown" else row.speaker or "unknown", row.text) for row in before]
        rows.append(replace(pool[at], context=context))
    return own(rows)


def own(rows: list[Utterance]) -> list[Utterance]:
    return [replace(row, fields={"corpus": "own"}) for row in rows]


def counts_of(model: Model, rows: list[Utterance]) -> np.ndarray:
    """Hits, predictions and positives of each conversation, shape (3, n_conversations, n_behaviours)."""
    truth, said = label_matrix(rows, model.behaviours), model.label_utterances(rows).predicted
    cluster = clusters_of(rows)
    counts = np.zeros((3, int(cluster.max()) + 1, truth.shape[1]))
    for kind, value in enumerate((truth & said, said, truth)):
        np.add.at(counts[kind], cluster, value)
    return counts


def pooled(pairs: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, Any]:
    """Mean difference over seeds in core and macro F1, with intervals over conversations and seeds."""
    n, supported = pairs[0][0].shape[1], pairs[0][0][2].sum(axis=0) > 0
    core = supported & np.array([name in CORE_BEHAVIOURS for name in BEHAVIOURS])
    rng = np.random.default_rng(0)
    draws = np.vstack([np.ones(n), rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)])
    f1 = np.array([[f1_of(*(draws @ kind for kind in one)) for one in pair] for pair in pairs])
    chosen = rng.integers(0, len(pairs), size=(RESAMPLES, len(pairs)))
    report = {}
    for key, mask in (("core_f1", core), ("macro_f1", supported)):
        means = f1[..., mask].mean(axis=3)  # seeds, random and picked, resamples
        gain = means[:, 1] - means[:, 0]
        drawn = gain[chosen, np.arange(1, RESAMPLES + 1)[:, None]].mean(axis=1)
        report[key] = {
            "random": float(means[:, 0, 0].mean()), "picked": float(means[:, 1, 0].mean()),
            "difference": float(gain[:, 0].mean()), "interval": np.percentile(drawn, [2.5, 97.5]).tolist(),
            "drawn": drawn,
        }  # fmt: skip
    return report


def play(folder: Path, lang: str, *, n: int = 200, seeds: int = 5) -> dict[str, Any]:
    """Compare in one language; ``core_f1`` and ``macro_f1`` with ``before``, ``random``, ``picked``, difference and interval."""
    recipe = Recipe().updated(QUICK)
    train_rows, test = (
        [row for row in read(open_source(path)) if isinstance(row, Utterance) and row.fields["slice"] in SLICES]
        for path in (path for split in ("train", "test") for path in seed_files(split) if path.parent.name == lang)
    )
    calls_of: dict[Any, list[Utterance]] = {}
    for row in train_rows:
        calls_of.setdefault(row.conversation_id, []).append(row)
    names = list(calls_of)
    random.Random(0).shuffle(names)
    base: list[Utterance] = []
    pool: list[Utterance] = []
    for name in names:
        part = base if len(base) < FIRST else pool
        if len(pool) < POOL:
            part += calls_of[name]
    base = own(base)
    model = train(base, recipe, n_jobs=1)
    calls, labelled = folder / "calls.jsonl", folder / "labelled.jsonl"
    shown = ({name: value for name, value in row.fields.items() if name != "labels"} for row in pool)
    calls.write_text("".join(json.dumps(row) + "\n" for row in shown), encoding="utf-8")
    label_files(model, [calls], labelled)
    before, hidden, pairs = counts_of(model, test), said_by(pool), []
    for seed in range(seeds):
        chance, chosen = (
            counts_of(train([*base, *turns], recipe, n_jobs=1), test)
            for turns in (at_random(pool, n, seed), picked(labelled, hidden, n, seed, folder))
        )
        pairs.append((chance, chosen))
        print(f"{lang}: {seed + 1} of {seeds} draws", file=sys.stderr, flush=True)
    report = pooled(pairs)
    nothing = pooled([(before, before)])
    for key in ("core_f1", "macro_f1"):
        report[key]["before"] = nothing[key]["picked"]
    return {"pool": len(pool), "held_out": len(test), "learnt": len(base), **report}


def mean_of(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The mean over languages, each resampled by itself."""
    report = {}
    for key in ("core_f1", "macro_f1"):
        drawn = np.mean([part[key]["drawn"] for part in parts], axis=0)
        report[key] = {
            **{name: float(np.mean([part[key][name] for part in parts])) for name in ("before", "random", "picked", "difference")},
            "interval": np.percentile(drawn, [2.5, 97.5]).tolist(),
        }  # fmt: skip
    return report


def show(name: str, part: dict[str, Any]) -> None:
    for key in ("core_f1", "macro_f1"):
        s = part[key]
        low, high = s["interval"]
        print(
            f"{name} {key}: before {s['before']:.3f}, random {s['random']:.3f}, picked {s['picked']:.3f}, "
            f"{s['difference']:+.3f} ({low:+.3f} to {high:+.3f})", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lang", action="append", help="ms, id, ar or en; may be given again; all if not given")
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    found = []
    for lang in given.lang or LANGUAGES:
        with tempfile.TemporaryDirectory() as name:
            found.append(play(Path(name), lang, n=given.rows, seeds=given.seeds))
        counts = f"{found[-1]['learnt']} turns at first, {found[-1]['pool']:,} to pick from, {found[-1]['held_out']:,} held out"
        show(f"{lang}, {counts},", found[-1])
    if len(found) > 1:
        show(f"mean of {len(found)}", mean_of(found))
