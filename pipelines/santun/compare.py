"""Compare models on the same rows: paired differences with intervals, exact tests, and which labels flipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from santun_corpora import CORE_BEHAVIOURS, LANGUAGES, InputError, Utterance
from scipy.stats import binomtest, false_discovery_control

from santun.evaluate import RESAMPLES, clusters_of, f1_of
from santun.model import Model
from santun.prepare import prepare
from santun.recipe import RecipeError, default_recipe, load_recipe
from santun.training_data import TrainingDataError, gather, label_matrix, text_hashes

Counts = npt.NDArray[np.float64]
_LONG = 5


def compare(
    models: Sequence[tuple[str, Model]],
    rows: Sequence[Utterance],
    truth: npt.NDArray[np.int8] | None = None,
    *,
    by: str | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare each model with the first.

    Parameters
    ----------
    models : sequence of (str, Model)
        Name and model; at least two.
    rows : sequence of Utterance
        Labelled, the turns of a conversation in order, none of them trained on.
    truth : ndarray of int8, shape (n_rows, n_shared), default=None
        1, 0, and -1 where it is not known, for the behaviours that all models know, in the order of the first; from the
        rows' labels where None.
    by : str, default=None
        A field of the records; the core difference is given for each of its values.
    seed : int, default=0
        Of the bootstrap.

    Returns
    -------
    dict
        ``rows``, ``conversations``, ``behaviours`` (those that all know), ``not_shared``, ``models`` (name, version,
        share of rows whose words it was trained on) and ``pairs``: for each further model its ``languages`` (and
        ``all``) with ``core_f1``, ``macro_f1`` and ``behaviours``, each of them ``a``, ``b``, ``difference`` (b minus a)
        and its 95 % ``interval``; behaviours also with ``support`` and ``mcnemar``; and ``flips``, every label that
        changed, by place.

    Notes
    -----
    Differences are resampled in pairs, 1,000 times by conversation (Efron & Tibshirani 1993, An introduction to the
    bootstrap; Field & Welsh 2007 for clusters). McNemar's test is exact and of two sides, on utterances of which one
    model is right and the other wrong (Fagerland, Lydersen, Laake 2013, doi:10.1186/1471-2288-13-91); it takes
    utterances for independent, so beside the interval it is the more lenient. ``p_adjusted`` controls the false
    discovery rate over the behaviours of a language (Benjamini & Hochberg 1995).
    """
    names = [n for n in models[0][1].behaviours if all(n in model.behaviours for _, model in models)]
    every = dict.fromkeys(n for _, model in models for n in model.behaviours)
    if truth is None:
        truth = label_matrix(rows, names)
    known = truth >= 0
    clusters = clusters_of(rows)
    results = []
    for _, model in models:
        result = model.label_utterances(rows)
        results.append((result.predicted[:, [model.behaviours.index(n) for n in names]], result.lang))
    langs = np.array([row.lang or found for row, found in zip(rows, results[0][1], strict=True)])
    seen = text_hashes(prepare([row.text for row in rows], langs.tolist()))
    long = np.array([len(row.text.split()) >= _LONG for row in rows], bool)
    report: dict[str, Any] = {
        "rows": len(rows),
        "conversations": int(clusters.max()) + 1,
        "behaviours": names,
        "not_shared": [n for n in every if n not in names],
        "models": [
            {
                "name": name,
                "version": model.version,
                "seen": float(model.has_seen(seen[long]).mean()) if long.any() else 0.0,
            }
            for name, model in models
        ],
        "pairs": [],
    }
    groups = {code: langs == code for code in LANGUAGES if (langs == code).any()}
    groups["all"] = np.ones(len(rows), bool)
    for index in range(1, len(models)):
        pair = (results[0][0], results[index][0])
        part = {code: _differences(names, truth, known, pair, mask, clusters, seed) for code, mask in groups.items()}
        entry: dict[str, Any] = {"a": models[0][0], "b": models[index][0], "languages": part}
        if by:
            values = np.array([str(row.fields.get(by, "")) for row in rows])
            entry["by"] = {
                value: {
                    "rows": int((values == value).sum()),
                    **{
                        key: split[key]
                        for split in [_differences(names, truth, known, pair, values == value, clusters, seed)]
                        for key in ("core_f1", "macro_f1")
                    },
                }
                for value in sorted(set(values.tolist()))
            }
        entry["flips"] = _flips(names, truth, pair, rows, langs)
        report["pairs"].append(entry)
    return report


