"""The review loop: what is chosen, exact round trips by every tool and sheet, agreement, estimates, training records."""

from __future__ import annotations

import csv
import json
import random

import numpy as np
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from santun.recipe import Recipe
from santun.review import agreement, corrections, differing, estimate, sample, settle_all, task_of
from santun.review_files import FORMATS, SHEETS, companion, read_answers, read_tasks, write_tasks
from santun.train import train
from santun.training_data import read_labelled
from santun.write import open_writer
from santun_cli.review import app
from santun_corpora import BEHAVIOURS, InputError, Utterance, open_source, read
from sklearn.metrics import cohen_kappa_score
from typer.testing import CliRunner

from tests.conftest import tiny_rows

HOSTILE = [
    "=1+1",
    "+60",
    "-ok",
    "@SUM(A1)",
    "\tcmd",
    "a\r\nb",
    'say "no", ok;',
    "\u202eabc",
    "maaf\x1b🙏🏽",
    "NA",
    "007",
    "'x",
]


def word(at):
    """A word of its own for each number: texts that differ in digits alone count as one."""
    return "".join("bdghjkmnpr"[int(digit)] + "a" for digit in str(at))


def labelled(tmp_path, n=400, *, name="labelled.jsonl", text=None, seed=0):
    """What labelling writes: every fifth turn unsure, behaviours of unequal frequency, eight turns a call."""
    rng = random.Random(seed)
    rows = []
    for at in range(n):
        scores = {name: round(rng.random() * 0.02, 4) for name in BEHAVIOURS}
        chosen = rng.choices([*BEHAVIOURS, None], [20, 8, 6, 10, 20, 15, 2, 12, 4, 15, 80])[0]
        if chosen:
            scores[chosen] = round(0.45 + rng.random() * 0.2, 4) if at % 5 == 0 else 0.98
        rows.append(
            {
                "id": f"u{at}", "conversation_id": f"c{at // 8}", "turn": at % 8 + 1, "speaker": ["Ejen", "Pelanggan"][at % 2],
                "role": ["agent", "customer"][at % 2], "lang": "ms", "text": text(at) if text else f"kata {word(at)} {word(rng.randrange(1000))}",
                "labels": [b for b in BEHAVIOURS if scores[b] >= 0.5], "scores": scores, "mixed": False, "source": f"call.csv:{at + 2}",
            }
        )  # fmt: skip
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path, rows


def parts(tasks):
    return {task_of(task): task.fields["review"]["part"] for task in tasks}


# --------------------------------------------------------------------------------------------------- sampling


def test_a_sample_is_seeded_counted_and_spread(tmp_path):
    path, rows = labelled(tmp_path)
    found = sample([path], 60, seed=3)
    again = sample([path], 60, seed=3)

    assert [task.fields for task in found.tasks] == [task.fields for task in again.tasks]
    assert parts(sample([path], 60, seed=4).tasks) != parts(found.tasks)
    assert (found.read, found.turns, found.skipped, found.bad) == (400, 400, 0, 0)
    assert len({task_of(task) for task in found.tasks}) == len(found.tasks) == 60
    assert sorted(parts(found.tasks).values()) == ["picked"] * 45 + ["random"] * 15
    picked = [task for task in found.tasks if task.fields["review"]["part"] == "picked"]
    a_call = [
        sum(task.conversation_id == name for task in picked) for name in {task.conversation_id for task in picked}
    ]
    assert max(a_call) <= 3
    unsure = [min(abs(0.5 - p) for p in task.fields["scores"].values()) < 0.2 for task in picked]
    assert np.mean(unsure) >= 0.8  # one turn in five or fewer is

    by_id = {row["id"]: at for at, row in enumerate(rows)}
    for task in found.tasks:
        at = by_id[task.id]
        before = rows[max(at - at % 8, at - 2) : at]
        assert task.context == [(row["role"], row["text"]) for row in before]
        assert (task.text, task.labels, task.turn) == (rows[at]["text"], rows[at]["labels"], rows[at]["turn"])


def test_random_turns_stand_for_all(tmp_path):
    path, _ = labelled(tmp_path)
    found = sample([path], 40, share=1.0)
    strata = {task.fields["review"]["stratum"]: task.fields["review"]["of"] for task in found.tasks}

    assert strata == found.strata
    assert sum(strata.values()) == found.turns
    few = sample([path], 4, share=1.0)
    assert few.strata == {"all": 400}


