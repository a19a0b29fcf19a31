"""Labelling on a Spark cluster, by `mlflow.pyfunc.spark_udf` over a logged model: Parquet in, Parquet out.

    python -m santun.spark --model models:/santun@champion --in IN.parquet --out OUT.parquet

Labels of a turn depend on its conversation, and Spark cuts rows into partitions and batches as it likes. So a
conversation is put into one partition, a partition is one batch, and every row tells how many rows its conversation
has: the model refuses a part of one (`santun.serve`), and labels are those of a single process or there are none.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote, urlsplit

import typer
from santun_models.store import ModelError

from santun.runs import RunError
from santun.track import TrackingError, _mlflow, find, pyfunc_arguments, quiet_mlflow

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

ROWS_A_PARTITION = 20_000
COLUMNS = ("text", "conversation_id", "turn", "speaker", "lang")
ANSWER = "santun"
_ONE_BATCH = {  # a partition
    "spark.sql.execution.arrow.maxRecordsPerBatch": "0",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(2**31 - 2),  # the most it takes
}


class SparkError(Exception):
    """Spark, or a frame, that cannot be used; the message says what and how to mend."""


def label_frame(
    frame: DataFrame,
    model: str,
    *,
    partitions: int | None = None,
    columns: Mapping[str, str] | None = None,
    into: str = ANSWER,
) -> DataFrame:
    """Label the rows of a Spark frame; nothing runs before the result is asked for, but for a count of the rows.

    Sets `spark.sql.execution.arrow.maxRecordsPerBatch` of the session to 0 and `maxBytesPerBatch` to its most, and leaves them so.

    Parameters
    ----------
    frame : DataFrame
        ``text`` and, optional, ``conversation_id`` with ``turn``, ``speaker``, ``lang``; any other columns.
    model : str
        ``models:/NAME@ALIAS``, another address that MLflow knows, the folder of a logged model, or what `santun label`
        takes: a folder that `santun train` wrote, a shipped model's name.
    partitions : int, default=None
        Each is held whole in the memory of its worker; one for every 20,000 rows if not given, for which they are counted.
    columns : mapping of str to str, default=None
        Which column is which: ``{"text": "Isi"}``; by their names where not given.
    into : str, default="santun"
        Column of the answer.

    Returns
    -------
    DataFrame
        Every column of the frame as it was and, under `into`, a struct of ``labels`` (array of strings), ``lang`` and
        ``scores`` (a struct of probabilities). Its rows have no order.

    Raises
    ------
    SparkError
        If a column is missing, or is there already.
    ModelError, RunError, TrackingError
        If there is no such model.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as fn

    names = _columns(frame, columns or {}, into)
    session = frame.sparkSession
    udf, behaviours = _udf(session, model)
    for name, value in _ONE_BATCH.items():
        session.conf.set(name, value)
    if partitions is None:
        partitions = -(-frame.count() // ROWS_A_PARTITION)
    row, given = fn.col("row"), {name: fn.col("row").getField(column).cast("string") for name, column in names.items()}
    conversation = fn.nullif(given["conversation_id"], fn.lit("")) if "conversation_id" in given else fn.lit(None)
    kinds = ("array", "map", "struct", "variant")
    hashed = [row.getField(name) for name, kind in frame.dtypes if not kind.startswith(kinds)]
    placed = (
        frame.select(fn.struct("*").alias("row"))
        .select("row", conversation.cast("string").alias("conversation"))
        # rows of no conversation are spread by what they hold, for chance would differ when a lost stage is done again
        .withColumn("alone", fn.when(fn.col("conversation").isNull(), fn.xxhash64(*hashed)))
        .repartition(max(partitions, 1), "conversation", "alone")
    )
    whole = Window.partitionBy("conversation", "alone")
    # turns are numbered anew, for a gap makes pandas' column one of floats, which the model's signature refuses; the
    # rest of the order is for turns that are missing or double, so that every pass gives the same
    order = [given[name].asc_nulls_last() for name in ("text", "speaker", "lang") if name in given]
    if "turn" in given:
        order = [row.getField(names["turn"]).try_cast("double").asc_nulls_last(), *order]
    told: dict[str, Column] = {
        **{name: given[name] for name in ("text", "speaker", "lang") if name in given},
        "conversation_id": fn.col("conversation"),
        "turn": fn.row_number().over(whole.orderBy(*order)).cast("long"),
        "conversation_rows": fn.count(fn.lit(1)).over(whole),
    }
    said = placed.select("row", fn.struct(*(column.alias(name) for name, column in told.items())).alias("told"))
    said = said.select("row", udf(fn.col("told")).alias("said"))
    # no filter and no limit that is set on the result may go before the labelling, where it would cut conversations:
    # filters stop at a udf that is not deterministic, limits at a filter
    said = said.where(fn.col("said").isNotNull())
    scores = fn.struct(*(fn.col("said").getField(name).alias(name) for name in behaviours)).alias("scores")
    return said.select("row.*", fn.struct("said.labels", "said.lang", scores).alias(into))


def _columns(frame: DataFrame, given: Mapping[str, str], into: str) -> dict[str, str]:
    """Name of the column of each field that is there."""
    there = {name.lower(): name for name in frame.columns}
    listed = ", ".join(frame.columns) or "none"
    for name, column in given.items():
        if name not in COLUMNS:
            raise SparkError(f"{name}={column}: the fields are {', '.join(COLUMNS)}")
        if column.lower() not in there:
            raise SparkError(f"{name}={column}: no such column; there are {listed}")
    if into.lower() in there:
        raise SparkError(f"the column {there[into.lower()]!r} is there already, and would be lost: rename or drop it")
    names = {name: there[given.get(name, name).lower()] for name in COLUMNS if given.get(name, name).lower() in there}
    if "text" not in names:
        raise SparkError(f"no column 'text'; say which it is (text=COLUMN); there are {listed}")
    if "conversation_id" in names and "turn" not in names:
        raise SparkError(
            "a column of conversations but none of turns, and rows of Spark have no order: say which numbers or times "
            f"order them (turn=COLUMN); there are {listed}"
        )
    return names


def _udf(session: SparkSession, model: str) -> tuple[Callable[[Column], Column], list[str]]:
    """Give the model as a function of Spark, and the names of its behaviours."""
    if model.startswith("models:/"):
        with _mlflow():
            return _spark_udf(session, model)
    quiet_mlflow()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "://" in model or model.startswith("runs:/"):
            return _spark_udf(session, model)
        if (Path(model) / "MLmodel").is_file():
            return _spark_udf(session, str(Path(model).resolve()))
        import mlflow

        # local workers read it where it is, so it stays until the end
        stage = tempfile.mkdtemp(prefix="santun-")
        atexit.register(shutil.rmtree, stage, ignore_errors=True)
        with pyfunc_arguments(find(model).path) as arguments:
            mlflow.pyfunc.save_model(f"{stage}/model", **arguments)
        return _spark_udf(session, f"{stage}/model")


def _spark_udf(session: SparkSession, uri: str) -> tuple[Callable[[Column], Column], list[str]]:
    import mlflow

    udf = mlflow.pyfunc.spark_udf(session, uri, env_manager="local", extra_env={"MLFLOW_DISABLE_TELEMETRY": "true"})
    outputs = udf.metadata.get_output_schema()
    names = outputs.input_names() if outputs and outputs.has_input_names() else []
    if names[:2] != ["labels", "lang"]:
        raise ModelError(f"{uri}: no model of santun's")
    return udf.asNondeterministic(), names[2:]


# ----------------------------------------------------------------------------------------------------- command


def session(master: str | None = None, **settings: str) -> SparkSession:
    """Start a session, or take the one there is.

    Parameters
    ----------
    master : str, default=None
        Of the cluster; what spark-submit or Spark's own settings say if not given, else all cores of this machine.
    **settings : str
        Further settings of Spark.

    Raises
    ------
    SparkError
        If pyspark or Java is not there.
    """
    if not find_spec("pyspark"):
        raise SparkError("pyspark is not installed: pip install 'santun[spark]'")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise SparkError("no Java, which Spark needs: install version 17 or 21, or set JAVA_HOME")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("santun")
    if master:
        builder = builder.master(master)
    if (master or "local").startswith("local"):
        # workers would take the python3 of the PATH, which need not be this one, and look for this machine by its name
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = builder.config("spark.executorEnv.MLFLOW_DISABLE_TELEMETRY", "true")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def label_parquet(
    source: str,
    target: str,
    model: str,
    *,
    spark: SparkSession,
    partitions: int | None = None,
    columns: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> None:
    """Label Parquet into Parquet: paths or addresses that the cluster can reach.

    Parameters
    ----------
    source, target : str
    model : str
    spark : SparkSession
    partitions : int, default=None
    columns : mapping of str to str, default=None
        As of `label_frame`.
    overwrite : bool, default=False
        Whether a target that is there is replaced.

    Raises
    ------
    SparkError
        If the source is missing, the target is there, a column is missing, or a worker fails.
    ModelError, RunError, TrackingError
        If there is no such model.
    """
    with _spark_says(source, target):
        frame = spark.read.parquet(source)
        place = spark._jvm.org.apache.hadoop.fs.Path(target)
        system = place.getFileSystem(spark._jsc.hadoopConfiguration())
        there_is = system.exists(place)
        empty = there_is and not system.listStatus(place)  # what a job that failed leaves
        if there_is and not empty and not overwrite:
            raise SparkError(f"{target}: is there already; --overwrite replaces it")
        # Spark would delete what it is about to read
        there = Path(system.makeQualified(place).toUri().getPath())
        read = (Path(unquote(urlsplit(file).path)) for file in frame.inputFiles())
        if any(there == file or there in file.parents for file in read):
            raise SparkError(f"{target}: holds what is read; give another --out")
        labelled = label_frame(frame, model, partitions=partitions, columns=columns)
        labelled.write.mode("overwrite" if overwrite or empty else "errorifexists").parquet(target)


@contextmanager
def _spark_says(source: str, target: str) -> Iterator[None]:
    """What goes wrong inside Spark is a SparkError of one line."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        kind = error.getCondition() if isinstance(error, PySparkException) else None
        lines = [line.strip() for line in str(error).split("\n") if line.strip()]
        # of the trace of a worker the last line of Python says what happened
        raised = [
            line
            for line in lines
            if line.split(":")[0].endswith(("Error", "Exception")) and " " not in line.split(":")[0]
        ]
        what = {
            "PATH_NOT_FOUND": f"{source}: no such file or folder",
            "UNABLE_TO_INFER_SCHEMA": f"{source}: no Parquet in it",
            "PATH_ALREADY_EXISTS": f"{target}: is there already; --overwrite replaces it",
        }.get(kind or "", f"Spark says: {(raised[-1] if raised else lines[0])[:300]}")
        raise SparkError(what) from None


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")


@app.command()
def label(
    source: Annotated[str, typer.Option("--in", help="Parquet: a path or address that the cluster can reach.")],
    target: Annotated[
        str, typer.Option("--out", help="Folder of Parquet to write; not overwritten without --overwrite.")
    ],
    model: Annotated[
        str, typer.Option(help="`models:/NAME@ALIAS`, the folder of a logged model, or a model's folder or name.")
    ] = "default",
    partitions: Annotated[
        int | None, typer.Option(min=1, help="Held whole in memory each; one for every 20,000 rows if not given.")
    ] = None,
    master: Annotated[
        str | None, typer.Option(help="`spark://HOST:7077`, `yarn`, `local[4]`; what spark-submit says if not given.")
    ] = None,
    mapping: Annotated[str, typer.Option("--map", help="Which column is which: `text=Isi,speaker=Pengirim`.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it is there.")] = False,
) -> None:
    """Label utterances on Spark: every column of IN, and a column `santun` with labels, language and scores."""
    pairs = [part.partition("=") for part in mapping.split(",") if part]
    if any(not (mark and name and column) for name, mark, column in pairs):
        raise typer.BadParameter("write FIELD=COLUMN,FIELD=COLUMN", param_hint="--map")
    columns = {name.strip(): column.strip() for name, _, column in pairs}
    try:
        spark = session(master)
        try:
            label_parquet(
                source, target, model, spark=spark, partitions=partitions, columns=columns, overwrite=overwrite
            )
        finally:
            spark.stop()
    except (SparkError, ModelError, RunError, TrackingError) as error:
        typer.echo(f"santun: {error}", err=True)
        raise typer.Exit(4) from None


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    # spark-submit runs this file as a script, and puts its folder, with its common names, before everything
    sys.path[:] = [place for place in sys.path if Path(place).resolve() != Path(__file__).resolve().parent]
    main()
