"""Commands on runs and the registry: ``compare``, ``promote``, ``rollback``, ``runs``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from santun_cli.options import (
    PARTLY,
    UNREADABLE,
    USAGE,
    Json,
    Map,
    fail,
    parse_columns,
    print_json,
    print_table,
    say,
    unwritable,
)

if TYPE_CHECKING:
    from santun.model import Model
    from santun.track import Found
    from santun_corpora import Utterance

REFUSED = 1
app = typer.Typer(help="See the runs, and send those that a server missed.", no_args_is_help=True)

On = Annotated[
    list[Path] | None,
    typer.Option("--on", help="Labelled records to compare on; may be given again. The held-out conversations of the runs' "
                 "own data and of the seed corpus if not given."),
]  # fmt: skip
Where = Annotated[
    str | None, typer.Option("--where", help="Only rows with these values of a field, e.g. `domain=hotel,clinic`.")
]


def _find(reference: str) -> tuple[Found, Model]:
    from santun.model import load
    from santun.runs import RunError
    from santun.track import TrackingError, find
    from santun_models.store import ModelError

    try:
        found = find(reference)
        if found.note:
            say(f"note: {found.note}")
        return found, load(found.path)
    except (ModelError, RunError, TrackingError) as error:
        fail(str(error), UNREADABLE)


def _rows(
    founds: list[Found], models: list[Model], on: list[Path] | None, where: str | None, columns: Any
) -> tuple[list[Utterance], Any]:
    """Rows to compare on, and which labels of them are known."""
    from santun.compare import held_out_rows
    from santun.evaluate import read_evaluation
    from santun.training_data import label_matrix
    from santun_corpora import InputError

    names = [n for n in models[0].behaviours if all(n in model.behaviours for model in models)]
    if not names:
        fail("these models share no behaviour", USAGE)
    try:
        if on:
            rows, problems = read_evaluation(on, columns, names)
            for problem in problems[:10]:
                say(f"bad: {problem}")
            truth = label_matrix(rows, names)
        else:
            rows, truth, notes = held_out_rows([found.recipe for found in founds], names)
            for note in notes:
                say(f"note: {note}")
    except InputError as error:
        fail(str(error), UNREADABLE)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}", UNREADABLE)
    if where is not None:
        field, mark, values = where.partition("=")
        kept = [i for i, row in enumerate(rows) if mark and str(row.fields.get(field)) in values.split(",")]
        if not kept:
            fail(f"--where {where!r}: no row has such a value; write FIELD=VALUE,VALUE", USAGE)
        rows, truth = [rows[i] for i in kept], truth[kept]
    return rows, truth


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            help="Runs or models, at least two: a folder, `default`, `models:/santun@champion`, a run's id or name."
        ),
    ],
    on: On = None,
    where: Where = None,
    by: Annotated[
        str | None, typer.Option("--by", help="Also the difference for each value of this field, e.g. domain.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page with pictures here.")] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the differences of the last pair here: .png, .svg or .pdf.")
    ] = None,
    flips: Annotated[bool, typer.Option("--flips", help="List every label that changed, by place.")] = False,
    columns: Map = None,
    as_json: Json = False,
) -> None:
    """Compare models on the same rows; each further one with the first.

    Examples
    --------
        santun compare default model --html compare.html

        santun compare models:/santun@champion model --on mycalls.jsonl --by domain

    Differences in F1 come with 95 % intervals, resampled in pairs by conversation, and with McNemar's exact test.
    """
    from santun.compare import compare, draw_differences, write_html
    from santun.pictures import save

    if len(runs) < 2:
        fail("give at least two runs to compare", USAGE)
    pairs = [_find(reference) for reference in runs]
    founds, models = [found for found, _ in pairs], [model for _, model in pairs]
    rows, truth = _rows(founds, models, on, where, parse_columns(columns))
    named = [f"{found.name} ({i + 1})" if runs.count(runs[i]) > 1 else found.name for i, found in enumerate(founds)]
    report = compare(list(zip(named, models, strict=True)), rows, truth, by=by)
    try:
        if html:
            write_html(report, html)
        if plot:
            save(draw_differences(report["pairs"][-1]), plot)
    except ValueError as error:
        fail(str(error), USAGE)
    except OSError as error:
        unwritable(error.filename, error)
    if as_json:
        print_json(report)
        return
    _show(report, by, flips)


def _show(report: dict[str, Any], by: str | None, flips: bool) -> None:
    for model in report["models"]:
        typer.echo(
            f"{model['name']}: version {model['version']}; the words of {100 * model['seen']:.1f} % of the rows were trained on"
        )
    if report["not_shared"]:
        typer.echo(f"not known to all of them, and left out: {', '.join(report['not_shared'])}")
    headers = ("F1", "a", "b", "difference", "95 %", "examples", "mended", "broken", "McNemar p", "adjusted")
    for pair in report["pairs"]:
        typer.echo(f"\na: {pair['a']}\nb: {pair['b']}")
        for code, part in pair["languages"].items():
            rows: list[tuple[Any, ...]] = []
            for key, title in (("core_f1", "core five"), ("macro_f1", "all")):
                if part[key]:
                    rows.append((title, *_cells(part[key]), "", "", "", "", ""))
            for name, scores in part["behaviours"].items():
                test = scores["mcnemar"]
                rows.append(
                    (name, *_cells(scores), scores["support"], test["mended"], test["broken"], f"{test['p']:.3g}",
                     f"{test['p_adjusted']:.3g}")
                )  # fmt: skip
            print_table(f"\n{code}: {part['rows']:,} rows", headers, rows)
        if by:
            rows = [
                (value or "(none)", part["rows"], *_cells(part["core_f1"]), *_cells(part["macro_f1"]))
                for value, part in pair["by"].items()
            ]
            print_table(
                f"\nby {by}",
                (by, "rows", "core a", "core b", "difference", "95 %", "all a", "all b", "difference", "95 %"),
                rows,
            )
        changed = pair["flips"]
        typer.echo(f"\n{len(changed):,} labels flipped" + ("" if flips else "; --flips lists them"))
        if flips:
            print_table("", ("place", "lang", "behaviour", "a", "b", "effect"), [
                (f["source"], f["lang"], f["behaviour"], "yes" if f["a"] else "no", "yes" if f["b"] else "no", f["effect"]) for f in changed
            ])  # fmt: skip


def _cells(scores: dict[str, Any] | None) -> tuple[str, str, str, str]:
    if not scores:
        return ("–", "–", "–", "")
    low, high = scores["interval"]
    return (f"{scores['a']:.3f}", f"{scores['b']:.3f}", f"{scores['difference']:+.3f}", f"{low:+.3f} to {high:+.3f}")


def promote(
    run: Annotated[
        str, typer.Argument(help="A run: its id or name, the folder of its model, or a registered version.")
    ],
    margin: Annotated[
        float, typer.Option("--margin", min=0, help="F1 that a language or a behaviour may lose.")
    ] = 0.01,
    on: On = None,
    where: Where = None,
    force: Annotated[bool, typer.Option("--force", help="Promote all the same; says what is overridden.")] = False,
    columns: Map = None,
    as_json: Json = False,
) -> None:
    """Make a run's model the champion, which `santun label --model models:/santun@champion` uses.

    Example:

        santun promote model --margin 0.01

    It is compared with the present champion on the same held-out rows, and refused (exit code 1) if any language (macro-F1)
    or any behaviour of twenty examples or more loses more than the margin, or if it does not know a behaviour that the
    champion knows. `santun rollback` takes a promotion back.
    """
    from santun.compare import compare, losses
    from santun.runs import RunError
    from santun.track import Found, TrackingError, champion, promote, push
    from santun_models.store import ModelError

    found, model = _find(run)
    try:
        if not found.run_id and Path(run).is_dir():
            from santun.runs import RUN_FILE, run_folder

            folder = Path(run) if (Path(run) / RUN_FILE).is_file() else run_folder(Path(run))
            found = Found(found.path, found.name, run_id=push(folder).run_id, recipe=found.recipe)
        present = champion()
        lost: list[str] = []
        against = "there was no champion to compare with"
        if present is not None:
            other = _find(present.name)[1]
            rows, truth = _rows([present, found], [other, model], on, where, parse_columns(columns))
            report = compare([(present.name, other), (found.name, model)], rows, truth)
            [pair] = report["pairs"]
            lost = losses(pair, margin) + [
                f"{n} is not known to it" for n in other.behaviours if n not in model.behaviours
            ]
            whole = pair["languages"]["all"]["macro_f1"]
            against = (
                f"against {present.name} on {len(rows):,} rows: all F1 {whole['difference']:+.3f}"
                if whole
                else f"against {present.name}"
            )
        if lost and not force:
            fail(
                f"not promoted, for it loses more than {margin:g} {against}: {'; '.join(lost)} (--force promotes all the same)",
                REFUSED,
            )
        number = promote(found)
    except (RunError, TrackingError, ModelError) as error:
        fail(str(error), UNREADABLE)
    if as_json:
        print_json(
            {
                "version": number,
                "champion": f"models:/santun/{number}",
                "run_id": found.run_id,
                "overridden": lost,
                "before": present.name if present else None,
            }
        )
        return
    if lost:
        say(f"overridden by --force: {'; '.join(lost)}")
    say(f"models:/santun@champion is now version {number} ({against})")


def rollback(as_json: Json = False) -> None:
    """Give the alias champion back to the version that had it before.

    Example:

        santun rollback
    """
    from santun.runs import RunError
    from santun.track import TrackingError, rollback

    try:
        was, now = rollback()
    except (RunError, TrackingError) as error:
        fail(str(error), UNREADABLE)
    if as_json:
        print_json({"was": was, "version": now, "champion": f"models:/santun/{now}"})
        return
    say(f"models:/santun@champion is version {now} again (it was {was})")


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the latest first.")] = 20,
    as_json: Json = False,
) -> None:
    """List the latest runs on the server.

    Example:

        santun runs list
    """
    import time

    from santun.evaluate import number
    from santun.track import TrackingError, list_runs

    try:
        found = list_runs(limit)
    except TrackingError as error:
        fail(str(error), UNREADABLE)
    if as_json:
        print_json(found)
        return
    rows = [
        (("  " if one["parent"] else "") + one["name"], one["run_id"], one["status"],
         time.strftime("%Y-%m-%d %H:%M", time.localtime(one["start_time"] / 1000)), number(one["core_f1"]),
         number(one["macro_f1"]), one["registered"], one["note"][:40])
        for one in found
    ]  # fmt: skip
    print_table("", ("run", "id", "status", "begun", "core F1", "all F1", "version", "note"), rows)


@app.command("push")
def push_(
    folders: Annotated[list[Path], typer.Argument(help="Folders of runs (`model.run`), or of their models.")],
    as_json: Json = False,
) -> None:
    """Send runs to the server that it has not, or has in part.

    Example:

        santun runs push model.run
    """
    from santun.runs import RUN_FILE, RunError, run_folder
    from santun.track import TrackingError, push
    from santun_models.store import ModelError

    sent: list[dict[str, str]] = []
    failed = False
    for folder in folders:
        try:
            run = push(folder if (folder / RUN_FILE).is_file() else run_folder(folder))
        except (RunError, TrackingError, ModelError) as error:
            say(str(error))
            failed = True
            continue
        sent.append({"folder": str(folder), "name": run.name, "run_id": run.run_id, "sent_to": run.sent_to})
        if not as_json:
            say(f"{folder}: sent as {run.name} ({run.run_id})")
    if as_json:
        print_json(sent)
    raise typer.Exit((PARTLY if sent else UNREADABLE) if failed else 0)
