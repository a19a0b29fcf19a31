"""Recipes: everything that makes a model, in one TOML file.

The default recipe (``recipes/default.toml``) is the one that made the shipped model. A recipe of one's own names only
what differs from it.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from santun_corpora import BEHAVIOURS, LANGUAGES
from santun_corpora.columns import FIELDS
from santun_models.ngrams import BLOCK_BITS

from santun.noise import KINDS

Values = dict[str, list[str | int | float | bool]]
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(gt=0)]
BlockBits = Annotated[int, Field(ge=BLOCK_BITS[0], le=BLOCK_BITS[-1])]


class RecipeError(Exception):
    """A recipe that cannot be used; the message says what, where and how to mend it."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Data(_Table):
    """Labelled records of one's own.

    Attributes
    ----------
    files : list of str
        Files or folders, relative to the recipe.
    dataset, config, split : str
        A Hugging Face dataset by local path or hub name, beside the files.
    map : dict of str to str
        Santun's field to the data's column, where names do not tell.
    labels : dict of str to str
        A label of the data to a behaviour; an empty string drops it.
    annotated : list of str
        The behaviours that the rows were labelled for; all of the recipe's where empty. Of others nothing is learnt from
        them: that a row lacks a label then does not say that the behaviour is not there.
    lang : str
        Language of rows that do not name theirs; found out where empty.
    weight : float
        Of each row.
    """

    files: list[str] = []
    dataset: str = ""
    config: str = ""
    split: str = ""
    map: dict[str, str] = {}
    labels: dict[str, str] = {}
    annotated: list[str] = []
    lang: Literal["", "ms", "id", "ar", "en"] = ""
    weight: Weight = 1.0


class Corpus(_Table):
    """The seed corpus, mixed in.

    Attributes
    ----------
    use : bool
    weight : float
        Of each row.
    where, without : dict of str to list
        Values of fields to keep, and to leave out: ``without = {domain = ["clinic"]}``.
    """

    use: bool = True
    weight: Weight = 1.0
    where: Values = {}
    without: Values = {}


class Splits(_Table):
    """Who learns, who tunes, who tests; always by conversation.

    Attributes
    ----------
    field : str
        A field of the records that names the split (train, validation, test); empty to split by the hash of the
        conversation's id.
    test_tenths, validation_tenths : int
        Size of the splits by hash.
    near_duplicates : {"drop", "error"}
        What becomes of training turns of five words or more that stand, but for marks and digits, in a split that
        measures.
    """

    field: str = ""
    test_tenths: Annotated[int, Field(ge=1, le=5)] = 1
    validation_tenths: Annotated[int, Field(ge=1, le=4)] = 1
    near_duplicates: Literal["drop", "error"] = "drop"


class Features(_Table):
    """What the sentence models see; see `santun_models.behaviour.BehaviourClassifier`."""

    min_df: Annotated[int, Field(ge=1)] = 7
    word_bits: BlockBits = 22
    char_bits: BlockBits = 20
    cue_weight: Annotated[int, Field(ge=0)] = 3
    concepts: bool = True
    questions: bool = True
    spelling: Annotated[int, Field(ge=0)] = 40


class Classifier(_Table):
    """How they are fitted; see `santun_models.behaviour.BehaviourClassifier`."""

    C: Weight = 0.15
    context_C: Weight = 0.05  # noqa: N815 (the estimator's name)
    context_units: Annotated[int, Field(ge=0)] = 64
    units_from: Annotated[int, Field(ge=0)] = 100_000
    rounds: Annotated[int, Field(ge=0, le=5)] = 1
    n_folds: Annotated[int, Field(ge=2, le=20)] = 3
    elicited: list[str] = ["empathy", "rapport_question"]
    answered: list[str] = ["rapport_question", "empathy"]


class Calibration(_Table):
    """Thresholds; see `santun_models.behaviour.BehaviourClassifier`."""

    min_language_gain: Annotated[float, Field(ge=0)] = 0.01
    prior: dict[str, Weight] = {
        "empathy": 0.1,
        "ownership": 0.5,
        "closing": 0.5,
        "empathy:ar": 0.2,
    }


