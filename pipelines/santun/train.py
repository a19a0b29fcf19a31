"""Training: labelled records to a model folder. The same records give the same bytes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from santun_corpora import BEHAVIOURS, LANGUAGES, InputError, Problem, Utterance, open_source, read, split_of
from santun_models.behaviour import BehaviourClassifier, Context
from santun_models.language import LanguageIdentifier
from threadpoolctl import threadpool_limits

from santun.model import Model, conversation_runs, load
from santun.prepare import prepare

_NOT_WORDS = re.compile(r"[\W\d_]+")


class TrainingDataError(Exception):
    """Training data that no model can be made of; the message says what, where and how to mend it."""


def text_hashes(prepared: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Hash prepared texts without marks and digits, so that near-duplicates share a hash.

    Returns
    -------
    ndarray of uint64, shape (n_texts,)
    """
    folded = (_NOT_WORDS.sub(" ", text).strip() for text in prepared)
    return np.array(
        [int.from_bytes(hashlib.blake2b(f.encode(), digest_size=8).digest(), "big") for f in folded], np.uint64
    )


def read_labelled(paths: Iterable[Path]) -> list[Utterance]:
    """Read records that carry labels and a language.

    Raises
    ------
    InputError
        If a file cannot be read.
    TrainingDataError
        If a row is broken, or has no labels, no language or no conversation.
    """
    rows: list[Utterance] = []
    for path in paths:
        for item in read(open_source(path)):
            if isinstance(item, Problem):
                raise TrainingDataError(f"{item}; `santun corpora check` lists all such rows")
            if item.fault:
                raise TrainingDataError(f"{item.source}: {item.fault}")
            missing = next((f for f in ("labels", "lang", "conversation_id") if getattr(item, f) is None), None)
            if missing:
                raise TrainingDataError(f"{item.source}: no {missing}; every training row needs one")
            rows.append(item)
    if not rows:
        raise InputError("no rows to train on")
    return rows


def label_matrix(rows: Sequence[Utterance], behaviours: Sequence[str] = BEHAVIOURS) -> npt.NDArray[np.int8]:
    """Labels as 0/1, shape (n_rows, n_behaviours)."""
    return np.array([[name in (row.labels or ()) for name in behaviours] for row in rows], np.int8).reshape(
        len(rows), len(behaviours)
    )


def context_of(rows: Sequence[Utterance]) -> Context:
    """Context of rows that stand in the order of their conversations."""
    _, previous = conversation_runs(rows)
    return Context(previous, np.array([row.role for row in rows]), np.array([row.lang or "unknown" for row in rows]))


def drop_known(rows: Sequence[Utterance], known: Sequence[Utterance], *, shortest: int = 5) -> list[Utterance]:
    """Leave out rows of at least `shortest` words whose near-duplicate is among `known`."""

    def hashes(some: Sequence[Utterance]) -> npt.NDArray[np.uint64]:
        return text_hashes(prepare([row.text for row in some], [row.lang or "en" for row in some]))

    taken = set(hashes(known).tolist())
    long_enough = [len(row.text.split()) >= shortest for row in rows]
    return [
        row for row, h, long in zip(rows, hashes(rows).tolist(), long_enough, strict=True) if not (long and h in taken)
    ]


def train(
    rows: Sequence[Utterance],
    *,
    behaviours: Sequence[str] = BEHAVIOURS,
    progress: Callable[[int, int], None] | None = None,
    **params: Any,
) -> Model:
    """Train a language identifier and a behaviour classifier.

    Parameters
    ----------
    rows : sequence of Utterance
        With ``labels``, ``lang`` and ``conversation_id``, the turns of a conversation in order.
    behaviours : sequence of str
        Labels to learn.
    progress : callable, default=None
        Told (done, total).
    **params
        Of `BehaviourClassifier`.

    Raises
    ------
    TrainingDataError
        If a behaviour has too few examples.
    """
    langs = [row.lang or "en" for row in rows]
    prepared = prepare([row.text for row in rows], langs)
    classifier = BehaviourClassifier(behaviours=list(behaviours), progress=progress, **params)
    with threadpool_limits(1):  # sums of several BLAS threads differ from run to run
        if set(langs) == set(LANGUAGES):
            identifier = LanguageIdentifier().fit([row.text for row in rows], langs)
        else:  # what has not all languages cannot tell them apart
            identifier = load().identifier
        try:
            classifier.fit(
                prepared,
                label_matrix(rows, behaviours),
                groups=[row.conversation_id for row in rows],
                context=context_of(rows),
            )
        except ValueError as error:
            raise TrainingDataError(str(error)) from None
    return Model(classifier, identifier, facts_of(rows), np.unique(text_hashes(prepared)))


def facts_of(rows: Sequence[Utterance]) -> dict[str, Any]:
    """What a manifest says of the training: versions, and number and hash of the rows. No clock, no machine."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps([row.id, row.conversation_id, row.role, row.lang, row.text, row.labels]).encode())
    libraries = {name: version(name) for name in ("spacy", "scikit-learn", "numpy", "scipy")}
    return {
        "santun": version("santun"),
        "libraries": libraries,
        "training": {
            "rows": len(rows),
            "conversations": len({row.conversation_id for row in rows}),
            "sha256": digest.hexdigest(),
        },
    }


def split_rows(rows: Sequence[Utterance]) -> tuple[list[Utterance], list[Utterance]]:
    """Part rows into those to learn from and the test split, by conversation; near-duplicates of the test are dropped."""
    test: list[Utterance] = []
    rest: list[Utterance] = []
    for row in rows:
        (test if split_of(row.conversation_id or "") == "test" else rest).append(row)
    return drop_known(rest, test), test
