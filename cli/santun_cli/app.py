"""The typer application. Nothing heavy is imported before a command needs it, so that ``--help`` answers at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import typer

from santun_cli import checklist, corpora, drift, labelling, reporting, review, robustness, runs, scoring, training
from santun_cli.options import INTERNAL

app = typer.Typer(
    name="santun",
    help=(
        "Label the utterances of service conversations with the behaviours they perform: greeting, rapport question, "
        "empathy, apology, thanks, needs question, active listening, solution offer, ownership, closing; in Malay, "
        "Indonesian, Arabic and English.\n\n"
        'Start with `santun label calls.csv -o labelled.xlsx` or `santun label --text "Maaf ya kak"`.\n\n'
        "Exit codes: 0 done; 1 a promotion was refused; 2 the command is wrong; 3 some rows could not be read, the rest is done; 4 an input "
        "could not be read at all; 5 a fault of santun."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
COMMANDS: tuple[Callable[..., None], ...] = (
    labelling.label, labelling.explain, labelling.path, scoring.score, reporting.report, drift.drift, training.evaluate, training.train,
    training.tune, runs.compare, runs.promote, runs.rollback, robustness.robustness, checklist.checklist, checklist.swaps,
    training.card,
)  # fmt: skip
for command in COMMANDS:
    app.command()(command)
app.add_typer(scoring.app, name="scorecard")
app.add_typer(review.app, name="review")
app.add_typer(runs.app, name="runs")
app.add_typer(corpora.app, name="corpora")


@app.command()
def version() -> None:
    """Print the version of santun."""
    from importlib.metadata import version as installed

    typer.echo(installed("santun"))


def main() -> None:
    """Run the command; a fault of santun is one line and exit code 5, with no text of anybody's call in it."""
    # pyarrow's own allocators keep some 40 MB that a long job has given back
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("SANTUN_DEBUG"):
            raise
        frame = error.__traceback__
        while frame and frame.tb_next:
            frame = frame.tb_next
        where = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "?"
        typer.echo(
            f"santun: a fault of santun ({type(error).__name__} at {where}); SANTUN_DEBUG=1 shows more", err=True
        )
        sys.exit(INTERNAL)


if __name__ == "__main__":
    main()
