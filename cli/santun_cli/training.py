"""Commands that learn and measure: ``train``, ``tune``, ``evaluate``, ``card``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from santun_cli.options import (
    PARTLY,
    UNREADABLE,
    USAGE,
    Json,
    Map,
    ModelName,
    Steps,
    fail,
    labelled_rows,
    open_model,
    parse_columns,
    print_json,
    print_table,
    say,
    unwritable,
)


def evaluate(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Records with `labels`; the held-out seed corpus if none.")
    ] = None,
    model: ModelName = "default",
    by: Annotated[
        str | None, typer.Option("--by", help="Also core F1 for each value of this field, e.g. source, domain.")
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", help="Only rows with these values of a field, e.g. `slice=a,b,c`.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw a picture here: .png, .svg or .pdf.")] = None,
    columns: Map = None,
    as_json: Json = False,
) -> None:
    """Measure a model on labelled utterances, by language and behaviour, beside the cue-word baseline.

    Examples
    --------
        santun evaluate

        santun evaluate mycalls.jsonl --by channel --plot f1.png

    Intervals are 95 % bootstrap intervals by conversation. Never give it what the model was trained on.
    """
    from santun.evaluate import evaluate

    loaded = open_model(model)
    rows, problems = labelled_rows(files, columns, loaded)
    if where is not None:
        field, mark, values = where.partition("=")
        rows = [row for row in rows if mark and str(row.fields.get(field)) in values.split(",")]
        if not rows:
            fail(f"--where {where!r}: no row has such a value; write FIELD=VALUE,VALUE", USAGE)
    report = evaluate(loaded, rows, by=by)
    report["problems"] = problems
    if plot:
        from santun.pictures import draw_f1, save

        try:
            save(draw_f1(report), plot)
        except (ValueError, OSError) as error:
            fail(str(error), USAGE)
    if as_json:
        print_json(report)
    else:
        _show_report(report, by)
    for problem in problems[:10]:
        typer.echo(f"santun: bad: {problem}", err=True)
    raise typer.Exit(PARTLY if problems else 0)


def _interval(values: list[float] | None) -> str:
    return f"{values[0]:.2f}–{values[1]:.2f}" if values else ""


def _show_report(report: dict[str, Any], by: str | None) -> None:
    from santun.evaluate import number

    headers = ("behaviour", "precision", "recall", "F1", "95 %", "AP", "support", "false/100", "ECE", "cue words F1")
    for code, part in report["languages"].items():
        rows: list[tuple[Any, ...]] = [
            (
                name, number(s["precision"]), number(s["recall"]), number(s["f1"]), _interval(s["f1_interval"]),
                number(s["average_precision"]), s["support"], number(s["false_alarms"], 2),
                number(s["calibration_error"]), number(s["baseline_f1"]),
            )
            for name, s in part["behaviours"].items()
        ]  # fmt: skip
        for key, title in (("core", "core macro"), ("macro", "macro")):
            interval = _interval(part.get(f"{key}_f1_interval"))
            base = number(part[f"baseline_{key}_f1"])
            rows.append((title, "", "", number(part[f"{key}_f1"]), interval, "", "", "", "", base))
        print_table(f"\n{code}: {part['rows']:,} rows", headers, rows)
    average = {key: number(value) for key, value in report["average"].items()}
    typer.echo(
        f"\nmean over languages: core {average['core_f1']} (cue words {average['baseline_core_f1']}), "
        f"all {average['macro_f1']} (cue words {average['baseline_macro_f1']})"
    )
    for name in ("seen", "unseen"):
        part = report[name]
        typer.echo(
            f"texts {name} in training: {part['rows']:,} rows, core {number(part['core_f1'])}, all {number(part['macro_f1'])}"
        )
    found = report["language_identification"]
    if found:
        typer.echo(
            f"language found: {number(found['utterances_of_four_words'], 4)} of {found['n_utterances_of_four_words']:,} lone "
            f"utterances of four words or more, {number(found['conversations'], 4)} of {found['n_conversations']:,} conversations"
        )
    if by:
        rows = [
            (v or "(none)", p["rows"], number(p["core_f1"]), number(p["macro_f1"])) for v, p in report["by"].items()
        ]
        print_table(f"\nby {by}", (by, "rows", "core F1", "all F1"), rows)


Recipe = Annotated[
    Path | None, typer.Option("--recipe", help="TOML file of settings; the recipe of the shipped model if not given.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a setting of the recipe, e.g. `classifier.C=0.2`; may be given again."),
]
NoCorpus = Annotated[bool, typer.Option("--no-corpus", help="Leave the seed corpus out: learn from your rows alone.")]
Note = Annotated[str, typer.Option("--note", help="A sentence on what this run tries; kept with it.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")]
NoTracking = Annotated[
    bool, typer.Option("--no-tracking", help="Send the run to no server; its folder is written all the same.")
]


def _recipe(
    path: Path | None, files: list[Path] | None, changes: list[str] | None, no_corpus: bool, columns: Any
) -> Any:
    from santun.recipe import RecipeError, changes_of, default_recipe, load_recipe

    try:
        recipe = load_recipe(path) if path else default_recipe()
        wanted: dict[str, Any] = changes_of(changes or [])
        if files:
            wanted["data.files"] = [str(file) for file in files]
        if no_corpus:
            wanted["corpus.use"] = False
        if columns:
            wanted["data.map"] = {**recipe.data.map, **parse_columns(columns)}
        return recipe.updated(wanted) if wanted else recipe
    except RecipeError as error:
        fail(str(error), USAGE)


def _data(recipe: Any, quiet: bool) -> Any:
    from santun.training_data import TrainingDataError, gather
    from santun_corpora import InputError

    try:
        data = gather(recipe)
    except (InputError, TrainingDataError) as error:
        fail(str(error), UNREADABLE)
    if not quiet:
        sizes = {name: len(data.part(name)) for name in ("train", "validation", "test")}
        say(f"{len(data.rows):,} labelled turns: " + ", ".join(f"{name} {n:,}" for name, n in sizes.items()))
        for note in data.notes:
            say(f"note: {note}")
    return data


def train(
    corpora: Annotated[
        list[Path] | None, typer.Argument(help="Labelled records of your own: JSONL, CSV, XLSX, Parquet, or folders.")
    ] = None,
    recipe_file: Recipe = None,
    changes: Set = None,
    no_corpus: NoCorpus = False,
    columns: Map = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the new model.")] = Path("model"),
    jobs: Jobs = 2,
    note: Note = "",
    with_text: Annotated[
        bool, typer.Option("--with-text", help="Quote utterances in the run's table of errors; it goes to the server.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Check recipe and data, train nothing.")] = False,
    no_tracking: NoTracking = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a model on the seed corpus and your own labelled calls, measure it on held-out ones, and log the run.

    Examples
    --------
        santun train mycalls.jsonl -o model --note "first month of hotel calls"

        santun train mycalls.csv --map text=Isi --set data.weight=3 -o model

        santun train --recipe mine.toml -o model

        santun label calls/ --model model

    Conversations of the test split (a tenth, by the conversation's id) are left out of training and measured on. The same
    recipe and rows give the same bytes. The run goes to the MLflow server at MLFLOW_TRACKING_URI, or to ./mlflow.db
    (`mlflow ui` shows it); if the server does not answer, training goes on, and `santun runs push` sends the run later.
    """
    from santun.runs import finish_run, new_run, run_folder
    from santun.train import train
    from santun.training_data import TrainingDataError

    recipe = _recipe(recipe_file, corpora, changes, no_corpus, columns)
    data = _data(recipe, quiet)
    if check:
        raise typer.Exit
    folder = run_folder(out)
    run = new_run(recipe, data, "santun train", note)
    run.model = out.name
    try:
        run.save(folder)
    except OSError as error:
        unwritable(folder, error)
    if not no_tracking:
        _start(run, folder, quiet)
    finished = False
    try:
        with Steps("training", quiet) as progress:
            model = train(data.learnt(), recipe, n_jobs=jobs, progress=progress)
        model.save(out, model.facts)
        model = open_model(str(out))
        finish_run(run, folder, recipe, data, model, with_text=with_text)
        finished = True
    except TrainingDataError as error:
        fail(str(error), UNREADABLE)
    except OSError as error:
        unwritable(out, error)
    except KeyboardInterrupt:
        fail("stopped", 130)
    finally:
        if not finished:
            from santun.track import stop

            stop(run, folder)
    if not no_tracking:
        run = _send(folder, quiet)
    if as_json:
        print_json(
            {"model": str(out), "version": model.version, "run": str(folder), "run_id": run.run_id, "sent_to": run.sent_to,
             "metrics": run.metrics, "notes": data.notes}
        )  # fmt: skip
    elif not quiet:
        _show_run(run, out, folder)


