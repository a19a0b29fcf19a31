"""Records to annotation tools and back: the same after a round trip, and every row of a tool's own files accounted for."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from santun_corpora import BEHAVIOURS, InputError, Problem, Utterance, open_source, read
from santun_corpora.exchange import (
    EXCHANGES,
    Account,
    Options,
    ToolMap,
    dump_record,
    export_records,
    import_records,
    read_mapping,
    sniff,
)
from typer.testing import CliRunner

FILES = [name for name in EXCHANGES if name != "hf"]  # the datasets library takes its time


def written(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows_of(path):
    return list(read(open_source(path)))


def plain(row):
    return {**dataclasses.asdict(row), "source": None}


def settled(row):
    """A row as it was read, with the numbers that reading gave it written down."""
    given = {name: getattr(row, name) for name in ("id", "conversation_id", "turn")}
    missing = {name: value for name, value in given.items() if value is not None and row.fields.get(name) is None}
    return {**plain(row), "fields": {**row.fields, **missing}}


def brought(path, kind, plan=None, **options):
    account = Account()
    items = list(import_records(path, kind, plan, options=Options(**options), account=account))
    assert account.read == account.imported + account.skipped.total() + account.bad
    return items, account


def labels_of(path, kind, plan=None, **options):
    return [item.labels for item in brought(path, kind, plan, **options)[0]]


# ----------------------------------------------------------------------------------------------- round trips

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30),
    st.sampled_from(
        [
            "",
            "NA",
            "null",
            "007",
            "=1+1",
            "a\r\nb\n\n",
            "نعم، \u200fشكراً",
            'she said "no"',
            "🙏🏽\u2028x\x1b\x85",
            "true",
        ]
    ),
)
words = st.sampled_from(["agent", "Ejen", "pelanggan", "Aina", "unknown", "", "العميل"])
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(1 << 70), 1 << 70), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
labels = st.one_of(
    st.none(),
    st.lists(st.sampled_from([*BEHAVIOURS, "upsell", "hold_notice"]), max_size=4),
    st.sampled_from(["greeting;thanks", "none", ""]),
)
others = st.dictionaries(
    st.sampled_from(["domain", "channel", "meta", "data", "label", "options", "answer", "Comments", "score", "fields", "timestamp"]),
    values,
    max_size=3,
)  # fmt: skip
fields = st.fixed_dictionaries(
    {"text": texts | st.sampled_from([5, 1.0, None])},
    optional={
        "conversation_id": st.sampled_from(["c1", "c2", "محادثة", "3", None]),
        "turn": st.integers(1, 9) | st.none() | st.just("4"),
        "speaker": words | st.none(),
        "role": st.sampled_from(["agent", "customer", "nurse", None]),
        "lang": st.sampled_from(["ms", "id-ID", "xx", None]),
        "labels": labels,
        "start": st.sampled_from([0, 1.5, "00:01:02", None]),
        "context": st.lists(st.sampled_from(["agent: hello", "hm"]), max_size=2),
    },
)


@st.composite
def records(draw):
    return [
        {**draw(others), **row, "id": draw(st.sampled_from([f"u{at}", 1000 + at, f"{at}/ä"]))}
        for at, row in enumerate(draw(st.lists(fields, min_size=1, max_size=5)))
    ]


def check_round_trip(tmp_path_factory, kind, given_rows):
    folder = tmp_path_factory.mktemp("trip")
    rows = rows_of(written(folder / "records.jsonl", given_rows))
    out = folder / "out"
    assert export_records(rows, out, kind) == len(rows)
    items, account = brought(out, kind, ToolMap(behaviours=(*BEHAVIOURS, "upsell", "hold_notice")))

    expected = list(map(settled, rows))
    if kind == "convokit":  # keeps a conversation together
        names = list(dict.fromkeys(row["conversation_id"] or row["id"] for row in expected))
        expected.sort(key=lambda row: names.index(row["conversation_id"] or row["id"]))
    assert list(map(plain, items)) == expected
    assert not account.notes
    again = folder / "again.jsonl"
    again.write_text("".join(dump_record(item) + "\n" for item in items), encoding="utf-8")
    assert list(map(plain, rows_of(again))) == list(map(plain, items))


@pytest.mark.parametrize("kind", FILES)
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(given_rows=records())
def test_a_round_trip_gives_the_same_records(tmp_path_factory, kind, given_rows):
    check_round_trip(tmp_path_factory, kind, given_rows)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(given_rows=records())
def test_a_round_trip_through_datasets_gives_the_same_records(tmp_path_factory, given_rows):
    pytest.importorskip("datasets")
    check_round_trip(tmp_path_factory, "hf", given_rows)


@pytest.mark.parametrize("kind", EXCHANGES)
def test_tables_with_names_of_their_own_come_back_too(tmp_path, kind):
    if kind == "hf":
        pytest.importorskip("datasets")
    path = tmp_path / "calls.csv"
    path.write_text("No. Tiket,Pengirim,Isi Pesan,Nilai\nT1,petugas,Halo,007\nT1,pelanggan,NA,\n", encoding="utf-8")
    rows = rows_of(path)
    export_records(rows, tmp_path / "out", kind)
    items, _ = brought(tmp_path / "out", kind)

    first = items[0]
    assert (first.id, first.conversation_id, first.turn, first.role) == ("calls.csv:2", "T1", 1, "agent")
    assert first.fields["Nilai"] == "007"
    assert [(i.text, i.labels, i.turn) for i in items] == [("Halo", None, 1), ("NA", None, 2)]


def one(**fields):
    return [Utterance("hello", "a:1", **{"id": "u1", "speaker": "agent", "role": "agent", "lang": "en", **fields})]


@pytest.mark.parametrize("kind", ["label-studio", "doccano", "argilla", "prodigy"])
def test_what_is_changed_in_the_tool_is_kept(tmp_path, kind):
    path = tmp_path / "out"
    export_records(one(labels=["thanks"], turn=1, conversation_id="c"), path, kind)
    content = path.read_text()
    assert content.count('"thanks"') >= 1
    path.write_text(content.replace('"hello"', '"[name] hello"').replace('"lang": "en"', '"lang": "ms"'))
    [item] = brought(path, kind)[0]

    assert (item.text, item.lang, item.labels, item.turn) == ("[name] hello", "ms", ["thanks"], 1)
    assert item.fields["text"] == "[name] hello"


@pytest.mark.parametrize("kind", ["label-studio", "argilla", "prodigy"])
def test_predictions_are_labels_only_once_somebody_confirms(tmp_path, kind):
    path = tmp_path / "out"
    export_records(one(labels=["thanks"]), path, kind, predictions=True)

    assert '"thanks"' in path.read_text()
    assert labels_of(path, kind) == [None]


# ------------------------------------------------------------------------------------- what the tools write


def annotated(labels, **more):
    result = [{"id": "x", "from_name": "b", "to_name": "text", "type": "choices", "value": {"choices": labels}}]
    return {"result": result if labels else [], "was_cancelled": False, "ground_truth": False, **more}


def test_label_studio_takes_the_truth_else_the_latest_and_counts_the_rest(tmp_path):
    tasks = [
        [annotated(["thanks"], updated_at="2026-01-02", completed_by=1), annotated(["apology"], updated_at="2026-01-01", completed_by={"id": 2, "email": "b@x.example"})],
        [annotated(["thanks"], ground_truth=True), annotated(["apology"], updated_at="2026-01-01")],
        [annotated(["thanks"], was_cancelled=True)],
        [annotated([])],
        [],
    ]  # fmt: skip
    path = tmp_path / "export.json"
    path.write_text(
        json.dumps([{"id": n, "data": {"text": "a", "who": "Ejen"}, "annotations": a} for n, a in enumerate(tasks)])
    )
    items, account = brought(path, sniff(path))

    assert [i.labels for i in items] == [["thanks"], ["thanks"], None, [], None]
    assert account.disagreeing == 2
    assert account.unlabelled == {"cancelled by the annotator": 1, "not annotated": 1}
    assert labels_of(path, "label-studio", annotator="b@x.example")[:2] == [["apology"], None]
    assert (items[1].id, items[1].fields["who"]) == (1, "Ejen")


def test_label_studio_asks_which_of_several_controls(tmp_path):
    result = [{"from_name": name, "type": "choices", "value": {"choices": ["thanks"]}} for name in ("mood", "acts")]
    path = tmp_path / "export.json"
    path.write_text(json.dumps([{"id": 1, "data": {"text": "a"}, "annotations": [{"result": result}]}]))
    [problem] = brought(path, "label-studio")[0]

    assert str(problem).startswith("export.json:/0: choices of several controls ('acts', 'mood'); name one")
    assert labels_of(path, "label-studio", ToolMap(fields={"labels": "acts"})) == [["thanks"]]


def test_label_studio_min_has_a_row_for_each_annotation(tmp_path):
    mine = {"annotator": 1, "created_at": "2026-01-01", "updated_at": "2026-01-01", "lead_time": 1.0}
    rows = [
        {"text": "a", "id": 1, "annotation_id": 5, **mine, "behaviours": {"choices": ["thanks", "apology"]}},
        {"text": "a", "id": 1, "annotation_id": 6, **mine, "annotator": 2, "updated_at": "2026-02-01", "behaviours": "thanks"},
        {"text": "b", "id": 2, "annotation_id": 7, **mine},
        {"text": "c", "id": 3, "annotation_id": None, "annotator": None, "created_at": None, "updated_at": None, "lead_time": None},
    ]  # fmt: skip
    path = tmp_path / "min.json"
    path.write_text(json.dumps(rows))
    items, account = brought(path, sniff(path))

    assert [i.labels for i in items] == [["thanks"], [], None]
    assert account.skipped == {"another annotation of the same task": 1}
    assert account.disagreeing == 1
    assert labels_of(path, "label-studio", annotator="1")[0] == ["apology", "thanks"]


def test_label_studio_config_names_the_behaviours(tmp_path):
    export_records(one(labels=["a<b"]), tmp_path / "tasks.json", "label-studio", behaviours=["greeting"])
    config = (tmp_path / "tasks.config.xml").read_text()

    assert '<Choice value="greeting"/>' in config
    assert '<Choice value="a&lt;b"/>' in config


def test_doccano_does_not_tell_no_label_from_not_looked_at(tmp_path):
    rows = [
        {"id": 1, "text": "a", "label": ["thanks"], "Comments": []},
        {"id": 2, "text": "b", "label": [], "Comments": ["check"]},
    ]
    path = written(tmp_path / "all.jsonl", rows)
    items, account = brought(path, sniff(path))

    assert [i.labels for i in items] == [["thanks"], None]
    assert account.unlabelled == {"no label": 1}
    assert items[1].fields["Comments"] == ["check"]
    assert labels_of(path, "doccano", empty="none") == [["thanks"], []]


def test_doccano_knows_rows_that_were_sent_with_no_behaviour(tmp_path):
    path = tmp_path / "out"
    export_records([*one(labels=[]), *one(labels=None, id="u2")], path, "doccano")
    back = [{**json.loads(line), "id": at, "Comments": []} for at, line in enumerate(path.read_text().splitlines())]
    back[1]["label"] = []

    assert labels_of(written(tmp_path / "all.jsonl", back), "doccano") == [[], None]


def test_doccano_csv_joins_labels(tmp_path):
    path = tmp_path / "all.csv"
    path.write_text('id,text,label,Comments\n1,"a, b",apology#thanks,\n2,NA,thanks,\n3,x\n', encoding="utf-8")
    items, _ = brought(path, sniff(path))

    assert [i.labels for i in items[:2]] == [["apology", "thanks"], ["thanks"]]
    assert [i.text for i in items[:2]] == ["a, b", "NA"]
    assert str(items[2]) == "all.csv:4: not as many fields as the header; quote texts that hold ','"


def test_doccano_spans_are_a_bad_row(tmp_path):
    path = written(tmp_path / "spans.jsonl", [{"text": "a", "label": [[0, 1, "X"]]}])

    assert isinstance(brought(path, "doccano")[0][0], Problem)


def test_argilla_takes_submitted_responses(tmp_path):
    def record(number, *responses):
        return {
            "id": str(number), "fields": {"text": "a"}, "metadata": {"lang": "ms"}, "suggestions": {}, "vectors": {},
            "responses": {"acts": list(responses)} if responses else {}, "status": "completed", "_server_id": None,
        }  # fmt: skip

    path = tmp_path / "records.json"
    rows = [
        record(1, {"value": ["thanks"], "user_id": "u1"}, {"value": ["apology"], "user_id": "u2"}),
        record(2, {"value": None, "user_id": "u1"}),
        record(3, {"value": ["thanks"], "user_id": "u1", "status": "discarded"}),
        record(4, {"value": ["none"], "user_id": "u1", "status": "submitted"}),
        record(5),
    ]
    path.write_text(json.dumps(rows))
    items, account = brought(path, sniff(path))

    assert [i.labels for i in items] == [["apology"], None, None, [], None]
    assert account.unlabelled == {"discarded by the annotator": 2, "no response": 1}
    assert account.disagreeing == 1
    assert items[0].lang == "ms"
    assert labels_of(path, "argilla", annotator="u1")[0] == ["thanks"]


def test_argilla_is_sent_no_empty_list_for_its_server_refuses_it(tmp_path):
    export_records(one(labels=[]), tmp_path / "out", "argilla")
    [record] = json.loads((tmp_path / "out").read_text())

    assert [response["value"] for response in record["responses"]["behaviours"]] == [["none"]]
    assert labels_of(tmp_path / "out", "argilla") == [[]]


def test_argilla_flattened(tmp_path):
    path = tmp_path / "flat.json"
    names = {"acts.responses": [["thanks"], ["greeting"]], "acts.responses.users": ["u1", "u2"]}
    row = {"id": "7", "status": "completed", "_server_id": None, "text": "a", "lang": "ms", **names}
    path.write_text(
        json.dumps([{**row, "acts.responses.status": ["submitted", "draft"], "acts.suggestion": ["closing"]}])
    )
    [item] = brought(path, sniff(path))[0]

    assert (item.id, item.labels, item.lang) == ("7", ["thanks"], "ms")
    assert not any("." in name for name in item.fields)


def test_prodigy_choices_and_answers(tmp_path):
    def row(answer, accept, **more):
        return {"text": "ok", "accept": accept, "answer": answer, "_input_hash": 1, "_task_hash": 2, "meta": {}, **more}

    rows = [
        row("accept", ["thanks"], _annotator_id="a", _timestamp=2),
        row("accept", [], _annotator_id="b", _timestamp=1),
        row("reject", ["thanks"], meta={"id": 2}),
        row("ignore", [], meta={"id": 3}),
        row("accept", [], meta={"id": 4}),
    ]
    path = written(tmp_path / "db.jsonl", rows)
    items, account = brought(path, sniff(path))

    assert [i.labels for i in items] == [["thanks"], None, None, []]
    assert account.unlabelled == {"rejected by the annotator": 1, "ignored by the annotator": 1}
    assert account.skipped == {"another answer to the same text": 1}
    assert account.disagreeing == 1
    assert labels_of(path, "prodigy", annotator="b")[0] == []


def test_prodigy_one_label_at_a_time(tmp_path):
    rows = [
        {"text": t, "label": label, "answer": answer, "_input_hash": h, "_task_hash": n}
        for n, (h, t, label, answer) in enumerate(
            [(1, "a", "thanks", "accept"), (1, "a", "apology", "reject"), (2, "b", "thanks", "ignore"), (3, "c", "thanks", "reject")]
        )
    ]  # fmt: skip

    assert labels_of(written(tmp_path / "db.jsonl", rows), "prodigy") == [["thanks"], None, []]


def corpus(folder, rows, speakers=None):
    folder.mkdir()
    written(folder / "utterances.jsonl", rows)
    for name, value in (("speakers", speakers or {}), ("conversations", {}), ("corpus", {}), ("index", {})):
        (folder / f"{name}.json").write_text(json.dumps(value))
    return folder


def said(number, reply_to, **more):
    return {
        "id": number,
        "conversation_id": "c",
        "speaker": "s1",
        "text": number,
        "reply-to": reply_to,
        "meta": {},
        **more,
    }


def test_convokit_goes_by_replies_not_by_the_file(tmp_path):
    rows = [
        said("3", "2"), said("x", None, conversation_id="d"), said("1", None), said("2", "1", speaker="s2"),
        said("4", "gone", timestamp=9), said("5", "6"), said("6", "5"),
    ]  # fmt: skip
    folder = corpus(tmp_path / "corpus", rows, {"s1": {"meta": {"type": "Ejen"}}, "s2": {"role": "customer"}})
    items, account = brought(folder, sniff(folder))

    assert [(i.text, i.turn) for i in items if isinstance(i, Utterance)] == [
        ("1", 1), ("2", 2), ("3", 3), ("4", 4), ("x", 1),
    ]  # fmt: skip
    assert [i.role for i in items[:2]] == ["agent", "customer"]
    assert [str(i) for i in items if isinstance(i, Problem)] == [
        f"utterances.jsonl:{n}: it replies to itself, be it over others; mend its reply_to" for n in (6, 7)
    ]
    assert account.bad == 2


def test_convokit_labels_are_metadata_and_pickles_stay_shut(tmp_path):
    meta = {"labels": ["thanks"], "parsed": "<##bin{0}&&@**>", "mood": 1}
    folder = corpus(tmp_path / "corpus", [said("1", None, meta=meta), said("2", "1", meta={"acts": ["Salam"]})])
    plan = ToolMap(fields={"labels": "meta.acts"}, labels={"Salam": "greeting"})
    [first, _] = brought(folder, "convokit")[0]

    assert (first.labels, first.fields.get("mood"), "parsed" in first.fields) == (["thanks"], 1, False)
    assert labels_of(folder, "convokit", plan) == [None, ["greeting"]]


def test_convokit_speakers_are_persons(tmp_path):
    rows = [
        Utterance("a", "r:1", id="1", conversation_id="c1", turn=1, speaker="agent", role="agent"),
        Utterance("b", "r:2", id="2", conversation_id="c2", turn=1, speaker="agent", role="agent"),
        Utterance("c", "r:3", id="3", conversation_id="c2", turn=2, speaker="Aina", role="unknown"),
    ]
    export_records(rows, tmp_path / "corpus", "convokit")

    assert list(json.loads((tmp_path / "corpus/speakers.json").read_text())) == ["c1:agent", "c2:agent", "Aina"]


def test_convokit_refuses_one_id_for_two_rows(tmp_path):
    with pytest.raises(InputError, match="a:1: id 'u1' stands at a:1 too; ConvoKit needs one for each row"):
        export_records(one() + one(), tmp_path / "corpus", "convokit")
    assert not list(tmp_path.iterdir())


def test_datasets_know_the_features_and_keep_every_text(tmp_path):
    datasets = pytest.importorskip("datasets")
    rows = [*one(labels=["thanks"], fields={"domain": "telco", "n": 1}), *one(labels=[]), *one(labels=None)]
    rows[1].text = "NA"
    export_records(rows, tmp_path / "set", "hf")
    loaded = datasets.load_dataset(str(tmp_path / "set"), cache_dir=str(tmp_path / "cache"))["train"]

    assert loaded.features["labels"] == datasets.List(datasets.ClassLabel(names=list(BEHAVIOURS)))
    assert loaded["labels"][:] == [[BEHAVIOURS.index("thanks")], [], None]
    assert (loaded["text"][1], loaded["domain"][0], loaded["n"][0]) == ("NA", "telco", 1)
    saved = loaded.rename_column("text", "said").remove_columns(["santun", "id"])
    datasets.DatasetDict({"a": saved, "b": saved.select([0])}).save_to_disk(str(tmp_path / "disk"))
    plan = ToolMap(fields={"text": "said"})
    items, _ = brought(tmp_path / "disk", sniff(tmp_path / "disk"), plan)

    assert [i.labels for i in items] == [["thanks"], [], None, ["thanks"]]
    assert [i.fields["split"] for i in items] == ["a", "a", "a", "b"]
    assert len(brought(tmp_path / "disk", "hf", plan, split="b")[0]) == 1
    with pytest.raises(InputError, match="no split 'c'; the splits are a, b"):
        brought(tmp_path / "disk", "hf", plan, split="c")


def test_a_data_set_is_read_with_labels_of_any_name(tmp_path):
    from santun_corpora.exchange.hf import read_dataset

    (tmp_path / "train.csv").write_text("kata,labels\nNA,upsell;Salam\n", encoding="utf-8")
    [item] = read_dataset(str(tmp_path), columns={"text": "kata"})

    assert (item.text, item.labels) == ("NA", ["upsell", "Salam"])


def test_a_folder_of_csv_is_read_with_nothing_guessed(tmp_path):
    (tmp_path / "train.csv").write_text("text,labels,code\nNA,thanks,007\n", encoding="utf-8")
    [item] = brought(tmp_path, "hf")[0]

    assert (item.text, item.labels, item.fields["code"]) == ("NA", ["thanks"], "007")


def test_without_datasets_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    export_records(one(), tmp_path / "set", "hf")  # writing needs it not
    with pytest.raises(InputError, match=r"pip install 'santun\[data\]'"):
        brought(tmp_path / "set", "hf")


# ------------------------------------------------------------------------------------------------- mappings


def mapped(tmp_path, text, *behaviours):
    path = tmp_path / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    return read_mapping(path, behaviours)


def test_a_mapping_names_fields_labels_and_constants(tmp_path):
    plan = mapped(
        tmp_path,
        'behaviours = ["upsell"]\n[fields]\ntext = "data.said"\nspeaker = "data.who.name"\nlang = "data.tongue"\n'
        '[labels]\n"Salam" = "greeting"\n"Lain-lain" = ""\n"Jual" = "upsell"\n[constants]\nlang = "ms"\n',
    )
    data = [{"said": "a", "who": {"name": "Ejen"}, "tongue": "id"}, {"said": "b", "who": {"name": "Cust"}}, {"x": 1}]
    choices = [["Salam", "Lain-lain", "Jual"], ["Lain-lain"], []]
    tasks = [
        {"id": n, "data": d, "annotations": [annotated(c)]} for n, (d, c) in enumerate(zip(data, choices, strict=True))
    ]
    path = tmp_path / "calls.json"
    path.write_text(json.dumps(tasks))
    items, account = brought(path, "label-studio", plan)

    assert [(i.text, i.role, i.lang, i.labels, i.conversation_id, i.turn) for i in items[:2]] == [
        ("a", "agent", "id", ["greeting", "upsell"], "calls", 1),
        ("b", "customer", "ms", [], "calls", 2),
    ]
    assert str(items[2]) == "calls.json:/2: no text; name its field in a mapping file, [fields] text = \"…\" ('x')"
    assert account.bad == 1
    written(tmp_path / "records.jsonl", [i.fields for i in items[:2]])
    assert list(map(plain, rows_of(tmp_path / "records.jsonl"))) == list(map(plain, items[:2]))


def test_an_unknown_label_is_named_with_the_mapping_it_needs(tmp_path):
    path = written(
        tmp_path / "x.jsonl",
        [{"text": "a secret", "label": ["Greetings"]}, {"text": "b", "label": ["Rapport question"]}],
    )
    bad, good = brought(path, "doccano")[0]

    assert str(bad) == (
        "x.jsonl:1: label 'Greetings' is no behaviour; map it in a mapping file, [labels] 'Greetings' = 'greeting' "
        "('' drops it), or allow it with --behaviours"
    )
    assert good.labels == ["rapport_question"]
    assert labels_of(path, "doccano", read_mapping(None, ["Greetings"]))[0] == ["Greetings"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[field]\n", "mapping.toml: unknown key 'field', did you mean 'fields'?"),
        ('[fields]\ntxt = "a"\n', r"mapping.toml: \[fields\] unknown key 'txt', did you mean 'text'?"),
        ('[labels]\nA = "gretting"\n', r"mapping.toml: \[labels\] 'A': unknown behaviour 'gretting', did you mean 'greeting'?"),
        ("[labels]\nA = 1\n", r'mapping.toml: \[labels\] A must be a string: A = "…"'),
        ('behaviours = "a"\n', "mapping.toml: behaviours must be a list of names"),
        ("[fields\n", "mapping.toml: not TOML"),
        ("labels = 3\n", "mapping.toml: labels must be a table"),
    ],
)  # fmt: skip
def test_a_faulty_mapping_is_one_clear_line(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as error:
        mapped(tmp_path, text)
    assert "\n" not in str(error.value)


def test_a_path_that_leads_nowhere_is_noted(tmp_path):
    path = written(tmp_path / "x.jsonl", [{"text": "a", "label": []}])
    _, account = brought(path, "doccano", ToolMap(fields={"speaker": "meta.who"}))

    assert account.notes == ["[fields] speaker: no row has 'meta.who'"]


# -------------------------------------------------------------------------------------------------- hostile


@pytest.mark.parametrize("kind", ["label-studio", "doccano", "argilla", "prodigy"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.lists(st.dictionaries(
    st.sampled_from(["text", "data", "annotations", "fields", "responses", "label", "accept", "answer", "santun", "id", "metadata", "behaviours"]),
    values, max_size=5), max_size=4))  # fmt: skip
@example(data=[{"text": "a", "responses": {"b": None, "\n": None}, "fields": {}}])
def test_no_json_is_a_fault_of_ours(tmp_path, kind, data):
    path = tmp_path / "any.json"
    path.write_text(json.dumps(data))
    try:
        items, _ = brought(path, kind)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert all(isinstance(item, Utterance) or "\n" not in str(item) for item in items)


@pytest.mark.parametrize("content", ["", "{", "[1, 2", "nothing", "[" * 100_000])
def test_unreadable_files_are_one_line(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_text(content)
    for kind in ("label-studio", "doccano", "argilla", "prodigy"):
        try:
            items, _ = brought(path, kind)
        except InputError as error:
            assert str(error).startswith("x.json: ")
        else:
            assert all(isinstance(item, Problem) for item in items)


def test_broken_lines_cost_only_themselves(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"text": "a", "label": []}\n{"text": \n[]\n{"text": "b", "label": ["thanks"], "n": NaN}\n')
    items, account = brought(path, "doccano")

    assert [str(i) for i in items if isinstance(i, Problem)] == [
        "x.jsonl:2: not JSON; write one object a line", "x.jsonl:3: not an object",
    ]  # fmt: skip
    assert items[3].fields["n"] is None
    assert (account.read, account.imported, account.bad) == (4, 2, 2)


def test_a_damaged_carrier_is_a_bad_row(tmp_path):
    path = written(tmp_path / "x.jsonl", [{"text": "a", "label": [], "santun": "{"}])

    assert (
        str(brought(path, "doccano")[0][0])
        == "x.jsonl:1: the field 'santun' is damaged; it must stay as it was exported"
    )


def test_big_numbers_travel_whole(tmp_path):
    rows = rows_of(written(tmp_path / "r.jsonl", [{"text": "a", "n": 1 << 80, "f": 0.1 + 0.2, "z": -0.0}]))
    for kind in FILES:
        export_records(rows, tmp_path / kind, kind)
        [item] = brought(tmp_path / kind, kind)[0]
        assert (item.fields["n"], item.fields["f"]) == (1 << 80, 0.1 + 0.2)
        assert math.copysign(1, item.fields["z"]) == -1


# ------------------------------------------------------------------------------------------------ the command


def santun(*arguments):
    from santun_cli.app import app

    return CliRunner().invoke(app, ["corpora", *map(str, arguments)])


def test_the_command_there_and_back(tmp_path):
    path = written(
        tmp_path / "r.jsonl", [{"id": "1", "text": "hai", "lang": "ms", "labels": ["greeting"]}, {"text": "x"}]
    )
    done = santun("export", path, "-f", "label-studio", "-o", tmp_path / "tasks.json")
    assert (done.exit_code, "read 2 = exported 2 + bad 0" in done.stderr) == (0, True)
    done = santun("import", tmp_path / "tasks.json", "-o", tmp_path / "back.jsonl")

    assert done.exit_code == 0
    assert "santun: format: label-studio, by the content\n" in done.stderr
    assert "santun: read 2 = imported 2 + skipped 0 + bad 0\n" in done.stderr
    assert "santun: labels: greeting 1\n" in done.stderr
    assert list(map(plain, rows_of(tmp_path / "back.jsonl"))) == [settled(row) for row in rows_of(path)]
    assert {child.name for child in tmp_path.iterdir()} == {"r.jsonl", "tasks.json", "tasks.config.xml", "back.jsonl"}


def test_bad_rows_are_named_and_the_rest_is_written(tmp_path):
    path = written(tmp_path / "x.jsonl", [{"text": "a secret", "label": ["Salam"]}, {"text": "b", "label": ["thanks"]}])
    done = santun("import", path, "-f", "doccano", "-o", tmp_path / "out.jsonl", "--json")
    told = json.loads(done.stderr)

    assert done.exit_code == 3
    assert (told["read"], told["imported"], told["bad"], told["labels"]) == (2, 1, 1, {"thanks": 1})
    assert "secret" not in done.output
    assert len(rows_of(tmp_path / "out.jsonl")) == 1


def test_an_input_is_never_overwritten(tmp_path):
    path = written(tmp_path / "x.jsonl", [{"text": "a", "label": []}])
    before = path.read_bytes()

    assert santun("import", path, "-f", "doccano", "-o", path).exit_code == 2
    assert santun("export", path, "-f", "doccano", "-o", path).exit_code == 2
    assert santun("export", path, "-f", "label-studio", "-o", tmp_path / "t.json", "--config", path).exit_code == 2
    (tmp_path / "set").mkdir()
    assert santun("export", path, "-f", "hf", "-o", tmp_path / "set").exit_code == 4
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere.json"], 4, "no such file or folder"),
        (["x.jsonl"], 4, "of no tool that santun knows; name its format with -f"),
        (["x.jsonl", "-f", "brat"], 4, "unknown format 'brat'; the formats are convokit, "),
        (["x.jsonl", "-f", "doccano", "--empty", "no"], 2, "give unlabelled or none"),
        (["x.jsonl", "-f", "doccano", "--map", "no.toml"], 4, "no.toml: No such file or directory"),
    ],
)
def test_a_wrong_command_is_one_line(tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "x.jsonl", [{"hello": "a"}])
    done = santun("import", *arguments, "-o", "out.jsonl")

    assert done.exit_code == code
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out.jsonl").exists()
