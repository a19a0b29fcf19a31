"""How good a model is on labelled records: by language and behaviour, with intervals, beside the cue baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from santun_corpora import BEHAVIOURS, CORE_BEHAVIOURS, LANGUAGES, InputError, Problem, Utterance, open_source, read
from santun_corpora.columns import unknown_label
from santun_models.language import pool_languages
from santun_models.lexicon import LexiconClassifier
from sklearn.metrics import average_precision_score

from santun.model import Labels, Model
from santun.prepare import prepare
from santun.training_data import label_matrix, text_hashes

RESAMPLES = 1000
_BINS = 10


def read_evaluation(
    paths: Sequence[Path], columns: Mapping[str, str] | None = None, behaviours: Sequence[str] = BEHAVIOURS
) -> tuple[list[Utterance], list[str]]:
    """Read records with labels.

    Parameters
    ----------
    paths : sequence of Path
    columns : mapping of str to str, default=None
        Santun's field to the file's column, where the names are not to be guessed.
    behaviours : sequence of str
        Names that labels may have beside the ten.

    Returns
    -------
    rows : list of Utterance
    problems : list of str
        Broken rows, and rows without labels, by place.

    Raises
    ------
    InputError
        If a file cannot be read, or no row has labels.
    """
    rows: list[Utterance] = []
    problems: list[str] = []
    known = tuple(dict.fromkeys((*BEHAVIOURS, *behaviours)))
    for path in paths:
        for item in read(open_source(path), columns):
            if isinstance(item, Problem):
                problems.append(str(item))
            elif item.fault:
                problems.append(f"{item.source}: {item.fault}")
            elif item.labels is None:
                problems.append(f"{item.source}: no labels")
            elif unknown := unknown_label(item.labels, known):
                problems.append(f"{item.source}: {unknown}")
            else:
                rows.append(item)
    if not rows:
        raise InputError(f"{paths[0].name}: no row has labels; evaluation needs a column `labels`")
    return rows, problems


def evaluate(model: Model, rows: Sequence[Utterance], *, by: str | None = None, seed: int = 0) -> dict[str, Any]:
    """Compare a model, and the cue baseline, with labelled utterances.

    Parameters
    ----------
    model : Model
    rows : sequence of Utterance
        The turns of a conversation in order.
    by : str, default=None
        A field of the records; core macro-F1 is given for each of its values.
    seed : int, default=0
        Of the bootstrap.

    Returns
    -------
    dict
        ``languages``: for each language (and ``all``) the ``behaviours`` with precision, recall, f1 and its 95 %
        interval, average_precision, support, calibration_error, false_alarms (per 100 rows), and the baseline's f1;
        macro means over the core five and over all, with intervals. ``average``: the mean over languages. ``seen`` /
        ``unseen``: macro-F1 on texts whose near-duplicates are or are not in the training data.
        ``language_identification``: its accuracy where the records name the language.

    Notes
    -----
    Intervals are percentiles of 1,000 resamples of conversations (Field & Welsh 2007, Bootstrapping clustered data,
    doi:10.1111/j.1467-9868.2007.00593.x); a row without a conversation is one of its own. Calibration error is the
    expected calibration error over ten bins of equal width (Naeini et al. 2015). A behaviour without support is left
    out of the macro means, and named.
    """
    truth = label_matrix(rows, model.behaviours)
    result = model.label_utterances(rows)
    prepared = prepare([row.text for row in rows], result.lang)
    baseline = LexiconClassifier(behaviours=model.behaviours).predict(prepared)
    clusters = clusters_of(rows)
    langs = np.array(result.lang)
    groups = {code: langs == code for code in LANGUAGES if (langs == code).any()}
    report: dict[str, Any] = {"model": model.version, "rows": len(rows), "conversations": int(clusters.max()) + 1}
    scored = {
        code: _scores(model.behaviours, truth[m], result, m, baseline[m], clusters[m], seed)
        for code, m in groups.items()
    }
    report["average"] = {
        key: _mean([part[key] for part in scored.values()])
        for key in ("core_f1", "macro_f1", "baseline_core_f1", "baseline_macro_f1")
    }
    whole = np.ones(len(rows), bool)
    scored["all"] = _scores(model.behaviours, truth, result, whole, baseline, clusters, seed)
    report["languages"] = scored
    seen = model.has_seen(text_hashes(prepared))
    for name, mask in (("seen", seen), ("unseen", ~seen)):
        report[name] = _macro(model.behaviours, truth[mask], result.predicted[mask]) | {"rows": int(mask.sum())}
    report["language_identification"] = _identification(model, rows)
    if by:
        values = np.array([str(row.fields.get(by, "")) for row in rows])
        report["by"] = {
            value: _macro(model.behaviours, truth[values == value], result.predicted[values == value])
            | {"rows": int((values == value).sum())}
            for value in sorted(set(values.tolist()))
        }
    return report


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def clusters_of(rows: Sequence[Utterance]) -> npt.NDArray[np.int64]:
    """Number of the conversation of each row; a row without one is one of its own."""
    index: dict[Any, int] = {}
    keys = [row.conversation_id if row.conversation_id is not None else i for i, row in enumerate(rows)]
    return np.array([index.setdefault(key, len(index)) for key in keys], np.int64)


def f1_of(hits: Any, predicted: Any, actual: Any) -> Any:
    """F1 of counts of any shape; 0 where nothing was there and nothing was said."""
    total = predicted + actual
    return np.divide(2 * hits, total, out=np.zeros_like(total, float), where=total > 0)


def _scores(
    names: Sequence[str],
    truth: npt.NDArray[np.int8],
    result: Labels,
    mask: npt.NDArray[np.bool_],
    baseline: npt.NDArray[np.int8],
    clusters: npt.NDArray[np.int64],
    seed: int,
) -> dict[str, Any]:
    predicted, scores = result.predicted[mask], result.scores[mask]
    n = len(truth)
    _, cluster = np.unique(clusters, return_inverse=True)
    counts = np.zeros((3, int(cluster.max()) + 1, len(names)))
    for kind, value in enumerate((truth & predicted, predicted, truth)):
        np.add.at(counts[kind], cluster, value)
    rng = np.random.default_rng(seed)
    n_clusters = counts.shape[1]
    draws = rng.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), size=RESAMPLES).astype(float)
    hits, positive, actual = (draws @ counts[kind] for kind in range(3))
    resampled = f1_of(hits, positive, actual)
    point = f1_of(*(counts[kind].sum(axis=0) for kind in range(3)))
    base = f1_of((truth & baseline).sum(axis=0), baseline.sum(axis=0), truth.sum(axis=0))
    behaviours = {}
    for j, name in enumerate(names):
        y, p = truth[:, j], predicted[:, j]
        support = int(y.sum())
        hit = int((y & p).sum())
        behaviours[name] = {
            "precision": hit / int(p.sum()) if p.any() else None,
            "recall": hit / support if support else None,
            "f1": float(point[j]) if support else None,
            "f1_interval": np.percentile(resampled[:, j], [2.5, 97.5]).tolist() if support else None,
            "average_precision": float(average_precision_score(y, scores[:, j])) if support else None,
            "support": support,
            "predicted": int(p.sum()),
            "false_alarms": 100 * float((p & (1 - y)).sum()) / n,
            "calibration_error": calibration_error(y, scores[:, j]),
            "baseline_f1": float(base[j]) if support else None,
        }
    supported = [j for j, name in enumerate(names) if behaviours[name]["support"]]
    core = [j for j in supported if names[j] in CORE_BEHAVIOURS]
    part: dict[str, Any] = {"rows": n, "behaviours": behaviours}
    for key, columns in (("core", core), ("macro", supported)):
        part[f"{key}_f1"] = float(point[columns].mean()) if columns else None
        if columns:
            part[f"{key}_f1_interval"] = np.percentile(resampled[:, columns].mean(axis=1), [2.5, 97.5]).tolist()
        part[f"baseline_{key}_f1"] = float(base[columns].mean()) if columns else None
    part["without_support"] = [name for name in names if not behaviours[name]["support"]]
    return part


def _macro(names: Sequence[str], truth: npt.NDArray[np.int8], predicted: npt.NDArray[np.int8]) -> dict[str, Any]:
    """Macro-F1 over the core and over all behaviours that occur; None where none does."""
    f1 = f1_of((truth & predicted).sum(axis=0), predicted.sum(axis=0), truth.sum(axis=0))
    supported = truth.any(axis=0)
    core = supported & np.array([name in CORE_BEHAVIOURS for name in names])
    return {
        "core_f1": float(f1[core].mean()) if core.any() else None,
        "macro_f1": float(f1[supported].mean()) if supported.any() else None,
    }


def calibration_error(truth: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Expected calibration error over ten bins of equal width.

    Examples
    --------
    >>> round(calibration_error([1, 0, 1, 1], [0.9, 0.1, 0.9, 0.9]), 3)
    0.1
    """
    y, p = np.asarray(truth, float), np.asarray(scores, float)
    bins = np.minimum((p * _BINS).astype(int), _BINS - 1)
    gap = np.bincount(bins, p - y, minlength=_BINS)
    return float(np.abs(gap).sum() / max(len(y), 1))


