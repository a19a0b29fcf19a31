"""Drift: silent where batches are alike, plain about what changed where they are not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from santun.drift import Batch, drift, read_batch
from santun.write import open_writer
from santun_cli.drift import drift as command
from santun_corpora import BEHAVIOURS, InputError
from typer.testing import CliRunner

from tests.drift import Conversations, altered, batch, foreign, halves, labelled, seed_conversations


@pytest.fixture(scope="module")
def whole(model, tmp_path_factory) -> Conversations:
    return labelled(model, seed_conversations(("ms", "en"))[::2], tmp_path_factory.mktemp("labelled"))


@pytest.fixture(scope="module")
def pair(whole, tmp_path_factory) -> tuple[Batch, Batch]:
    folder = tmp_path_factory.mktemp("pair")
    a, b = halves(whole, 3)
    return batch(a, folder), batch(b, folder)


def changed(report: dict) -> set[str]:
    return {one["name"] for one in report["findings"] if one["size"] != "none"}


def test_random_halves_are_alike(whole, tmp_path):
    alarms = 0
    for seed in range(3):
        a, b = halves(whole, seed)
        report = drift(batch(a, tmp_path), batch(b, tmp_path), seed=seed)
        alarms += report["verdict"] != "fits"

    assert alarms == 0
    assert report["ref"]["turns"] + report["new"]["turns"] == sum(map(len, whole))


def test_same_seed_same_report(pair):
    assert drift(*pair, seed=5) == drift(*pair, seed=5)


def test_a_behaviour_that_is_gone_is_named_and_the_model_still_fits(pair):
    ref, new = pair
    labels = new.labels.copy()
    labels[:, BEHAVIOURS.index("thanks")] = False
    scores = new.scores.copy()
    scores[:, BEHAVIOURS.index("thanks")] = 0.0001
    report = drift(ref, replace(new, labels=labels, scores=scores))

    assert changed(report) == {"thanks"}
    assert report["verdict"] == "differs"
    [line] = [line for line in report["words"] if line.startswith("Changed")]
    assert line.startswith("Changed much: turns with thanks")
    finding = next(one for one in report["findings"] if one["name"] == "thanks")
    assert finding["difference"] < finding["interval"][1] < 0


def test_another_mix_of_languages_is_no_fault_of_the_model(whole, tmp_path):
    ref, other = halves(whole, 1)
    english = [one for i, one in enumerate(other) if one[0]["lang"] == "en" or i % 4 == 0]
    report = drift(batch(ref, tmp_path), batch(english, tmp_path))

    assert report["verdict"] == "differs"
    assert "language" in changed(report)
    assert any("the mix of languages: en" in line for line in report["words"])


def test_a_new_language_and_unknown_words_raise_doubt(whole, model, tmp_path):
    ref, other = halves(whole, 2)
    malay = [one for one in ref if one[0]["lang"] == "ms"]
    report = drift(batch(malay, tmp_path), batch(other, tmp_path))
    strange = labelled(model, altered(other[:80], foreign), tmp_path)
    lost = drift(batch(ref, tmp_path), batch(strange, tmp_path))

    assert report["verdict"] == lost["verdict"] == "doubtful"
    assert any(line.startswith("New: ") and line.endswith("are en.") for line in report["words"])
    assert "unseen_words" in changed(lost)
    assert "santun review sample" in lost["words"][-1]


def test_few_conversations_say_nothing(whole, tmp_path):
    report = drift(batch(whole[:50], tmp_path), batch(whole[50:60], tmp_path))

    assert report["verdict"] == "too_few"


def test_what_cannot_be_compared_is_said(pair):
    ref, new = pair
    bare = [replace(one, scores=np.full_like(one.scores, np.nan)) for one in pair]
    report = drift(*bare)

    assert "no scores" in report["notes"][0]
    assert not {"confidence", "near_threshold"} & {one["name"] for one in report["findings"]}
    other_model = replace(new, labels=new.scores > np.quantile(new.scores, 0.8, axis=0))
    assert "one model" in drift(ref, other_model)["notes"][0]


def test_lone_utterances_and_behaviours_of_ones_own(tmp_path):
    rows = [
        {"text": f"ok {i}", "labels": ["upsell"] if i % 3 else [], "scores": {"upsell": 0.9 if i % 3 else 0.1}}
        for i in range(60)
    ]
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    report = drift(read_batch([path]), read_batch([path]))

    assert report["verdict"] == "fits"
    assert next(one for one in report["findings"] if one["name"] == "upsell")["ref"] == pytest.approx(2 / 3, abs=0.01)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_every_format_is_the_same_batch(whole, tmp_path, kind):
    few = whole[:15]
    path = tmp_path / f"batch.{kind}"
    writer = open_writer(path, kind, BEHAVIOURS)
    writer.write([row for one in few for row in one])
    writer.close(finished=True)
    a, b = batch(few, tmp_path), read_batch([path])

    assert (a.langs, a.roles, a.channels, a.conversations) == (b.langs, b.roles, b.channels, b.conversations)
    assert np.array_equal(a.labels, b.labels)
    assert np.allclose(a.scores, b.scores)
    assert np.array_equal(a.mixed, b.mixed)


def test_unlabelled_files_are_refused(tmp_path):
    path = tmp_path / "calls.jsonl"
    path.write_text('{"text": "hello"}\n', encoding="utf-8")

    with pytest.raises(InputError, match="label it first"):
        read_batch([path])


def test_the_command(whole, tmp_path):
    files: list[Path] = []
    for name, part in zip(("may.jsonl", "june.jsonl"), halves(whole[:200], 0), strict=True):
        files.append(tmp_path / name)
        files[-1].write_text("".join(json.dumps(row) + "\n" for one in part for row in one), encoding="utf-8")
    app = typer.Typer()
    app.command()(command)

    def run(*arguments):
        return CliRunner().invoke(app, [str(one) for one in arguments])

    done = run(*files)

    assert done.exit_code == 0, done.output
    assert "words_per_turn" in done.stdout
    assert json.loads(run(*files, "--json").stdout)["words"][0] in done.stdout
    assert run(files[0], tmp_path / "none.jsonl").exit_code == 4
