"""The review loop: turns worth a person's time go out, answers come back as agreement, rates and training records.

A *task* is a labelled turn with the two turns before it and the model's scores. It stands in ``tasks.xlsx.review.jsonl``
beside ``tasks.xlsx`` that people work in, under an id of its own (``review.task``), by which answers find it again.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from santun_corpora import BEHAVIOURS, InputError, Problem, Utterance, open_source, read

from santun.conversations import scores_of
from santun.evaluate import RESAMPLES
from santun.scorecard import wilson
from santun.write import SCORED

CONTEXT = 2  # turns before a task's turn that a person sees
PICKED, RANDOM = "picked", "random"
_CANDIDATES = 10  # turns that are looked at for each that is picked
_SURE, _SAME = 0.05, 1e-9  # what is not worth asking: a behaviour's best turn, any turn
_NOT_WORDS = re.compile(r"[\W\d_]+")
# what labelling wrote, and what stands in a task by another name
_NOT_CARRIED = frozenset(
    ["labels", "scores", "mixed", "skipped", "escaped", "other_fields", "input", "context", "review", "redacted"]
)

Matrix = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]


# --------------------------------------------------------------------------------------------------- sampling


@dataclass
class Sample:
    """What was chosen, and of what.

    Attributes
    ----------
    tasks : list of Utterance
        Shuffled, so that of whatever part of them is answered the random turns are still a random sample.
    read, turns, skipped, bad : int
        Rows; ``read = turns + skipped + bad``. Skipped are those without labels, or of another role.
    strata : dict of str to int
        Turns of each stratum of the random part.
    problems : list of str
        Bad rows by place, the first hundred.
    behaviours : list of str
    """

    tasks: list[Utterance] = field(default_factory=list)
    read: int = 0
    turns: int = 0
    skipped: int = 0
    bad: int = 0
    strata: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    behaviours: list[str] = field(default_factory=list)


def sample(
    paths: Sequence[Path],
    n: int = 200,
    *,
    share: float = 0.25,
    per_conversation: int = 3,
    role: str | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Sample:
    """Choose turns for review: some at random, the others where labels are likely wrong, unlike each other.

    Parameters
    ----------
    paths : sequence of Path
        What ``santun label`` wrote: JSONL, CSV, XLSX or Parquet.
    n : int, default=200
    share : float, default=0.25
        Of `n`, drawn at random.
    per_conversation : int, default=3
        The most turns of a conversation that are picked.
    role : str, default=None
        Only turns of this role.
    seed : int, default=0
    progress : callable, default=None
        Told how many rows were read. The files are read twice.

    Raises
    ------
    InputError
        If a file cannot be read, or no row has scores.

    Notes
    -----
    The random part is a stratified sample: a turn's stratum is the rarest of its labels, or none; each stratum gets at
    least one turn and else a number that grows with the square root of its size, so that rare behaviours are seen, and
    turns count by the inverse of their chance (Cochran 1977, Sampling techniques, ch. 5).

    Of the rest each behaviour in turn picks the turn with the highest ``uncertainty × expected errors × (1 − similarity)``,
    so that rare ones get as many as frequent ones. Uncertainty is that of the behaviour's calibrated probability,
    min(p, 1 − p) (Lewis & Gale 1994, doi:10.1007/978-1-4471-2099-5_1); expected errors are its sum over the behaviours,
    for a turn is labelled for all (Esuli & Sebastiani 2009, doi:10.1007/978-3-642-00958-7_12). Similarity is the cosine of
    TF-IDF of hashed character n-grams with the nearest turn that was taken before (maximal marginal relevance, Carbonell &
    Goldstein 1998, doi:10.1145/290941.291025), so that a phrase that a thousand calls repeat is asked about once.
    """
    found = Sample()
    table = _Table()
    for item, scores in _labelled(paths, found, role):
        found.behaviours = found.behaviours or list(scores)
        table.add(item, [scores.get(name, 0.0) for name in found.behaviours], found.behaviours)
        if progress and found.read % 5_000 == 0:
            progress(found.read)
    if not table:
        raise InputError(f"{paths[0].name}: no turn with scores{f' of role {role}' if role else ''}; label it first: "
                         f"santun label {paths[0].name} -o labelled.jsonl")  # fmt: skip
    rng = np.random.default_rng(seed)
    matrix, labelled = table.arrays(len(found.behaviours))
    drawn, stratum = _draw(_strata(labelled), labelled.shape[1], min(round(n * share), len(table)), rng)
    names = [*found.behaviours, "none", "all"]
    sizes = np.bincount(stratum, minlength=len(names)).tolist()
    found.strata = {name: size for name, size in zip(names, sizes, strict=True) if size}
    unsure = np.minimum(matrix, 1.0 - matrix)
    wanted = min(n - len(drawn), len(table) - len(drawn))
    likely = _candidates(unsure, np.array(table.said), drawn, wanted)
    rows = _gather(paths, {*likely, *drawn.tolist()}, role, progress)
    picked = _pick(rows, likely, drawn.tolist(), unsure[likely], table.conversation, wanted, per_conversation)
    parts = {at: (RANDOM, names[stratum[at]], sizes[stratum[at]]) for at in drawn.tolist()}
    parts |= dict.fromkeys(picked, (PICKED, "", 0))
    for at in rng.permutation(sorted(parts)).tolist():
        found.tasks.append(_task(*rows[at], at, found.behaviours, matrix[at], parts[at]))
    return found


class _Table:
    """Scores, labels and conversations of all turns, in a few bytes each."""

    def __init__(self) -> None:
        self.scores, self.labels = array("f"), array("b")
        self.conversation, self.said = array("q"), array("q")

    def __len__(self) -> int:
        return len(self.conversation)

    def add(self, item: _Turn, scores: Sequence[float], behaviours: Sequence[str]) -> None:
        self.scores.extend(scores)
        self.labels.extend(name in (item.row.labels or ()) for name in behaviours)
        self.conversation.append(item.run)
        # equal but for marks and digits is equal; a hash will do, for it is compared within this process only
        self.said.append(hash(_NOT_WORDS.sub(" ", item.row.text.casefold()).strip()))

    def arrays(self, width: int) -> tuple[Floats, Matrix]:
        shape = (len(self), width)
        return np.array(self.scores, np.float64).reshape(shape), np.array(self.labels, np.int8).reshape(shape)


@dataclass(slots=True)
class _Turn:
    row: Utterance
    run: int  # number of its conversation


def _labelled(
    paths: Sequence[Path], found: Sample | None, role: str | None
) -> Iterator[tuple[_Turn, dict[str, float]]]:
    """Turns that have scores, in order; counted in `found`."""
    for item, scores in _turns(paths, found):
        if scores is None or (role is not None and item.row.role != role):
            if found:
                found.skipped += 1
            continue
        if found:
            found.turns += 1
        yield item, scores


def _turns(paths: Sequence[Path], found: Sample | None) -> Iterator[tuple[_Turn, dict[str, float] | None]]:
    """Every turn with its scores; None for one that was not labelled."""
    run = 0
    for path in paths:
        last: str | None = None
        run += 1
        for row in read(open_source(path)):
            if found:
                found.read += 1
            fault = str(row) if isinstance(row, Problem) else f"{row.source}: {row.fault}" if row.fault else ""
            scores: dict[str, float] | None = None
            if not isinstance(row, Problem) and not fault:
                if row.conversation_id is None or row.conversation_id != last:
                    last, run = row.conversation_id, run + 1
                if not (row.fields.get("skipped") or row.skip):
                    scores = _scores(row.fields)
                    fault = "" if scores else f"{row.source}: no scores; give what santun label wrote"
            if fault:
                if found:
                    found.bad += 1
                    if len(found.problems) < 100:
                        found.problems.append(fault)
                continue
            assert isinstance(row, Utterance)  # noqa: S101 (a problem is a fault)
            yield _Turn(row, run), scores


def _scores(fields: Mapping[str, Any]) -> dict[str, float]:
    """Scores of a record; empty where there are none, or one is no number."""
    try:
        return {str(name): min(1.0, max(0.0, float(value))) for name, value in scores_of(fields).items()}
    except (TypeError, ValueError):
        return {}


def _strata(labelled: Matrix) -> npt.NDArray[np.int64]:
    """Stratum of each turn: the rarest of its labels, or one past the last for none."""
    width = labelled.shape[1]
    rank = np.argsort(np.argsort(labelled.sum(axis=0, dtype=np.int64), kind="stable"), kind="stable")
    rarest = np.where(labelled > 0, rank, width).argmin(axis=1)
    return np.asarray(np.where(labelled.any(axis=1), rarest, width), np.int64)


def _draw(
    stratum: npt.NDArray[np.int64], width: int, n: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Draw without replacement from each stratum; where there are more strata than turns to draw, from all as one."""
    codes, sizes = np.unique(stratum, return_counts=True)
    if n < len(codes):
        return np.sort(rng.choice(len(stratum), n, replace=False)), np.full_like(stratum, width + 1)
    taken = np.ones(len(codes), np.int64)
    while taken.sum() < n:  # one by one to whom the most is owed (D'Hondt's highest averages)
        owed = np.where(taken < sizes, np.sqrt(sizes) / (taken + 1), -1.0)
        taken[int(owed.argmax())] += 1
    parts = [
        rng.choice(np.flatnonzero(stratum == code), count, replace=False)
        for code, count in zip(codes, taken.tolist(), strict=True)
    ]
    return np.sort(np.concatenate(parts)).astype(np.int64), stratum


