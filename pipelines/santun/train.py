"""Training: a recipe and its rows to a model. The same recipe and rows give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
from santun_corpora import LANGUAGES, Utterance
from santun_models.behaviour import BehaviourClassifier, Context
from santun_models.language import LanguageIdentifier
from threadpoolctl import threadpool_limits

from santun.model import Model, conversation_runs, load, short_hashes, with_context
from santun.noise import noisy_copy
from santun.prepare import prepare
from santun.recipe import Recipe
from santun.training_data import TrainingDataError, digest_of, label_matrix, text_hashes, weights_of

Progress = Callable[[int, int], None]
_COPY = "\x1f"  # parts the id of a noised copy from that of its conversation


def train(
    rows: Sequence[Utterance],
    recipe: Recipe | None = None,
    *,
    n_jobs: int = 2,
    progress: Progress | None = None,
) -> Model:
    """Train a language identifier and a behaviour classifier.

    Parameters
    ----------
    rows : sequence of Utterance
        With ``labels``, ``lang`` and ``conversation_id``, the turns of a conversation in order (`santun.training_data`).
        Turns that a record brings along as its ``context`` are its turns before; of their labels nothing is learnt.
    recipe : Recipe, default=None
        The default one where None.
    n_jobs : int, default=2
        Processes. The result does not depend on it.
    progress : callable, default=None
        Told (done, total).

    Raises
    ------
    TrainingDataError
        If a behaviour has too few examples.
    """
    recipe = recipe or Recipe()
    labelled = [*rows, *_copies(rows, recipe)]
    every, real = with_context(labelled)
    langs = [row.lang or "en" for row in every]
    prepared = prepare([row.text for row in every], langs)
    classifier = BehaviourClassifier(
        behaviours=list(recipe.behaviours), n_jobs=n_jobs, progress=progress, **recipe.params()
    )
    with threadpool_limits(1):  # sums of several BLAS threads differ from run to run
        if set(langs) == set(LANGUAGES):
            identifier = LanguageIdentifier().fit([row.text for row in rows], [row.lang or "en" for row in rows])
        else:  # what has not all languages cannot tell them apart
            identifier = load().identifier
        try:
            classifier.fit(
                prepared,
                np.where(real[:, None], label_matrix(every, recipe), -1),
                groups=_groups(every, real),
                context=context_of(every),
                sample_weight=weights_of(every, recipe),
            )
        except ValueError as error:
            raise TrainingDataError(str(error)) from None
    seen = [text for text, own in zip(prepared, real, strict=True) if own][: len(rows)]
    return Model(classifier, identifier, facts_of(rows, recipe), np.unique(short_hashes(text_hashes(seen))))


def _groups(rows: Sequence[Utterance], real: npt.NDArray[np.bool_]) -> list[str]:
    """Conversation of each row; turns that came inside a record belong to that record's."""
    groups: list[str] = []
    group = ""
    for row, own in zip(reversed(rows), reversed(real.tolist()), strict=True):
        group = (row.conversation_id or "").split(_COPY)[0] if own else group
        groups.append(group)
    return groups[::-1]


def _copies(rows: Sequence[Utterance], recipe: Recipe) -> list[Utterance]:
    """Noised copies of whole conversations, a share of them for each kind of noise."""
    settings = recipe.augmentation
    if not settings.kinds or not settings.share:
        return []
    names = list(dict.fromkeys(row.conversation_id for row in rows))
    rng = np.random.default_rng(recipe.random_state)
    copies: list[Utterance] = []
    for kind in settings.kinds:
        chosen = set(rng.choice(len(names), round(settings.share * len(names)), replace=False).tolist())
        taken = {name for index, name in enumerate(names) if index in chosen}
        mine = [row for row in rows if row.conversation_id in taken]
        for row in noisy_copy(mine, kind, seed=recipe.random_state):
            copies.append(
                replace(
                    row,
                    conversation_id=f"{row.conversation_id}{_COPY}{kind}",
                    fields={**row.fields, "augmentation": kind},
                )
            )
    return copies


def context_of(rows: Sequence[Utterance]) -> Context:
    """Context of rows that stand in the order of their conversations."""
    _, previous = conversation_runs(rows)
    return Context(previous, np.array([row.role for row in rows]), np.array([row.lang or "unknown" for row in rows]))


def facts_of(rows: Sequence[Utterance], recipe: Recipe) -> dict[str, Any]:
    """What a manifest says of the training: versions, recipe, number and hash of the rows. No clock, no machine."""
    libraries = {name: version(name) for name in ("spacy", "scikit-learn", "numpy", "scipy", "symspellpy")}
    return {
        "santun": version("santun"),
        "libraries": libraries,
        "recipe": recipe.settings(),
        "training": {
            "rows": len(rows),
            "conversations": len({row.conversation_id for row in rows}),
            "sha256": digest_of(rows),
        },
    }