def held_out_rows(
    recipes: Sequence[Path | None], names: Sequence[str]
) -> tuple[list[Utterance], npt.NDArray[np.int8], list[str]]:
    """Give the test splits of runs' data, each row once, and which labels of them are known.

    Parameters
    ----------
    recipes : sequence of Path or None
        Of the runs; a run without one was trained on the seed corpus.
    names : sequence of str
        Behaviours, the columns of the truth.

    Returns
    -------
    rows : list of Utterance
    truth : ndarray of int8, shape (n_rows, n_names)
        1, 0, and -1 where a row was not labelled for the behaviour.
    notes : list of str
        Runs whose data are not here any more.

    Raises
    ------
    InputError
        If nothing is left to compare on.
    """
    taken: dict[tuple[Any, ...], tuple[Utterance, npt.NDArray[np.int8]]] = {}
    notes = []
    for path in dict.fromkeys(recipes):
        recipe = default_recipe() if path is None else load_recipe(path)
        try:
            held_out = gather(recipe).part("test")
        except (InputError, TrainingDataError, RecipeError) as error:
            notes.append(f"the data of {recipe.name} cannot be used: {error}")
            continue
        matrix = label_matrix(held_out, recipe)
        columns = [recipe.behaviours.index(name) if name in recipe.behaviours else None for name in names]
        for row, line in zip(held_out, matrix, strict=True):
            known = np.array([-1 if column is None else line[column] for column in columns], np.int8)
            taken.setdefault((row.conversation_id, row.turn, row.id, row.text), (row, known))
    if not taken:
        raise InputError("; ".join(notes) or "nothing is held out")
    return [row for row, _ in taken.values()], np.array([known for _, known in taken.values()], np.int8), notes


def _counts(
    truth: npt.NDArray[np.int8],
    predicted: npt.NDArray[np.int8],
    known: npt.NDArray[np.bool_],
    cluster: npt.NDArray[np.int64],
) -> Counts:
    """Hits, predictions and positives of each cluster, shape (3, n_clusters, n_behaviours)."""
    y, p = (truth == 1) & known, (predicted == 1) & known
    counts = np.zeros((3, int(cluster.max()) + 1, truth.shape[1]))
    for kind, value in enumerate((y & p, p, y)):
        np.add.at(counts[kind], cluster, value)
    return counts


def _differences(
    names: Sequence[str],
    truth: npt.NDArray[np.int8],
    known: npt.NDArray[np.bool_],
    pair: tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]],
    mask: npt.NDArray[np.bool_],
    clusters: npt.NDArray[np.int64],
    seed: int,
) -> dict[str, Any]:
    truth, known = truth[mask], known[mask]
    predicted = [one[mask] for one in pair]
    _, cluster = np.unique(clusters[mask], return_inverse=True)
    counts = [_counts(truth, one, known, cluster) for one in predicted]
    n = counts[0].shape[1]
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(float)
    points = [f1_of(*one.sum(axis=1)) for one in counts]
    resampled = [f1_of(*(draws @ kind for kind in one)) for one in counts]
    support = counts[0][2].sum(axis=0).astype(int)
    supported = np.flatnonzero(support).tolist()
    core = [j for j in supported if names[j] in CORE_BEHAVIOURS]
    part: dict[str, Any] = {"rows": int(mask.sum()), "behaviours": {}}
    for key, columns in (("core_f1", core), ("macro_f1", supported)):
        if len(columns):
            part[key] = _difference(
                *(p[columns].mean() for p in points), *(r[:, columns].mean(axis=1) for r in resampled)
            )
        else:
            part[key] = None
    for j in supported:
        right = [(one[:, j] == truth[:, j])[known[:, j]] for one in predicted]
        mended, broken = int((~right[0] & right[1]).sum()), int((right[0] & ~right[1]).sum())
        part["behaviours"][names[j]] = {
            **_difference(*(p[j] for p in points), *(r[:, j] for r in resampled)),
            "support": int(support[j]),
            "mcnemar": {
                "mended": mended,
                "broken": broken,
                "p": float(binomtest(mended, mended + broken).pvalue) if mended + broken else 1.0,
            },
        }
    tests = [scores["mcnemar"] for scores in part["behaviours"].values()]
    for test, adjusted in zip(tests, false_discovery_control([t["p"] for t in tests]) if tests else [], strict=True):
        test["p_adjusted"] = float(adjusted)
    return part