def _worth(unsure: Floats) -> Floats:
    """Uncertainty times expected errors of the turn."""
    return np.asarray(unsure * unsure.sum(axis=1, keepdims=True))


def _candidates(unsure: Floats, said: npt.NDArray[np.int64], drawn: npt.NDArray[np.int64], n: int) -> list[int]:
    """Turns that are likely to be picked: of each behaviour those that the model is least sure of, of equal texts one."""
    each = -(-n * _CANDIDATES // max(unsure.shape[1], 1))
    fresh = ~np.isin(said, said[drawn])
    best: set[int] = set()
    for column in _worth(unsure).T:
        order = np.argsort(-column, kind="stable")
        order = order[fresh[order]]
        _, first = np.unique(said[order], return_index=True)
        best.update(order[np.sort(first)][:each].tolist())
    return sorted(best)


def _gather(
    paths: Sequence[Path], wanted: set[int], role: str | None, progress: Callable[[int], None] | None
) -> dict[int, tuple[Utterance, list[Utterance]]]:
    """Read again the turns that are wanted, with those before them in their conversation."""
    rows = {}
    before: deque[_Turn] = deque(maxlen=CONTEXT)
    at = 0
    for count, (item, scores) in enumerate(_turns(paths, None)):
        if progress and count % 5_000 == 0:
            progress(count)
        if before and before[-1].run != item.run:
            before.clear()
        if scores is not None and (role is None or item.row.role == role):
            if at in wanted:
                rows[at] = (item.row, [turn.row for turn in before])
            at += 1
        if scores is not None:
            before.append(item)
    return rows


def _pick(
    rows: Mapping[int, tuple[Utterance, list[Utterance]]],
    likely: Sequence[int],
    drawn: Sequence[int],
    unsure: Floats,
    conversation: Sequence[int],
    n: int,
    per_conversation: int,
) -> list[int]:
    """Let each behaviour in turn pick the turn that it is least sure of and that is least like those that are taken."""
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    if not likely:
        return []
    every = [*likely, *drawn]
    hashed = HashingVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), n_features=1 << 18, alternate_sign=False, norm=None
    ).transform([rows[at][0].text for at in every])
    vectors = TfidfTransformer(sublinear_tf=True).fit_transform(hashed).tocsr()
    taken = Counter(conversation[at] for at in drawn)
    first = len(likely)
    own = vectors[:first]
    nearest = np.zeros(first)
    if drawn:
        nearest = np.asarray((own @ vectors[first:].T).max(axis=1).todense(), np.float64).ravel()
    mine = np.array([conversation[at] for at in likely])
    free = np.array([taken[run] < per_conversation for run in mine.tolist()], bool)
    picked: list[int] = []
    worth = _worth(unsure)
    order = itertools.cycle(range(unsure.shape[1]))
    while len(picked) < n and free.any():
        value = np.where(free, 1.0 - np.clip(nearest, 0.0, 1.0), -1.0)[:, None] * worth
        best = int(value.max(axis=1).argmax())
        for j in itertools.islice(order, unsure.shape[1]):
            likeliest = int(value[:, j].argmax())
            if unsure[likeliest, j] >= _SURE and free[likeliest]:  # a behaviour that is sure of all that is left passes
                best = likeliest
                break
        if value[best].max() < _SAME:
            break
        picked.append(likely[best])
        free[best] = False
        taken[int(mine[best])] += 1
        if taken[int(mine[best])] >= per_conversation:
            free[mine == mine[best]] = False
        nearest = np.maximum(nearest, np.asarray((own @ own[best].T).todense(), np.float64).ravel())
    return picked