class Augmentation(_Table):
    """Noised copies of training conversations (`santun.noise`).

    Attributes
    ----------
    kinds : list of str
    share : float
        Of the training conversations, for each kind.
    weight : float
        Of a row of a copy, beside its own.
    """

    kinds: list[str] = ["plain", "no_punctuation", "typos", "chat"]
    share: Share = 0.8
    weight: Weight = 0.5

    @model_validator(mode="after")
    def _known(self) -> Self:
        unknown = next((kind for kind in self.kinds if kind not in KINDS), None)
        if unknown:
            raise ValueError(f"unknown kind {unknown!r}; the kinds are {', '.join(KINDS)}")
        return self


class Tune(_Table):
    """What `santun tune` searches.

    Attributes
    ----------
    search : dict
        Setting (``classifier.C``) to a list of values, or to a table ``{low, high, log}`` of a distribution.
    metric : str
        ``core_f1``, ``macro_f1``, ``lang/ms/core_f1`` or ``label/thanks/f1`` of the validation split.
    trials : int
        How many are drawn where there is a distribution; a grid is searched whole.
    """

    search: dict[str, Any] = {}
    metric: str = "core_f1"
    trials: Annotated[int, Field(ge=1)] = 20


class Recipe(_Table):
    """Everything that makes a model."""

    name: Annotated[str, Field(pattern=r"^[\w .-]{1,60}$")] = "default"
    random_state: Annotated[int, Field(ge=0)] = 0
    behaviours: list[str] = list(BEHAVIOURS)
    data: Data = Data()
    corpus: Corpus = Corpus()
    splits: Splits = Splits()
    features: Features = Features()
    classifier: Classifier = Classifier()
    calibration: Calibration = Calibration()
    augmentation: Augmentation = Augmentation()
    tune: Tune = Tune()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if len(set(self.behaviours)) != len(self.behaviours) or not self.behaviours:
            raise ValueError("behaviours must be a list of different names")
        odd = next((name for name in self.behaviours if not name.isidentifier() or len(name) > 40), None)
        if odd is not None:
            raise ValueError(
                f"behaviours: {odd!r} must be a word of letters, digits and underscores; map it by data.labels"
            )
        odd = next((name for name in self.data.annotated if name not in self.behaviours), None)
        if odd is not None:
            raise ValueError(f"data.annotated: {odd!r} is none of the behaviours")
        unknown = next((name for name in self.data.map if name not in FIELDS), None)
        if unknown is not None:
            raise ValueError(f"data.map: {unknown!r} is no field; the fields are {', '.join(FIELDS)}")
        for field in ("elicited", "answered"):
            chosen = getattr(self.classifier, field)
            odd = next((name for name in chosen if name not in (*self.behaviours, *BEHAVIOURS)), None)
            if odd is not None:
                raise ValueError(f"classifier.{field}: {odd!r} is none of the behaviours")
        for key in self.calibration.prior:
            name, colon, code = key.partition(":")
            if name not in (*self.behaviours, *BEHAVIOURS):
                raise ValueError(f"calibration.prior: {name!r} is none of the behaviours")
            if colon and code not in LANGUAGES:
                raise ValueError(f"calibration.prior: {key!r} names no language; they are {', '.join(LANGUAGES)}")
        for label, behaviour in self.data.labels.items():
            if behaviour and behaviour not in self.behaviours:
                raise ValueError(f"data.labels: {label!r} goes to {behaviour!r}, which is none of the behaviours")
        if not self.corpus.use and not self.data.files and not self.data.dataset:
            raise ValueError("there is nothing to learn from: name data.files or data.dataset, or use the corpus")
        return self

    def params(self) -> dict[str, Any]:
        """Parameters of `BehaviourClassifier`."""
        groups = (self.features, self.classifier, self.calibration)
        merged = {key: value for group in groups for key, value in group.model_dump().items()}
        return {**merged, "random_state": self.random_state}

    def flat(self) -> dict[str, Any]:
        """Every setting under its dotted name."""
        return _flatten(self.model_dump())

    def to_toml(self) -> str:
        """Write the whole recipe as TOML."""
        return tomli_w.dumps(self.model_dump())

    def settings(self) -> dict[str, Any]:
        """Give what a model's manifest says: all but the search, and where the data lie on somebody's machine."""
        told = self.model_dump(exclude={"tune"})
        told["data"]["files"] = len(self.data.files)
        if Path(self.data.dataset).is_absolute():
            told["data"]["dataset"] = Path(self.data.dataset).name
        return told

    def updated(self, changes: Mapping[str, Any]) -> Recipe:
        """Give a recipe with settings, by their dotted names, changed.

        Raises
        ------
        RecipeError
            If a setting is unknown or its value cannot be.
        """
        tree = self.model_dump()
        for name, value in changes.items():
            _put(tree, name, value)
        return _validated(tree, "the changed recipe")