def test_a_repeated_phrase_is_asked_about_once(tmp_path):
    path, rows = labelled(tmp_path, text=lambda at: "baik nanti saya semak dulu ya" if at % 2 else f"soalan {word(at)}")
    for row in rows:
        row["scores"]["empathy"] = 0.5 if row["turn"] % 2 == 0 else 0.35
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = sample([path], 30, share=0.0)

    assert sum(task.text == "baik nanti saya semak dulu ya" for task in found.tasks) <= 2


def test_every_format_of_labelling_gives_the_same_tasks(tmp_path):
    path, rows = labelled(tmp_path, 80, text=lambda at: f"{HOSTILE[at % 4]} {word(at)}")
    wanted = {task.id: (task.text, task.labels, task.context) for task in sample([path], 20).tasks}
    for kind in ("csv", "xlsx", "parquet"):
        table = tmp_path / f"labelled.{kind}"
        writer = open_writer(table, kind, BEHAVIOURS)
        writer.write(rows)
        writer.close(finished=True)
        found = sample([table], 20)
        assert {task.id: (task.text, task.labels, task.context) for task in found.tasks} == wanted, kind


def test_what_cannot_be_reviewed_is_counted(tmp_path):
    path, rows = labelled(tmp_path, 40)
    rows[3] |= {"labels": [], "skipped": "system line"}
    del rows[4]["scores"]
    lines = [json.dumps(row) for row in rows] + ["{broken"]
    path.write_text("\n".join(lines), encoding="utf-8")
    found = sample([path], 10, role="agent")

    assert (found.read, found.turns, found.skipped, found.bad) == (41, 19, 20, 2)
    assert found.problems[0] == "labelled.jsonl:5: no scores; give what santun label wrote"
    assert {task.role for task in found.tasks} == {"agent"}
    turns = {task.id: task.context for task in found.tasks}
    assert all(text != rows[3]["text"] for context in turns.values() for _, text in context)
    with pytest.raises(InputError, match="no turn with scores of role bot"):
        sample([path], 10, role="bot")


# ------------------------------------------------------------------------------------------------ round trips


def answered(path, kind, truth, who):
    """Fill in a file as a person, or export it as a tool would, with these answers; tasks that are not named are left."""
    out = path.with_name(f"{who}.{path.name}")
    if kind == "xlsx":
        book = openpyxl.load_workbook(path)
        sheet = book["review"]
        head = [cell.value for cell in sheet[1]]
        for row in sheet.iter_rows(min_row=2):
            cells = dict(zip(head, row, strict=True))
            if cells["task"].value in truth:
                cells["reviewer"].value = who
                for name in BEHAVIOURS:
                    cells[name].value = "yes" if name in truth[cells["task"].value] else None
        book.save(out)
    elif kind == "csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            if row["task"] in truth:
                row |= {name: "x" if name in truth[row["task"]] else "" for name in BEHAVIOURS} | {"reviewer": who}
        with out.open("w", encoding="utf-8", newline="") as file:  # as a German or Indonesian Excel saves it
            writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
            writer.writeheader()
            writer.writerows(rows)
    elif kind == "label-studio":
        tasks = json.loads(path.read_text(encoding="utf-8"))
        for number, task in enumerate(tasks):
            task["id"] = number
            if task["data"]["id"] in truth:
                chosen = {
                    "from_name": "behaviours",
                    "to_name": "text",
                    "type": "choices",
                    "value": {"choices": truth[task["data"]["id"]]},
                }
                task["annotations"] = [
                    {"completed_by": {"id": 1, "email": who}, "result": [chosen] if chosen["value"]["choices"] else []},
                    {"completed_by": {"id": 2, "email": "other"}, "result": [], "was_cancelled": True},
                ]  # fmt: skip
        out.write_text(json.dumps(tasks), encoding="utf-8")
    elif kind == "argilla":
        records = json.loads(path.read_text(encoding="utf-8"))
        for record in records:
            if record["id"] in truth:
                value = truth[record["id"]] or ["none"]
                record["responses"] = {"behaviours": [{"value": value, "user_id": who, "status": "submitted"}]}
        out.write_text(json.dumps(records), encoding="utf-8")
    else:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for row in rows:
            if kind == "doccano":  # has a number of its own, and never says whether anybody looked
                key = json.loads(row["santun"])["record"]["id"]
                row |= {"label": truth.get(key, []), "id": 7, "Comments": []}
            elif (key := row["meta"]["id"]) in truth:
                row |= {
                    "accept": truth[key],
                    "answer": "accept",
                    "_annotator_id": who,
                    "_input_hash": 1,
                    "_task_hash": 2,
                }
        if kind == "doccano":
            rows = [row for row in rows if json.loads(row["santun"])["record"]["id"] in truth]
        out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return out


