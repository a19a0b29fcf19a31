"""Pictures of a model: scores, calibration, precision and recall, confusion of behaviours. All by matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, precision_recall_curve

mpl.rcParams["svg.hashsalt"] = "santun"
_INK, _SAND, _GREY = "#1f6f8b", "#d8b26e", "0.6"
Labels = npt.NDArray[np.int8]
Scores = npt.NDArray[np.float64]


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, SVG or PDF; the same figure gives the same bytes.

    Raises
    ------
    ValueError
        If the ending is none that matplotlib knows.
    """
    figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)


def _grid(names: Sequence[str], title: str) -> tuple[Figure, dict[str, Any]]:
    columns = min(5, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(2.4 * columns, 2.5 * lines + 0.4), layout="constrained")
    axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axis in axes[len(names) :]:
        axis.set_visible(False)
    figure.suptitle(title, fontsize=10)
    for axis, name in zip(axes, names, strict=False):
        axis.set_title(name, fontsize=9, loc="left")
        axis.set_xlim(0, 1)
        axis.set_ylim(0, 1)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=7)
    return figure, dict(zip(names, axes, strict=False))


def draw_calibration(names: Sequence[str], truth: Labels, scores: Scores) -> Figure:
    """Reliability diagram of each behaviour: how often it is there against how probable the model says it is."""
    figure, axes = _grid(
        names,
        "Calibration: share that has the behaviour, by predicted probability (ten bins; dots grow with the root of their rows)",
    )
    for j, axis in enumerate(axes.values()):
        axis.plot([0, 1], [0, 1], color=_GREY, linewidth=0.8, linestyle=":")
        if truth[:, j].any() and not truth[:, j].all():
            observed, predicted = calibration_curve(truth[:, j], scores[:, j], n_bins=10)
            rows = np.histogram(scores[:, j], np.linspace(0, 1, 11))[0]
            axis.plot(predicted, observed, color=_INK, linewidth=0.8)
            axis.scatter(predicted, observed, s=3 * np.sqrt(rows[rows > 0]), color=_INK, clip_on=False, zorder=3)
    return figure


def draw_precision_recall(names: Sequence[str], truth: Labels, scores: Scores, predicted: Labels) -> Figure:
    """Precision against recall of each behaviour; the dot is where the thresholds stand."""
    figure, axes = _grid(names, "Precision (upright) against recall; the dot is the threshold in use")
    for j, axis in enumerate(axes.values()):
        y = truth[:, j]
        if not y.any():
            axis.text(0.5, 0.5, "none", ha="center", fontsize=8, color=_GREY)
            continue
        precision, recall, _ = precision_recall_curve(y, scores[:, j])
        axis.plot(recall, precision, color=_INK, linewidth=1)
        hits = float((y & predicted[:, j]).sum())
        axis.plot(hits / y.sum(), hits / max(predicted[:, j].sum(), 1), "o", color=_SAND, markersize=5)
        axis.text(0.04, 0.05, f"AP {average_precision_score(y, scores[:, j]):.2f}", fontsize=8)
    return figure


def confusion(truth: Labels, predicted: Labels) -> npt.NDArray[np.int64]:
    """Multi-label confusion matrix.

    Returns
    -------
    ndarray of int64, shape (n_behaviours + 1, n_behaviours + 1)
        Rows are what was said, columns what the model says; the last of each is "none". A found behaviour counts on the
        diagonal; a missed one goes to what was wrongly predicted instead, or to none; a surplus one on an utterance
        where nothing is missed goes to the row of each true behaviour, or of none.

    Notes
    -----
    Heydarian, Doyle, Samavi (2022), MLCM: Multi-Label Confusion Matrix, IEEE Access 10,
    doi:10.1109/ACCESS.2022.3151048.
    """
    k = truth.shape[1]
    y, p = truth.astype(bool), predicted.astype(bool)
    hit, missed, surplus = y & p, y & ~p, p & ~y
    matrix = np.zeros((k + 1, k + 1), np.int64)
    matrix[range(k), range(k)] = hit.sum(axis=0)
    misses = missed.any(axis=1)
    matrix[:k, :k] += missed.astype(int).T @ surplus.astype(int)
    matrix[:k, k] = missed[~surplus.any(axis=1)].sum(axis=0)
    matrix[:k, :k] += y[~misses].astype(int).T @ surplus[~misses].astype(int)
    matrix[k, :k] = surplus[~y.any(axis=1)].sum(axis=0)
    matrix[k, k] = (~y.any(axis=1) & ~p.any(axis=1)).sum()
    return matrix


