"""The story of `tests/story.py` against a real MLflow server."""

from __future__ import annotations

from santun.runs import Run
from santun.track import _mlflow, push

from tests.newcomer import play as newcomer
from tests.story import play, play_killed


def test_train_tune_compare_promote_label_and_roll_back(tmp_path):
    play(tmp_path)


def test_a_server_killed_in_mid_training_costs_nothing(tmp_path):
    play_killed(tmp_path)


def test_a_run_that_the_server_had_but_its_name_of_is_completed(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'runs.db'}")
    data = {"name": "seed", "source": "seed", "digest": "abc", "rows": 3, "context": "training"}
    run = Run("one", {"C": "0.4"}, {"kind": "test"}, {"core_f1": 0.5}, [data], status="FINISHED")
    folder = tmp_path / "model.run"
    with _mlflow() as client:
        run.run_id = client.create_run("0").info.run_id
        run.save(folder)
        push(folder)
        found = client.get_run(run.run_id)

    assert (found.data.params, found.data.tags["kind"]) == ({"C": "0.4"}, "test")
    assert (found.data.metrics, found.info.status) == ({"core_f1": 0.5}, "FINISHED")
    assert [one.dataset.digest for one in found.inputs.dataset_inputs] == ["abc"]


def test_three_hundred_utterances_of_ones_own_help(tmp_path):
    # not in every domain: posts of care teams are not sure to gain, nor whole visits in the core (docs/runs.md)
    part = newcomer(tmp_path)

    assert part["core_f1"]["difference"] > 0
    assert part["core_f1"]["interval"][0] > 0
    assert part["macro_f1"]["interval"][0] > 0
