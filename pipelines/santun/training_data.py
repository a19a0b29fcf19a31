"""Training data of a recipe: read, checked and split before anything is fitted."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from santun_corpora import BEHAVIOURS, SPLITS, InputError, Problem, Utterance, find_files, open_source, read, split_of
from santun_corpora.columns import unknown_label
from santun_corpora.seed import seed_files

from santun.model import load
from santun.prepare import prepare
from santun.recipe import Recipe

OWN, SEED = "own", "seed"
_LONG = 5  # words from which a text's near-duplicate counts
_SHOWN = 3
_NOT_WORDS = re.compile(r"[\W\d_]+")


class TrainingDataError(Exception):
    """Training data that no model can be made of; the message says what, where and how to mend it."""


@dataclass
class Origin:
    """Where rows came from.

    Attributes
    ----------
    name : str
        ``own`` or ``seed``, and the file.
    source : str
        Path or name.
    digest : str
        Hash of the rows as they were read.
    rows : int
    """

    name: str
    source: str
    digest: str
    rows: int


@dataclass
class TrainingData:
    """Labelled rows with their splits.

    Attributes
    ----------
    rows : list of Utterance
        Conversation by conversation; ``fields["corpus"]`` is ``own`` or ``seed``.
    split : list of str
        ``train``, ``validation`` or ``test`` of each row.
    origins : list of Origin
    notes : list of str
        What a user should know: what was dropped, guessed or is thin.
    """

    rows: list[Utterance]
    split: list[str]
    origins: list[Origin] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def part(self, *names: str) -> list[Utterance]:
        """Rows of these splits, in order."""
        return [row for row, name in zip(self.rows, self.split, strict=True) if name in names]

    def learnt(self, *, tuning: bool = False) -> list[Utterance]:
        """Rows to learn from: all but the test split or, for `tuning`, the train split alone.

        Near-duplicates, of five words or more, of the rows that measure are left out.
        """
        measuring = ("validation", "test") if tuning else ("test",)
        taken = {h for h, name in zip(self.hashes, self.split, strict=True) if name in measuring}
        return [
            row
            for row, h, name in zip(self.rows, self.hashes, self.split, strict=True)
            if name not in measuring and not (h in taken and len(row.text.split()) >= _LONG)
        ]

    @cached_property
    def hashes(self) -> list[int]:
        """Hash of each row's prepared text."""
        found = text_hashes(prepare([row.text for row in self.rows], [row.lang or "en" for row in self.rows]))
        return list(map(int, found))


def gather(recipe: Recipe) -> TrainingData:
    """Read, check and split the data of a recipe.

    Raises
    ------
    InputError
        If a file cannot be read.
    TrainingDataError
        If a row is broken or carries an unknown label, a conversation is in two splits, near-duplicates stand in two
        splits and the recipe calls that an error, a behaviour has too few examples, or nothing is held out.
    """
    data = TrainingData([], [])
    own = list(_own(recipe, data)) if recipe.data.files or recipe.data.dataset else []
    seed: list[Utterance] = []
    if recipe.corpus.use:
        if set(recipe.behaviours) & set(BEHAVIOURS):
            seed = list(_seed(recipe))
            data.origins.append(Origin(SEED, "santun_corpora.seed", digest_of(seed), len(seed)))
            if not seed:
                raise TrainingDataError("corpus.where and corpus.without leave nothing of the seed corpus")
        else:
            data.notes.append("the seed corpus has none of the recipe's behaviours and is left out")
    data.rows = own + seed
    if not data.rows:
        raise InputError("no rows to train on")
    data.split = _splits(recipe, data.rows)
    if not data.part("test"):
        raise TrainingDataError(
            "no conversation falls into the test split; give more conversations, or more splits.test_tenths"
        )
    _check_duplicates(recipe, data)
    _check_support(recipe, data)
    return data


