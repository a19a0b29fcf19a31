"""How fast labelling is, beside a naive spaCy + TfidfVectorizer + OneVsRestClassifier pipeline on the same rows.

    python tests/benchmarks/throughput.py [--rows 300000] [--rounds 3] [--json]

Both run on one core, in one process, turn about; times are CPU time, the figure is the median of the rounds' ratios.
*cold*: caches empty, as at the start of a job; *warm*: the same rows again. The rows are the seed corpus,
shuffled by conversation, repeated where more are asked for. The naive pipeline tokenises by ``spacy.blank``, makes word
1-2 and ``char_wb`` 2-5 TF-IDF features and predicts probabilities; it is trained on the same corpus.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
import spacy
from santun.label import BLOCK
from santun.model import Model, load
from santun.prepare import pipeline as pipelines
from santun.recipe import default_recipe
from santun.training_data import gather, label_matrix
from santun_corpora import LANGUAGES, Utterance
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.multiclass import OneVsRestClassifier


class Naive:
    """What one would write in an afternoon."""

    def __init__(self, rows: list[Utterance]) -> None:
        self.nlp = {lang: spacy.blank(lang) for lang in LANGUAGES}
        self.words = TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2))
        self.chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5))
        texts = self.tokens(rows)
        features = hstack([self.words.fit_transform(texts), self.chars.fit_transform(texts)]).tocsr()
        # few epochs: how good its weights are does not matter for its speed, how many there are does
        linear = SGDClassifier(loss="log_loss", max_iter=2, tol=None, random_state=0)
        self.model = OneVsRestClassifier(linear).fit(features, label_matrix(rows))

    def tokens(self, rows: list[Utterance]) -> list[str]:
        texts = [""] * len(rows)
        for lang, nlp in self.nlp.items():
            mine = [i for i, row in enumerate(rows) if row.lang == lang]
            for i, doc in zip(mine, nlp.pipe([rows[i].text for i in mine]), strict=True):
                texts[i] = " ".join([token.text for token in doc])
        return texts

    def label(self, rows: list[Utterance]) -> np.ndarray:
        texts = self.tokens(rows)
        return self.model.predict_proba(hstack([self.words.transform(texts), self.chars.transform(texts)]).tocsr())


def forget(model: Model) -> None:
    """Empty the caches of chunks and tokens."""
    from santun.prepare import pipeline

    module = sys.modules[pipeline.__module__]
    for lang in LANGUAGES:
        module._writer(lang).pieces.clear()
    model.classifier._cache.clear()
    model.identifier._cache.clear()


def cpu(work, *arguments) -> float:
    start = time.process_time()
    work(*arguments)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    data = gather(default_recipe())
    everything = data.rows
    names = list(dict.fromkeys(row.conversation_id for row in everything))
    order = {name: at for at, name in enumerate(np.random.default_rng(0).permutation(names).tolist())}
    everything.sort(key=lambda row: (order[row.conversation_id], row.turn))
    rows = [everything[i % len(everything)] for i in range(given.rows)]
    naive, model = Naive(data.learnt()), load()
    for lang in LANGUAGES:
        pipelines(lang)

    gc.collect()
    gc.freeze()  # the objects of the one are not to be searched for garbage while the other works

    def blocks() -> None:
        for start in range(0, len(rows), BLOCK):
            model.label_utterances(rows[start : start + BLOCK])

    ratios: dict[str, list[float]] = {"cold": [], "warm": []}
    each: dict[str, list[float]] = {"cold": [], "warm": [], "naive": []}
    for _ in range(given.rounds):
        forget(model)
        slow = cpu(naive.label, rows)
        each["naive"].append(slow)
        for kind in ratios:
            fast = cpu(blocks)
            each[kind].append(fast)
            ratios[kind].append(slow / fast)
    result = {
        "rows": len(rows),
        "microseconds": {kind: round(1e6 * statistics.median(times) / len(rows), 1) for kind, times in each.items()},
        "times_naive": {kind: round(statistics.median(values), 1) for kind, values in ratios.items()},
    }
    if given.json:
        print(json.dumps(result))
    else:
        print(f"{len(rows):,} rows, one core, CPU microseconds an utterance: {result['microseconds']}")
        print(
            f"santun is {result['times_naive']['cold']} times as fast as the naive pipeline cold, {result['times_naive']['warm']} warm"
        )


if __name__ == "__main__":
    main()
