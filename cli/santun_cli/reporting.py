"""The command ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from santun_cli.options import PARTLY, USAGE, Json, ModelName, Steps, fail, open_model, print_json, say, unwritable
from santun_cli.scoring import AgentField, Agents, Card, Labelled, gather_labelled, open_card, show_account

if TYPE_CHECKING:
    from santun.conversations import Conversation
    from santun.evidence import Spans

_LARGE = 40_000_000  # bytes of a page past which browsers and mailboxes grumble


def report(
    labelled: Labelled,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write the page here: report.html.")] = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", help="Write the same numbers as a workbook.")] = None,
    card: Card = "help",
    agent_field: AgentField = None,
    agent: Agents = None,
    date_field: Annotated[
        str | None, typer.Option("--date-field", help="Column with the day, year first. Well-known names are found.")
    ] = None,
    channel_field: Annotated[
        str | None, typer.Option("--channel-field", help="Column with the channel. Well-known names are found.")
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Heading of the page.")] = "",
    evidence: Annotated[
        bool,
        typer.Option("--evidence/--no-evidence", help="Mark the words that speak for each label; needs the model."),
    ] = True,
    model: ModelName = "default",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no account.")] = False,
    as_json: Json = False,
) -> None:
    """Make a report of labelled conversations: one HTML file to open, mail or print, with every transcript in it.

    Examples
    --------
        santun label calls/ -o labelled.jsonl && santun report labelled.jsonl -o report.html

        santun report may.jsonl june.jsonl -o report.html --xlsx report.xlsx --card five_step --agent-field agent_id

        santun report labelled.jsonl --json > report.json

    The page needs no network and no server: overview, agents, behaviours over time, languages and channels, and each
    conversation with its labels, the words that speak for them, and the verdicts of the scorecard. It holds what
    customers said: keep it as you keep the calls.
    """
    if out is None and xlsx is None and not as_json:
        fail("nothing to write; name a page with -o report.html, a workbook with --xlsx, or say --json", USAGE)
    for path, endings in ((out, (".html", ".htm")), (xlsx, (".xlsx",))):
        if path is not None and path.suffix.lower() not in endings:
            fail(f"{path}: end it in {endings[0]}", USAGE)
        if path is not None and not path.resolve().parent.is_dir():
            fail(f"{path.parent}: no such folder", USAGE)
        if path is not None and any(path.resolve() == Path(name).resolve() for name in labelled):
            fail(f"{path}: is an input too; write somewhere else", USAGE)
    from santun.report import build_report, write_workbook

    loaded_card = open_card(card)
    loaded_model = open_model(model) if evidence and out is not None else None
    found = gather_labelled(
        labelled, agent, agent_field, quiet=quiet, date_field=date_field, channel_field=channel_field
    )
    with Steps("scoring", quiet) as told:
        numbers, scores = build_report(found, loaded_card, told)
    try:
        if out is not None:
            from santun.report_page import write_page

            words: dict[int, dict[str, Spans]] = {}
            if loaded_model is not None:
                from santun.evidence import find_evidence

                turns = [turn for call in found.conversations for turn in call.turns]
                with Steps("words", quiet) as told:
                    places = find_evidence(loaded_model, turns, told)
                words = {id(turn): spans for turn, spans in zip(turns, places, strict=True) if spans}
            by = f"model {model} {loaded_model.version}" if loaded_model else ""
            write_page(numbers, scores, found.conversations, out, evidence=words, explained_by=by, title=title)
            if not quiet:
                _tell(out, found.conversations)
        if xlsx is not None:
            write_workbook(numbers, scores, xlsx)
            if not quiet:
                say(f"{xlsx}: {xlsx.stat().st_size / 1e6:.1f} MB")
    except OSError as error:
        unwritable(error.filename or out or xlsx, error)
    if as_json:
        print_json({**numbers, "calls": [one.to_dict() for one in scores]})
    if not quiet:
        show_account(found)
    raise typer.Exit(PARTLY if found.bad else 0)


def _tell(out: Path, conversations: list[Conversation]) -> None:
    size = out.stat().st_size
    say(f"{out}: {size / 1e6:.1f} MB")
    if size > _LARGE:
        say(f"{len(conversations):,} conversations make a heavy page; report by month or team, or with --no-evidence")
