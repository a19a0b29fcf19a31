"""The threshold of the best F1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def best_threshold(truth: npt.ArrayLike, scores: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Score threshold of the highest F1, of rows by their weight, halfway to the next score below it.

    Examples
    --------
    >>> best_threshold([0, 0, 1, 1], [0.1, 0.5, 0.7, 0.9])
    0.6
    """
    y, p = np.asarray(truth), np.asarray(scores)
    order = np.argsort(-p, kind="stable")
    w = np.ones(len(y)) if weight is None else np.asarray(weight, np.float64)
    hits = np.cumsum((y * w)[order])
    f1 = 2 * hits / (np.cumsum(w[order]) + (y * w).sum())
    ranked = p[order]
    f1[:-1][ranked[:-1] == ranked[1:]] = -1  # no threshold parts equal scores
    cut = int(np.argmax(f1))
    return float((ranked[cut] + ranked[min(cut + 1, len(y) - 1)]) / 2)
