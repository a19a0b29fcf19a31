"""What the commands share: options, exit codes, and how they speak."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from santun.model import Model
    from santun_corpora import Utterance

USAGE, PARTLY, UNREADABLE, INTERNAL = 2, 3, 4, 5

Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files or folders: JSONL, CSV/TSV, XLSX, Parquet, `Agent: …` text, WhatsApp, VTT/SRT, exports of phone and "
        "chat systems; `-` for standard input."
    ),
]
ModelName = Annotated[
    str,
    typer.Option(
        "--model", help="A shipped model's name, a folder that `santun train` wrote, or models:/santun@champion."
    ),
]
Lang = Annotated[
    str | None,
    typer.Option("--lang", help="Language of rows that do not name theirs: ms, id, ar, en. Found out if not given."),
]
Role = Annotated[
    str | None, typer.Option("--speaker-role", help="Role of rows whose speaker names none: agent, customer, bot.")
]
Agent = Annotated[
    list[str] | None,
    typer.Option(
        "--agent",
        help="Label of a speaker who is an agent, e.g. spk_0; other named speakers are customers. May be given again.",
    ),
]
GuessRoles = Annotated[
    bool,
    typer.Option(
        "--guess-roles",
        help="Guess who the agent is: who greets for a company, asks how to help, or speaks first in a call.",
    ),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", help="Which column holds what, where the names do not tell: `--map text=Isi,speaker=Pengirim`."
    ),
]
Encoding = Annotated[
    str | None, typer.Option("--encoding", help="Encoding of text files, e.g. cp1256. Found out if not given.")
]
FormatIn = Annotated[
    str | None,
    typer.Option(
        "--format-in",
        help="Format of the inputs: jsonl, json, csv, xlsx, parquet, text, whatsapp, srt … Sniffed if not given.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def fail(message: str, code: int) -> NoReturn:
    """Say one line and leave."""
    typer.echo(f"santun: {message}", err=True)
    raise typer.Exit(code)


def unwritable(place: object, error: OSError) -> NoReturn:
    """Say that output cannot be written, and leave."""
    fail(f"{place}: cannot be written ({error.strerror})", UNREADABLE)


def say(message: str) -> None:
    """Say one line beside the output."""
    typer.echo(f"santun: {message}", err=True)


def parse_columns(given: list[str] | None) -> dict[str, str]:
    """Read `--map FIELD=COLUMN,…`."""
    from santun_corpora.columns import FIELDS

    columns: dict[str, str] = {}
    last = ""
    for pair in [piece for one in given or [] for piece in one.split(",")]:
        field, mark, column = pair.partition("=")
        if mark and field.strip() in FIELDS:
            last = field.strip()
            columns[last] = column
        elif last:  # a column's name may hold a comma
            columns[last] += f",{pair}"
        else:
            fail(f"--map {pair!r}: write FIELD=COLUMN, where FIELD is one of {', '.join(FIELDS)}", USAGE)
    return columns


def check_codes(lang: str | None, role: str | None) -> None:
    """Refuse an unknown language or role."""
    from santun_corpora import LANGUAGES, ROLES

    if lang is not None and lang not in LANGUAGES:
        fail(f"unknown language {lang!r}; give one of {', '.join(LANGUAGES)}", USAGE)
    if role is not None and role not in ROLES:
        fail(f"unknown role {role!r}; give one of {', '.join(ROLES)}", USAGE)


def open_model(name: str) -> Model:
    """Load a model, or say in one line why not."""
    return find_model(name)[1]


def find_model(name: str) -> tuple[str, Model]:
    """Load a model, with what to call it: of a registered one its version."""
    from santun.model import load
    from santun_models.store import ModelError

    try:
        if not name.startswith("models:/"):
            model = load(name)
            return model.version, model
        from santun.track import fetch

        found = fetch(name)
        if found.note:
            say(f"note: {found.note}")
        model = load(found.path)
        return f"{found.name} {model.version}", model
    except ModelError as error:
        fail(str(error), UNREADABLE)


def labelled_rows(
    files: list[Path] | None, columns: list[str] | None, model: Model
) -> tuple[list[Utterance], list[str]]:
    """Read labelled records, of the held-out seed corpus if no file is given; and which rows are bad."""
    from santun.evaluate import read_evaluation
    from santun_corpora import InputError
    from santun_corpora.seed import seed_files

    paths = files or seed_files("test")
    missing = next((path for path in paths if not path.is_file()), None)
    if missing:
        fail(f"{missing}: no such file", UNREADABLE)
    try:
        return read_evaluation(paths, parse_columns(columns), model.behaviours)
    except InputError as error:
        fail(str(error), UNREADABLE)


def print_json(value: Any) -> None:
    """Print for machines."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print a table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*[Text(str(cell)) for cell in row])
    Console(width=None if sys.stdout.isatty() else 160).print(table)


class Steps:
    """A progress bar over steps on a terminal; nothing elsewhere."""

    def __init__(self, what: str, quiet: bool) -> None:
        self.what = what
        self.bar: Any = None
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self.bar = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"),
                TimeRemainingColumn(), console=Console(stderr=True), transient=True,
            )  # fmt: skip

    def __enter__(self) -> Any:
        """Give a function that is told (done, total); None where there is no terminal."""
        if self.bar is None:
            return None
        self.bar.start()
        task = self.bar.add_task(self.what, total=None)
        return lambda done, total: self.bar.update(task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()
