"""How fast a Spark cluster on this machine labels, beside a single process on the same rows.

    python tests/benchmarks/spark.py [--rows 100000] [--master 'local-cluster[2,1,1024]'] [--json]

The rows are the held-out conversations of the seed corpus over and over, and the model is the shipped one. *first*: the
first pass, in which workers start Python, import and load the model; *second*: the same again. Wall-clock time, from
Parquet to Parquet; the single process begins with the model loaded and takes all rows as one batch.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import pandas as pd
from santun import spark as scale
from santun.model import load
from santun.recipe import default_recipe
from santun.serve import Labeller
from santun.training_data import gather


def seconds(work, *arguments, **options) -> float:
    start = time.perf_counter()
    work(*arguments, **options)
    return time.perf_counter() - start


def peak() -> float:
    """Most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--master", default="local-cluster[2,1,1024]")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    test = gather(default_recipe()).part("test")
    labeller = Labeller()
    labeller.model = load()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pd.DataFrame(
            {
                "text": test[i % len(test)].text,
                "conversation_id": f"{test[i % len(test)].conversation_id}/{i // len(test)}",
                "turn": test[i % len(test)].turn,
                "speaker": test[i % len(test)].speaker,
            }
            for i in range(given.rows)
        ).to_parquet(folder / "in.parquet")

        def alone() -> None:
            frame = pd.read_parquet(folder / "in.parquet")
            pd.concat([frame, labeller.predict(None, frame)], axis=1).to_parquet(folder / "alone.parquet")

        before = peak()
        result = {"rows": given.rows, "single": seconds(alone), "before": before, "after": peak()}
        start = time.perf_counter()
        session = scale.session(given.master)
        session.sparkContext.setLogLevel("ERROR")
        result["session"] = time.perf_counter() - start
        for pass_ in ("first", "second"):
            result[pass_] = seconds(
                scale.label_parquet, str(folder / "in.parquet"), str(folder / pass_), "default", spark=session
            )
        session.stop()
    if given.json:
        print(json.dumps(result))
        return
    print(f"{given.rows:,} rows; single process {given.rows / result['single']:,.0f} rows/s")
    kilobytes = (result["after"] - result["before"]) * 1024 / given.rows
    print(f"in one batch: {result['before']:.0f} MB before, {kilobytes:.1f} KB for every row")
    print(f"{given.master}: session started in {result['session']:.0f} s")
    for pass_ in ("first", "second"):
        ratio = result["single"] / result[pass_]
        print(f"{pass_} pass {given.rows / result[pass_]:,.0f} rows/s, {ratio:.2f} times the single process")


if __name__ == "__main__":
    main()
