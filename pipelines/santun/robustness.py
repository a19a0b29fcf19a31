"""How much of a model's F1 each kind of noise takes, on labelled records it has not learnt from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from santun_corpora import CORE_BEHAVIOURS, LANGUAGES, Utterance

from santun.evaluate import RESAMPLES, clusters_of, f1_of
from santun.model import Model
from santun.noise import KINDS, RATES, noisy_copy
from santun.training_data import label_matrix

_Drawn = npt.NDArray[np.float64]


def robustness(
    model: Model,
    rows: Sequence[Utterance],
    kinds: Sequence[str | tuple[str, float]] = KINDS,
    seed: int = 0,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Compare the labels of noised texts with those of the texts as they are.

    Parameters
    ----------
    model : Model
    rows : sequence of Utterance
        Labelled, the turns of a conversation in order, none of them trained on.
    kinds : sequence of str or (str, float), default=KINDS
        Kinds of `santun.noise`, with their rates where these are not the usual ones.
    seed : int, default=0
        Of the noise and of the bootstrap.
    progress : callable, default=None
        Told (done, total).

    Returns
    -------
    dict
        ``model``, ``rows``, ``conversations``, ``seed`` and ``noise``, a list over `kinds`: ``kind``, ``rate``,
        ``changed`` (share of the texts that the noise changed) and ``languages``, for each language and ``all`` its
        ``rows`` and, for ``core_f1`` and ``macro_f1`` (None where no such behaviour occurs): ``clean``, ``noised``,
        ``loss`` in points and its 95 % ``interval``.

    Raises
    ------
    ValueError
        If there are no rows, or a kind or rate is unknown.

    Notes
    -----
    Intervals are percentiles of 1,000 resamples of conversations, the same for clean and noised texts (paired
    bootstrap; Field & Welsh 2007 for clusters, doi:10.1111/j.1467-9868.2007.00593.x). A row that names no language is
    noised in the one that is found for it, and the model has to find that again. Turns that come inside a record as its
    context stay as they are. Part of a loss is nobody's fault: a "sorry" that was deleted is not there to be found.
    """
    if not rows:
        raise ValueError("no rows to measure on")
    pairs = [(kind, RATES.get(kind, 0.0)) if isinstance(kind, str) else kind for kind in kinds]
    truth = label_matrix(rows, model.behaviours)
    clean = model.label_utterances(rows)
    named = [replace(row, lang=code) for row, code in zip(rows, clean.lang, strict=True)]
    groups = _groups(np.array(clean.lang), clusters_of(rows), seed)
    whole = {code: _scores(model.behaviours, truth, clean.predicted, *group) for code, group in groups.items()}
    noises = []
    for done, (kind, rate) in enumerate(pairs):
        if progress:
            progress(done, len(pairs))
        texts = [row.text for row in noisy_copy(named, kind, rate=rate, seed=seed)]
        predicted = model.label_utterances([replace(r, text=t) for r, t in zip(rows, texts, strict=True)]).predicted
        noised = {code: _scores(model.behaviours, truth, predicted, *group) for code, group in groups.items()}
        changed = sum(row.text != text for row, text in zip(rows, texts, strict=True)) / len(rows)
        languages = {code: {"rows": int(groups[code][0].sum())} | _losses(whole[code], noised[code]) for code in groups}
        noises.append({"kind": kind, "rate": rate, "changed": changed, "languages": languages})
    if progress:
        progress(len(pairs), len(pairs))
    conversations = int(clusters_of(rows).max()) + 1
    return {
        "model": model.version, "rows": len(rows), "conversations": conversations, "seed": seed, "noise": noises,
    }  # fmt: skip


_Group = tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64], _Drawn]


def _groups(langs: npt.NDArray[np.str_], clusters: npt.NDArray[np.int64], seed: int) -> dict[str, _Group]:
    """Rows of each language and of all, their conversations, and how often each resample draws these."""
    masks = {code: langs == code for code in LANGUAGES if (langs == code).any()} | {"all": np.ones(len(langs), bool)}
    groups = {}
    for code, mask in masks.items():
        _, cluster = np.unique(clusters[mask], return_inverse=True)
        n = int(cluster.max()) + 1
        draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
        # the first line is the rows as they are
        groups[code] = (mask, cluster, np.vstack([np.ones((1, n)), draws]))
    return groups


def _scores(
    names: Sequence[str],
    truth: npt.NDArray[np.int8],
    predicted: npt.NDArray[np.int8],
    mask: npt.NDArray[np.bool_],
    cluster: npt.NDArray[np.int64],
    draws: _Drawn,
) -> dict[str, _Drawn | None]:
    """Macro-F1 of the rows as they are and of each resample, over the core and over all behaviours that occur."""
    y, p = truth[mask], predicted[mask]
    counts = np.zeros((3, draws.shape[1], len(names)))
    for kind, value in enumerate((y & p, p, y)):
        np.add.at(counts[kind], cluster, value)
    f1 = f1_of(*(draws @ counts[kind] for kind in range(3)))
    occurs = y.any(axis=0)
    core = occurs & np.array([name in CORE_BEHAVIOURS for name in names])
    return {
        key: f1[:, chosen].mean(axis=1) if chosen.any() else None
        for key, chosen in (("core_f1", core), ("macro_f1", occurs))
    }


def _losses(clean: dict[str, _Drawn | None], noised: dict[str, _Drawn | None]) -> dict[str, Any]:
    """Both F1 and the loss in points with its interval."""
    report: dict[str, Any] = {}
    for key, before in clean.items():
        after = noised[key]
        if before is None or after is None:
            report[key] = None
            continue
        loss = 100 * (before - after)
        report[key] = {
            "clean": float(before[0]),
            "noised": float(after[0]),
            "loss": float(loss[0]),
            "interval": np.percentile(loss[1:], [2.5, 97.5]).tolist(),
        }
    return report
