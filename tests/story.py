"""The whole story of a model against a real MLflow server, by the commands that people type.

``python tests/story.py`` plays it in a temporary folder and says each step: train two recipes, tune, compare, promote,
label with the champion, roll back; then a server that is killed in mid-training, and `santun runs push`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

RECIPE = """
name = "{name}"
[corpus]
where = {{ slice = ["a"], lang = ["ms", "en"] }}
[features]
word_bits = 13
char_bits = 12
[classifier]
C = {C}
rounds = 1
n_folds = 2
[tune.search]
"classifier.C" = [0.2, 0.4]
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Server:
    """An `mlflow server` of its own process group, with a sqlite store in a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.uri = f"http://127.0.0.1:{port}"
        env = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
        self.log = (folder / "server.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/server.db",
             "--artifacts-destination", str(folder / "artifacts"), "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
            env=env, stdout=self.log, stderr=self.log, start_new_session=True,
        )  # fmt: skip
        for _ in range(600):
            try:
                if requests.get(f"{self.uri}/health", timeout=2).ok:
                    return
            except requests.RequestException:
                time.sleep(0.2)
            if self.process.poll() is not None:
                break
        self.kill()
        raise RuntimeError(f"the server did not start: {(folder / 'server.log').read_text()[-2000:]}")

    def kill(self) -> None:
        """Kill it as a power cut would."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def api(self, verb: str, path: str, **body: Any) -> Any:
        """Ask the API that the UI asks."""
        kind = {"params": body} if verb == "get" else {"json": body}
        answer = requests.request(verb, f"{self.uri}/api/2.0/mlflow/{path}", timeout=30, **kind)
        answer.raise_for_status()
        return answer.json()

    def runs(self) -> list[dict[str, Any]]:
        """All runs of the experiment, the latest first."""
        try:
            found = self.api("get", "experiments/get-by-name", experiment_name="santun")
        except requests.HTTPError:
            return []
        number = found["experiment"]["experiment_id"]
        return list(self.api("post", "runs/search", experiment_ids=[number], max_results=100).get("runs", []))

    def champion(self) -> str:
        """Version that the alias stands for."""
        found = self.api("get", "registered-models/alias", name="santun", alias="champion")
        return str(found["model_version"]["version"])


@contextmanager
def server(folder: Path, port: int) -> Iterator[Server]:
    one = Server(folder, port)
    try:
        yield one
    finally:
        one.kill()


