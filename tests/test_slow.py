"""Proofs that take minutes: ``pytest -m slow``."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from santun_corpora.seed import seed_files

pytestmark = pytest.mark.slow
ROWS = 1_000_000


def test_a_million_utterances_in_bounded_memory(tmp_path):
    texts = [
        (row["conversation_id"], row["turn"], row["speaker"], row["text"])
        for path in seed_files()
        for row in map(json.loads, filter(None, path.read_text(encoding="utf-8").split("\n")))
        if len(row["text"].split()) <= 20
    ]
    source = tmp_path / "million.csv"
    with source.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["conversation_id", "turn", "speaker", "text"])
        writer.writerows(texts[i % len(texts)] for i in range(ROWS))
    out = tmp_path / "out.jsonl"
    # the peak of a process counts what its parent held when it began, so the parent is a small one, not this
    launcher = (
        "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]);"
        "print(*resource.getrusage(resource.RUSAGE_CHILDREN)[:3]); sys.exit(code)"
    )
    label = [sys.executable, "-m", "santun_cli.app", "label", str(source), "-o", str(out), "--json"]
    job = subprocess.run(
        [sys.executable, "-c", launcher, *label], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    user, system, kilobytes = map(float, job.stdout.split())
    peak = kilobytes / 1024
    summary = json.loads(job.stderr.strip().split("\n")[-1])
    print(f"{ROWS:,} rows in {user + system:.0f} s of CPU, at most {peak:.0f} MB")

    assert job.returncode == 0
    assert summary["read"] == summary["labelled"] + summary["skipped"] == ROWS
    with out.open(encoding="utf-8") as lines:
        assert sum(1 for _ in lines) == ROWS
    assert peak <= 500, f"{peak:.0f} MB"


def test_five_times_a_naive_pipeline():
    script = Path(__file__).parent / "benchmarks/throughput.py"
    done = subprocess.run(
        [sys.executable, str(script), "--rounds", "1", "--json"], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip

    assert json.loads(done.stdout)["times_naive"]["cold"] >= 5
