"""Word lists in four languages: cue phrases, concepts, and the baseline that every report stands beside.

``cues.tsv`` holds phrases that perform a behaviour, ``concepts.tsv`` words of one meaning, whatever the language. The
baseline predicts by cue phrases alone, without learning.

The idea is ConvoKit's politeness strategies (Danescu-Niculescu-Mizil et al. 2013, A computational approach to
politeness, ACL): an act is there where a phrase of its list is. The lists are in ``cues.tsv``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin


@cache
def cue_phrases() -> dict[str, tuple[str, ...]]:
    """Cue phrases of each behaviour, in all languages, as prepared text has them."""
    table: dict[str, list[str]] = {}
    for line in (files("santun_models") / "cues.tsv").read_text(encoding="utf-8").split("\n"):
        if line and not line.startswith("#"):
            behaviour, _lang, *phrases = line.split("\t")
            table.setdefault(behaviour, []).extend(phrases)
    return {behaviour: tuple(phrases) for behaviour, phrases in table.items()}


@cache
def concept_words() -> tuple[str, ...]:
    """Words of each concept between blanks, in all languages, as prepared text has them; no word stands in two."""
    lines = (files("santun_models") / "concepts.tsv").read_text(encoding="utf-8").split("\n")
    return tuple(line.split("\t")[1] for line in lines if line and not line.startswith("#"))


class LexiconClassifier(ClassifierMixin, BaseEstimator):
    """Predict a behaviour wherever one of its cue phrases stands in a prepared text.

    Parameters
    ----------
    behaviours : sequence of str
        Columns of the prediction; one that has no list is never predicted.

    Examples
    --------
    >>> LexiconClassifier(behaviours=["greeting", "thanks"]).fit().predict(["terima kasih puan !"])
    array([[0, 1]], dtype=int8)
    """

    def __init__(self, *, behaviours: Sequence[str]) -> None:
        self.behaviours = behaviours

    def __sklearn_tags__(self) -> Any:
        """Nothing to fit."""
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        return tags

    def fit(self, X: Any = None, Y: Any = None) -> Self:  # noqa: ARG002 (scikit-learn's signature)
        """Do nothing: the lists are given."""
        self.classes_ = np.array(list(self.behaviours))
        return self

    def predict(self, X: Sequence[str]) -> npt.NDArray[np.int8]:
        """Behaviours of prepared texts, 0/1, shape (n_texts, n_behaviours)."""
        lists = [[f" {phrase} " for phrase in cue_phrases().get(name, ())] for name in self.behaviours]
        padded = [f" {' '.join(text.split())} " for text in X]
        rows = [[any(cue in text for cue in cues) for cues in lists] for text in padded]
        return np.array(rows, np.int8).reshape(len(padded), len(lists))
