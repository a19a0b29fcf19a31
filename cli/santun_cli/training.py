"""Commands that learn and measure: ``train``, ``evaluate``, ``card``."""

from __future__ import annotations

import sys
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
    fail,
    open_model,
    parse_columns,
    print_json,
    print_table,
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
    from santun.evaluate import draw, evaluate, read_evaluation
    from santun_corpora import InputError
    from santun_corpora.seed import seed_files

    loaded = open_model(model)
    paths = files or seed_files("test")
    missing = next((path for path in paths if not path.is_file()), None)
    if missing:
        fail(f"{missing}: no such file", UNREADABLE)
    try:
        rows, problems = read_evaluation(paths, parse_columns(columns))
    except InputError as error:
        fail(str(error), UNREADABLE)
    if where is not None:
        field, mark, values = where.partition("=")
        rows = [row for row in rows if mark and str(row.fields.get(field)) in values.split(",")]
        if not rows:
            fail(f"--where {where!r}: no row has such a value; write FIELD=VALUE,VALUE", USAGE)
    report = evaluate(loaded, rows, by=by)
    report["problems"] = problems
    if plot:
        try:
            draw(report, plot)
        except (ImportError, ValueError, OSError) as error:
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


def train(
    corpora: Annotated[list[Path] | None, typer.Argument(help="Labelled records; the seed corpus if none.")] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the new model.")] = Path("model"),
    jobs: Annotated[int, typer.Option("--jobs", help="Processes.")] = 2,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Train a model on labelled records and write it as a folder of plain data.

    Examples
    --------
        santun train -o model

        santun train mycalls.jsonl -o model && santun label calls/ --model model

    Conversations of the test split (a tenth, by the conversation's id) are left out, so that `santun evaluate` measures
    on what the model has not seen. The same records give the same bytes.
    """
    from santun.train import TrainingDataError, read_labelled, split_rows, train
    from santun_corpora import InputError
    from santun_corpora.seed import seed_files

    try:
        rows, test = split_rows(read_labelled(corpora or seed_files()))
        if not quiet:
            typer.echo(f"santun: training on {len(rows):,} turns, {len(test):,} held out", err=True)
        with _fits(quiet) as progress:
            model = train(rows, progress=progress, n_jobs=jobs)
    except (InputError, TrainingDataError) as error:
        fail(str(error), UNREADABLE)
    try:
        model.save(out, model.facts)
    except OSError as error:
        fail(f"{out}: cannot be written ({error.strerror})", USAGE)
    if not quiet:
        typer.echo(f"santun: wrote {out}; try `santun label --model {out} …`", err=True)


class _fits:  # noqa: N801 (a context manager that reads as a verb)
    """A progress bar over the fits of a training on a terminal."""

    def __init__(self, quiet: bool) -> None:
        self.bar: Any = None
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self.bar = Progress(console=Console(stderr=True), transient=True)

    def __enter__(self) -> Any:
        if self.bar is None:
            return None
        self.bar.start()
        task = self.bar.add_task("training", total=None)
        return lambda done, total: self.bar.update(task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()


def card(
    model: ModelName = "default",
    gold: Annotated[
        list[Path] | None, typer.Option("--gold", help="A set of real utterances to measure on; may be given again.")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write here; standard output if not given.")] = None,
) -> None:
    """Write the model card: every figure in it is measured by this command.

    Example:

        santun card --gold gold/ms.jsonl --gold gold/en.jsonl -o README.md
    """
    from santun.card import model_card
    from santun_corpora import InputError

    try:
        text = model_card(open_model(model), gold or [])
    except InputError as error:
        fail(str(error), UNREADABLE)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{out}: cannot be written ({error.strerror})", USAGE)