def read_labelled(
    paths: Iterable[Path], recipe: Recipe | None = None, data: TrainingData | None = None
) -> list[Utterance]:
    """Read records that carry labels; language and conversation are found out where they are not given.

    Parameters
    ----------
    paths : iterable of Path
    recipe : Recipe, default=None
        Whose behaviours and mappings hold; the default one's where None.
    data : TrainingData, default=None
        Where notes and origins go.

    Raises
    ------
    InputError
        If a file cannot be read.
    TrainingDataError
        If a row is broken, has no labels, or one that is no behaviour.
    """
    recipe = recipe or Recipe()
    rows: list[Utterance] = []
    for path in paths:
        mine = list(_checked(read(open_source(path, columns=recipe.data.map), recipe.data.map), recipe))
        if data is not None:
            data.origins.append(Origin(f"{OWN}/{path.name}", str(path), digest_of(mine), len(mine)))
        rows += mine
    if not rows:
        raise InputError("no rows to train on")
    return _with_conversations(_with_languages(rows, recipe, data))


def _own(recipe: Recipe, data: TrainingData) -> Iterator[Utterance]:
    rows = read_labelled(find_files(recipe.data.files), recipe, data) if recipe.data.files else []
    if recipe.data.dataset:
        from santun_corpora.exchange.hf import read_dataset

        settings = recipe.data
        items = read_dataset(settings.dataset, settings.config or None, settings.split or None, settings.map)
        mine = list(_checked(items, recipe))
        data.origins.append(
            Origin(f"{OWN}/{Path(settings.dataset).name}", settings.dataset, digest_of(mine), len(mine))
        )
        rows += _with_conversations(_with_languages(mine, recipe, data))
    for row in rows:
        yield replace(row, fields={**row.fields, "corpus": OWN})


def _seed(recipe: Recipe) -> Iterator[Utterance]:
    where = {name: set(map(str, values)) for name, values in recipe.corpus.where.items()}
    without = {name: set(map(str, values)) for name, values in recipe.corpus.without.items()}
    for path in seed_files():
        if path.parent.name not in where.get("lang", {path.parent.name}):
            continue
        for row in _checked(read(open_source(path)), Recipe()):
            values = row.fields
            kept = all(str(values.get(name)) in wanted for name, wanted in where.items())
            if kept and not any(str(values.get(name)) in unwanted for name, unwanted in without.items()):
                values["corpus"] = SEED
                yield row


def _checked(items: Iterable[Utterance | Problem], recipe: Recipe) -> Iterator[Utterance]:
    renamed = recipe.data.labels
    for item in items:
        if isinstance(item, Problem):
            raise TrainingDataError(f"{item}; `santun corpora check` lists all such rows")
        if item.fault:
            raise TrainingDataError(f"{item.source}: {item.fault}")
        if item.labels is None:
            raise TrainingDataError(f"{item.source}: no labels; every training row needs a list of them, [] for none")
        if renamed:
            named = [renamed.get(label, label) for label in item.labels]
            item.labels = [label for label in dict.fromkeys(named) if label]
        unknown = unknown_label(item.labels, list(dict.fromkeys((*recipe.behaviours, *BEHAVIOURS))))
        if unknown:
            raise TrainingDataError(f"{item.source}: {unknown}; data.labels maps or drops it, behaviours adds it")
        yield item


def _with_languages(rows: list[Utterance], recipe: Recipe, data: TrainingData | None) -> list[Utterance]:
    missing = sum(row.lang is None for row in rows)
    if missing and not recipe.data.lang:
        for row, lang in zip(rows, load().languages(rows), strict=True):
            row.lang = lang
        if data is not None:
            data.notes.append(f"{missing:,} rows name no language; it was found out (data.lang states it)")
    for row in rows:
        row.lang = row.lang or recipe.data.lang
    return rows


def _with_conversations(rows: list[Utterance]) -> list[Utterance]:
    """Rows of no conversation become one each, by their words, so that the same text is never in two splits."""
    for row in rows:
        if row.conversation_id is None:
            row.conversation_id = "text:" + hashlib.sha256(" ".join(row.text.lower().split()).encode()).hexdigest()[:16]
    return rows


def _splits(recipe: Recipe, rows: Sequence[Utterance]) -> list[str]:
    settings = recipe.splits
    if not settings.field:
        return [
            split_of(
                row.conversation_id or "",
                test_tenths=settings.test_tenths,
                validation_tenths=settings.validation_tenths,
            )
            for row in rows
        ]
    home: dict[str | None, tuple[str, str]] = {}
    splits = []
    for row in rows:
        if row.fields.get("corpus") == SEED:
            splits.append(split_of(row.conversation_id or ""))
            continue
        name = {"dev": "validation", "valid": "validation"}.get(
            value := str(row.fields.get(settings.field, "")).lower(), value
        )
        if name not in SPLITS:
            raise TrainingDataError(f"{row.source}: splits.field {settings.field!r} must hold {', '.join(SPLITS)}")
        first, where = home.setdefault(row.conversation_id, (name, row.source))
        if first != name:
            raise TrainingDataError(
                f"{row.source}: conversation {row.conversation_id!r} is in two splits, {first} ({where}) and {name}; "
                "put all of it in one"
            )
        splits.append(name)
    return splits