class Teller:
    """Runs `santun` in a folder against a server, and says what it does."""

    def __init__(self, folder: Path, uri: str) -> None:
        self.folder = folder
        self.env = {
            **os.environ,
            "MLFLOW_TRACKING_URI": uri,
            "SANTUN_CACHE": str(folder / "cache"),
            "SANTUN_DEBUG": "1",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        print("$ santun", *arguments, flush=True)
        return subprocess.Popen(
            [sys.executable, "-m", "santun_cli.app", *arguments], cwd=self.folder, env=self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def __call__(self, *arguments: str, code: int = 0) -> str:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=600)
        print(err, end="", flush=True)
        assert process.returncode == code, (process.returncode, out, err)
        self.said = err
        return out


def play(folder: Path) -> None:
    """Train, tune, compare, promote, label, roll back; assert what the server shows of it."""
    for name, strength in (("plain", 0.4), ("loose", 3.0)):
        (folder / f"{name}.toml").write_text(RECIPE.format(name=name, C=strength), encoding="utf-8")
    (folder / "call.txt").write_text("Agent: Selamat pagi puan\nCustomer: internet saya putus\nAgent: Maaf ya puan\n")
    with server(folder, free_port()) as mlflow:
        santun = Teller(folder, mlflow.uri)
        first = json.loads(santun("train", "--recipe", "plain.toml", "-o", "plain", "--note", "as it is", "--json"))
        second = json.loads(santun("train", "--recipe", "loose.toml", "-o", "loose", "--json"))
        best = json.loads(santun("tune", "--recipe", "plain.toml", "-o", "search", "--json"))
        check_runs(mlflow, first, second, best)

        compared = json.loads(santun("compare", first["run_id"], "loose", "--html", "compare.html", "--json"))
        whole = compared["pairs"][0]["languages"]["all"]["core_f1"]
        assert whole["interval"][0] <= whole["difference"] <= whole["interval"][1]
        assert "<svg" in (folder / "compare.html").read_text(encoding="utf-8")

        santun("promote", first["run_id"])
        assert mlflow.champion() == "1"
        same = json.loads(santun("promote", "plain", "--json"))  # no loss at all against itself
        assert same["version"] == 1
        santun("promote", "loose", "--margin", "0", code=1)
        assert "not promoted, for it loses more than 0 against models:/santun/1" in santun.said
        forced = json.loads(santun("promote", "loose", "--margin", "0", "--force", "--json"))
        assert mlflow.champion() == "2" == str(forced["version"])
        assert forced["overridden"]

        by_alias = santun("label", "call.txt", "--model", "models:/santun@champion")
        assert f"model models:/santun/2 {second['version']}" in santun.said
        assert by_alias == santun("label", "call.txt", "--model", "loose")
        santun("rollback")
        assert mlflow.champion() == "1"
        back = santun("label", "call.txt", "--model", "models:/santun@champion")
        assert f"model models:/santun/1 {first['version']}" in santun.said
        assert back == santun("label", "call.txt", "--model", "plain")
        listed = json.loads(santun("runs", "list", "--json"))
        assert {one["registered"] for one in listed} == {"", "1 @champion", "2"}
    # the server is gone: the local copy serves, and says so
    assert santun("label", "call.txt", "--model", "models:/santun@champion") == back
    assert "does not answer; the local copy of version 1 is used" in santun.said


def check_runs(mlflow: Server, first: dict[str, Any], second: dict[str, Any], best: dict[str, Any]) -> None:
    """Assert what the API that the UI asks shows of two trainings and a search."""
    runs = {run["info"]["run_id"]: run for run in mlflow.runs()}
    assert {run["info"]["status"] for run in runs.values()} == {"FINISHED"}
    one = runs[first["run_id"]]
    metrics = {metric["key"]: metric["value"] for metric in one["data"]["metrics"]}
    assert {
        "core_f1",
        "lang/ms/core_f1",
        "lang/en/macro_f1",
        "label/thanks/f1",
        "label/thanks/calibration_error",
    } <= set(metrics)
    assert metrics["core_f1"] == first["metrics"]["core_f1"]
    tags = {tag["key"]: tag["value"] for tag in one["data"]["tags"]}
    assert tags["mlflow.note.content"] == "as it is"
    assert tags["santun.model_version"] == first["version"]
    params = {param["key"]: param["value"] for param in one["data"]["params"]}
    assert params["classifier.C"] == "0.4"
    inputs = {i["dataset"]["name"]: i["dataset"]["digest"] for i in one["inputs"]["dataset_inputs"]}
    assert inputs["learnt"] == tags["santun.data_digest"]
    assert {"seed", "learnt", "held-out"} == set(inputs)
    assert one["outputs"]["model_outputs"][0]["model_id"].startswith("m-")
    files = {file["path"] for file in mlflow.api("get", "artifacts/list", run_id=first["run_id"])["files"]}
    assert {"recipe.toml", "report.json", "thresholds.json", "worst_errors.csv", "calibration.png", "precision_recall.png",
            "confusion.png", "f1.png", "environment.txt"} <= files  # fmt: skip
    assert second["version"] != first["version"]
    nested = [
        run for run in runs.values()
        if {"key": "mlflow.parentRunId", "value": best["run_id"]} in run["data"]["tags"]
    ]  # fmt: skip
    assert len(nested) == len(best["trials"]) == 2
    scores = [m["value"] for run in nested for m in run["data"]["metrics"] if m["key"] == "validation_score"]
    assert max(scores) == best["score"]


def play_killed(folder: Path) -> None:
    """Kill the server in mid-training: the training ends well, and a push completes the run."""
    (folder / "plain.toml").write_text(RECIPE.format(name="plain", C=0.4), encoding="utf-8")
    port = free_port()
    with server(folder, port) as mlflow:
        santun = Teller(folder, mlflow.uri)
        training = santun.start("train", "--recipe", "plain.toml", "-o", "model")
        while not any(run["info"]["status"] == "RUNNING" for run in mlflow.runs()):
            assert training.poll() is None, training.communicate()
            time.sleep(0.05)
        run_id = mlflow.runs()[0]["info"]["run_id"]
        print("(the server is killed)", flush=True)
        mlflow.kill()
        _, err = training.communicate(timeout=300)
        print(err, end="")
        assert training.returncode == 0, err
        assert "does not answer; the run is kept in model.run: `santun runs push model.run` sends it later" in err
        labelled = santun("label", "--text", "Maaf ya puan", "--model", "model")
        assert json.loads(labelled)["labels"] == ["apology"]
        santun("runs", "push", "model.run", code=4)
    with server(folder, port) as mlflow:
        [before] = mlflow.runs()
        assert before["info"]["status"] == "RUNNING"
        santun("runs", "push", "model.run")
        [after] = mlflow.runs()
        assert (after["info"]["run_id"], after["info"]["status"]) == (run_id, "FINISHED")
        assert any(metric["key"] == "core_f1" for metric in after["data"]["metrics"])
        assert after["outputs"]["model_outputs"]
        assert after["inputs"]["dataset_inputs"]
        santun("runs", "push", "model.run")  # nothing twice
        assert len(mlflow.runs()) == 1
        santun("promote", "model")
        assert mlflow.champion() == "1"


if __name__ == "__main__":
    for part in (play, play_killed):
        with tempfile.TemporaryDirectory() as name:
            part(Path(name))
    print("the story holds")
