"""The commands ``review sample`` and ``review import``: labels that a person looks at, and what comes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from santun_cli.options import PARTLY, UNREADABLE, USAGE, Steps, check_codes, fail, print_json, print_table, say

if TYPE_CHECKING:
    from collections.abc import Sequence


app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Labels that a person looks at: choose the turns that are worth it, bring the answers back.\n\n"
        "`santun review sample labelled.jsonl -o tasks.xlsx`, let people fill in copies of it, then `santun review import "
        "aina.xlsx budi.xlsx --tasks tasks.xlsx -o corrections.jsonl` and `santun train corrections.jsonl`."
    ),
)
_SHOWN = 10  # bad rows that a summary names
Kind = Annotated[
    str | None,
    typer.Option(
        "--format", "-f", help="label-studio, doccano, argilla, prodigy, xlsx or csv; by the file if not given."
    ),
]
Summary = Annotated[bool, typer.Option("--json", help="Machine-readable summary on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")]


@app.command("sample")
def sample(
    labelled: Annotated[
        list[str], typer.Argument(help="What `santun label … -o` wrote: JSONL, CSV, XLSX or Parquet; files or folders.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="File for the reviewers.")],
    n: Annotated[int, typer.Option("-n", min=1, help="How many turns.")] = 200,
    kind: Kind = None,
    share: Annotated[
        float, typer.Option("--random", min=0, max=1, help="Share of them drawn at random, to estimate rates by.")
    ] = 0.25,
    per_conversation: Annotated[
        int, typer.Option("--per-conversation", min=1, help="The most turns of a conversation that are picked.")
    ] = 3,
    role: Annotated[str | None, typer.Option("--role", help="Only turns of this role, e.g. agent.")] = None,
    blind: Annotated[
        bool, typer.Option("--blind", help="Do not show the model's labels: slower, and not swayed by them.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same gives the same turns.")] = 0,
    quiet: Quiet = False,
    as_json: Summary = False,
) -> None:
    """Choose the turns that are worth a person's time, and write them for a tool or as a sheet.

    Examples
    --------
        santun review sample labelled.jsonl -o tasks.xlsx

        santun review sample labelled/ -n 500 -f label-studio --role agent -o tasks.json

        santun review sample labelled.jsonl -n 400 --random 1 --blind -o audit.xlsx

    Each behaviour in turn picks the turn that the model is least sure of and that is unlike those picked before; a quarter
    is drawn at random. Each comes with the two turns before it. Beside OUT stands OUT.review.jsonl: keep it, `santun review
    import` needs it. Both hold texts of the calls.
    """
    from santun.review import sample as choose
    from santun.review_files import companion, format_of, write_tasks
    from santun_corpora import InputError, find_files

    check_codes(None, role)
    try:
        found_kind = format_of(out, kind)
    except InputError as error:
        fail(str(error), USAGE)
    try:
        paths = [path for path in find_files(labelled) if companion(path) != path]  # not the records of other reviews
        if not paths:
            fail(f"{labelled[0]}: the records of a review, not what santun label wrote", UNREADABLE)
        for path in (out, companion(out)):
            _refuse(path, paths)
            _refuse_work(path)
        with Steps("rows", quiet) as told:
            found = choose(
                paths, n, share=share, per_conversation=per_conversation, role=role, seed=seed,
                progress=(lambda rows: told(rows, None)) if told else None,
            )  # fmt: skip
        write_tasks(found.tasks, out, found_kind, blind=blind)
    except InputError as error:
        fail(str(error), UNREADABLE)
    parts = {name: sum(t.fields["review"]["part"] == name for t in found.tasks) for name in ("picked", "random")}
    summary = {
        "tasks": len(found.tasks), **parts, "read": found.read, "turns": found.turns, "skipped": found.skipped,
        "bad": found.bad, "strata": found.strata, "out": str(out), "records": str(companion(out)), "problems": found.problems,
    }  # fmt: skip
    if as_json:
        print_json(summary)
    elif not quiet:
        say(f"read {found.read:,} = turns {found.turns:,} + skipped {found.skipped:,} + bad {found.bad:,}")
        say(f"{len(found.tasks):,} to review: {parts['picked']:,} picked, {parts['random']:,} at random")
        if len(found.tasks) < n:
            say(f"note: not {n:,}; no text is picked twice, nor more than {per_conversation} turns of a conversation")
        say(f"{out}, and {companion(out).name} beside it, which the import needs")
        if found_kind == "doccano" and not blind:
            say("note: doccano could not tell shown labels from answers; they are not shown")
        _name_bad(found.problems)
    raise typer.Exit(PARTLY if found.bad else 0)


@app.command("import")
def import_(
    answers: Annotated[list[Path], typer.Argument(help="Filled-in sheets, or a tool's exports; of several reviewers.")],
    tasks: Annotated[Path, typer.Option("--tasks", help="The file that `santun review sample` wrote.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Training records to write, JSONL.")],
    kind: Kind = None,
    adjudicate: Annotated[
        Path | None,
        typer.Option("--adjudicate", help="Write the turns on which reviewers differ here, for a last word."),
    ] = None,
    adjudicated: Annotated[
        list[Path] | None, typer.Option("--adjudicated", help="Answers that are the last word; may be given again.")
    ] = None,
    empty: Annotated[
        str, typer.Option("--empty", help="What no label means in doccano: unlabelled, or none if all were looked at.")
    ] = "unlabelled",
    quiet: Quiet = False,
    as_json: Summary = False,
) -> None:
    """Bring answers back: agreement of people and model, how good the labels are, and training records.

    Examples
    --------
        santun review import aina.xlsx budi.xlsx --tasks tasks.xlsx -o corrections.jsonl --adjudicate last.xlsx

        santun review import aina.xlsx budi.xlsx --adjudicated last.xlsx --tasks tasks.xlsx -o corrections.jsonl

        santun review import export.json --tasks tasks.json -o corrections.jsonl

        santun train corrections.jsonl --set data.weight=3 -o model

    A turn becomes a training record when its reviewers agree, most of them do, or somebody had the last word. Precision and
    recall are estimated from the random part alone, for the picked turns are the hard ones.
    """
    from santun.review import corrections, differing, import_report, settle_all
    from santun.review_files import FORMATS, companion, format_of, read_answers, read_tasks, write_tasks
    from santun.write import partial_path
    from santun_corpora import InputError

    if empty not in ("unlabelled", "none"):
        fail(f"--empty {empty!r}: give unlabelled or none", USAGE)
    if kind is not None and kind not in FORMATS:
        fail(f"--format {kind!r}: give one of {', '.join(FORMATS)}", USAGE)
    inputs = [*answers, *(adjudicated or ()), tasks, companion(tasks)]
    written = [out] if adjudicate is None else [out, adjudicate, companion(adjudicate)]
    for path in written:
        _refuse(path, inputs)
    for path in written[1:]:
        _refuse_work(path)
    if len({path.resolve() for path in written}) < len(written):
        fail(f"{out}: named twice; give --out and --adjudicate different names", USAGE)
    try:
        again = (
            None if adjudicate is None else format_of(adjudicate, kind if kind not in (None, "xlsx", "csv") else None)
        )
    except InputError as error:
        fail(str(error), USAGE)
    try:
        mine = read_tasks(tasks)
        with Steps("files", quiet) as told:
            given = read_answers(answers, mine, kind, empty=empty, progress=told)
        last = read_answers(adjudicated or [], mine, kind, empty=empty)
        settled = settle_all(mine, given.votes, last.votes)
        if not settled:
            fail(_nothing(given.read, given.bad, given.problems), UNREADABLE)
        report = import_report(mine, given.votes, last.votes, settled)
        open_tasks = differing(mine, given.votes, last.votes)
        records = list(corrections(mine, given.votes, settled))
        try:
            with partial_path(out).open("w", encoding="utf-8", newline="") as lines:
                lines.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
            partial_path(out).replace(out)
        finally:
            partial_path(out).unlink(missing_ok=True)
        if adjudicate is not None and again is not None and open_tasks:
            write_tasks(open_tasks, adjudicate, again, said=given.votes)
    except InputError as error:
        fail(str(error), UNREADABLE)
    except OSError as error:
        fail(f"{out}: {error.strerror or 'cannot be written'}", UNREADABLE)
    problems = [*given.problems, *last.problems]
    account = {
        "read": given.read + last.read, "taken": given.taken + last.taken,
        "unanswered": given.unanswered + last.unanswered, "bad": len(problems),
    }  # fmt: skip
    notes = [*given.notes, *last.notes]
    if as_json:
        print_json({"answers": account, "records": len(records), **report, "notes": notes, "problems": problems})
    elif not quiet:
        _show(report)
        say("answers: read {read:,} = taken {taken:,} + unanswered {unanswered:,} + bad {bad:,}".format(**account))
        say(
            f"{report['answered']:,} of {report['tasks']:,} tasks answered; {len(records):,} training records in {out}, "
            f"labels of {report['changed']:,} changed"
        )
        if missing := report["estimate"].get("without_answers"):
            say(f"note: no random turn is answered of those labelled {', '.join(missing)}; the rates leave them out")
        if open_tasks:
            where = f"{adjudicate} has them" if adjudicate else "--adjudicate FILE writes them for a last word"
            say(f"reviewers differ on {len(open_tasks):,}: {where}")
        for note in notes:
            say(f"note: {note}")
        _name_bad(problems)
    raise typer.Exit(PARTLY if problems else 0)


def _nothing(read: int, bad: int, problems: Sequence[str]) -> str:
    if bad:
        return f"no answer could be taken, {bad:,} of {read:,} are bad; the first: {problems[0]}"
    return f"none of {read:,} rows is answered; a sheet needs a name under `reviewer`, doccano --empty none where all were looked at"


def _refuse(out: Path, inputs: Sequence[Path]) -> None:
    if out.is_dir():
        fail(f"{out}: a folder; name a file", USAGE)
    for path in inputs:
        if path.exists() and (path.resolve() == out.resolve() or (out.exists() and out.samefile(path))):
            fail(f"{out}: it is an input; name another file", USAGE)


def _refuse_work(out: Path) -> None:
    if out.exists():
        fail(f"{out}: it is there already, and people may have worked in it; name a new file, or remove it", USAGE)


def _name_bad(problems: Sequence[str]) -> None:
    for problem in problems[:_SHOWN]:
        say(f"bad: {problem}")
    if len(problems) > _SHOWN:
        say(f"bad: {len(problems) - _SHOWN:,} more (--json lists them)")


def _interval(values: Sequence[float] | None) -> str:
    return f"{values[0]:.2f}–{values[1]:.2f}" if values else ""


def _show(report: dict[str, Any]) -> None:
    """Print how good the labels are, and who agrees with whom."""
    from santun.evaluate import number

    part = report["estimate"]
    rows: list[tuple[Any, ...]] = []
    for name, scores in part["behaviours"].items():
        cells = [
            cell
            for key in ("precision", "recall")
            for cell in (number(scores[key], 2), _interval(scores[f"{key}_interval"]))
        ]
        rate, edges = scores["rate"], scores["rate_interval"]
        per_hundred = [number(rate and 100 * rate, 1), f"{100 * edges[0]:.1f}–{100 * edges[1]:.1f}" if edges else ""]
        rows.append((name, f"{scores['confirmed']}/{scores['labels']}", scores["missed"], *cells, *per_hundred))
    if part["turns"]:
        seen = "" if report["blind"] else "; reviewers saw the labels, so it may flatter"
        print_table(
            f"\nthe model, by {part['turns']:,} random of {part['of']:,} turns{seen}",
            ("behaviour", "confirmed", "missed", "precision", "95 %", "recall", "95 %", "per 100 turns", "95 %"), rows,
        )  # fmt: skip
    if report["alpha"]:
        lines = [
            (name, one["turns"], number(one["alpha"], 2), _interval(one["interval"]))
            for name, one in report["alpha"].items()
        ]
        print_table("\nreviewers among each other", ("behaviour", "turns", "alpha", "95 %"), lines)
    sides = {**report["pairs"], **{f"model / {who}": kappas for who, kappas in report["model"].items()}}
    for who, kappas in sides.items():
        lines = [
            (name, number(one["kappa"], 2), _interval(one["interval"]), f"{100 * one['equal']:.0f}")
            for name, one in kappas.items()
        ]
        turns = max((one["turns"] for one in kappas.values()), default=0)
        print_table(f"\n{who}, {turns:,} turns", ("behaviour", "kappa", "95 %", "% equal"), lines)