def _identification(model: Model, rows: Sequence[Utterance]) -> dict[str, Any] | None:
    """Accuracy of the language identifier where records name a language: by utterance, and by conversation."""
    named = [row for row in rows if row.lang]
    if not named:
        return None
    probabilities, _, n_words = model.identifier.predict_parts([row.text for row in named])
    clusters = clusters_of(named)
    pooled, whole = pool_languages(probabilities, n_words, clusters)
    classes = model.identifier.classes_
    truth = np.array([row.lang for row in named])
    long = n_words >= 4
    first = np.array([truth[np.flatnonzero(clusters == c)[0]] for c in range(int(clusters.max()) + 1)])

    def accuracy(p: npt.NDArray[np.float64], y: npt.NDArray[np.str_]) -> float | None:
        return float((classes[p.argmax(axis=1)] == y).mean()) if len(y) else None

    return {
        "utterances_of_four_words": accuracy(probabilities[long], truth[long]),
        "by_language": {
            code: accuracy(probabilities[long & (truth == code)], truth[long & (truth == code)])
            for code in LANGUAGES
            if (long & (truth == code)).any()
        },
        "utterances_in_conversation": accuracy(pooled, truth),
        "conversations": accuracy(whole, first),
        "n_utterances_of_four_words": int(long.sum()),
        "n_conversations": len(first),
    }


def number(value: float | None, digits: int = 3) -> str:
    """Write a figure; a dash for one that is not defined.

    Examples
    --------
    >>> number(0.5), number(None)
    ('0.500', '–')
    """
    return "–" if value is None else f"{value:.{digits}f}"
