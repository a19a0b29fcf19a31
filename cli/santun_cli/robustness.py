"""The command ``robustness``: how much F1 each kind of noise takes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from santun_cli.options import (
    PARTLY,
    USAGE,
    Json,
    Map,
    ModelName,
    fail,
    labelled_rows,
    open_model,
    print_json,
    print_table,
)


def robustness(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Records with `labels`; the held-out seed corpus if none.")
    ] = None,
    model: ModelName = "default",
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind", help="A kind of noise, or KIND=RATE, e.g. `word_error=0.2`; may be given again. All if not given."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the noise and the intervals; the same gives the same.")] = 0,
    columns: Map = None,
    as_json: Json = False,
) -> None:
    """Measure how much F1 a model loses on noised texts: typing, speech recognition, chat spelling, mixed languages.

    Examples
    --------
        santun robustness

        santun robustness mycalls.jsonl --kind plain --kind word_error=0.1 --kind word_error=0.3

    Kinds: no_punctuation, lower_case, plain (both), typos, word_error, fillers, chat, arabic_letters, code_switch. A loss
    is in points of macro-F1, with a 95 % bootstrap interval by conversation. Never give it what the model was trained on.
    """
    from santun.robustness import robustness

    kinds = _parse_kinds(kind)
    loaded = open_model(model)
    rows, problems = labelled_rows(files, columns, loaded)
    with _progress() as progress:
        report = robustness(loaded, rows, kinds, seed, progress=progress)
    report["problems"] = problems
    if as_json:
        print_json(report)
    else:
        _show(report)
    for problem in problems[:10]:
        typer.echo(f"santun: bad: {problem}", err=True)
    raise typer.Exit(PARTLY if problems else 0)


def _parse_kinds(given: list[str] | None) -> list[tuple[str, float]]:
    """Read `--kind KIND` and `--kind KIND=RATE`."""
    from santun.noise import RATES

    kinds: list[tuple[str, float]] = []
    for one in given or RATES:
        name, mark, rate = one.partition("=")
        if name not in RATES:
            fail(f"--kind {one!r}: give one of {', '.join(RATES)}", USAGE)
        try:
            kinds.append((name, float(rate) if mark else RATES[name]))
        except ValueError:
            fail(f"--kind {one!r}: write KIND=RATE with a number from 0 to 1", USAGE)
        if not 0 <= kinds[-1][1] <= 1:
            fail(f"--kind {one!r}: a rate is from 0 to 1", USAGE)
    return kinds


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar over the kinds of noise on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("noise", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(report: dict[str, Any]) -> None:
    """Print a table for the core behaviours and one for all: F1 as it is, and what each kind of noise takes of it."""
    from santun.evaluate import number

    codes = list(report["noise"][0]["languages"])
    headers = ("noise", "rate", "texts changed", *[name for code in codes for name in (code, "95 %")])
    for key, title in (("core_f1", "core"), ("macro_f1", "all")):
        first = report["noise"][0]["languages"]
        clean = [cell for code in codes for cell in (number(first[code][key] and first[code][key]["clean"]), "")]
        lines: list[tuple[Any, ...]] = [("none: F1", "", "", *clean)]
        for noise in report["noise"]:
            cells = [cell for code in codes for cell in _loss(noise["languages"][code][key])]
            lines.append((noise["kind"], f"{noise['rate']:g}", f"{100 * noise['changed']:.0f} %", *cells))
        print_table(f"\npoints of {title} macro-F1 lost, {report['rows']:,} rows", headers, lines)


def _loss(scores: dict[str, Any] | None) -> tuple[str, str]:
    if scores is None:
        return "–", ""
    low, high = scores["interval"]
    return f"{scores['loss']:.1f}", f"{low:.1f} to {high:.1f}"