def _task(
    row: Utterance, before: Sequence[Utterance], at: int, behaviours: Sequence[str], scores: Floats, part: tuple[str, str, int]
) -> Utterance:  # fmt: skip
    """Make the record that is kept of a task."""
    # a turn that a record brings along comes first, as it does when the record is labelled
    context = [(who, text) for who, text in row.context] or [(_who(turn), turn.text) for turn in before]
    kept = context[-CONTEXT:]
    # letters first, lest a spreadsheet take it for a number
    key = "t" + hashlib.blake2b(json.dumps([row.source, at, row.text]).encode(), digest_size=6).hexdigest()
    brought = {
        name: value
        for name, value in row.fields.items()
        if name not in _NOT_CARRIED and not name.startswith(SCORED) and value not in (None, "")
    }
    record: dict[str, Any] = {
        "id": row.id,
        "conversation_id": row.conversation_id,
        "turn": row.turn,
        "speaker": row.speaker,
        "role": row.role,
        "lang": row.lang,
        "text": row.text,
        "labels": row.labels or [],
        "context": [f"{who}: {text}" for who, text in kept],
        "scores": dict(zip(behaviours, np.round(scores, 4).tolist(), strict=True)),
    }
    review = {"task": key, "part": part[0], "stratum": part[1], "of": part[2], "at": at}
    fields = {**record, **{name: value for name, value in brought.items() if name not in record}, "review": review}
    return Utterance(
        row.text, row.source, row.id, row.conversation_id, row.turn, row.speaker, row.role, row.lang,
        labels=row.labels or [], context=kept, fields=fields,
    )  # fmt: skip


