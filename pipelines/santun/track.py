"""MLflow: where runs are sent, and the registry of models.

The address is ``MLFLOW_TRACKING_URI``; without it runs go to ``mlflow.db`` in the working directory, which `mlflow ui`
shows. A server that does not answer never stops a training: its run stays a folder (`santun.runs`) that `push` sends.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from santun_models.store import ModelError

from santun.runs import RUN_FILE, Run, RunError, model_of, now

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "santun"
REGISTERED_MODEL = "santun"
CHAMPION = "champion"
_HISTORY = "santun.champions"
_REQUIRED = (
    "spacy",
    "scikit-learn",
    "joblib",
    "threadpoolctl",
    "pyarrow",
    "numpy",
    "scipy",
    "pandas",
    "openpyxl",
    "defusedxml",
    "symspellpy",
)
_LEFT_BEHIND = ("__pycache__", "data", "default", "samples", "*.pyc")
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # seven by default: four minutes of silence before a word
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


class TrackingError(Exception):
    """A tracking server or registry that does not answer, or not as it should; the message says which and what."""


def tracking_uri() -> str:
    """Address that runs go to."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path.cwd() / 'mlflow.db'}"


def shown_uri() -> str:
    """Address without a password, for messages."""
    uri = tracking_uri()
    parts = urllib.parse.urlsplit(uri)
    return uri.replace(f"{parts.username}:{parts.password}@", "…@") if parts.password else uri


def quiet_mlflow() -> None:
    """Import MLflow with telemetry, progress bars, long retries and chatter off, where nobody set them otherwise."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    import logging

    import mlflow

    del mlflow
    for name in ("mlflow", "alembic", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def _mlflow() -> Iterator[MlflowClient]:
    """Give a client; whatever goes wrong is a TrackingError of one line."""
    quiet_mlflow()
    import warnings

    import mlflow
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    uri = tracking_uri()
    mlflow.set_tracking_uri(uri)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield mlflow.MlflowClient()
    except (MlflowException, RequestException, OSError) as error:
        first = str(error).strip().split("\n")[0][:200]
        unreachable = "Max retries" in first or "Connection" in first or "timed out" in first.lower()
        what = "does not answer" if unreachable else f"says: {first}"
        raise TrackingError(f"the tracking server at {shown_uri()} {what}") from None


def start(run: Run, folder: Path) -> None:
    """Show a run on the server as running; its folder is written in any case.

    Raises
    ------
    TrackingError
        If the server does not answer.
    """
    run.save(folder)
    with _mlflow() as client:
        run.run_id = _create(client, run)
        _describe(client, run)
        run.save(folder)


def _create(client: MlflowClient, run: Run, parent: str = "") -> str:
    tags = {"mlflow.parentRunId": parent} if parent else {}
    made = client.create_run(_experiment(client), start_time=run.start_time, run_name=run.name, tags=tags)
    return str(made.info.run_id)


def _experiment(client: MlflowClient) -> str:
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    found = client.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
    uri = tracking_uri()
    beside = None
    if uri.startswith("sqlite:///"):  # files beside the database, not wherever the command happens to run
        beside = (Path(uri.removeprefix("sqlite:///")).resolve().parent / "mlruns").as_uri()
    return str(client.create_experiment(name, artifact_location=beside))


def _describe(client: MlflowClient, run: Run) -> None:
    """Log parameters, tags and data; to log what the server has already changes nothing."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import DatasetInput, InputTag, Param, RunTag

    client.log_batch(
        run.run_id,
        params=[Param(name, value) for name, value in run.params.items()],
        tags=[RunTag(name, value) for name, value in run.tags.items()],
    )
    inputs = []
    for entry in run.datasets:
        source = CodeDatasetSource({"santun.source": entry["source"], "santun.rows": str(entry["rows"])})
        made = MetaDataset(source, name=entry["name"], digest=entry["digest"])
        inputs.append(DatasetInput(made._to_mlflow_entity(), [InputTag("mlflow.data.context", entry["context"])]))
    if inputs:
        client.log_inputs(run.run_id, inputs)


def stop(run: Run, folder: Path) -> None:
    """Say on the server, if it answers, that a run came to nothing; its folder is taken away."""
    shutil.rmtree(folder, ignore_errors=True)
    if run.run_id:
        with suppress(TrackingError), _mlflow() as client:
            client.set_terminated(run.run_id, "FAILED", now())