def _start(run: Any, folder: Path, quiet: bool) -> None:
    from santun.track import TrackingError, start

    try:
        start(run, folder)
    except TrackingError as error:
        if not quiet:
            say(f"{error}; the work goes on without it")


def _send(folder: Path, quiet: bool) -> Any:
    """Send a run; a server that does not answer is one line, not a failure."""
    from santun.runs import Run
    from santun.track import TrackingError, push

    try:
        return push(folder)
    except TrackingError as error:
        if not quiet:
            say(f"{error}; the run is kept in {folder}: `santun runs push {folder}` sends it later")
        return Run.load(folder)


def _show_run(run: Any, out: Path, folder: Path) -> None:
    from santun.evaluate import number

    metrics = run.metrics
    say(f"held-out turns: core F1 {number(metrics.get('core_f1'))}, all F1 {number(metrics.get('macro_f1'))}")
    say(f"model {out}; pictures, errors and figures {folder / 'artifacts'}")
    if run.sent_to:
        say(f"run {run.name} ({run.run_id})")
    say(f"try `santun label --model {out} …`")


def tune(
    corpora: Annotated[
        list[Path] | None, typer.Argument(help="Labelled records of your own: JSONL, CSV, XLSX, Parquet, or folders.")
    ] = None,
    recipe_file: Recipe = None,
    changes: Set = None,
    no_corpus: NoCorpus = False,
    columns: Map = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the search.")] = Path("search"),
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0, help="Begin no further trial after so many.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Trials at a time.")] = 2,
    note: Note = "",
    no_tracking: NoTracking = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Search a recipe's settings: a grid, or draws from distributions, scored on the validation split.

    Examples
    --------
        santun tune mycalls.jsonl --recipe mine.toml --minutes 60 -o search

        santun train mycalls.jsonl --recipe search/best.toml -o model

    `[tune.search]` of the recipe names settings and what to try: `"classifier.C" = [0.2, 0.4]` or `"classifier.C" = {low =
    0.05, high = 2.0, log = true}`. Every trial is a nested MLflow run. A search that was stopped goes on when the same
    command is given again. The test split is never looked at: the score of the best is still a little optimistic, as any
    best of many is; train it and see.
    """
    from santun.recipe import RecipeError
    from santun.runs import RUN_FILE, Run, new_run, run_folder
    from santun.training_data import TrainingDataError
    from santun.tune import finish_search, name_of, tune

    recipe = _recipe(recipe_file, corpora, changes, no_corpus, columns)
    data = _data(recipe, quiet)
    run = new_run(recipe, data, "santun tune", note)
    run.datasets = [entry for entry in run.datasets if entry["context"] == "source"]
    run.name = f"tune {run.name}"
    del run_folder
    try:
        if (out / RUN_FILE).is_file():  # goes on
            before = Run.load(out)
            run.run_id, run.children, run.start_time = before.run_id, before.children, before.start_time
        run.save(out)
        if not no_tracking and not run.run_id:
            _start(run, out, quiet)
        with Steps("trials", quiet) as progress:

            def told(done: int, total: int, trial: Any) -> None:
                if progress:
                    progress(done, total)
                if trial and not quiet:
                    low, high = trial.interval
                    say(f"{done}/{total} {name_of(trial)}: {trial.score:.3f} ({low:.3f} to {high:.3f})")

            trials = tune(recipe, data, out, n_jobs=jobs, minutes=minutes, on_trial=told)
        if not trials:
            fail("no trial was begun within the minutes; give more", USAGE)
        finish_search(run, out, recipe, trials)
    except RecipeError as error:
        fail(str(error), USAGE)
    except TrainingDataError as error:
        fail(str(error), UNREADABLE)
    except OSError as error:
        unwritable(out, error)
    except KeyboardInterrupt:
        fail("stopped; give the same command again to go on", 130)
    if not no_tracking:
        run = _send(out, quiet)
    best = trials[0]
    if as_json:
        print_json(
            {"best": best.settings, "score": best.score, "interval": best.interval, "metric": recipe.tune.metric,
             "recipe": str(out / "best.toml"), "run_id": run.run_id,
             "trials": [{"settings": t.settings, "score": t.score, "interval": t.interval} for t in trials]}
        )  # fmt: skip
        return
    rows = [(name_of(t), f"{t.score:.3f}", f"{t.interval[0]:.3f}–{t.interval[1]:.3f}") for t in trials[:20]]
    print_table(f"\n{recipe.tune.metric} on the validation split", ("settings", "score", "95 %"), rows)
    if not quiet:
        say(f"the best is {out / 'best.toml'}: `santun train --recipe {out / 'best.toml'} -o model`")


def card(
    model: ModelName = "default",
    gold: Annotated[
        list[Path] | None, typer.Option("--gold", help="A set of real utterances to measure on; may be given again.")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write here; standard output if not given.")] = None,
) -> None:
    """Write the model card: its figures are measured by this command.

    Example:

        santun card --gold gold/ms.jsonl --gold gold/en.jsonl -o README.md
    """
    from santun.card import model_card
    from santun_corpora import InputError

    try:
        text = model_card(open_model(model), gold or [], model)
    except InputError as error:
        fail(str(error), UNREADABLE)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        unwritable(out, error)
