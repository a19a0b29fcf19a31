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
    with (tmp_path / "summary").open("w") as summary_file:
        job = subprocess.Popen(
            [sys.executable, "-m", "santun_cli.app", "label", str(source), "-o", str(out), "--json"],
            stderr=summary_file, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        _, status, usage = os.wait4(job.pid, 0)  # of this job alone, not of whatever ran before
    peak = usage.ru_maxrss / 1024
    summary = json.loads((tmp_path / "summary").read_text(encoding="utf-8").strip().split("\n")[-1])
    print(f"{ROWS:,} rows in {usage.ru_utime + usage.ru_stime:.0f} s of CPU, at most {peak:.0f} MB")

    assert os.waitstatus_to_exitcode(status) == 0
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
