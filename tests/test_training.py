"""Recipes, training data and what a run leaves: early errors, own behaviours, digests, the same bytes."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from santun.recipe import Recipe, RecipeError, changes_of, default_recipe, load_recipe
from santun.runs import Run, finish_run, metrics_of, new_run
from santun.train import train
from santun.training_data import TrainingDataError, gather, label_matrix
from santun.tune import settings_of, tune
from santun_corpora import Utterance, split_of

from tests.conftest import tiny_rows

SMALL = {
    "corpus.use": False,
    "features.word_bits": 12,
    "features.char_bits": 12,
    "classifier.n_folds": 2,
    "classifier.rounds": 1,
}


def write(path: Path, rows: list[Utterance], **more) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            record = {
                name: getattr(row, name)
                for name in ("id", "conversation_id", "turn", "speaker", "lang", "text", "labels")
            }
            file.write(json.dumps({**record, **row.fields, **more}) + "\n")
    return path


def mine(path: Path, **changes) -> Recipe:
    return Recipe().updated({"data.files": [str(path)], **SMALL, **changes})


@pytest.fixture
def own(tmp_path) -> Path:
    return write(tmp_path / "own.jsonl", tiny_rows())


# ------------------------------------------------------------------------------------------------------ recipe


def test_default_recipe_is_what_a_recipe_leaves_out():
    assert default_recipe().model_dump(exclude={"tune"}) == Recipe().model_dump(exclude={"tune"})


def test_recipe_survives_its_own_toml(tmp_path):
    recipe = Recipe().updated(
        {
            "name": "mine",
            "data.labels": {"Salam": "greeting"},
            "corpus.without": {"domain": ["clinic"]},
            "classifier.C": 1,
        }
    )
    (tmp_path / "again.toml").write_text(recipe.to_toml(), encoding="utf-8")

    assert load_recipe(tmp_path / "again.toml") == recipe


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[classifer]\nC = 1.0", "unknown setting classifer, did you mean classifier?"),
        ("[features]\nwordbits = 9", "unknown setting features.wordbits, did you mean word_bits?"),
        ('[classifier]\nC = "high"', "classifier.C: input should be a valid number"),
        ("[classifier]\nC = -1.0", "classifier.C: input should be greater than 0"),
        ('[augmentation]\nkinds = ["rain"]', "augmentation: unknown kind 'rain'; the kinds are "),
        ('behaviours = ["refund me"]', "behaviours: 'refund me' must be a word"),
        ('[data.labels]\n"Salam" = "hello"', "data.labels: 'Salam' goes to 'hello', which is none of the behaviours"),
        ('[calibration.prior]\n"thanks:fr" = 0.5', "calibration.prior: 'thanks:fr' names no language; they are ms, "),
        ('[calibration.prior]\n"thanks:" = 0.5', "calibration.prior: 'thanks:' names no language; they are ms, "),
        ('[classifier]\nelicited = ["emphaty"]', "classifier.elicited: 'emphaty' is none of the behaviours"),
        ('[classifier]\nanswered = ["emphaty"]', "classifier.answered: 'emphaty' is none of the behaviours"),
        ('[calibration.prior]\n"emphaty:ar" = 0.5', "calibration.prior: 'emphaty' is none of the behaviours"),
        ('[data.map]\nwords = "Isi"', "data.map: 'words' is no field; the fields are text, "),
        ("[corpus]\nuse = false", "there is nothing to learn from"),
        ("name = ", "not TOML"),
    ],
)
def test_faults_of_recipes_are_one_line(tmp_path, toml, said):
    path = tmp_path / "mine.toml"
    path.write_text(toml, encoding="utf-8")
    with pytest.raises(RecipeError) as error:
        load_recipe(path)

    assert str(error.value).startswith(f"{path}: {said}")
    assert "\n" not in str(error.value)


def test_changes_on_the_command_line():
    changed = Recipe().updated(changes_of(['behaviours=["thanks"]', "classifier.C=2", "name=mine"]))

    assert (changed.behaviours, changed.classifier.C, changed.name) == (["thanks"], 2.0, "mine")
    with pytest.raises(RecipeError, match=r"no setting 'clasifier\.C'; did you mean classifier\.C\?"):
        Recipe().updated({"clasifier.C": 1.0})
    with pytest.raises(RecipeError, match="write NAME=VALUE"):
        changes_of(["C"])


def test_files_are_beside_the_recipe(tmp_path, own):
    (tmp_path / "mine.toml").write_text('[data]\nfiles = ["own.jsonl"]', encoding="utf-8")

    assert load_recipe(tmp_path / "mine.toml").data.files == [str(own)]


# --------------------------------------------------------------------------------------------------------- data


def test_splits_go_by_conversation_and_hash(own):
    data = gather(mine(own, **{"splits.test_tenths": 2}))
    home = {}
    for row, split in zip(data.rows, data.split, strict=True):
        assert home.setdefault(row.conversation_id, split) == split
        assert split == split_of(row.conversation_id, test_tenths=2)
    assert set(home.values()) == {"train", "validation", "test"}


def test_a_conversation_in_two_splits_is_an_early_error(tmp_path):
    rows = tiny_rows()
    for i, row in enumerate(rows):
        row.fields = {"split": "test" if row.conversation_id.endswith(("000", "001")) else "train"}
        if i == 5:
            row.fields = {"split": "train"}
    path = write(tmp_path / "own.jsonl", rows)
    with pytest.raises(
        TrainingDataError,
        match=r"own\.jsonl:6: conversation 'ms-tiny-000' is in two splits, test \(own\.jsonl:1\) and train",
    ):
        gather(mine(path, **{"splits.field": "split"}))


def test_an_unknown_label_is_an_early_error_with_its_place(tmp_path):
    rows = tiny_rows()
    rows[3].labels = ["empaty"]
    path = write(tmp_path / "own.jsonl", rows)
    with pytest.raises(TrainingDataError, match=r"own\.jsonl:4: unknown behaviour 'empaty', did you mean 'empathy'\?"):
        gather(mine(path))

    assert gather(mine(path, **{"data.labels": {"empaty": "empathy"}})).rows[3].labels == ["empathy"]
    assert gather(mine(path, **{"data.labels": {"empaty": ""}})).rows[3].labels == []


def test_too_few_examples_are_an_early_error(tmp_path):
    rows = tiny_rows()
    for row in rows:
        row.labels = [label for label in row.labels if label != "apology"]
    with pytest.raises(TrainingDataError, match="too few examples to learn from: apology has 0; at least 2"):
        gather(mine(write(tmp_path / "own.jsonl", rows)))


def test_near_duplicates_across_splits(own):
    assert "training rows repeat a text of the test split and are left out" in " ".join(gather(mine(own)).notes)
    with pytest.raises(TrainingDataError, match="training rows stand, but for marks and digits, in the test split too"):
        gather(mine(own, **{"splits.near_duplicates": "error"}))

    test = next(name for name in (f"x-{i}" for i in range(99)) if split_of(name) == "test")
    data = gather(mine(own))
    said = "thank you for calling Maju Telco today"
    data.rows = [
        Utterance(said, "a:1", conversation_id=test, lang="en", labels=[]),
        Utterance("Thank you, for calling MAJU telco today!!", "a:2", conversation_id="x", lang="en", labels=[]),
        Utterance("something else", "a:3", conversation_id="x", lang="en", labels=[]),
    ]
    data.split = ["test", "train", "train"]
    del data.hashes

    assert [row.source for row in data.learnt()] == ["a:3"]


def test_missing_languages_and_conversations_are_found_out(tmp_path):
    rows = [row for row in tiny_rows() if row.lang == "en"]
    for row in rows:
        row.lang = row.conversation_id = row.turn = row.speaker = None
        row.text += f" on line {rows.index(row)} of this long letter"
    data = gather(mine(write(tmp_path / "own.jsonl", rows), **{"splits.test_tenths": 3, "behaviours": ["thanks"]}, **{"data.labels": dict.fromkeys(
        ["greeting", "rapport_question", "empathy", "apology", "needs_question", "active_listening", "solution_offer", "ownership", "closing"], "")}))  # fmt: skip

    assert all(row.lang for row in data.rows)
    assert sum(row.lang == "en" for row in data.rows) > 0.8 * len(rows)
    assert len({row.conversation_id for row in data.rows}) == len(rows)
    assert "rows name no language; it was found out" in data.notes[0]


def test_a_changed_row_changes_the_digest(tmp_path, own):
    rows = tiny_rows()
    before = new_run(mine(own), gather(mine(own)), "santun train")
    changed = next(i for i, row in enumerate(rows) if split_of(row.conversation_id) == "train")
    rows[changed].text += " indeed"
    path = write(tmp_path / "other.jsonl", rows)
    after = new_run(mine(path), gather(mine(path)), "santun train")

    def digests(run):
        return {entry["context"]: entry["digest"] for entry in run.datasets}

    assert digests(before)["training"] != digests(after)["training"]
    assert digests(before)["source"] != digests(after)["source"]
    assert digests(before)["testing"] == digests(after)["testing"]


# ----------------------------------------------------------------------------------------------------- training


def with_refunds(tmp_path: Path) -> Path:
    rows = tiny_rows()
    for row in rows:
        if row.labels == ["solution_offer"]:
            row.text, row.labels = f"we refund the money {row.text}", ["solution_offer", "refund"]
    return write(tmp_path / "own.jsonl", rows)


def test_behaviours_of_ones_own_beside_the_ten(tmp_path):
    recipe = mine(with_refunds(tmp_path), behaviours=[*Recipe().behaviours, "refund"])
    model = train(gather(recipe).learnt(), recipe)

    assert model.label(["we refund the money today"], lang="en")[0]["labels"] == ["refund"] or (
        "refund" in model.label(["we refund the money today"], lang="en")[0]["labels"]
    )
    assert model.behaviours[-1] == "refund"


def test_seed_rows_teach_nothing_of_ones_own_behaviour(tmp_path):
    recipe = mine(with_refunds(tmp_path), behaviours=["thanks", "refund"]).updated(
        {
            "corpus.use": True,
            "corpus.where": {"lang": ["en"], "slice": ["a"], "domain": ["hotel"]},
            "data.annotated": ["refund"],
        }
    )
    learnt = gather(recipe).learnt()
    matrix = label_matrix(learnt, recipe)
    seed = np.array([row.fields["corpus"] == "seed" for row in learnt])

    assert (matrix[seed, 1] == -1).all()
    assert set(matrix[seed, 0].tolist()) == {0, 1}
    assert (matrix[~seed, 0] == -1).all()
    model = train(learnt, recipe)
    said = [model.label([text], lang="en")[0]["labels"] for text in ("we refund the money", "thank you so much")]
    assert ["refund" in said[0], "thanks" in said[1]] == [True, True]


def test_weights_matter_and_the_same_recipe_gives_the_same_bytes(tmp_path, own):
    seeded = {"corpus.use": True, "corpus.where": {"lang": ["en"], "slice": ["a"], "domain": ["hotel"]}}
    for name, changes in {"a": {}, "b": {}, "heavy": {"data.weight": 5.0}}.items():
        recipe = mine(own, **changes).updated(seeded)
        train(gather(recipe).learnt(), recipe, n_jobs=1 if name == "b" else 2).save(tmp_path / name, {})

    def contents(name):
        return {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}

    assert contents("a") == contents("b")
    assert contents("a") != contents("heavy")


def test_noised_copies_stay_in_the_fold_of_their_conversation(own):
    recipe = mine(
        own, **{"augmentation.kinds": ["typos", "plain"], "augmentation.share": 0.5, "augmentation.weight": 0.5}
    )
    learnt = gather(recipe).learnt()
    model = train(learnt, recipe)

    assert model.facts["training"]["rows"] == len(learnt)
    assert model.label(["thank you so much"], lang="en")[0]["labels"] == ["thanks"]


def test_a_run_leaves_figures_pictures_and_errors_without_text(tmp_path, own):
    recipe = mine(own, **{"splits.test_tenths": 3})
    data = gather(recipe)
    for row in data.part("test")[::7]:
        row.labels = ["closing"]
    model = train(data.learnt(), recipe)
    run = new_run(recipe, data, "santun train", "a try")
    for with_text in (False, True):
        finish_run(run, tmp_path / "model.run", recipe, data, model, with_text=with_text)
        found = list(csv.DictReader((tmp_path / "model.run/artifacts/worst_errors.csv").open(encoding="utf-8")))
        assert found
        assert ("text" in found[0]) is with_text
        assert {row["error"] for row in found} == {"missed", "false alarm"}
        assert found[0]["source"].startswith("own.jsonl:")
    again = Run.load(tmp_path / "model.run")

    assert again.metrics == run.metrics
    assert 0 < again.metrics["label/thanks/f1"] <= 1
    for name in ("f1", "calibration", "precision_recall", "confusion"):
        assert (tmp_path / f"model.run/artifacts/{name}.png").read_bytes().startswith(b"\x89PNG")
    report = json.loads((tmp_path / "model.run/artifacts/report.json").read_text(encoding="utf-8"))
    assert metrics_of(report["held_out"]) == pytest.approx(again.metrics)


# ------------------------------------------------------------------------------------------------------- tuning


def test_search_resumes_and_is_scored_on_validation(tmp_path, own):
    recipe = mine(
        own, **{"splits.validation_tenths": 2, "tune.search": {"classifier.C": [0.1, 1.0], "classifier.rounds": [0, 1]}}
    )
    data = gather(recipe)
    seen = []
    nothing = tune(recipe, data, tmp_path / "search", n_jobs=1, minutes=0.0)
    first = tune(
        recipe, data, tmp_path / "search", n_jobs=1, on_trial=lambda done, total, trial: seen.append((done, total))
    )
    lines = (tmp_path / "search/trials.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "search/trials.jsonl").write_text("\n".join(lines[:2]) + "\n" + lines[2][:50], encoding="utf-8")
    resumed = []
    second = tune(
        recipe, data, tmp_path / "search", n_jobs=1, on_trial=lambda done, total, trial: resumed.append(trial)
    )

    assert nothing == []
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert sum(trial is not None for trial in resumed) == 2
    assert [(t.settings, t.score) for t in second] == [(t.settings, t.score) for t in first]
    assert first[0].score == max(t.score for t in first)
    assert all(t.interval[0] <= t.score <= t.interval[1] for t in first)


def test_draws_are_seeded_and_faults_are_early(own):
    recipe = mine(
        own,
        **{
            "tune.search": {
                "classifier.C": {"low": 0.1, "high": 2.0, "log": True},
                "features.cue_weight": {"low": 0, "high": 3},
            }
        },
    )
    drawn = settings_of(recipe)

    assert drawn == settings_of(recipe)
    assert len(drawn) == 20
    assert all(0.1 <= one["classifier.C"] <= 2.0 and one["features.cue_weight"] in range(4) for one in drawn)
    for search, said in (
        ({}, "nothing to search"),
        ({"classifier.C": {"low": 2, "high": 1}}, "must be a list of values, or"),
        ({"classifier.c": [1.0]}, r"no setting 'classifier\.c'; did you mean classifier\.C"),
    ):
        with pytest.raises(RecipeError, match=said):
            settings_of(mine(own, **{"tune.search": search}))


def test_a_hugging_face_dataset_trains_like_a_file(tmp_path, own):
    from santun_corpora.exchange import export_records

    rows = gather(mine(own)).rows
    export_records([dataclasses.replace(row, fields={}) for row in rows], tmp_path / "set", "hf")
    recipe = Recipe().updated({"data.dataset": str(tmp_path / "set"), **SMALL})
    read = gather(recipe)

    assert [(r.id, r.text, r.labels, r.lang, r.conversation_id) for r in read.rows] == [
        (r.id, r.text, r.labels, r.lang, r.conversation_id) for r in rows
    ]
    assert recipe.settings()["data"]["dataset"] == "set"  # no path of a machine
