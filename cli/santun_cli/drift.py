"""The command ``drift``: whether the model that labelled one batch fits another."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from santun_cli.options import PARTLY, UNREADABLE, Json, Steps, fail, print_json, print_table, say


def drift(
    ref: Annotated[
        str, typer.Argument(help="Labelled batch that the model fits: a file or folder of `santun label -o`.")
    ],
    new: Annotated[str, typer.Argument(help="Labelled batch in question, by the same model.")],
    seed: Annotated[int, typer.Option("--seed", help="Of the resampling; the same gives the same.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    as_json: Json = False,
) -> None:
    """Say whether the model still fits: what differs between two labelled batches, by how much, and what to do.

    Examples
    --------
        santun label may/ -o may.jsonl && santun label june/ -o june.jsonl

        santun drift may.jsonl june.jsonl

    Compared are rates of behaviours, how sure the model is, words that REF does not have, languages, channels, who speaks
    and how long turns are. A difference counts if it is more than chance (a permutation test of whole conversations) and
    more than a little (Cohen's h 0.1, or a population stability index of 0.1). No labels by people are needed; whether
    F1 fell, only labels tell.
    """
    from santun.drift import drift as compare_batches
    from santun.drift import read_batch
    from santun_corpora import InputError, find_files

    batches = []
    for name in (ref, new):
        try:
            with Steps(f"reading {name}"[:40], quiet) as told:
                batches.append(read_batch(find_files([name]), on_rows=(lambda n: told(n, None)) if told else None))
        except InputError as error:
            fail(str(error), UNREADABLE)
    report = compare_batches(*batches, seed=seed)
    if as_json:
        print_json(report)
    else:
        _show(report)
    for batch in batches:
        for problem in batch.problems[:10]:
            say(f"bad: {problem}")
    raise typer.Exit(PARTLY if any(batch.bad for batch in batches) else 0)


def _show(report: dict[str, Any]) -> None:
    for line in report["words"]:
        typer.echo(line)
    sizes = [report[side] for side in ("ref", "new")]
    rows = []
    for one in report["findings"]:
        share = "h" in one
        rows.append(
            (
                one["name"],
                *((f"{100 * one['ref']:.1f} %", f"{100 * one['new']:.1f} %") if share else ("", "")),
                f"{one['h']:+.2f}" if share else "",
                f"{one['psi']:.3f}",
                f"{one['js']:.3f}",
                f"{one['p_adjusted']:.3f}",
                "" if one["size"] == "none" else one["size"],
            )
        )
    title = "\nREF {0[turns]:,} turns of {0[conversations]:,} conversations, NEW {1[turns]:,} of {1[conversations]:,}"
    print_table(title.format(*sizes), ("compared", "REF", "NEW", "h", "PSI", "JS", "p", "change"), rows)
    for note in report["notes"]:
        say(f"note: {note}")
