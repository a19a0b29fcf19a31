"""Search for better settings of a recipe, scored on the validation split and never on the test split."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import joblib
from santun_corpora import Utterance
from scipy.stats import loguniform, randint, uniform
from sklearn.model_selection import ParameterGrid, ParameterSampler

from santun.evaluate import evaluate
from santun.recipe import Recipe, RecipeError, flat_text
from santun.runs import Run, metrics_of, now
from santun.train import train
from santun.training_data import TrainingData, TrainingDataError, digest_of

TRIALS = "trials.jsonl"
Settings = dict[str, Any]


@dataclass
class Trial:
    """One tried setting.

    Attributes
    ----------
    settings : dict
        Dotted names to values.
    score : float
        Metric on the validation split.
    interval : list of float
        Its 95 % interval, by conversation.
    metrics : dict of str to float
    start_time, end_time : int
        Milliseconds since 1970.
    """

    settings: Settings
    score: float
    interval: list[float]
    metrics: dict[str, float]
    start_time: int
    end_time: int


def settings_of(recipe: Recipe) -> list[Settings]:
    """List the settings that a recipe's search tries, in an order that never changes.

    Lists are a grid, tried whole; where a setting is a distribution, ``tune.trials`` draws are made with the recipe's
    seed.

    Raises
    ------
    RecipeError
        If there is nothing to search, or a distribution is not one.
    """
    search = recipe.tune.search
    if not search:
        raise RecipeError(
            'nothing to search: a recipe\'s [tune.search] says what, for example "classifier.C" = [0.2, 0.4]'
        )
    if all(isinstance(values, list) for values in search.values()):
        found = list(ParameterGrid(search))
    else:
        spaces = {name: _space(name, values) for name, values in search.items()}
        drawn = ParameterSampler(spaces, recipe.tune.trials, random_state=recipe.random_state)
        found = [{name: getattr(value, "item", lambda v=value: v)() for name, value in one.items()} for one in drawn]
    for one in found:
        recipe.updated(one)
    return found


def _space(name: str, values: Any) -> Any:
    if isinstance(values, list):
        return values
    try:
        low, high = values["low"], values["high"]
        if set(values) - {"low", "high", "log"} or not low < high:
            raise ValueError
        if values.get("log"):
            return loguniform(low, high)
        return randint(low, high + 1) if isinstance(low, int) and isinstance(high, int) else uniform(low, high - low)
    except (KeyError, TypeError, ValueError):
        raise RecipeError(
            f"tune.search: {name!r} must be a list of values, or {{low = 0.1, high = 1.0, log = true}}"
        ) from None


def tune(
    recipe: Recipe,
    data: TrainingData,
    folder: Path,
    *,
    n_jobs: int = 2,
    minutes: float | None = None,
    on_trial: Callable[[int, int, Trial | None], None] | None = None,
) -> list[Trial]:
    """Try settings; those of an earlier search in the same folder, on the same data, are not tried again.

    Parameters
    ----------
    recipe : Recipe
    data : TrainingData
    folder : Path
        Gets ``trials.jsonl`` as trials end.
    n_jobs : int, default=2
        Trials at a time.
    minutes : float, default=None
        After so many no further trial is begun.
    on_trial : callable, default=None
        Told (done, total, trial), first with None.

    Returns
    -------
    list of Trial
        The best first.

    Raises
    ------
    RecipeError
        If there is nothing to search or the metric is unknown.
    TrainingDataError
        If there is no validation split, or it lacks what the metric counts.
    """
    every = settings_of(recipe)
    learnt, validation = data.learnt(tuning=True), data.part("validation")
    if not validation:
        raise TrainingDataError(
            "no conversation falls into the validation split; give more, or splits.validation_tenths"
        )
    base = recipe.model_dump(exclude={"tune": {"search", "trials"}, "name": True, "data": {"files", "dataset"}})
    shared = json.dumps([base, digest_of(learnt), digest_of(validation)], sort_keys=True)
    keys = [hashlib.sha256((shared + json.dumps(one, sort_keys=True)).encode()).hexdigest()[:16] for one in every]
    folder.mkdir(parents=True, exist_ok=True)
    done = _done(folder / TRIALS)
    trials = {key: done[key] for key in keys if key in done}
    if on_trial:
        on_trial(len(trials), len(every), None)
    until = time.monotonic() + 60 * minutes if minutes is not None else None
    with tempfile.TemporaryDirectory() as stage:
        shelf = Path(stage) / "rows.joblib"
        joblib.dump((learnt, validation), shelf)

        def jobs() -> Iterator[Any]:
            for key, settings in zip(keys, every, strict=True):
                if until is not None and time.monotonic() > until:
                    return
                if key not in trials:
                    yield joblib.delayed(_try)(key, recipe, settings, str(shelf))

        ended = joblib.Parallel(n_jobs, return_as="generator_unordered", pre_dispatch=n_jobs, batch_size=1)(jobs())
        with (folder / TRIALS).open("a", encoding="utf-8") as file:
            for key, trial in ended:
                file.write(json.dumps({"key": key, **vars(trial)}) + "\n")
                file.flush()
                trials[key] = trial
                if on_trial:
                    on_trial(len(trials), len(every), trial)
    order = [key for key in keys if key in trials]
    return sorted((trials[key] for key in order), key=lambda trial: -trial.score)


def _done(path: Path) -> dict[str, Trial]:
    if not path.is_file():
        return {}
    done = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # the line that a kill cut
        key = entry.pop("key")
        done[key] = Trial(**entry)
    return done


@lru_cache(maxsize=1)
def _rows(shelf: str) -> tuple[list[Utterance], list[Utterance]]:
    learnt, validation = joblib.load(shelf)  # our own file of this very search
    return learnt, validation


def _try(key: str, recipe: Recipe, settings: Settings, shelf: str) -> tuple[str, Trial]:
    start = now()
    learnt, validation = _rows(shelf)
    model = train(learnt, recipe.updated(settings), n_jobs=1)
    report = evaluate(model, validation)
    metrics = metrics_of(report)
    score, interval = score_of(report, recipe.tune.metric)
    return key, Trial(settings, score, interval, metrics, start, now())


def score_of(report: Mapping[str, Any], metric: str) -> tuple[float, list[float]]:
    """Give a metric of an evaluation and its interval.

    Raises
    ------
    RecipeError
        If there is no such metric, or nothing to measure it on.
    """
    parts = metric.split("/")
    try:
        whole = report["languages"][parts[1] if parts[0] == "lang" else "all"]
        if parts[0] == "label":
            scores, key = whole["behaviours"][parts[1]], parts[2]
        else:
            scores, key = whole, parts[-1]
        score, interval = scores[key], scores[f"{key}_interval"]
    except (KeyError, IndexError):
        raise RecipeError(
            f"tune.metric {metric!r}: write core_f1, macro_f1, lang/ms/core_f1 or label/thanks/f1; "
            "or the validation split has nothing to measure it on"
        ) from None
    if score is None or interval is None:
        raise RecipeError(f"tune.metric {metric!r}: the validation split has no example to measure it on")
    return float(score), list(interval)


def finish_search(run: Run, folder: Path, recipe: Recipe, trials: Sequence[Trial]) -> Recipe:
    """Write a search's folder: nested runs, the table of trials, a picture, and the best recipe.

    Returns
    -------
    Recipe
        With the best settings.
    """
    from santun import pictures

    best = recipe.updated({**trials[0].settings, "name": f"{recipe.name}-tuned"[:60]})
    artifacts = folder / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    for path in (folder / "best.toml", artifacts / "best.toml"):
        path.write_text(best.to_toml(), encoding="utf-8")
    (artifacts / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
    told = [{"settings": t.settings, "score": t.score, "interval": t.interval} for t in trials]
    (artifacts / "trials.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    pictures.save(
        pictures.draw_trials([(name_of(t), t.score, t.interval) for t in trials], recipe.tune.metric),
        artifacts / "trials.png",
    )
    run.metrics = {"best_score": trials[0].score, "trials": float(len(trials))}
    run.tags["santun.tuned_metric"] = recipe.tune.metric
    known = {child.name: child.run_id for child in run.children}
    run.children = [
        Run(
            name_of(t), params={name: flat_text(value) for name, value in t.settings.items()},
            tags={k: v for k, v in run.tags.items() if not k.startswith("mlflow.note")},
            metrics={**{f"validation/{k}": v for k, v in t.metrics.items()}, "validation_score": t.score,
                     "validation_score_low": t.interval[0], "validation_score_high": t.interval[1]},
            status="FINISHED", start_time=t.start_time, end_time=t.end_time, run_id=known.get(name_of(t), ""),
        )
        for t in trials
    ]  # fmt: skip
    run.status, run.end_time, run.sent_to = "FINISHED", now(), ""
    run.save(folder)
    return best


def name_of(trial: Trial) -> str:
    """Name a trial by its settings."""
    values = (f"{value:.3g}" if isinstance(value, float) else flat_text(value) for value in trial.settings.values())
    return ", ".join(f"{name.split('.')[-1]} {value}" for name, value in zip(trial.settings, values, strict=True))
