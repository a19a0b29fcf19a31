"""Evaluation says what scikit-learn says, on cases that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from santun.evaluate import evaluate, read_evaluation
from santun.pictures import draw_f1, save
from santun.training_data import label_matrix
from santun_corpora import BEHAVIOURS, InputError, Utterance
from sklearn.metrics import f1_score, precision_score, recall_score

from tests.conftest import tiny_rows


def wrong_rows() -> list[Utterance]:
    rows = tiny_rows()
    for i in range(0, len(rows), 9):
        rows[i].labels = ["closing"]
    return rows


def test_figures_equal_scikit_learns(tiny):
    rows = wrong_rows()
    report = evaluate(tiny, rows, by="missing")
    predicted = tiny.label_utterances(rows).predicted
    truth = label_matrix(rows)
    whole = report["languages"]["all"]

    for j, name in enumerate(BEHAVIOURS):
        scores = whole["behaviours"][name]
        assert scores["f1"] == pytest.approx(f1_score(truth[:, j], predicted[:, j]))
        assert scores["precision"] == pytest.approx(precision_score(truth[:, j], predicted[:, j]))
        assert scores["recall"] == pytest.approx(recall_score(truth[:, j], predicted[:, j]))
        assert scores["support"] == truth[:, j].sum()
        low, high = scores["f1_interval"]
        assert low <= scores["f1"] <= high
    assert whole["macro_f1"] == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert whole["core_f1"] == pytest.approx(f1_score(truth[:, :5], predicted[:, :5], average="macro"))
    assert report["average"]["core_f1"] == pytest.approx(
        np.mean([report["languages"][c]["core_f1"] for c in ("ms", "id", "ar", "en")])
    )
    assert report["seen"]["rows"] == len(rows)
    assert report["unseen"]["core_f1"] is None
    assert report["by"][""]["rows"] == len(rows)


def test_a_behaviour_without_support_is_named_not_scored(tiny):
    rows = [
        Utterance("terima kasih banyak", "a:1", lang="ms", labels=["thanks"]),
        Utterance("nombor akaun", "a:2", lang="ms", labels=[]),
    ]
    part = evaluate(tiny, rows)["languages"]["ms"]

    assert part["behaviours"]["empathy"]["f1"] is None
    assert part["core_f1"] == 1.0
    assert "empathy" in part["without_support"]


def test_context_inside_records_is_used(tiny):
    lone = Utterance("so your bill went up", "a:1", lang="en", role="agent")
    told = Utterance("so your bill went up", "a:1", lang="en", role="agent", context=[("customer", "my bill is wrong")])

    assert not np.array_equal(tiny.label_utterances([lone]).scores, tiny.label_utterances([told]).scores)
    both = tiny.label_utterances([told, lone, told]).scores
    np.testing.assert_array_equal(both[0], both[2])
    np.testing.assert_array_equal(both[1], tiny.label_utterances([lone]).scores[0])


def test_picture(tiny, tmp_path):
    report = evaluate(tiny, wrong_rows())
    save(draw_f1(report), tmp_path / "f1.svg")
    first = (tmp_path / "f1.svg").read_text(encoding="utf-8")
    save(draw_f1(report), tmp_path / "f1.svg")

    assert "cue words" in first
    assert (tmp_path / "f1.svg").read_text(encoding="utf-8") == first


def test_rows_without_labels_are_problems(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "x", "lang": "en"}\n{"text": "x", "labels": []}\n', encoding="utf-8")
    rows, problems = read_evaluation([path])

    assert (len(rows), problems) == (1, ["a.jsonl:1: no labels"])
    path.write_text('{"text": "x"}\n', encoding="utf-8")
    with pytest.raises(InputError, match="no row has labels"):
        read_evaluation([path])


def test_undefined_means_are_a_dash_in_picture_and_card(tiny, tmp_path):
    from santun.card import model_card

    path = tmp_path / "closing.jsonl"
    path.write_text('{"text": "goodbye", "lang": "en", "source": "mine", "labels": ["closing"]}\n', encoding="utf-8")
    rows, _ = read_evaluation([path])
    save(draw_f1(evaluate(tiny, rows)), tmp_path / "f1.svg")

    assert "| en | – |" in model_card(tiny, [path])