def _who(row: Utterance) -> str:
    """Who speaks, so that it can be read again as the beginning of ``who: text``."""
    return row.role if row.role != "unknown" else (row.speaker or "unknown").replace(": ", ":")


# ---------------------------------------------------------------------------------------------------- answers

Votes = dict[str, dict[str, frozenset[str]]]
"""Task to reviewer to labels."""


@dataclass
class Settled:
    """What is taken for true of a task.

    Attributes
    ----------
    labels : list of str
    how : str
        ``single``, ``agreed``, ``majority``, ``adjudicated`` or ``open``.
    open : list of str
        Behaviours that as many reviewers see as do not, and nobody has had the last word on.
    """

    labels: list[str]
    how: str
    open: list[str] = field(default_factory=list)


def settle(votes: Mapping[str, frozenset[str]], last_word: frozenset[str] | None, behaviours: Sequence[str]) -> Settled:
    """Settle the labels of a task: a last word, else what all or most reviewers say of each behaviour.

    Examples
    --------
    >>> said = {"aina": frozenset(["thanks"]), "budi": frozenset(["thanks", "apology"])}
    >>> settle(said, None, ["apology", "thanks"])
    Settled(labels=['thanks'], how='open', open=['apology'])
    >>> settle(said, frozenset(["thanks"]), ["apology", "thanks"])
    Settled(labels=['thanks'], how='adjudicated', open=[])
    """
    if last_word is not None:
        return Settled(_ordered(last_word, behaviours), "adjudicated")
    answers = list(votes.values())
    counted = Counter(label for answer in answers for label in answer)
    labels = _ordered([label for label, n in counted.items() if 2 * n > len(answers)], behaviours)
    tied = _ordered([label for label, n in counted.items() if 2 * n == len(answers)], behaviours)
    if tied:
        return Settled(labels, "open", tied)
    how = "single" if len(answers) == 1 else "agreed" if len(set(answers)) == 1 else "majority"
    return Settled(labels, how)


