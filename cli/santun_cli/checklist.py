"""The commands ``checklist`` and ``swaps``: behavioural tests of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from santun_cli.options import (
    PARTLY,
    UNREADABLE,
    USAGE,
    Json,
    Map,
    ModelName,
    Steps,
    check_codes,
    fail,
    open_model,
    parse_columns,
    print_json,
    print_table,
)

if TYPE_CHECKING:
    from santun_corpora import Utterance


def checklist(
    model: ModelName = "default",
    lang: Annotated[str | None, typer.Option("--lang", help="Only the cases of one language: ms, id, ar, en.")] = None,
    failures: Annotated[bool, typer.Option("--failures", help="List the cases that failed.")] = False,
    as_json: Json = False,
) -> None:
    """Give a model the behavioural tests: hand-written cases of what it has to be able to do.

    Examples
    --------
        santun checklist

        santun checklist --lang ar --failures

    A capability is tested by six or more cases a language. MFT: a label has to be there, or not; INV: two texts get the
    same labels; DIR: a score rises or falls. Rates are shares of failed cases, with Wilson's 95 % interval.
    """
    from santun.checks import run_checks
    from santun_corpora import LANGUAGES

    check_codes(lang, None)
    loaded = open_model(model)
    try:
        report = run_checks(loaded, [lang] if lang else LANGUAGES)
    except ValueError as error:
        fail(f"{model}: {error}", UNREADABLE)
    if as_json:
        print_json(report)
        return
    _show_checks(report)
    if failures:
        _show_failures(report)


def swaps(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Records, with or without labels; the held-out seed corpus if none.")
    ] = None,
    model: ModelName = "default",
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help="names, honorifics, gender or dialect; may be given again. All if not given."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the swaps and the intervals; the same gives the same.")] = 0,
    columns: Map = None,
    as_json: Json = False,
) -> None:
    """Measure how often labels change when names, honorifics, gender of address or dialect words are swapped.

    Examples
    --------
        santun swaps

        santun swaps mycalls.jsonl --kind names --kind gender

    The rate is the share of the swapped utterances of which any label changes, with a 95 % bootstrap interval by
    conversation. Never give it what the model was trained on.
    """
    from santun.checks import SWAPS, flip_rate
    from santun_corpora import InputError
    from santun_corpora.seed import seed_files

    unknown = next((one for one in kind or [] if one not in SWAPS), None)
    if unknown is not None:
        fail(f"--kind {unknown!r}: give one of {', '.join(SWAPS)}", USAGE)
    loaded = open_model(model)
    paths = files or seed_files("test")
    missing = next((path for path in paths if not path.is_file()), None)
    if missing:
        fail(f"{missing}: no such file", UNREADABLE)
    try:
        rows, problems = _read(paths, parse_columns(columns))
    except InputError as error:
        fail(str(error), UNREADABLE)
    if not rows:
        fail(f"{paths[0].name}: no row to measure on", UNREADABLE)
    with Steps("swaps", quiet=False) as progress:
        report = flip_rate(loaded, rows, list(dict.fromkeys(kind or SWAPS)), seed, progress=progress)
    report["problems"] = problems
    if as_json:
        print_json(report)
    else:
        _show_swaps(report)
    for problem in problems[:10]:
        typer.echo(f"santun: bad: {problem}", err=True)
    raise typer.Exit(PARTLY if problems else 0)


def _read(paths: Sequence[Path], columns: Mapping[str, str]) -> tuple[list[Utterance], list[str]]:
    """Read what can be labelled, and name the rows that cannot be read."""
    from santun_corpora import Problem, open_source, read

    items = [item for path in paths for item in read(open_source(path), columns)]
    rows = [item for item in items if not isinstance(item, Problem) and not item.skip]
    return rows, [str(item) for item in items if isinstance(item, Problem)]


def _show_checks(report: dict[str, Any]) -> None:
    """Print the rates of all, of languages and kinds, and of capabilities, the worst first."""
    whole = [("all", report["overall"]), *report["languages"].items(), *report["kinds"].items()]
    headers = ("", "cases", "failed", "%", "95 %")
    print_table(f"\nfailed cases, model {report['model']}", headers, [(name, *_rate(part)) for name, part in whole])
    codes = list(report["languages"])
    lines = []
    for name, part in sorted(report["capabilities"].items(), key=lambda item: -float(item[1]["rate"])):
        languages = part["languages"]
        shares = [f"{languages[c]['failed']}/{languages[c]['cases']}" if c in languages else "" for c in codes]
        lines.append((name, part["kind"], part["rule"], *_rate(part), *shares))
    print_table("\nby capability", ("capability", "kind", "rule", *headers[1:], *codes), lines)
    if report["skipped"]:
        typer.echo(f"\n{report['skipped']} cases test only behaviours that the model does not know")


def _show_failures(report: dict[str, Any]) -> None:
    """Print the cases that failed, with what was unmet and what was found."""
    typer.echo("")
    for case in report["failures"]:
        found = " / ".join(", ".join(labels) or "none" for labels in case["found"])
        texts = " / ".join(text for text in (case["text"], case["variant"]) if text)
        before = f"[{case['before'][0]}: {case['before'][1]}] " if case["before"] else ""
        typer.echo(f"{case['lang']} {case['capability']} {' '.join(case['unmet'])}  {before}{texts}  -> {found}")


def _show_swaps(report: dict[str, Any]) -> None:
    """Print a line for each kind of swap and language."""
    lines = [
        (
            kind,
            code,
            part["utterances"],
            part["conversations"],
            *_rate(part | {"cases": part["utterances"], "failed": part["flipped"]})[1:],
            f"{100 * part['decisions']:.2f}",
        )
        for kind, swap in report["swaps"].items()
        for code, part in swap["languages"].items()
    ]
    headers = ("swap", "language", "utterances", "conversations", "flipped", "%", "95 %", "% of decisions")
    print_table(f"\nswapped utterances of which a label changes, {report['rows']:,} rows", headers, lines)


def _rate(part: dict[str, Any]) -> tuple[str, str, str, str]:
    low, high = part["interval"]
    return str(part["cases"]), str(part["failed"]), f"{100 * part['rate']:.1f}", f"{100 * low:.1f} to {100 * high:.1f}"