def _difference(a: float, b: float, drawn_a: Counts, drawn_b: Counts) -> dict[str, Any]:
    return {
        "a": float(a),
        "b": float(b),
        "difference": float(b - a),
        "interval": np.percentile(drawn_b - drawn_a, [2.5, 97.5]).tolist(),
    }


def _flips(
    names: Sequence[str],
    truth: npt.NDArray[np.int8],
    pair: tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]],
    rows: Sequence[Utterance],
    langs: npt.NDArray[np.str_],
) -> list[dict[str, Any]]:
    flips = []
    for i, j in np.argwhere(pair[0] != pair[1]).tolist():
        row = rows[i]
        said = {1: "mended" if pair[1][i, j] else "broken", 0: "broken" if pair[1][i, j] else "mended", -1: "unknown"}
        flips.append(
            {
                "source": row.source, "id": row.id, "conversation_id": row.conversation_id, "turn": row.turn,
                "lang": str(langs[i]), "behaviour": names[j], "a": bool(pair[0][i, j]), "b": bool(pair[1][i, j]),
                "effect": said[int(truth[i, j])],
            }
        )  # fmt: skip
    return flips


def losses(pair: Mapping[str, Any], margin: float, *, least_support: int = 20) -> list[str]:
    """Say which language or behaviour the second model of a pair loses more than `margin` F1 on.

    Languages count by their macro-F1, behaviours over all languages; a behaviour with fewer than `least_support`
    examples says too little to stop anything.
    """
    lost = []
    for code, part in pair["languages"].items():
        scores = part["macro_f1"]
        if code != "all" and scores and scores["difference"] < -margin:
            lost.append(f"{code} {scores['difference']:+.3f} ({scores['a']:.3f} to {scores['b']:.3f})")
    for name, scores in pair["languages"]["all"]["behaviours"].items():
        if scores["difference"] < -margin and scores["support"] >= least_support:
            lost.append(f"{name} {scores['difference']:+.3f} ({scores['a']:.3f} to {scores['b']:.3f})")
    return lost


def draw_differences(pair: Mapping[str, Any]) -> Any:
    """Draw the differences of a pair with their intervals, a panel for each language.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    codes = list(pair["languages"])
    codes = codes[:-1] if len(codes) == 2 else codes  # of one language "all" would say the same again
    names = list(pair["languages"]["all"]["behaviours"])
    lines = ["core_f1", "macro_f1", *names]
    figure = Figure(figsize=(2.6 * len(codes) + 1.6, 0.34 * len(lines) + 1.2), layout="constrained")
    axes = figure.subplots(1, len(codes), sharey=True, squeeze=False)[0]
    for axis, code in zip(axes, codes, strict=True):
        part = pair["languages"][code]
        for y, name in enumerate(lines):
            scores = part.get(name) if name in ("core_f1", "macro_f1") else part["behaviours"].get(name)
            if not scores:
                continue
            low, high = scores["interval"]
            colour = "#1f6f8b" if low > 0 else "#b5452c" if high < 0 else "0.55"
            axis.plot([low, high], [y, y], color=colour, linewidth=2)
            axis.plot(scores["difference"], y, "o", color=colour, markersize=5)
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set_title(f"{code} ({part['rows']:,})", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
        axis.grid(axis="x", color="0.9")
    axes[0].set_yticks(range(len(lines)), ["core five", "all", *(name.replace("_", " ") for name in names)], fontsize=8)
    axes[0].invert_yaxis()
    figure.supxlabel(
        f"difference in F1, {pair['b']} minus {pair['a']}\n95 % intervals, paired by conversation", fontsize=9
    )
    return figure


def write_html(report: Mapping[str, Any], path: Path) -> None:
    """Write a comparison as one HTML file that needs nothing else.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    import io

    from jinja2 import Environment

    pictures = []
    for pair in report["pairs"]:
        buffer = io.StringIO()
        draw_differences(pair).savefig(buffer, format="svg", metadata={"Date": None})
        pictures.append(buffer.getvalue().split("<svg", 1)[1])
    template = (files("santun") / "templates" / "compare.html").read_text(encoding="utf-8")
    page = (
        Environment(autoescape=True)
        .from_string(template)
        .render(report=report, pairs=list(zip(report["pairs"], pictures, strict=True)))
    )
    path.write_text(page, encoding="utf-8")