def draw_confusion(names: Sequence[str], matrix: npt.NDArray[np.int64]) -> Figure:
    """Confusion of behaviours, shaded by share of the row."""
    labels = [*names, "none"]
    size = 1.6 + 0.62 * len(labels)
    figure = Figure(figsize=(size, size), layout="constrained")
    axis = figure.subplots()
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axis.imshow(share, cmap="GnBu", vmin=0, vmax=1)
    for i, line in enumerate(matrix):
        for j, count in enumerate(line):
            if count:
                colour = "white" if share[i, j] > 0.6 else "black"
                axis.text(j, i, f"{count:,}", ha="center", va="center", fontsize=7, color=colour)
    axis.set_xticks(range(len(labels)), [name.replace("_", "\n") for name in labels], rotation=60, fontsize=8)
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    axis.set_xlabel("the model says")
    axis.set_ylabel("people say")
    axis.set_title("Confusion of behaviours (utterances; shade: share of the row)", fontsize=10)
    return figure


def draw_f1(report: Mapping[str, Any]) -> Figure:
    """F1 of every language and behaviour with its interval, beside the cue baseline."""
    colours = {"santun": _INK, "cue words": _SAND}
    codes = [code for code in report["languages"] if code != "all"]
    figure = Figure(figsize=(10, 2.2 + 2.1 * len(codes)), layout="constrained")
    axes = figure.subplots(len(codes), 1, sharex=True, squeeze=False)[:, 0]
    for axis, code in zip(axes, codes, strict=True):
        part = report["languages"][code]
        names = list(part["behaviours"])
        for x, name in enumerate(names):
            scores = part["behaviours"][name]
            if scores["f1"] is None:
                axis.text(x, 0.03, "none", ha="center", fontsize=8, color="0.5")
                continue
            low, high = scores["f1_interval"]
            axis.bar(x - 0.17, scores["f1"], 0.34, color=colours["santun"])
            axis.plot([x - 0.17] * 2, [low, high], color="black", linewidth=1)
            axis.bar(x + 0.17, scores["baseline_f1"], 0.34, color=colours["cue words"])
            axis.text(x - 0.17, 0.02, scores["support"], ha="center", fontsize=7, color="white")
        axis.set_ylim(0, 1)
        axis.set_ylabel("F1")
        means = ["–" if part[key] is None else f"{part[key]:.2f}" for key in ("core_f1", "macro_f1")]
        axis.set_title(f"{code}: core {means[0]}, all {means[1]}", loc="left", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xticks(range(len(names)), [name.replace("_", "\n") for name in names])
    handles = [Patch(color=colour, label=name) for name, colour in colours.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    figure.suptitle("F1 by language and behaviour, 95 % intervals by conversation; white: support", fontsize=10)
    return figure


def draw_trials(trials: Sequence[tuple[str, float, Sequence[float]]], metric: str) -> Figure:
    """Validation score of each tried setting with its interval, the best on top."""
    shown = trials[:40]
    figure = Figure(figsize=(8, 1.2 + 0.26 * len(shown)), layout="constrained")
    axis = figure.subplots()
    for y, (_, score, (low, high)) in enumerate(shown):
        axis.plot([low, high], [y, y], color=_GREY, linewidth=1.5)
        axis.plot(score, y, "o", color=_INK, markersize=5)
    axis.set_yticks(range(len(shown)), [name for name, _, _ in shown], fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel(f"{metric} on the validation split, 95 % intervals by conversation", fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="x", color="0.9")
    return figure