def _check_duplicates(recipe: Recipe, data: TrainingData) -> None:
    kept = {id(row) for row in data.learnt()}
    dropped = [row.source for row in data.part("train", "validation") if id(row) not in kept]
    if dropped and recipe.splits.near_duplicates == "error":
        raise TrainingDataError(
            f"{len(dropped):,} training rows stand, but for marks and digits, in the test split too (first at "
            f'{", ".join(dropped[:_SHOWN])}); splits.near_duplicates = "drop" leaves them out'
        )
    if dropped:
        data.notes.append(f"{len(dropped):,} training rows repeat a text of the test split and are left out")


def _check_support(recipe: Recipe, data: TrainingData) -> None:
    learnt, test = data.learnt(), data.part("test")
    have = label_matrix(learnt, recipe)
    counts = dict(zip(recipe.behaviours, (have == 1).sum(axis=0).tolist(), strict=True))
    least = recipe.classifier.n_folds
    thin = [f"{name} has {n}" for name, n in counts.items() if n < least]
    if thin:
        raise TrainingDataError(
            f"too few examples to learn from: {', '.join(thin)}; at least {least} (classifier.n_folds) are needed, "
            "thirty are a start; label more, or leave the behaviour out of `behaviours`"
        )
    if any((have[:, j] >= 0).sum() == n for j, n in enumerate(counts.values())):
        raise TrainingDataError("a behaviour is on every row; rows without it are needed too")
    held = Counter(name for row in test for name in row.labels or ())
    few = [f"{name} {held[name]}" for name in recipe.behaviours if held[name] < 10]
    if few:
        data.notes.append(f"few examples are held out, so these scores will be rough: {', '.join(few)}")


def label_matrix(rows: Sequence[Utterance], recipe: Recipe | Sequence[str] = BEHAVIOURS) -> npt.NDArray[np.int8]:
    """Labels of rows.

    Parameters
    ----------
    rows : sequence of Utterance
    recipe : Recipe or sequence of str, default=BEHAVIOURS
        A recipe also says which behaviours a row was labelled for; else it is all.

    Returns
    -------
    ndarray of int8, shape (n_rows, n_behaviours)
        1 and 0, and -1 where a row was not labelled for the behaviour.
    """
    names = recipe.behaviours if isinstance(recipe, Recipe) else list(recipe)
    matrix = np.array([[name in (row.labels or ()) for name in names] for row in rows], np.int8).reshape(
        len(rows), len(names)
    )
    if isinstance(recipe, Recipe):
        for corpus, annotated in ((SEED, BEHAVIOURS), (OWN, recipe.data.annotated or names)):
            mine = np.array([row.fields.get("corpus") == corpus for row in rows], bool)
            absent = np.array([name not in annotated for name in names], bool)
            matrix[np.ix_(mine, absent)] = -1
    return matrix


def weights_of(rows: Sequence[Utterance], recipe: Recipe) -> npt.NDArray[np.float64] | None:
    """Weight of each row, shape (n_rows,); None where all are one."""
    weight = {SEED: recipe.corpus.weight, OWN: recipe.data.weight}
    weights = np.array([weight.get(row.fields.get("corpus", ""), 1.0) for row in rows], np.float64)
    copied = ["augmentation" in row.fields for row in rows]
    weights[copied] *= recipe.augmentation.weight
    return None if (weights == 1.0).all() else weights


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


def digest_of(rows: Sequence[Utterance]) -> str:
    """SHA-256 of all that a row teaches: id, conversation, role, language, text, labels, and turns it brings along."""
    digest = hashlib.sha256()
    for row in rows:
        taught = [row.id, row.conversation_id, row.role, row.lang, row.text, row.labels]
        digest.update(json.dumps([*taught, row.context] if row.context else taught).encode())
    return digest.hexdigest()