def push(folder: Path) -> Run:
    """Send a run's folder to the server: parameters, metrics, data, artifacts, model, nested runs.

    A run that the server has in part is completed; one that it has is left alone.

    Raises
    ------
    RunError
        If the folder holds no finished run.
    ModelError
        If the run's model is missing or was changed.
    TrackingError
        If the server does not answer, or says no.
    """
    run = Run.load(folder)
    if run.status == "RUNNING":
        raise RunError(f"{folder}: its training did not finish; train again")
    if run.sent_to == tracking_uri():
        return run
    model = model_of(folder) if run.model else None
    with _mlflow() as client:
        import mlflow
        from mlflow.entities import Metric

        if not _known(client, run.run_id):
            run.run_id = _create(client, run)
            run.save(folder)
        _describe(client, run)  # the server may have died between a run's birth and its data
        log = client.get_run(run.run_id)
        if (folder / "artifacts").is_dir():
            client.log_artifacts(run.run_id, str(folder / "artifacts"))
        model_id = log.outputs.model_outputs[0].model_id if log.outputs and log.outputs.model_outputs else None
        if model is not None and model_id is None:
            with mlflow.start_run(run_id=run.run_id):
                model_id = _log_model(model)
        when = run.end_time or now()
        metrics = [Metric(name, value, when, 0) for name, value in run.metrics.items()]
        if model_id is not None:
            held_out = next((d for d in run.datasets if d["context"] == "testing"), None)
            digest = {"dataset_name": held_out["name"], "dataset_digest": held_out["digest"]} if held_out else {}
            metrics = [Metric(m.key, m.value, when, 0, model_id=model_id, run_id=run.run_id, **digest) for m in metrics]
        for first in range(0, len(metrics), 500):
            client.log_batch(run.run_id, metrics=metrics[first : first + 500])
        for child in run.children:
            if not _known(client, child.run_id):
                child.run_id = _create(client, child, parent=run.run_id)
                run.save(folder)
            _describe(client, child)
            own = [Metric(name, value, child.end_time, 0) for name, value in child.metrics.items()]
            client.log_batch(child.run_id, metrics=own)
            client.set_terminated(child.run_id, child.status, child.end_time)
        client.set_terminated(run.run_id, run.status, when)
    run.sent_to = tracking_uri()
    run.save(folder)
    return run


def _known(client: MlflowClient, run_id: str) -> bool:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

    if not run_id:
        return False
    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except MlflowException as error:
        if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            return False
        raise


def _log_model(folder: Path) -> str:
    """Log a model folder as a pyfunc from code."""
    import mlflow

    with pyfunc_arguments(folder) as arguments:
        return str(mlflow.pyfunc.log_model(name="model", **arguments).model_id)


@contextmanager
def pyfunc_arguments(folder: Path) -> Iterator[dict[str, Any]]:
    """Give what `mlflow.pyfunc.log_model` and `save_model` take to make a pyfunc of a model folder, with its code.

    Raises
    ------
    ModelError
        If the folder holds no model, or it was changed.
    """
    import santun_corpora
    import santun_models

    import santun
    from santun import serve
    from santun.model import load

    model = load(folder)
    installed = "mlflow"
    try:
        version(installed)
    except ModuleNotFoundError:
        installed = "mlflow-skinny"
    with tempfile.TemporaryDirectory() as stage:
        code = []
        for package in (santun, santun_models, santun_corpora):
            source = Path(str(package.__file__)).parent
            shutil.copytree(source, Path(stage) / source.name, ignore=shutil.ignore_patterns(*_LEFT_BEHIND))
            code.append(str(Path(stage) / source.name))
        copied = Path(stage) / "model"
        shutil.copytree(folder, copied)
        yield {
            "python_model": str(serve.__file__),
            "artifacts": {"model": str(copied)},
            "code_paths": code,
            "signature": serve.signature(model.behaviours),
            "input_example": serve.example(),
            "pip_requirements": [f"{name}=={version(name)}" for name in (*_REQUIRED, installed)],
            "metadata": {"santun.model_version": model.version},
        }


# ---------------------------------------------------------------------------------------------------- registry


@dataclass(frozen=True)
class Found:
    """A model that a name stands for.

    Attributes
    ----------
    path : Path
        Its folder.
    name : str
        What to call it: ``models:/santun/3``.
    note : str
        What a user should know, such as that it is a local copy; empty if nothing.
    run_id : str
        Run that made it; empty where none is known.
    recipe : Path or None
        The run's recipe, where it is known.
    """

    path: Path
    name: str
    note: str = ""
    run_id: str = ""
    recipe: Path | None = None


