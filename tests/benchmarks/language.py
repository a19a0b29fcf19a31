"""Language identification beside lingua's, on the same rows.

``python tests/benchmarks/language.py gold/*.jsonl`` (``pip install lingua-language-detector`` first) measures single turns
of four words or more of any labelled records that name their language; without files the held-out seed corpus, by turn and
by conversation.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from santun.evaluate import clusters_of, read_evaluation
from santun.model import load
from santun_corpora.seed import seed_files
from santun_models.language import pool_languages


def main() -> None:
    from lingua import Language, LanguageDetectorBuilder  # not among the project's own needs

    codes = {"ms": Language.MALAY, "id": Language.INDONESIAN, "ar": Language.ARABIC, "en": Language.ENGLISH}
    rows, _ = read_evaluation([Path(name) for name in sys.argv[1:]] or seed_files("test"))
    rows = [row for row in rows if row.lang]
    model = load()
    lingua = LanguageDetectorBuilder.from_languages(*codes.values()).build()
    code_of = {language: code for code, language in codes.items()}
    probabilities, _, n_words = model.identifier.predict_parts([row.text for row in rows])
    truth = np.array([row.lang for row in rows])
    found = {
        "santun": model.identifier.classes_[probabilities.argmax(axis=1)],
        "lingua": np.array([code_of.get(lingua.detect_language_of(row.text), "") for row in rows]),
    }
    long = n_words >= 4
    print(f"{long.sum():,} single turns of four words or more; four-way accuracy, then by language")
    for name, guess in found.items():
        right = guess == truth
        parts = ", ".join(
            f"{code} {right[long & (truth == code)].mean():.3f}" for code in codes if (long & (truth == code)).any()
        )
        print(f"{name}: {right[long].mean():.4f} ({parts})")
    if any(row.conversation_id for row in rows):
        calls: dict[str, list[int]] = {}
        for i, row in enumerate(rows):
            calls.setdefault(str(row.conversation_id), []).append(i)
        _, whole = pool_languages(probabilities, n_words, clusters_of(rows))
        ours = np.mean(model.identifier.classes_[whole.argmax(axis=1)] == [truth[ids[0]] for ids in calls.values()])
        texts = ["\n".join(rows[i].text for i in ids) for ids in calls.values()]
        theirs = np.mean(
            [
                code_of.get(lingua.detect_language_of(t), "") == truth[ids[0]]
                for t, ids in zip(texts, calls.values(), strict=True)
            ]
        )
        print(f"{len(calls):,} conversations: santun {ours:.4f}, lingua {theirs:.4f}")


if __name__ == "__main__":
    main()