def _ordered(labels: Iterable[str], behaviours: Sequence[str]) -> list[str]:
    every = list(dict.fromkeys([*behaviours, *sorted(labels)]))
    return [name for name in every if name in set(labels)]


def settle_all(tasks: Sequence[Utterance], votes: Votes, last_words: Votes) -> dict[str, Settled]:
    """Settle every task that somebody answered."""
    behaviours = behaviours_of_tasks(tasks)
    settled = {}
    for task in tasks:
        key = task_of(task)
        words = list(last_words.get(key, {}).values())
        if words or votes.get(key):
            settled[key] = settle(votes.get(key, {}), words[-1] if words else None, behaviours)
    return settled


def task_of(row: Utterance) -> str:
    """The id of a task."""
    review = row.fields.get("review")
    return str(review.get("task", "")) if isinstance(review, dict) else ""


def behaviours_of_tasks(tasks: Iterable[Utterance]) -> list[str]:
    """Behaviours that the model of the tasks knows, in its order."""
    names = dict.fromkeys(name for task in tasks for name in task.fields.get("scores") or ())
    return list(names) or list(BEHAVIOURS)


def differing(tasks: Sequence[Utterance], votes: Votes, last_words: Votes) -> list[Utterance]:
    """Tasks on which reviewers differ and nobody has had the last word."""
    return [
        task
        for task in tasks
        if len(set(votes.get(task_of(task), {}).values())) > 1 and not last_words.get(task_of(task))
    ]


def corrections(tasks: Sequence[Utterance], votes: Votes, settled: Mapping[str, Settled]) -> Iterator[dict[str, Any]]:
    """Make training records of what was settled, in the order of the labelled files.

    Yields
    ------
    dict
        A record as docs/train.md has it. ``context`` holds the turns before; ``review`` what the model said
        (``labels``), what each reviewer said (``answers``), and how it was ``settled``.
    """
    behaviours = behaviours_of_tasks(tasks)
    for task in sorted(tasks, key=lambda one: int(one.fields["review"].get("at", 0))):
        key = task_of(task)
        if key not in settled or settled[key].open:
            continue
        record = {name: value for name, value in task.fields.items() if name not in ("scores", "review")}
        record["labels"] = settled[key].labels
        answers = {who: _ordered(labels, behaviours) for who, labels in votes.get(key, {}).items()}
        record["review"] = {
            **task.fields["review"], "labels": task.labels or [], "answers": answers, "settled": settled[key].how
        }  # fmt: skip
        yield record


# -------------------------------------------------------------------------------------------------- agreement