@pytest.mark.parametrize("kind", FORMATS)
def test_round_trip(tmp_path, kind):
    path, _ = labelled(tmp_path, 120, text=lambda at: f"{HOSTILE[at % len(HOSTILE)]} {word(at)}")
    found = sample([path], 24)
    out = tmp_path / f"tasks.{kind if kind in SHEETS else 'json'}"
    write_tasks(found.tasks, out, kind)
    tasks = read_tasks(out)
    rng = random.Random(1)
    truth = {task_of(task): [b for b in BEHAVIOURS if rng.random() < 0.2] for task in tasks[:20]}
    answers = read_answers([answered(out, kind, truth, "aina")], tasks, kind, empty="none")

    assert [task.fields for task in tasks] == [task.fields for task in found.tasks]
    assert {key: {frozenset(labels)} for key, labels in truth.items()} == {
        key: set(mine.values()) for key, mine in answers.votes.items()
    }
    assert not answers.problems
    assert answers.read == answers.taken + answers.unanswered
    who = {name for mine in answers.votes.values() for name in mine}
    assert who == {"aina.tasks" if kind == "doccano" else "aina"}
    records = list(corrections(tasks, answers.votes, settle_all(tasks, answers.votes, {})))
    texts = {task.id: task.text for task in tasks}
    assert len(records) == 20
    assert all(record["text"] == texts[record["id"]] for record in records)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=20)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(said=st.lists(texts | st.sampled_from(HOSTILE), min_size=4, max_size=6), kind=st.sampled_from(FORMATS))
def test_any_text_comes_back_as_it_was(tmp_path_factory, said, kind):
    folder = tmp_path_factory.mktemp("review")
    path, _ = labelled(folder, len(said), text=lambda at: said[at] + "abcdef"[at])
    found = sample([path], 9, per_conversation=9)
    out = folder / f"tasks.{kind if kind in SHEETS else 'json'}"
    write_tasks(found.tasks, out, kind)
    tasks = read_tasks(out)
    truth = {task_of(task): [BEHAVIOURS[at % 10]] for at, task in enumerate(tasks)}
    answers = read_answers([answered(out, kind, truth, "b")], tasks, kind)

    assert {key: [sorted(labels) for labels in mine.values()] for key, mine in answers.votes.items()} == {
        key: [labels] for key, labels in truth.items()
    }
    back = folder / "corrections.jsonl"
    records = corrections(tasks, answers.votes, settle_all(tasks, answers.votes, {}))
    back.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    assert [row.text for row in read(open_source(back))] == [text + "abcdef"[at] for at, text in enumerate(said)]


def test_a_sheet_is_for_people(tmp_path):
    path, _ = labelled(tmp_path, 60, text=lambda at: f"{HOSTILE[at % len(HOSTILE)]} {word(at)}")
    out = tmp_path / "tasks.xlsx"
    write_tasks(sample([path], 12).tasks, out, "xlsx")
    book = openpyxl.load_workbook(out)
    sheet = book["review"]
    head = [cell.value for cell in sheet[1]]

    assert book.sheetnames == ["review", "instructions"]
    assert head[:7] == ["task", "conversation", "turn", "before_2", "before_1", "speaker", "text"]
    assert head[7:] == [*BEHAVIOURS, "reviewer", "note"]
    assert all(cell.data_type in ("s", "n", "inlineStr") for row in sheet.iter_rows() for cell in row)
    [ticks] = sheet.data_validations.dataValidation
    assert (ticks.formula1, str(ticks.sqref)) == ('"yes"', "H2:Q13")
    assert any(cell.value == "yes" for row in sheet.iter_rows(min_row=2, min_col=8, max_col=17) for cell in row)
    blind = tmp_path / "blind.xlsx"
    write_tasks(sample([path], 12).tasks, blind, "xlsx", blind=True)
    blank = openpyxl.load_workbook(blind)["review"]
    assert not any(cell.value for row in blank.iter_rows(min_row=2, min_col=8, max_col=17) for cell in row)