def default_recipe() -> Recipe:
    """Give the recipe that made the shipped model."""
    return load_recipe(Path(str(files("santun") / "recipes" / "default.toml")))


def load_recipe(path: Path) -> Recipe:
    """Read a recipe file.

    Raises
    ------
    RecipeError
        If it cannot be read, is no TOML, or holds a setting that is unknown or cannot be.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not TOML ({error})") from None
    data = tree.get("data", {})
    if isinstance(data, dict):
        if isinstance(data.get("files"), list):
            data["files"] = [str(path.parent / name) for name in data["files"] if isinstance(name, str)]
        if isinstance(data.get("dataset"), str) and (path.parent / data["dataset"]).exists() and data["dataset"]:
            data["dataset"] = str(path.parent / data["dataset"])
    return _validated(tree, str(path))


def changes_of(pairs: Sequence[str]) -> dict[str, Any]:
    """Read ``NAME=VALUE`` pairs, the value as TOML or, failing that, as a string.

    Raises
    ------
    RecipeError
        If a pair has no ``=``.

    Examples
    --------
    >>> changes_of(["classifier.C=0.2", "corpus.use=false", "name=mine"])
    {'classifier.C': 0.2, 'corpus.use': False, 'name': 'mine'}
    """
    changes: dict[str, Any] = {}
    for pair in pairs:
        name, mark, value = pair.partition("=")
        if not mark:
            raise RecipeError(f"{pair!r}: write NAME=VALUE, for example classifier.C=0.2")
        try:
            changes[name.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            changes[name.strip()] = value
    return changes


def _put(tree: dict[str, Any], name: str, value: Any) -> None:
    *tables, last = name.split(".")
    at: Any = tree
    for table in tables:
        at = at.get(table) if isinstance(at, dict) else None
    if not isinstance(at, dict) or (last not in at and tables[:1] not in (["corpus"], ["data"])):
        near = difflib.get_close_matches(name, _flatten(Recipe().model_dump()), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise RecipeError(f"no setting {name!r}{hint}")
    at[last] = value


def _validated(tree: dict[str, Any], where: str) -> Recipe:
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            table = _at(Recipe().model_dump(), first["loc"][:-1])
            near = difflib.get_close_matches(str(first["loc"][-1]), table, 1)
            raise RecipeError(
                f"{where}: unknown setting {name}"
                + (f", did you mean {near[0]}?" if near else f"; there are {', '.join(table)}")
            ) from None
        said = first["msg"].removeprefix("Value error, ")
        raise RecipeError(f"{where}: {name + ': ' if name else ''}{said[:1].lower() + said[1:]}") from None


def _at(tree: Any, names: Sequence[Any]) -> list[str]:
    for name in names:
        tree = tree.get(name, {}) if isinstance(tree, dict) else {}
    return list(tree)


def _flatten(tree: Mapping[str, Any], start: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict) and value and start != "tune.":
            flat |= _flatten(value, f"{start}{name}.")
        else:
            flat[f"{start}{name}"] = value
    return flat


def flat_text(value: Any) -> str:
    """Write a setting for a parameter table: strings as they are, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