def agreement(tasks: Sequence[Utterance], votes: Votes, *, seed: int = 0) -> dict[str, Any]:
    """Measure how far reviewers agree with each other, and the model with each.

    Parameters
    ----------
    tasks : sequence of Utterance
    votes : dict
        Task to reviewer to labels.
    seed : int, default=0
        Of the bootstrap.

    Returns
    -------
    dict
        ``reviewers`` (tasks each answered); ``alpha``: for each behaviour Krippendorff's ``alpha`` over all reviewers,
        its ``interval`` and the ``turns`` that two or more answered; ``pairs``: for each pair of reviewers, by behaviour,
        Cohen's ``kappa``, its ``interval`` and the share of ``equal`` answers; ``model``: the same for the model and each
        reviewer. A coefficient is None where all answers are the same: there is nothing to be by chance.

    Notes
    -----
    Krippendorff's alpha for nominal data with gaps (Krippendorff 2004, Content analysis, ch. 11), Cohen's kappa (1960).
    Intervals are percentiles of 1,000 resamples of conversations. Tasks are mostly hard turns: on all turns agreement is
    higher.
    """
    behaviours = behaviours_of_tasks(tasks)
    people = sorted({who for answers in votes.values() for who in answers})
    said = np.full((len(people) + 1, len(tasks), len(behaviours)), -1, np.int8)
    for at, task in enumerate(tasks):
        said[-1, at] = [name in (task.labels or ()) for name in behaviours]
        for row, who in enumerate(people):
            labels = votes.get(task_of(task), {}).get(who)
            if labels is not None:
                said[row, at] = [name in labels for name in behaviours]
    draws = _draws(tasks, seed)
    pairs = {
        f"{people[a]} / {people[b]}": _kappas(behaviours, said[a], said[b], draws)
        for a, b in itertools.combinations(range(len(people)), 2)
    }
    return {
        "reviewers": {who: int((said[row, :, 0] >= 0).sum()) for row, who in enumerate(people)},
        "alpha": _alphas(behaviours, said[:-1], draws),
        "pairs": {name: part for name, part in pairs.items() if part},
        "model": {who: _kappas(behaviours, said[row], said[-1], draws) for row, who in enumerate(people)},
    }


def _draws(tasks: Sequence[Utterance], seed: int) -> Floats:
    """How often each resample has each task, by conversation; shape (1 + RESAMPLES, n_tasks), the first all ones."""
    number: dict[Any, int] = {}
    group = [
        number.setdefault(
            (task.source.split(":")[0], task.conversation_id) if task.conversation_id else at, len(number)
        )
        for at, task in enumerate(tasks)
    ]
    n = len(number)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    return np.vstack([np.ones(len(group)), drawn[:, group]])


def _kappas(behaviours: Sequence[str], a: Matrix, b: Matrix, draws: Floats) -> dict[str, dict[str, Any]]:
    both = (a[:, 0] >= 0) & (b[:, 0] >= 0)
    report = {}
    for j, name in enumerate(behaviours if both.any() else ()):
        x, y = a[both, j], b[both, j]
        cells = np.stack([(x == 1) & (y == 1), (x == 1) & (y == 0), (x == 0) & (y == 1), (x == 0) & (y == 0)])
        yy, yn, ny, nn = (draws[:, both] @ cells.T.astype(float)).T
        report[name] = {
            **_coefficient("kappa", _kappa(yy, yn, ny, nn)), "equal": float((x == y).mean()), "turns": int(both.sum())
        }  # fmt: skip
    return report


def _kappa(yy: Floats, yn: Floats, ny: Floats, nn: Floats) -> Floats:
    """Cohen's kappa of counts; not a number where chance alone agrees wholly."""
    n = yy + yn + ny + nn
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = ((yy + yn) * (yy + ny) + (nn + yn) * (nn + ny)) / n**2
        return np.asarray(np.where(chance < 1, ((yy + nn) / n - chance) / (1 - chance), np.nan), np.float64)


def _alphas(behaviours: Sequence[str], said: npt.NDArray[np.int8], draws: Floats) -> dict[str, dict[str, Any]]:
    report = {}
    for j, name in enumerate(behaviours):
        yes, no = (said[:, :, j] == 1).sum(axis=0), (said[:, :, j] == 0).sum(axis=0)
        paired = yes + no >= 2
        if not paired.any():
            continue
        y, n = yes[paired].astype(float), no[paired].astype(float)
        observed = draws[:, paired] @ (2 * y * n / (y + n - 1))
        all_yes, all_no = draws[:, paired] @ y, draws[:, paired] @ n
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = 2 * all_yes * all_no / (all_yes + all_no - 1)
            alpha = np.where(expected > 0, 1 - observed / expected, np.nan)
        report[name] = {**_coefficient("alpha", alpha), "turns": int(paired.sum())}
    return report


