"""The story of `tests/story.py` against a real MLflow server."""

from __future__ import annotations

from tests.newcomer import play as newcomer
from tests.story import play, play_killed


def test_train_tune_compare_promote_label_and_roll_back(tmp_path):
    play(tmp_path)


def test_a_server_killed_in_mid_training_costs_nothing(tmp_path):
    play_killed(tmp_path)


def test_three_hundred_utterances_of_ones_own_help(tmp_path):
    part = newcomer(tmp_path)

    assert part["core_f1"]["difference"] > 0
    assert part["core_f1"]["interval"][0] > 0
    assert part["macro_f1"]["interval"][0] > 0