def test_faults_of_a_sheet_are_named_by_place(tmp_path):
    path, _ = labelled(tmp_path, 60)
    out = tmp_path / "tasks.csv"
    write_tasks(sample([path], 6).tasks, out, "csv")
    tasks = read_tasks(out)
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows[:3]:
        row["reviewer"] = "Aina"
    rows[1]["task"], rows[2]["apology"] = "t000", "maybe"
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    answers = read_answers([out], tasks)

    assert (answers.read, answers.unanswered) == (6, 3)
    assert any(problem.startswith("tasks.csv:3: no task of this review") for problem in answers.problems)
    assert "tasks.csv:4: apology: neither yes nor blank" in answers.problems
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [name for name in rows[0] if name != "greeting"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(InputError, match="no column 'greeting'"):
        read_answers([out], tasks)
    companion(out).unlink()
    with pytest.raises(InputError, match="wrote it beside the tasks"):
        read_tasks(out)


def test_label_studio_of_several_annotators(tmp_path):
    path, _ = labelled(tmp_path, 60)
    out = tmp_path / "tasks.json"
    write_tasks(sample([path], 6).tasks, out, "label-studio")
    tasks = read_tasks(out)
    exported = json.loads(out.read_text(encoding="utf-8"))
    for at, task in enumerate(exported):
        chosen = [{"from_name": "behaviours", "to_name": "text", "type": "choices", "value": {"choices": ["thanks"]}}]
        task["annotations"] = [
            {"completed_by": 4, "result": chosen},
            {"completed_by": 9, "result": chosen if at % 2 else []},
        ]
    out.write_text(json.dumps(exported[:5]), encoding="utf-8")
    answers = read_answers([out], tasks)

    assert [set(answers.votes[task_of(task)]) for task in tasks[:5]] == [{"4", "9"}] * 5
    assert (answers.read, answers.taken) == (10, 10)
    assert len(differing(tasks, answers.votes, {})) == 3
    assert '<Text name="before" value="$before"/>' in (tmp_path / "tasks.config.xml").read_text(encoding="utf-8")


# -------------------------------------------------------------------------------------- agreement and estimates


def votes_of(tasks, *columns):
    return {
        task_of(task): {f"r{who}": frozenset(["thanks"] if column[at] else []) for who, column in enumerate(columns) if column[at] is not None}
        for at, task in enumerate(tasks)
    }  # fmt: skip


def test_agreement_is_that_of_the_books(tmp_path):
    path, _ = labelled(tmp_path, 80)
    tasks = sample([path], 10, share=1.0).tasks
    a, b = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    report = agreement(tasks, votes_of(tasks, a, b))

    # Krippendorff (2011), Computing Krippendorff's alpha-reliability, section B
    assert report["alpha"]["thanks"]["alpha"] == pytest.approx(0.095, abs=0.0005)
    [pair] = report["pairs"].values()
    assert pair["thanks"]["kappa"] == pytest.approx(cohen_kappa_score(a, b))
    assert pair["thanks"]["equal"] == 0.6
    low, high = pair["thanks"]["interval"]
    assert low < pair["thanks"]["kappa"] < high
    assert pair["greeting"] == {"kappa": None, "interval": None, "equal": 1.0, "turns": 10}
    mine = [int("thanks" in task.labels) for task in tasks]
    kappa = report["model"]["r0"]["thanks"]["kappa"]
    expected = cohen_kappa_score(a, mine)
    assert kappa == pytest.approx(expected) if expected == expected else kappa is None
    assert report["reviewers"] == {"r0": 10, "r1": 10}


def test_alpha_with_gaps():
    tasks = [
        Utterance("x", f"f:{at}", labels=[], fields={"scores": {"thanks": 0.1}, "review": {"task": f"t{at}"}})
        for at in range(12)
    ]
    a = [1, 1, 0, 0, 1, 0, None, 0, 1, None, 0, 1]
    b = [1, 1, 0, 1, 1, 0, 1, 0, None, None, 0, 1]
    c = [1, None, 0, 0, 1, 1, 1, None, 1, 1, 0, None]
    alpha = agreement(tasks, votes_of(tasks, a, b, c))["alpha"]["thanks"]

    # the coincidence matrix, as the book builds it
    coincidences = np.zeros((2, 2))
    for unit in zip(a, b, c, strict=True):
        said = [value for value in unit if value is not None]
        for i, x in enumerate(said):
            for j, y in enumerate(said):
                if i != j:
                    coincidences[x, y] += 1 / (len(said) - 1)
    totals, n = coincidences.sum(axis=0), coincidences.sum()
    assert alpha["alpha"] == pytest.approx(1 - (n - 1) * coincidences[0, 1] / (totals[0] * totals[1]))
    assert alpha["turns"] == 11


def test_estimates_stand_for_all_turns(tmp_path):
    path, rows = labelled(tmp_path, 800)
    rng = random.Random(5)
    truth = {row["id"]: [b for b in BEHAVIOURS if rng.random() < (0.8 if b in row["labels"] else 0.03)] for row in rows}

    def figures(n, seed):
        tasks = sample([path], n, share=0.5 if n < 800 else 1.0, seed=seed).tasks
        votes = {task_of(task): {"a": frozenset(truth[task.id])} for task in tasks}
        return estimate(tasks, settle_all(tasks, votes, {}))

    whole = figures(800, 0)
    assert (whole["turns"], whole["of"]) == (800, 800)
    thanks = whole["behaviours"]["thanks"]
    said = [row["id"] for row in rows if "thanks" in row["labels"]]
    true = [name for name, labels in truth.items() if "thanks" in labels]
    assert thanks["precision"] == pytest.approx(len({*said} & {*true}) / len(said))
    assert thanks["recall"] == pytest.approx(len({*said} & {*true}) / len(true))
    assert thanks["rate"] == pytest.approx(len(true) / 800)

    drawn = [figures(200, seed) for seed in range(40)]
    for name in ("thanks", "ownership"):
        of_all, parts_of = whole["behaviours"][name], [one["behaviours"][name] for one in drawn]
        assert np.mean([part["rate"] for part in parts_of]) == pytest.approx(of_all["rate"], abs=0.02)
        held = [low <= of_all["rate"] <= high for low, high in (part["rate_interval"] for part in parts_of)]
        assert np.mean(held) >= 0.85


def test_last_words_settle_what_reviewers_leave_open(tmp_path):
    path, _ = labelled(tmp_path, 80)
    tasks = sample([path], 6).tasks
    votes = votes_of(tasks, [1, 1, 0, 0, 1, None], [1, 0, 0, 0, 0, None])
    votes[task_of(tasks[1])]["r2"] = frozenset(["thanks"])
    settled = settle_all(tasks, votes, {})

    assert [settled[task_of(task)].how for task in tasks[:5]] == ["agreed", "majority", "agreed", "agreed", "open"]
    assert task_of(tasks[5]) not in settled
    assert [task_of(task) for task in differing(tasks, votes, {})] == [task_of(tasks[1]), task_of(tasks[4])]
    out = tmp_path / "last.csv"
    write_tasks(differing(tasks, votes, {}), out, "csv", said=votes)
    with out.open(encoding="utf-8-sig", newline="") as file:
        shown = list(csv.DictReader(file))
    assert [row["said"] for row in shown] == ["r0: thanks; r1: none; r2: thanks", "r0: thanks; r1: none"]
    assert [row["thanks"] for row in shown] == ["", ""]
    last = read_answers([answered(out, "csv", {task_of(tasks[4]): ["thanks"]}, "ketua")], tasks)
    settled = settle_all(tasks, votes, last.votes)
    records = list(corrections(tasks, votes, settled))
    assert (settled[task_of(tasks[4])].labels, settled[task_of(tasks[4])].open) == (["thanks"], [])
    assert sorted(record["id"] for record in records) == sorted(task.id for task in tasks[:5])


# ---------------------------------------------------------------------------------------------------- training


def test_corrections_train_with_the_turns_before(tmp_path):
    path, _ = labelled(tmp_path, 80)
    tasks = sample([path], 30).tasks
    votes = {task_of(task): {"a": frozenset(task.labels)} for task in tasks}
    out = tmp_path / "corrections.jsonl"
    records = list(corrections(tasks, votes, settle_all(tasks, votes, {})))
    out.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    rows = read_labelled([out])

    assert [row.id for row in rows] == sorted((task.id for task in tasks), key=lambda name: int(name[1:]))
    assert {row.id: row.context for row in rows} == {task.id: task.context for task in tasks}
    assert "scores" not in records[0]

    small = Recipe().updated(
        {"features.word_bits": 12, "features.char_bits": 12, "classifier.n_folds": 2, "augmentation.share": 0.0}
    )
    base = tiny_rows()
    asked = [Utterance(**{name: getattr(row, name) for name in row.__slots__}) for row in base]
    for row in asked:
        if row.turn == 1:
            row.context = [("customer", "I am so angry about the late parcel")]
    with_turns, without = train(asked, small), train(base, small)
    assert with_turns.facts["training"]["rows"] == without.facts["training"]["rows"]
    assert with_turns.facts["training"]["sha256"] != without.facts["training"]["sha256"]
    assert np.array_equal(with_turns.seen, without.seen)  # nothing is learnt of the labels of turns before
    assert not np.array_equal(with_turns.classifier.turn_weights_, without.classifier.turn_weights_)


# ------------------------------------------------------------------------------------------------- the commands


def santun(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_commands(tmp_path):
    path, _ = labelled(tmp_path, 200, text=lambda at: f"rahsia {word(at)}")
    out = tmp_path / "tasks.xlsx"
    done = santun("sample", path, "-n", 20, "-o", out, "--json")
    summary = json.loads(done.stdout)

    assert done.exit_code == 0
    assert (summary["tasks"], summary["picked"], summary["random"], summary["turns"]) == (20, 15, 5, 200)
    refused = santun("sample", path, "-o", out)
    assert refused.exit_code == 2
    assert "people may have worked in it" in refused.output
    tasks = read_tasks(out)
    mine = {task_of(task): list(task.labels) for task in tasks}
    other = dict(mine) | {task_of(tasks[0]): ["ownership"] if "ownership" not in tasks[0].labels else []}
    sheets = [answered(out, "xlsx", mine, "aina"), answered(out, "xlsx", other, "budi")]
    records = tmp_path / "corrections.jsonl"
    last = tmp_path / "last.xlsx"
    done = santun("import", *sheets, "--tasks", out, "-o", records, "--adjudicate", last, "--json")
    report = json.loads(done.stdout)

    assert done.exit_code == 0
    assert report["answers"] == {"read": 40, "taken": 40, "unanswered": 0, "bad": 0}
    assert (report["records"], report["differing"], report["settled"]) == (19, 1, {"agreed": 19, "open": 1})
    assert report["reviewers"] == {"aina": 20, "budi": 20}
    ruling = answered(last, "xlsx", {task_of(tasks[0]): ["thanks"]}, "ketua")
    done = santun("import", *sheets, "--adjudicated", ruling, "--tasks", out, "-o", records)
    assert done.exit_code == 0
    assert "20 training records" in done.output
    assert "rahsia" not in done.output
    assert len(records.read_text(encoding="utf-8").splitlines()) == 20


def test_what_is_wrong_is_one_line(tmp_path):
    path, _ = labelled(tmp_path, 40)
    out = tmp_path / "tasks.csv"
    santun("sample", path, "-n", 10, "-o", out, "-q")
    rows = {
        ("sample", path, "-o", tmp_path / "tasks.txt"): (2, "which format?"),
        ("sample", path, "-o", path): (2, "which format?"),
        ("sample", path, "-f", "csv", "-o", path): (2, "it is an input"),
        ("sample", tmp_path / "nothing.jsonl", "-o", tmp_path / "x.csv"): (4, "no such file"),
        ("import", out, "--tasks", out, "-o", tmp_path / "c.jsonl"): (4, "none of 10 rows is answered"),
        ("import", out, "--tasks", path, "-o", tmp_path / "c.jsonl"): (4, "not there"),
        ("import", out, "--tasks", out, "-o", out): (2, "it is an input"),
        ("import", out, "--tasks", out, "-o", tmp_path / "c.jsonl", "-f", "brat"): (2, "give one of"),
    }
    for arguments, (code, what) in rows.items():
        done = santun(*arguments)
        assert (done.exit_code, what in done.output, len(done.output.splitlines())) == (code, True, 1), done.output
    assert not (tmp_path / "c.jsonl").exists()
    assert not list(tmp_path.glob("*.part"))
