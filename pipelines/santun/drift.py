"""Whether a model that fitted one batch of conversations fits another: what differs, by more than chance, and how much.

No labels by people are needed, so how good the model is stays unknown; what can be seen is whether it is as sure as it
was, knows the words, and meets the same languages, channels, lengths and behaviours.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from santun_corpora import BEHAVIOURS, InputError, Problem, Utterance, open_source, read
from santun_corpora.schema import fold
from scipy.spatial.distance import jensenshannon
from scipy.stats import false_discovery_control

from santun.conversations import FIELDS, scores_of
from santun.prepare.normalise import spelling

RESAMPLES = 999
ALPHA = 0.05
SMALL_H, LARGE_H = 0.1, 0.2
SMALL_PSI, LARGE_PSI = 0.1, 0.25
_FEW = 30  # conversations; with fewer next to nothing is more than chance
_MOST = 20_000  # conversations of a batch that are resampled
_NEAR = 0.5  # log-odds from the threshold
_WORD = re.compile(r"[^\W\d_]+")
_LENGTHS = (1, 2, 3, 5, 8, 12, 17, 25, 40, 80)
_AT_ONCE = 100  # resamples
_YES = ["no", "yes"]
_WORDS = "unseen_words"
_FIT = ("confidence", "near_threshold", _WORDS)

Counts = npt.NDArray[np.float64]


@dataclass
class Batch:
    """The labelled turns of a batch.

    Attributes
    ----------
    behaviours : list of str
    conversation : ndarray of int64, shape (n,)
        Number of the conversation of each turn; a lone utterance is one of its own.
    labels : ndarray of bool, shape (n, n_behaviours)
    scores : ndarray of float64, shape (n, n_behaviours)
        Not a number where the records have none.
    langs, roles, channels : list of str
    mixed : ndarray of bool, shape (n,)
    words : ndarray of int64, shape (n,)
        Words of each turn.
    tokens : list of ndarray of uint32
        Hashes of the words of each conversation.
    read, skipped, bad : int
        Rows.
    problems : list of str
        Bad rows by place, the first hundred.
    """

    behaviours: list[str]
    conversation: npt.NDArray[np.int64]
    labels: npt.NDArray[np.bool_]
    scores: npt.NDArray[np.float64]
    langs: list[str]
    roles: list[str]
    channels: list[str]
    mixed: npt.NDArray[np.bool_]
    words: npt.NDArray[np.int64]
    tokens: list[npt.NDArray[np.uint32]]
    read: int = 0
    skipped: int = 0
    bad: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def conversations(self) -> int:
        """How many conversations there are."""
        return len(self.tokens)


@dataclass
class _Feature:
    """What is counted of each conversation: turns in bins, or words."""

    name: str
    bins: list[str]
    ref: Counts
    new: Counts


def read_batch(paths: Sequence[Path], *, on_rows: Callable[[int], None] | None = None) -> Batch:
    """Read what ``santun label`` wrote.

    Parameters
    ----------
    paths : sequence of Path
        JSONL, CSV, XLSX or Parquet.
    on_rows : callable, default=None
        Told how many rows are read.

    Returns
    -------
    Batch

    Raises
    ------
    InputError
        If a file cannot be read, or no row has labels.
    """
    calls: list[int] = []
    labels: list[list[str]] = []
    scores: list[dict[str, float]] = []
    langs, roles, channels = [], [], []
    mixed: list[bool] = []
    words: list[int] = []
    tokens: list[list[int]] = []
    index: dict[Any, int] = {}
    names: dict[str, None] = dict.fromkeys(BEHAVIOURS)
    n_read = skipped = bad = 0
    problems: list[str] = []
    for path in paths:
        for item in read(open_source(path)):
            n_read += 1
            if on_rows and n_read % 5_000 == 0:
                on_rows(n_read)
            row_scores = {} if isinstance(item, Problem) else _scores(item)
            # a workbook gives an empty cell back as nothing, so scores say that the row was labelled
            if isinstance(item, Problem) or item.fault or (item.labels is None and not row_scores):
                bad += 1
                what = str(item) if isinstance(item, Problem) else f"{item.source}: {item.fault or 'no labels'}"
                problems += [what] if len(problems) < 100 else []
                continue
            if item.fields.get("skipped") or item.skip:
                skipped += 1
                continue
            key = (path, item.conversation_id) if item.conversation_id is not None else n_read
            call = index.setdefault(key, len(index))
            if call == len(tokens):
                tokens.append([])
            said = [zlib.crc32(spelling(word).encode()) for word in _WORD.findall(item.text)]
            tokens[call] += said
            calls.append(call)
            labels.append(item.labels or [])
            scores.append(row_scores)
            names.update(dict.fromkeys([*labels[-1], *row_scores]))
            langs.append(item.lang or "")
            roles.append(item.role)
            channels.append(_channel(item))
            mixed.append(item.fields.get("mixed") in (True, "True", "true", "TRUE"))
            words.append(len(said))
    if not calls:
        name = paths[0].name if paths else "the input"
        raise InputError(f"{name}: no row has labels; label it first: santun label {name} -o labelled.jsonl")
    behaviours = list(names)
    return Batch(
        behaviours,
        np.array(calls),
        np.array([[name in one for name in behaviours] for one in labels], bool),
        np.array([[one.get(name, np.nan) for name in behaviours] for one in scores], float),
        langs,
        roles,
        channels,
        np.array(mixed, bool),
        np.array(words),
        [np.array(one, np.uint32) for one in tokens],
        read=n_read,
        skipped=skipped,
        bad=bad,
        problems=problems,
    )


def _scores(item: Utterance) -> dict[str, float]:
    return {name: float(value) for name, value in scores_of(item.fields).items() if _is_number(value)}


def _is_number(value: Any) -> bool:
    try:
        return float(value) == float(value)
    except (TypeError, ValueError):
        return False


def _channel(item: Utterance) -> str:
    values = [item.fields[name] for name in _channel_columns(tuple(item.fields))]
    return next((str(value)[:40] for value in values if value not in (None, "")), "")


@lru_cache(maxsize=1000)
def _channel_columns(names: tuple[str, ...]) -> list[str]:
    folded = {fold(name): name for name in names}
    return [folded[name] for name in FIELDS["channel"] if name in folded]


def drift(ref: Batch, new: Batch, *, seed: int = 0) -> dict[str, Any]:
    """Compare two batches.

    Parameters
    ----------
    ref, new : Batch
        Labelled by the same model.
    seed : int, default=0
        Of the resampling.

    Returns
    -------
    dict
        ``verdict`` (``fits``, ``differs``, ``doubtful``, or ``too_few``), ``words`` (the same in sentences, with what to
        do), ``ref`` and ``new`` (turns, conversations), ``findings``: for each thing that was compared ``name``,
        ``ref`` and ``new`` (shares of its bins, or one share), ``js`` (Jensen-Shannon distance, base 2), ``psi``, ``h``
        (Cohen's, of one share), ``p_adjusted`` and ``size`` (``none``, ``small``, ``large``); of one share also its
        ``difference`` and 95 % ``interval``. Where the mix of languages changed, ``same_mix`` has what would be left if
        NEW's were REF's. ``by_language`` has the shares and the confidence of each. ``notes`` says what could not be compared.

    Notes
    -----
    A difference counts if it is more than chance, in a permutation test of whole conversations on the Jensen-Shannon
    distance (Lin 1991, doi:10.1109/18.61115; p-values with the observed case, Phipson & Smyth 2010,
    doi:10.2202/1544-6115.1585) at a false discovery rate of 5 % over all that is compared (Benjamini & Hochberg 1995),
    and more than a little: Cohen's h of 0.1 for a share (Cohen 1988), or a population stability index of 0.1, large from
    0.25 (Siddiqi 2006, Credit risk scorecards). Intervals are percentiles of a bootstrap by conversation (Field & Welsh
    2007). What is compared, and that no single figure will do, follows Rabanser, Günnemann & Lipton 2019, Failing
    loudly. Words are unseen that are not in one half of REF; the other half says how many of such are usual.
    """
    rng = np.random.default_rng(seed)
    behaviours = [name for name in ref.behaviours if name in new.behaviours]
    notes: list[str] = []
    whole = np.arange(ref.conversations)
    features, halves = _features(ref, new, behaviours, notes, rng)
    weights = _weights(ref, new)
    findings: list[dict[str, Any]] = []
    p_values: list[float] = []
    for group, of in (
        ([f for f in features if f.name == _WORDS], halves),
        ([f for f in features if f.name != _WORDS], whole),
    ):
        if group:
            resampled = _resample(np.hstack([f.ref for f in group])[of], np.hstack([f.new for f in group]), rng)
            at = 0
            for one in group:
                columns = slice(at, at + len(one.bins))
                at = columns.stop
                p, finding = _finding(one, one.ref[of], one.new, [part[:, columns] for part in resampled], weights)
                p_values.append(p)
                findings.append(finding)
    for finding, p in zip(findings, false_discovery_control(p_values), strict=True):
        finding["p_adjusted"] = float(p)
        chance = p >= ALPHA
        finding["size"] = "none" if chance else _size(finding)
        if "same_mix" in finding:
            finding["same_mix"]["size"] = "none" if chance else _size(finding["same_mix"])
    if not any(one["name"] == "language" and one["size"] != "none" for one in findings):
        for finding in findings:
            finding.pop("same_mix", None)
    report: dict[str, Any] = {
        name: {"turns": len(batch.langs), "conversations": batch.conversations, "read": batch.read, "bad": batch.bad}
        for name, batch in (("ref", ref), ("new", new))
    }
    report |= {"findings": findings, "by_language": _by_language(ref, new, behaviours), "notes": notes}
    report["verdict"] = _verdict(report)
    report["words"] = _sentences(report, behaviours)
    return report


def _features(
    ref: Batch, new: Batch, behaviours: Sequence[str], notes: list[str], rng: np.random.Generator
) -> tuple[list[_Feature], npt.NDArray[np.int64]]:
    """What is compared, as counts of each conversation; and the half of REF whose words were not looked up in itself."""
    features: list[_Feature] = []
    columns = [batch.behaviours.index(name) for batch in (ref, new) for name in behaviours]
    own = (columns[: len(behaviours)], columns[len(behaviours) :])
    scores = tuple(batch.scores[:, c] for batch, c in zip((ref, new), own, strict=True))
    labels = tuple(batch.labels[:, c] for batch, c in zip((ref, new), own, strict=True))

    def add(name: str, bins: list[str], a: npt.ArrayLike, b: npt.ArrayLike) -> None:
        counts = [_counted(batch, np.asarray(x), len(bins)) for batch, x in ((ref, a), (new, b))]
        features.append(_Feature(name, bins, counts[0], counts[1]))

    if all(np.isfinite(one).any() for one in scores):
        sure = tuple(np.nanmean(np.maximum(one, 1 - one), axis=1) for one in scores)
        edges = np.unique(np.nanquantile(sure[0], np.linspace(0.1, 0.9, 9)))
        names = [f"to {edge:.3f}" for edge in edges] + ["above"]
        add("confidence", names, *(np.searchsorted(edges, one) for one in sure))
        thresholds = _thresholds((ref, new), labels, scores)
        if thresholds is None:
            notes.append("scores and labels do not fit one model; label both batches with the same one")
        else:
            add("near_threshold", _YES, *(_is_near(b, s, thresholds) for b, s in zip((ref, new), scores, strict=True)))
    else:
        notes.append("the records have no scores, so how sure the model is cannot be compared")
    order = rng.permutation(ref.conversations)
    looked_up, other = order[: len(order) // 2], np.sort(order[len(order) // 2 :])
    if len(looked_up):
        known = np.unique(np.concatenate([ref.tokens[i] for i in looked_up]))
        features.append(_Feature(_WORDS, _YES, _unseen(ref, known), _unseen(new, known)))
    for name, a, b in (
        ("language", ref.langs, new.langs),
        ("channel", ref.channels, new.channels),
        ("role", ref.roles, new.roles),
    ):
        values = sorted({*a, *b})
        if len(values) > 1:
            add(name, values, *(np.searchsorted(values, one) for one in (a, b)))
    add("mixed_languages", _YES, ref.mixed, new.mixed)
    lengths = [f"to {n}" for n in _LENGTHS] + ["above"]
    add("words_per_turn", lengths, *(np.searchsorted(_LENGTHS, batch.words) for batch in (ref, new)))
    for j, name in enumerate(behaviours):
        if labels[0][:, j].any() or labels[1][:, j].any():
            add(name, _YES, labels[0][:, j], labels[1][:, j])
    return features, other


def _unseen(batch: Batch, known: npt.NDArray[np.uint32]) -> Counts:
    """Words that are known and words that are not, of each conversation."""
    owner = np.repeat(np.arange(batch.conversations), [len(one) for one in batch.tokens])
    new = ~np.isin(np.concatenate(batch.tokens), known)
    return np.column_stack([np.bincount(owner, weights, batch.conversations) for weights in (~new, new)])


def _counted(batch: Batch, values: npt.NDArray[Any], n_bins: int) -> Counts:
    """Turns in each bin, of each conversation."""
    counts = np.zeros((batch.conversations, n_bins))
    np.add.at(counts, (batch.conversation, values.astype(np.int64)), 1)
    return counts


def _thresholds(
    batches: tuple[Batch, Batch],
    labels: tuple[npt.NDArray[np.bool_], ...],
    scores: tuple[npt.NDArray[np.float64], ...],
) -> dict[str, npt.NDArray[np.float64]] | None:
    """Thresholds of each language: between the surest turn without a label and the least sure one with it.

    None where they overlap: labels and scores are not one model's.
    """
    langs = np.array([*batches[0].langs, *batches[1].langs])
    on, p = np.concatenate(labels), np.concatenate(scores)
    found: dict[str, npt.NDArray[np.float64]] = {}
    for code in np.unique(langs).tolist():
        mask = langs == code
        low = np.nanmax(np.where(on[mask] | ~np.isfinite(p[mask]), 0.0, p[mask]), axis=0)
        high = np.nanmin(np.where(on[mask] & np.isfinite(p[mask]), p[mask], 1.0), axis=0)
        if (low > high + 2e-4).any():  # records have four digits
            return None
        # of a behaviour that nobody performs nothing is near
        found[code] = np.where(on[mask].any(axis=0), (low + high) / 2, np.nan)
    return found


def _is_near(
    batch: Batch, scores: npt.NDArray[np.float64], thresholds: Mapping[str, npt.NDArray[np.float64]]
) -> npt.NDArray[np.bool_]:
    """Whether any decision on a turn was close."""
    at = np.clip(np.array([thresholds[code] for code in batch.langs]), 1e-4, 1 - 1e-4)
    p = np.clip(scores, 1e-4, 1 - 1e-4)
    distance = np.abs(np.log(p / (1 - p)) - np.log(at / (1 - at)))
    return np.asarray((distance < _NEAR).any(axis=1))


def _shares(counts: Counts) -> Counts:
    """Shares of bins, where an empty one has a hundredth of a turn, so that no logarithm is infinite."""
    filled = counts + 0.01
    return np.asarray(filled / filled.sum(axis=-1, keepdims=True))


def _resample(ref: Counts, new: Counts, rng: np.random.Generator) -> list[Counts]:
    """Sums of bins over resamples: REF and NEW with conversations shuffled between them, then each drawn from itself."""
    ref, new = (one if len(one) <= _MOST else one[rng.choice(len(one), _MOST, replace=False)] for one in (ref, new))
    pool = np.vstack([ref, new])
    parts: list[list[Counts]] = [[], [], [], []]
    for start in range(0, RESAMPLES, _AT_ONCE):
        n = min(_AT_ONCE, RESAMPLES - start)
        taken = np.zeros((n, len(pool)))
        for row in taken:
            row[rng.permutation(len(pool))[: len(new)]] = 1
        parts[1].append(taken @ pool)
        parts[0].append(pool.sum(axis=0) - parts[1][-1])
        for part, own in ((parts[2], ref), (parts[3], new)):
            part.append(rng.multinomial(len(own), np.full(len(own), 1 / len(own)), size=n).astype(float) @ own)
    return [np.vstack(part) for part in parts]


def _finding(
    feature: _Feature, ref: Counts, new: Counts, resampled: Sequence[Counts], weights: npt.NDArray[np.float64] | None
) -> tuple[float, dict[str, Any]]:
    """p-value of a difference, and the difference."""
    a, b = _shares(ref.sum(axis=0)), _shares(new.sum(axis=0))
    seen = jensenshannon(a, b, 2.0)
    # of samples of a large batch the distance is that of the whole, to be compared with what chance gives the samples
    by_chance = jensenshannon(_shares(resampled[0]), _shares(resampled[1]), 2.0, axis=1)
    p = (1 + (by_chance >= seen - 1e-12).sum()) / (1 + len(by_chance))
    found: dict[str, Any] = {"name": feature.name, "js": float(seen), **_effect(feature, a, b)}
    if feature.bins != _YES:
        found |= {"bins": feature.bins, "ref": a.round(4).tolist(), "new": b.round(4).tolist()}
    else:
        drawn = [_shares(part)[:, 1] for part in resampled[2:]]
        found |= {
            "ref": float(a[1]),
            "new": float(b[1]),
            "difference": float(b[1] - a[1]),
            "interval": np.percentile(drawn[1] - drawn[0], [2.5, 97.5]).tolist(),
        }
    if weights is not None and feature.name != "language":
        mixed = _shares(weights @ new)
        found["same_mix"] = _effect(feature, a, mixed) | ({"new": float(mixed[1])} if feature.bins == _YES else {})
    return float(p), found


def _effect(feature: _Feature, a: Counts, b: Counts) -> dict[str, Any]:
    effect = {"psi": float(((b - a) * np.log(b / a)).sum())}
    if feature.bins == _YES:
        angles = 2 * np.arcsin(np.sqrt([a[1], b[1]]))
        effect["h"] = float(angles[1] - angles[0])
    return effect


def _size(effect: Mapping[str, Any]) -> str:
    value, small, large = (
        (abs(effect["h"]), SMALL_H, LARGE_H) if "h" in effect else (effect["psi"], SMALL_PSI, LARGE_PSI)
    )
    return "large" if value >= large else "small" if value >= small else "none"


def _weights(ref: Batch, new: Batch) -> npt.NDArray[np.float64] | None:
    """Weight of each conversation of NEW that gives it REF's mix of languages; None where they share none."""
    codes = np.unique([*ref.langs, *new.langs])
    at = [np.searchsorted(codes, batch.langs) for batch in (ref, new)]
    turns = [np.bincount(one, minlength=len(codes)) / len(one) for one in at]
    shared = (turns[0] > 0) & (turns[1] > 0)
    if not shared.any():
        return None
    by_code = np.divide(turns[0], turns[1], out=np.zeros(len(codes)), where=shared)
    main = _counted(new, at[1], len(codes)).argmax(axis=1)
    return np.asarray(by_code[main])


def _by_language(ref: Batch, new: Batch, behaviours: Sequence[str]) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for code in sorted({*ref.langs, *new.langs}):
        part = report[code or "?"] = {}
        for name, batch in (("ref", ref), ("new", new)):
            mask = np.array(batch.langs) == code
            p = batch.scores[mask][:, [batch.behaviours.index(one) for one in behaviours]]
            finite = np.isfinite(p)
            part[name] = {
                "turns": int(mask.sum()),
                "share": float(mask.mean()),
                "confidence": float(np.maximum(p, 1 - p)[finite].mean()) if finite.any() else None,
            }
    return report


def _verdict(report: Mapping[str, Any]) -> str:
    if min(report[name]["conversations"] for name in ("ref", "new")) < _FEW:
        return "too_few"
    found = {one["name"]: one for one in report["findings"] if one["size"] != "none"}
    if any(name in found and _worse(found[name]) for name in _FIT) or _new_languages(report):
        return "doubtful"
    return "differs" if found else "fits"


def _worse(finding: Mapping[str, Any]) -> bool:
    """Whether a sign of fit went the wrong way, and not only because languages are mixed otherwise."""
    if _explained(finding):
        return False
    return bool(finding["h"] > 0) if "h" in finding else _mean_bin(finding, "new") < _mean_bin(finding, "ref")


def _mean_bin(finding: Mapping[str, Any], side: str) -> float:
    return float(np.dot(finding[side], np.arange(len(finding[side]))))


def _explained(finding: Mapping[str, Any]) -> bool:
    """Whether nothing would be left of a difference if languages were mixed as in REF."""
    return "same_mix" in finding and finding["same_mix"]["size"] == "none"


def _new_languages(report: Mapping[str, Any]) -> list[str]:
    return [
        code
        for code, part in report["by_language"].items()
        if part["new"]["share"] >= 0.05 and part["ref"]["share"] < 0.01
    ]


_CALLED = {
    "confidence": "how sure the model is",
    "near_threshold": "turns with a close decision",
    _WORDS: "words that REF does not have",
    "language": "the mix of languages",
    "channel": "the mix of channels",
    "role": "who speaks",
    "mixed_languages": "turns that mix languages",
    "words_per_turn": "the length of turns",
}


def _sentences(report: Mapping[str, Any], behaviours: Sequence[str]) -> list[str]:
    """The verdict, what changed, the largest first, and what to do."""
    found = sorted(
        (one for one in report["findings"] if one["size"] != "none"),
        key=lambda one: (one["name"] not in _FIT, one["name"] in behaviours, -one["js"]),
    )
    few = min(report[name]["conversations"] for name in ("ref", "new"))
    first = {
        "fits": "NEW is like REF: nothing that was compared differs by more than chance and more than a little. "
        "As far as can be seen without labels, the model fits NEW as it fitted REF.",
        "differs": "NEW differs from REF in what is said, but the model is as sure of it and knows its words: "
        "it still fits, as far as can be seen without labels.",
        "doubtful": "The model may not fit NEW as it fitted REF.",
        "too_few": f"There are {few} conversations on one side; with fewer than {_FEW} nothing can be said.",
    }[report["verdict"]]
    if report["verdict"] == "too_few":
        return [first, "What to do: compare larger batches, a month with a month say."]
    lines = [first, *(f"Changed{' much' if one['size'] == 'large' else ''}: {_change(one)}" for one in found)]
    for code in _new_languages(report):
        lines.append(f"New: {100 * report['by_language'][code]['new']['share']:.0f} % of turns are {code}.")
    if report["verdict"] == "doubtful":
        lines.append(
            "What to do: label 200 turns of NEW yourself (santun review sample NEW -n 200 -o tasks.xlsx), see how good the "
            "model is on them (santun review import), and train with them (santun train) if it got worse. Until then "
            "compare no rates of NEW with REF's."
        )
    elif report["verdict"] == "differs":
        lines.append(
            "What to do: compare rates language by language and channel by channel where the mix changed; listen to "
            "some calls before you take a rate for a change of service."
        )
    return lines


def _change(one: Mapping[str, Any]) -> str:
    name = _CALLED.get(one["name"], f"turns with {one['name']}")
    because = "; the mix of languages explains it." if _explained(one) else "."
    if "h" in one:
        said = f"{name}, {100 * one['ref']:.1f} % to {100 * one['new']:.1f} %"
        low, high = (100 * value for value in one["interval"])
        said += f" (difference 95 % {low:+.1f} to {high:+.1f})"
        return said + because
    if one["name"] in ("confidence", "words_per_turn"):
        what = ("surer", "less sure") if one["name"] == "confidence" else ("longer", "shorter")
        more = _mean_bin(one, "new") > _mean_bin(one, "ref")
        return f"{name}: {what[0] if more else what[1]} (PSI {one['psi']:.2f}){because}"
    shifts = zip(one["bins"], one["ref"], one["new"], strict=True)
    # of two shares that move alike, as the only two do, the one that rose comes first, whatever their last digits say
    moved = sorted(shifts, key=lambda row: (-round(abs(row[2] - row[1]), 9), row[1] - row[2]))[:3]
    shares = ", ".join(f"{value or 'none'} {100 * a:.0f} % to {100 * b:.0f} %" for value, a, b in moved)
    return f"{name}: {shares} (PSI {one['psi']:.2f}){because}"