def _coefficient(name: str, values: Floats) -> dict[str, Any]:
    """The coefficient of the whole, the first value, and the interval of the resamples in which it is defined."""
    if not np.isfinite(values[0]):
        return {name: None, "interval": None}
    drawn = values[1:][np.isfinite(values[1:])]
    return {name: float(values[0]), "interval": np.percentile(drawn, [2.5, 97.5]).tolist() if len(drawn) else None}


# -------------------------------------------------------------------------------------------------- estimates


def estimate(tasks: Sequence[Utterance], settled: Mapping[str, Settled]) -> dict[str, Any]:
    """Estimate from the random part how good the model is on the calls that the tasks were drawn from.

    Parameters
    ----------
    tasks : sequence of Utterance
    settled : mapping of str to Settled

    Returns
    -------
    dict
        ``turns`` that were drawn and settled, of how many (``of``), and for each of the ``behaviours``: ``labels`` (of the
        model, among them), ``confirmed``, ``missed``, ``precision``, ``recall`` and ``rate`` (of turns that perform it),
        with 95 % intervals (``precision_interval`` …). None where there is nothing to tell by.

    Notes
    -----
    Turns count by the inverse of their chance, turns without an answer are taken for like those of their stratum with
    one, and a behaviour on which reviewers are tied counts half. Intervals are Wilson's of the effective sample size (Kish
    1965, Survey sampling): with few turns they are wide, and that is the truth.
    """
    behaviours = behaviours_of_tasks(tasks)
    drawn = [task for task in tasks if task.fields["review"]["part"] == RANDOM]
    answered = [task for task in drawn if task_of(task) in settled]
    sizes = {task.fields["review"]["stratum"]: int(task.fields["review"]["of"]) for task in drawn}
    counts = Counter(task.fields["review"]["stratum"] for task in answered)
    weight = np.array(
        [sizes[task.fields["review"]["stratum"]] / counts[task.fields["review"]["stratum"]] for task in answered]
    )
    report: dict[str, Any] = {"turns": len(answered), "of": sum(sizes.values()), "behaviours": {}}
    if missing := sorted(sizes.keys() - counts.keys()):
        report["without_answers"] = missing
    for name in behaviours if answered else ():
        said = np.array([name in (task.labels or ()) for task in answered], np.float64)
        outcomes = [settled[task_of(task)] for task in answered]
        true = np.array([0.5 if name in one.open else float(name in one.labels) for one in outcomes])
        part: dict[str, Any] = {
            "labels": int(said.sum()),
            "confirmed": int(said[true == 1].sum()),
            "missed": int((true[said == 0] == 1).sum()),
        }
        part["precision"], part["precision_interval"] = _share(weight * said, true)
        part["recall"], part["recall_interval"] = _share(weight * true, said)
        part["rate"], part["rate_interval"] = _share(weight, true)
        report["behaviours"][name] = part
    return report


def _share(weight: Floats, hit: Floats) -> tuple[float | None, list[float] | None]:
    """Weighted share of hits, with Wilson's interval of the effective number of turns."""
    total = float(weight.sum())
    if not total:
        return None, None
    share = float(weight @ hit) / total
    effective = max(1, int(total**2 / float(weight @ weight) + 1e-9))
    return share, wilson(share * effective, effective)


def import_report(
    tasks: Sequence[Utterance], votes: Votes, last_words: Votes, settled: Mapping[str, Settled]
) -> dict[str, Any]:
    """Put together what came back: agreement, estimates, and what became of each task."""
    changed = sum(
        not one.open and set(one.labels) != set(task.labels or ())
        for task in tasks
        if (one := settled.get(task_of(task))) is not None
    )
    return {
        "tasks": len(tasks),
        "answered": len(settled),
        "settled": dict(Counter(one.how for one in settled.values())),
        "differing": len(differing(tasks, votes, last_words)),
        "changed": changed,
        "blind": all(task.fields["review"].get("blind") for task in tasks),
        **agreement(tasks, votes),
        "estimate": estimate(tasks, settled),
    }