def _cache() -> Path:
    root = Path(os.environ.get("SANTUN_CACHE") or Path.home() / ".cache" / "santun")
    return root / hashlib.sha256(tracking_uri().encode()).hexdigest()[:12]


def fetch(uri: str) -> Found:
    """Bring a registered model, ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``, into the local cache.

    What is in the cache serves when the server does not answer.

    Raises
    ------
    ModelError
        If there is no such model, or neither the server nor the cache has it.
    """
    name, mark, alias = uri.removeprefix("models:/").partition("@")
    number = ""
    if not mark:
        name, _, number = name.partition("/")
    if not name or not (alias or number) or any(part in ("..", ".") for part in (name, number, alias)):
        raise ModelError(f"{uri}: write models:/NAME@ALIAS or models:/NAME/VERSION")
    known_file = _cache() / "aliases.json"
    known: dict[str, str] = json.loads(known_file.read_text(encoding="utf-8")) if known_file.is_file() else {}
    try:
        with _mlflow() as client:
            found = _version(client, name, number, alias, uri)
            number = str(found.version)
            folder = _cache() / name / number
            if not folder.is_dir():
                _download(f"models:/{name}/{number}", folder)
        if alias and known.get(f"{name}@{alias}") != number:
            known[f"{name}@{alias}"] = number
            known_file.write_text(json.dumps(known), encoding="utf-8")
        return Found(folder, f"models:/{name}/{number}", run_id=found.run_id or "")
    except TrackingError as error:
        number = number or known.get(f"{name}@{alias}", "")
        folder = _cache() / name / number
        if not number or not (folder / "manifest.json").is_file():
            raise ModelError(f"{error}, and there is no local copy of {uri}") from None
        return Found(folder, f"models:/{name}/{number}", f"{error}; the local copy of version {number} is used")


def _version(client: MlflowClient, name: str, number: str, alias: str, uri: str) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(name, alias) if alias else client.get_model_version(name, number)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        hint = "; `santun promote RUN` makes one" if alias == CHAMPION else ""
        raise ModelError(f"{uri}: the registry at {shown_uri()} has no such model{hint}") from None


def _download(uri: str, folder: Path) -> None:
    """Put the model folder inside a logged model at `folder`, whole or not at all; none of its code is run."""
    import mlflow

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as stage:
        mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=stage)
        inside = sorted(Path(stage).glob("**/artifacts/*/manifest.json"))
        if not inside:
            raise ModelError(f"{uri}: no model of santun's")
        inside[0].parent.replace(folder)


def find(reference: str) -> Found:
    """Find a model by what people call it.

    Parameters
    ----------
    reference : str
        A model's folder, a run's folder, a shipped model's name, ``models:/…``, or the id or name of a run on the server.

    Raises
    ------
    ModelError, RunError, TrackingError
        If there is none.
    """
    from santun.model import shipped

    path = Path(reference)
    if path.is_dir():
        from santun.runs import run_folder

        run = path if (path / RUN_FILE).is_file() else run_folder(path)
        recipe = run / "artifacts" / "recipe.toml"
        return Found(model_of(path), reference, recipe=recipe if recipe.is_file() else None)
    if reference.startswith("models:/"):
        found = fetch(reference)
        return Found(found.path, found.name, found.note, found.run_id, _recipe_of(found.run_id))
    if shipped(reference):
        return Found(shipped(reference) or path, reference)
    with _mlflow() as client:
        run_id = _run_id(client, reference)
        log = client.get_run(run_id)
        if not (log.outputs and log.outputs.model_outputs):
            raise RunError(f"run {reference!r} logged no model")
        model_id = log.outputs.model_outputs[0].model_id
        folder = _cache() / "runs" / run_id
        if not folder.is_dir():
            _download(f"models:/{model_id}", folder)
    return Found(folder, log.info.run_name or run_id, run_id=run_id, recipe=_recipe_of(run_id))


def _run_id(client: MlflowClient, reference: str) -> str:
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_run(reference).info.run_id)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
    quoted = reference.replace("'", "\\'")
    runs = client.search_runs([_experiment(client)], f"attributes.run_name = '{quoted}'", max_results=2)
    if len(runs) == 1:
        return str(runs[0].info.run_id)
    what = "several runs are called so; give the run's id" if runs else "`santun runs list` shows what there is"
    raise RunError(f"no run {reference!r} at {shown_uri()}" if not runs else f"{reference!r}: {what}")


