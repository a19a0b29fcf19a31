"""The story of `tests/story.py` against a real MLflow server."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient
from santun.runs import Run
from santun.track import push

from tests.newcomer import play as newcomer
from tests.story import play, play_killed


def test_train_tune_compare_promote_label_and_roll_back(tmp_path):
    play(tmp_path)


def test_a_server_killed_in_mid_training_costs_nothing(tmp_path):
    play_killed(tmp_path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's use of SQLAlchemy, in this process here
def test_a_run_that_the_server_had_but_its_name_of_is_completed(tmp_path, monkeypatch):
    uri = f"sqlite:///{tmp_path / 'runs.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    client = MlflowClient(uri)
    made = client.create_run(client.create_experiment("santun", artifact_location=(tmp_path / "mlruns").as_uri()))
    data = {"name": "seed", "source": "seed", "digest": "abc", "rows": 3, "context": "training"}
    folder = tmp_path / "model.run"
    Run(
        "one", {"C": "0.4"}, {"kind": "test"}, {"core_f1": 0.5}, [data], status="FINISHED", run_id=made.info.run_id
    ).save(folder)

    push(folder)
    found = client.get_run(made.info.run_id)

    assert (found.data.params, found.data.tags["kind"]) == ({"C": "0.4"}, "test")
    assert (found.data.metrics, found.info.status) == ({"core_f1": 0.5}, "FINISHED")
    assert [one.dataset.digest for one in found.inputs.dataset_inputs] == ["abc"]


def test_three_hundred_utterances_of_ones_own_help(tmp_path):
    part = newcomer(tmp_path)

    assert part["core_f1"]["difference"] > 0
    assert part["core_f1"]["interval"][0] > 0
    assert part["macro_f1"]["interval"][0] > 0
