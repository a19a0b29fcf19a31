"""Commands on labelled data: ``corpora check``, ``corpora stats``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from santun_cli.options import PARTLY, UNREADABLE, Json, fail, print_json, print_table

app = typer.Typer(help="Look at labelled data: check it, count it.", no_args_is_help=True)


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