def _recipe_of(run_id: str) -> Path | None:
    """Recipe that a run on the server logged, in the cache; None where it cannot be had."""
    import mlflow

    folder = _cache() / "recipes" / run_id
    try:
        if run_id and not (folder / "recipe.toml").is_file():
            with _mlflow() as client:
                folder.mkdir(parents=True, exist_ok=True)
                mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="recipe.toml", dst_path=str(folder))
                del client
    except TrackingError:
        return None
    return folder / "recipe.toml" if (folder / "recipe.toml").is_file() else None


def champion() -> Found | None:
    """Give the model that the alias ``champion`` stands for; None where there is none yet.

    Raises
    ------
    TrackingError
        If the server does not answer.
    """
    from mlflow.exceptions import MlflowException

    with _mlflow() as client:
        try:
            client.get_model_version_by_alias(REGISTERED_MODEL, CHAMPION)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
    return find(f"models:/{REGISTERED_MODEL}@{CHAMPION}")


def promote(found: Found) -> int:
    """Register the model of a run, if it is not, and give it the alias ``champion``.

    Returns
    -------
    int
        Version.

    Raises
    ------
    RunError
        If the model was not made by a run on the server.
    TrackingError
        If the server does not answer.
    """
    if not found.run_id:
        raise RunError(f"{found.name}: not on the server; `santun runs push` sends it")
    with _mlflow() as client:
        import mlflow
        from mlflow.exceptions import MlflowException

        try:
            client.get_registered_model(REGISTERED_MODEL)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            client.create_registered_model(REGISTERED_MODEL, description="Labels service behaviours (santun).")
        versions = client.search_model_versions(f"name = '{REGISTERED_MODEL}' and run_id = '{found.run_id}'")
        if versions:
            number = max(int(v.version) for v in versions)
        else:
            model_id = client.get_run(found.run_id).outputs.model_outputs[0].model_id
            with redirect_stderr(io.StringIO()):  # it speaks of what `santun promote` says itself
                made = mlflow.register_model(f"models:/{model_id}", REGISTERED_MODEL)
            number = int(made.version)
        _crown(client, [*_history(client), number])
    return number


def rollback() -> tuple[int, int]:
    """Give the alias ``champion`` back to the version that had it before.

    Returns
    -------
    was, now : int
        Versions.

    Raises
    ------
    RunError
        If there is none before.
    TrackingError
        If the server does not answer.
    """
    with _mlflow() as client:
        history = _history(client)
        if len(history) < 2:
            raise RunError(f"there is no champion before this one at {shown_uri()}; nothing was changed")
        _crown(client, history[:-1])
    return history[-1], history[-2]


def _history(client: MlflowClient) -> list[int]:
    """Versions that were champion, the present one last."""
    from mlflow.exceptions import MlflowException

    try:
        model = client.get_registered_model(REGISTERED_MODEL)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return []
        raise
    history = [int(number) for number in model.tags.get(_HISTORY, "").split(",") if number]
    now_on = model.aliases.get(CHAMPION)
    # somebody may have set the alias by hand
    return history if now_on is None or history[-1:] == [int(now_on)] else [*history, int(now_on)]


def _crown(client: MlflowClient, history: list[int]) -> None:
    kept = [n for i, n in enumerate(history) if not i or history[i - 1] != n]
    client.set_registered_model_tag(REGISTERED_MODEL, _HISTORY, ",".join(map(str, kept[-50:])))
    client.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, str(kept[-1]))


def list_runs(limit: int = 20) -> list[dict[str, Any]]:
    """List the latest runs on the server.

    Raises
    ------
    TrackingError
        If the server does not answer.
    """
    with _mlflow() as client:
        runs = client.search_runs([_experiment(client)], max_results=limit)
        versions = client.search_model_versions(f"name = '{REGISTERED_MODEL}'")
        aliases = {}
        for one in versions:
            full = client.get_model_version(REGISTERED_MODEL, one.version)
            aliases[one.run_id] = f"{one.version}" + "".join(f" @{alias}" for alias in full.aliases)
        return [
            {
                "run_id": run.info.run_id,
                "name": run.info.run_name,
                "status": run.info.status,
                "start_time": run.info.start_time,
                "core_f1": run.data.metrics.get("core_f1"),
                "macro_f1": run.data.metrics.get("macro_f1"),
                "parent": run.data.tags.get("mlflow.parentRunId", ""),
                "registered": aliases.get(run.info.run_id, ""),
                "data_digest": run.data.tags.get("santun.data_digest", ""),
                "note": run.data.tags.get("mlflow.note.content", ""),
            }
            for run in runs
        ]
