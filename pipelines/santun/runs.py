"""Runs: what one training or search did, as a folder that can be sent to an MLflow server at any time.

The folder holds ``run.json`` (parameters, metrics, tags, data, where it was sent) and ``artifacts/`` (recipe, report,
pictures, errors). It is written whether or not a server answers.
"""

from __future__ import annotations

import csv
import getpass
import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

import numpy as np
from santun_corpora import LANGUAGES, Utterance
from santun_models.store import ModelError

from santun.evaluate import evaluate
from santun.model import Labels, Model
from santun.recipe import Recipe, flat_text
from santun.training_data import OWN, SEED, Origin, TrainingData, digest_of, label_matrix
from santun.write import inert

FORMAT = "santun-run"
RUN_FILE = "run.json"
WORST = 300


class RunError(Exception):
    """A run that cannot be used; the message says which, why, and what to do."""


@dataclass
class Run:
    """One run.

    Attributes
    ----------
    name : str
    params : dict of str to str
    tags : dict of str to str
    metrics : dict of str to float
    datasets : list of dict
        ``name``, ``source``, ``digest``, ``rows``, ``context`` of each set of rows.
    model : str
        Folder of the model beside the run's; empty where there is none.
    children : list of Run
        Nested runs.
    status : str
        ``RUNNING``, ``FINISHED`` or ``FAILED``.
    start_time, end_time : int
        Milliseconds since 1970.
    run_id : str
        On the server; empty where none has it.
    sent_to : str
        Address of the server that has all of it; empty where none has.
    """

    name: str
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    datasets: list[dict[str, Any]] = field(default_factory=list)
    model: str = ""
    children: list[Run] = field(default_factory=list)
    status: str = "RUNNING"
    start_time: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    end_time: int = 0
    run_id: str = ""
    sent_to: str = ""

    def save(self, folder: Path) -> None:
        """Write ``run.json``, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"{RUN_FILE}.new"
        partial.write_text(
            json.dumps({"format": FORMAT, "version": 1, **asdict(self)}, ensure_ascii=False, indent=1) + "\n",
            encoding="utf-8",
        )
        os.replace(partial, folder / RUN_FILE)

    @classmethod
    def load(cls, folder: Path) -> Run:
        """Read ``run.json`` of a folder.

        Raises
        ------
        RunError
            If there is none, or it was cut.
        """
        try:
            tree = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
            if tree.pop("format") != FORMAT or tree.pop("version") != 1:
                raise RunError(f"{folder / RUN_FILE}: of another version of santun; update santun")
            tree["children"] = [cls(**child) for child in tree["children"]]
            return cls(**tree)
        except OSError:
            raise RunError(f"{folder}: no run here (it has no {RUN_FILE})") from None
        except (ValueError, KeyError, TypeError):
            raise RunError(f"{folder / RUN_FILE}: cut or changed; train again") from None


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def run_folder(model_folder: Path) -> Path:
    """Folder of the run that belongs to a model folder."""
    return model_folder.parent / f"{model_folder.name}.run"


def new_run(recipe: Recipe, data: TrainingData, command: str, note: str = "") -> Run:
    """Begin a run: what is known before anything is fitted."""
    langs = "-".join(code for code in LANGUAGES if any(row.lang == code for row in data.part("train")))
    tags = {
        "santun.version": version("santun"),
        "santun.recipe": recipe.name,
        "santun.data_digest": digest_of(data.learnt())[:16],
        "mlflow.source.name": command,
        "mlflow.source.type": "LOCAL",
        "mlflow.user": _user(),
    }
    commit = git_commit()
    if commit:
        tags["mlflow.source.git.commit"] = commit
    if note:
        tags["mlflow.note.content"] = note
    parts = [
        Origin("learnt", "splits train and validation", tags["santun.data_digest"], len(data.learnt())),
        Origin("held-out", "split test", digest_of(data.part("test"))[:16], len(data.part("test"))),
    ]
    datasets = [
        {"name": o.name, "source": o.source, "digest": o.digest[:16], "rows": o.rows, "context": context}
        for origins, contexts in ((data.origins, ["source"] * len(data.origins)), (parts, ["training", "testing"]))
        for o, context in zip(origins, contexts, strict=True)
    ]
    params = {name: flat_text(value)[:500] for name, value in recipe.flat().items() if not name.startswith("tune")}
    when = time.strftime("%Y-%m-%d-%H%M%S")
    return Run(f"{recipe.name}-{langs}-{when}", params=params, tags=tags, datasets=datasets)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return ""


def git_commit() -> str:
    """Commit of the repository that the command runs in; empty outside one."""
    git = shutil.which("git")
    if not git:
        return ""
    done = subprocess.run([git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() if done.returncode == 0 else ""


def finish_run(run: Run, folder: Path, recipe: Recipe, data: TrainingData, model: Model, *, with_text: bool) -> None:
    """Measure a model on the held-out rows and write the run's folder.

    Parameters
    ----------
    run : Run
        Gets the metrics and its end.
    folder : Path
        Of the run.
    recipe : Recipe
    data : TrainingData
    model : Model
    with_text : bool
        Whether the table of errors quotes the utterances.
    """
    held_out = data.part("test")
    sets = {name: [row for row in held_out if row.fields.get("corpus") == name] for name in (OWN, SEED)}
    # where there are rows of one's own, they are what the model is for
    rows = sets[OWN] or sets[SEED]
    artifacts = folder / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    report = evaluate(model, rows)
    run.metrics = metrics_of(report)
    reports = {"held_out": report}
    if sets[OWN] and sets[SEED]:
        reports["seed"] = evaluate(model, sets[SEED])
        run.metrics |= {f"seed/{name}": value for name, value in metrics_of(reports["seed"]).items()}
    run.tags["santun.model_version"] = model.version
    thresholds = {"all": dict(zip(model.behaviours, model.classifier.thresholds_.tolist(), strict=True))}
    for code, own in model.classifier.language_thresholds_.items():
        thresholds[code] = dict(zip(model.behaviours, own.tolist(), strict=True))
    _write_json(artifacts / "report.json", reports)
    _write_json(artifacts / "thresholds.json", thresholds)
    (artifacts / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
    (artifacts / "environment.txt").write_text(environment(), encoding="utf-8")
    result = model.label_utterances(rows)
    write_errors(artifacts / "worst_errors.csv", model, rows, result, with_text=with_text)
    _draw(artifacts, model, rows, result, report)
    run.status, run.end_time = "FINISHED", now()
    run.save(folder)


def _draw(artifacts: Path, model: Model, rows: Sequence[Utterance], result: Labels, report: Mapping[str, Any]) -> None:
    from santun import pictures

    truth, names = label_matrix(rows, model.behaviours), model.behaviours
    for name, figure in {
        "f1": pictures.draw_f1(report),
        "calibration": pictures.draw_calibration(names, truth, result.scores),
        "precision_recall": pictures.draw_precision_recall(names, truth, result.scores, result.predicted),
        "confusion": pictures.draw_confusion(names, pictures.confusion(truth, result.predicted)),
    }.items():
        pictures.save(figure, artifacts / f"{name}.png")


def metrics_of(report: Mapping[str, Any]) -> dict[str, float]:
    """Metrics of an evaluation under the names that MLflow groups: ``lang/ms/core_f1``, ``label/thanks/f1``."""
    metrics: dict[str, float | None] = {}
    whole = report["languages"]["all"]
    for key in ("core_f1", "macro_f1"):
        metrics[key] = whole[key]
        metrics[f"baseline/{key}"] = whole[f"baseline_{key}"]
        metrics[f"unseen/{key}"] = report["unseen"][key]
    for name, scores in whole["behaviours"].items():
        for key in ("f1", "precision", "recall", "average_precision", "calibration_error", "false_alarms"):
            metrics[f"label/{name}/{key}"] = scores[key]
    for code, part in report["languages"].items():
        if code == "all":
            continue
        for key in ("core_f1", "macro_f1"):
            metrics[f"lang/{code}/{key}"] = part[key]
        for name, scores in part["behaviours"].items():
            metrics[f"lang/{code}/label/{name}/f1"] = scores["f1"]
    return {name: float(value) for name, value in metrics.items() if value is not None}


def write_errors(
    path: Path, model: Model, rows: Sequence[Utterance], result: Labels, *, with_text: bool, limit: int = WORST
) -> None:
    """Write the surest errors as CSV: where each stands, what was missed or wrongly said; the text only if asked.

    How sure is the distance from the threshold as a share of the room on its side, so that misses, for which thresholds
    below one half leave little room, are not crowded out.
    """
    truth = label_matrix(rows, model.behaviours)
    langs = np.array(result.lang)
    thresholds = model.classifier.thresholds(langs)
    wrong = np.argwhere(truth != result.predicted)
    room = np.where(result.predicted == 1, 1 - thresholds, thresholds)
    margin = (np.abs(result.scores - thresholds) / np.maximum(room, 1e-9))[wrong[:, 0], wrong[:, 1]]
    order = np.lexsort((wrong[:, 1], wrong[:, 0], -margin))[:limit]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        head = [
            "source",
            "id",
            "conversation_id",
            "turn",
            "lang",
            "role",
            "behaviour",
            "error",
            "probability",
            "threshold",
        ]
        writer.writerow([*head, "text"] if with_text else head)
        for i, j in wrong[order].tolist():
            row = rows[i]
            cells: list[Any] = [
                row.source, row.id, row.conversation_id, row.turn, result.lang[i], row.role, model.behaviours[j],
                "missed" if truth[i, j] else "false alarm", f"{result.scores[i, j]:.4f}", f"{thresholds[i, j]:.4f}",
            ]  # fmt: skip
            writer.writerow([inert(cell) for cell in ([*cells, row.text] if with_text else cells)])


def environment() -> str:
    """Python and every installed library, as a requirements file."""
    found = {str(d.metadata["Name"]).lower(): d.version for d in distributions() if d.metadata["Name"]}
    lines = [f"# Python {platform.python_version()}, {platform.system()} {platform.machine()}"]
    return "\n".join(lines + [f"{name}=={number}" for name, number in sorted(found.items())]) + "\n"


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def model_of(folder: Path) -> Path:
    """Folder of the model of a run's folder; a model folder is its own.

    Raises
    ------
    RunError
        If the run has none.
    ModelError
        If the model is not there any more.
    """
    if (folder / "manifest.json").is_file():
        return folder
    run = Run.load(folder)
    if not run.model:
        raise RunError(f"{folder}: this run made no model")
    path = folder.parent / run.model
    if not (path / "manifest.json").is_file():
        raise ModelError(f"{path}: the model of this run is not there any more")
    return path
