"""Commands on labelled data: ``corpora check``, ``corpora stats``, ``corpora import``, ``corpora export``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from santun_cli.options import PARTLY, UNREADABLE, USAGE, Json, fail, print_json, print_table

if TYPE_CHECKING:
    from santun_corpora.exchange import Account

app = typer.Typer(
    help="Labelled data: check it, count it, bring it from annotation tools and back.", no_args_is_help=True
)
_SHOWN = 10  # bad rows that a summary names

Tool = Annotated[
    str | None, typer.Option("--format", "-f", help="convokit, label-studio, doccano, argilla, prodigy or hf.")
]
Behaviours = Annotated[
    str | None, typer.Option("--behaviours", help="Names of your own that labels may have, `upsell,hold`.")
]
Summary = Annotated[bool, typer.Option("--json", help="Write the summary to standard error as JSON.")]


@app.command("check")
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Record files; the seed corpus if none.")] = None,
    as_json: Json = False,
) -> None:
    """Check labelled records: every bad row is named by file and line.

    Example:

        santun corpora check mycalls.jsonl

    Checked: the fields of the record, languages and behaviours, ids that stand twice, turns out of order, a conversation
    in two splits, and near-duplicates between test and training.
    """
    from santun.audit import check_files
    from santun_corpora import InputError
    from santun_corpora.seed import seed_files

    try:
        result = check_files(files or seed_files())
    except InputError as error:
        fail(str(error), UNREADABLE)
    if as_json:
        print_json(result)
    else:
        for problem in result["problems"]:
            typer.echo(problem)
        for warning in result["warnings"]:
            typer.echo(f"note: {warning}")
        typer.echo(
            f"{result['rows']:,} rows, {result['conversations']:,} conversations, {len(result['problems']):,} problems"
        )
    raise typer.Exit(PARTLY if result["problems"] else 0)


@app.command("stats")
def stats(
    files: Annotated[list[Path] | None, typer.Argument(help="Record files; the seed corpus if none.")] = None,
    as_json: Json = False,
) -> None:
    """Count labelled records by language, behaviour, role and whatever fields they carry.

    Example:

        santun corpora stats mycalls.jsonl
    """
    from santun.audit import count_files
    from santun_corpora import InputError
    from santun_corpora.seed import seed_files

    try:
        counted = count_files(files or seed_files())
    except InputError as error:
        fail(str(error), UNREADABLE)
    if as_json:
        print_json(counted)
        return
    langs = list(counted["languages"])
    for title, key in (("\nbehaviours (turns)", "behaviours"), ("\nroles", "roles")):
        names = list(dict.fromkeys(n for code in langs for n in counted["languages"][code][key]))
        rows = [(name, *(counted["languages"][code][key].get(name, 0) for code in langs)) for name in names]
        print_table(title, (key[:-1], *langs), rows)
    print_table(
        "\nsize",
        ("", *langs),
        [
            (key, *(counted["languages"][code][key] for code in langs))
            for key in ("rows", "conversations", "unlabelled", "several")
        ],
    )
    for field, values in counted["fields"].items():
        typer.echo(f"\n{field}: " + ", ".join(f"{value} {n:,}" for value, n in list(values.items())[:20]))


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A tool's export: a file, a folder, or a data set's name on the hub.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Records to write, JSONL.")],
    kind: Tool = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", help="A mapping file, TOML: which field holds what, what labels are called.")
    ] = None,
    behaviours: Behaviours = None,
    annotator: Annotated[
        str | None, typer.Option("--annotator", help="Whose labels to take: an id or e-mail as the tool has it.")
    ] = None,
    empty: Annotated[
        str,
        typer.Option("--empty", help="What no label means where the tool does not say (doccano): unlabelled or none."),
    ] = "unlabelled",
    config: Annotated[str | None, typer.Option("--config", help="Configuration of a Hugging Face data set.")] = None,
    split: Annotated[str | None, typer.Option("--split", help="Split of it; all if not given.")] = None,
    as_json: Summary = False,
) -> None:
    """Make labelled records of what an annotation tool or a corpus format holds.

    For example:

        santun corpora import export.json -o records.jsonl

        santun corpora import all.jsonl -f doccano --map mapping.toml -o records.jsonl

        santun corpora import corpus/ -f convokit -o records.jsonl

        santun corpora import owner/name -f hf --config ms --split train -o records.jsonl

    The format is found out from the content where that is sure. A row that nobody labelled has no `labels`; a row that
    was looked at and has none has `[]`. Every row is accounted for: read = imported + skipped + bad. A label that is no
    behaviour makes its row a bad one, until a mapping file says what it means:

        [labels]

        "Salam" = "greeting"

        "Lain-lain" = ""
    """
    from santun_corpora import InputError, Problem
    from santun_corpora.exchange import Account, Options, dump_record, import_records, read_mapping, sniff

    if empty not in ("unlabelled", "none"):
        fail(f"--empty {empty!r}: give unlabelled or none", USAGE)
    _refuse_same(out, [file] if mapping is None else [file, mapping])
    if out.is_dir():
        fail(f"{out}: a folder; name a file", USAGE)
    account, problems = Account(), []
    partial = out.with_name(f"{out.name}.part")
    try:
        plan = read_mapping(mapping, _names(behaviours))
        found = kind or sniff(file)
        rows = import_records(file, found, plan, options=Options(annotator, empty, config, split), account=account)
        try:
            with partial.open("w", encoding="utf-8", newline="") as lines:
                for row in rows:
                    if isinstance(row, Problem):
                        problems.append(str(row))
                    else:
                        lines.write(dump_record(row) + "\n")
            partial.replace(out)
        finally:
            partial.unlink(missing_ok=True)
    except InputError as error:
        fail(str(error), UNREADABLE)
    except OSError as error:
        fail(f"{out}: {error.strerror or 'cannot be written'}", UNREADABLE)
    _tell(account, problems, found, found_out=kind is None, as_json=as_json)
    raise typer.Exit(PARTLY if problems else 0)


@app.command("export")
def export(
    files: Annotated[list[Path], typer.Argument(help="Record files.")],
    kind: Annotated[
        str, typer.Option("--format", "-f", help="convokit, label-studio, doccano, argilla, prodigy or hf.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write; for convokit and hf a new folder.")],
    predictions: Annotated[
        bool,
        typer.Option(
            "--predictions", help="Labels are a model's, for annotators to confirm (not doccano, convokit, hf)."
        ),
    ] = False,
    behaviours: Behaviours = None,
    annotator: Annotated[
        str | None, typer.Option("--annotator", help="Argilla: id of the user whose responses the labels are.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Label Studio: where the labelling config goes; beside OUT if not given."),
    ] = None,
    as_json: Summary = False,
) -> None:
    """Write records for an annotation tool or a corpus format; imported again they are the same.

    For example:

        santun corpora export records.jsonl -f label-studio -o tasks.json

        santun label calls/ -o labelled.jsonl && santun corpora export labelled.jsonl -f prodigy --predictions -o tasks.jsonl

        santun corpora export records.jsonl -f hf -o dataset/

    Every record travels whole in a field `santun` of the tool; leave it as it is. Text and labels are the tool's when they
    come back, and so is a field that was changed there.
    """
    from santun_corpora import InputError, Problem, open_source, read
    from santun_corpora.exchange import export_records
    from santun_corpora.exchange.mapping import with_behaviours

    _refuse_same(out, files)
    if config is not None:
        _refuse_same(config, [*files, out])
    problems = []
    rows = []
    try:
        for path in files:
            for item in read(open_source(path)):
                if isinstance(item, Problem) or item.fault:
                    problems.append(str(item) if isinstance(item, Problem) else f"{item.source}: {item.fault}")
                else:
                    rows.append(item)
        written = export_records(
            rows, out, kind, behaviours=with_behaviours(_names(behaviours)), predictions=predictions,
            annotator=annotator, config=config,
        )  # fmt: skip
    except InputError as error:
        fail(str(error), UNREADABLE)
    unlabelled = sum(row.labels is None for row in rows)
    if as_json:
        told: dict[str, Any] = {"read": len(rows) + len(problems), "exported": written, "bad": len(problems)}
        told |= {"unlabelled": unlabelled, "problems": problems}
        typer.echo(json.dumps(told, ensure_ascii=False), err=True)
    else:
        _say(f"read {len(rows) + len(problems):,} = exported {written:,} + bad {len(problems):,}")
        if unlabelled:
            _say(f"unlabelled: {unlabelled:,} of them")
        if not predictions and any("scores" in row.fields for row in rows):
            _say("note: some labels are a model's (they carry scores); --predictions offers them for confirmation")
        _name_bad(problems)
    raise typer.Exit(PARTLY if problems else 0)


def _names(behaviours: str | None) -> list[str]:
    return [name.strip() for name in (behaviours or "").split(",") if name.strip()]


def _refuse_same(out: Path, inputs: list[Path]) -> None:
    for path in inputs:
        if path.exists() and (path.resolve() == out.resolve() or (out.exists() and out.samefile(path))):
            fail(f"{out}: it is an input; name another file with -o", USAGE)


def _say(line: str) -> None:
    typer.echo(f"santun: {line}", err=True)


def _name_bad(problems: list[str]) -> None:
    for problem in problems[:_SHOWN]:
        _say(f"bad: {problem}")
    if len(problems) > _SHOWN:
        _say(f"bad: {len(problems) - _SHOWN:,} more (--json lists them)")


def _tell(account: Account, problems: list[str], kind: str, *, found_out: bool, as_json: bool) -> None:
    """Write what became of every row to standard error."""
    skipped = account.skipped.total()
    if as_json:
        told = {
            "format": kind, "read": account.read, "imported": account.imported, "skipped": dict(account.skipped),
            "bad": account.bad, "unlabelled": dict(account.unlabelled), "disagreeing": account.disagreeing,
            "labels": dict(account.labels), "notes": account.notes, "problems": problems,
        }  # fmt: skip
        typer.echo(json.dumps(told, ensure_ascii=False), err=True)
        return
    if found_out:
        _say(f"format: {kind}, by the content")
    _say(f"read {account.read:,} = imported {account.imported:,} + skipped {skipped:,} + bad {account.bad:,}")
    for what, counted in (("skipped", account.skipped), ("unlabelled", account.unlabelled), ("labels", account.labels)):
        if counted:
            _say(f"{what}: " + ", ".join(f"{name} {number:,}" for name, number in counted.most_common()))
    if account.disagreeing:
        _say(f"annotators disagree on {account.disagreeing:,}; the latest answer counts, unless --annotator names one")
    for note in account.notes:
        _say(f"note: {note}")
    _name_bad(problems)
