"""Commands of scorecards: ``score``, ``scorecard list``, ``scorecard show``, ``scorecard check``, ``scorecard phrases``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from santun_cli.options import (
    PARTLY,
    UNREADABLE,
    USAGE,
    Json,
    Steps,
    check_codes,
    fail,
    print_json,
    print_table,
    say,
)

if TYPE_CHECKING:
    from santun.conversations import LabelledFiles
    from santun.scorecard import Scorecard

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Scorecards: what a good conversation holds, as TOML files that a QA lead edits.\n\n"
        "`santun scorecard show help > mine.toml`, change it, `santun scorecard check mine.toml`, "
        "then `santun score labelled.jsonl --card mine.toml`."
    ),
)
Labelled = Annotated[
    list[str], typer.Argument(help="What `santun label … -o` wrote: JSONL, CSV, XLSX or Parquet; files or folders.")
]
Card = Annotated[str, typer.Option("--card", help="help, five_step, or a TOML file.")]
AgentField = Annotated[
    str | None,
    typer.Option(
        "--agent-field",
        help="Column with the agent's name or number. Well-known names are found; else the speaker's name.",
    ),
]
Agents = Annotated[
    list[str] | None,
    typer.Option("--agent", help="A speaker who is an agent, where the files do not say so; may be given again."),
]


def score(
    labelled: Labelled,
    card: Card = "help",
    agent_field: AgentField = None,
    agent: Agents = None,
    worst: Annotated[int, typer.Option("--worst", min=0, help="How many of the lowest calls are listed.")] = 10,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    as_json: Json = False,
) -> None:
    """Score labelled conversations by a scorecard: per call, per agent, and all together with 95 % intervals.

    Examples
    --------
        santun label calls/ -o labelled.jsonl && santun score labelled.jsonl

        santun score labelled.jsonl --card five_step --agent-field agent_id

        santun score labelled.jsonl --card mine.toml --json > scores.json

    A verdict is met, missed or not applicable: empathy is due only where the customer voices a problem or a feeling. It
    names the turns it rests on (--json has all of them, `santun report` shows them). A verdict is as good as the labels:
    listen to the call before you judge a person.
    """
    from santun.scorecard import score_calls, summarise

    loaded = open_card(card)
    found = gather_labelled(labelled, agent, agent_field, quiet=quiet)
    scores = score_calls(loaded, found.conversations)
    summary = summarise(loaded, scores)
    if as_json:
        print_json({**summary, "account": found.account(), "calls": [one.to_dict() for one in scores]})
    else:
        _show(summary)
        _show_worst(scores, worst, {item.id for item in loaded.items if item.weight})
        show_account(found)
    raise typer.Exit(PARTLY if found.bad else 0)


def open_card(name: str) -> Scorecard:
    """Read a card, or say in one line why not."""
    from santun.scorecard import ScorecardError, load_card

    try:
        return load_card(name)
    except ScorecardError as error:
        fail(str(error), USAGE)


def gather_labelled(
    inputs: list[str], agents: list[str] | None, agent_field: str | None, *, quiet: bool = False, **fields: str | None
) -> LabelledFiles:
    """Read labelled files as conversations, or say in one line why not."""
    from santun.conversations import read_labelled
    from santun_corpora import InputError, find_files

    try:
        with Steps("reading", quiet) as told:
            return read_labelled(
                find_files(inputs), agents=agents or (), agent_field=agent_field,
                on_rows=(lambda rows: told(rows, None)) if told else None, **fields,
            )  # fmt: skip
    except InputError as error:
        fail(str(error), UNREADABLE)


def show_account(found: LabelledFiles) -> None:
    """Say where the rows went."""
    lone = sum(one.id is None for one in found.conversations)
    say(
        f"read {found.read:,} = labelled {found.labelled:,} + skipped {found.skipped:,} + bad {found.bad:,}; "
        f"{len(found.conversations) - lone:,} conversations"
        + (f", {lone:,} rows of no conversation (not scored)" if lone else "")
    )
    nobody = sum(one.id is not None and not one.served_by() for one in found.conversations)
    if nobody:
        say(f"in {nobody:,} conversations no turn is known to be the agent's: name the agents, --agent NAME")
    for note in found.notes:
        say(note)
    for problem in found.problems[:10]:
        say(f"bad: {problem}")


def percent(share: float | None) -> str:
    """Write a share as a percentage."""
    return "–" if share is None else f"{100 * share:.0f} %"


def between(interval: list[float] | None, factor: float = 100) -> str:
    """Write an interval."""
    return "" if interval is None else f"{factor * interval[0]:.0f} to {factor * interval[1]:.0f}"


def _show(summary: dict[str, Any]) -> None:
    card, whole = summary["card"], summary["all"]
    mean = "–" if whole["score"] is None else f"{whole['score']:.0f}"
    typer.echo(
        f"{card['title']} ({card['name']} {card['version']}, {card['digest']}): "
        f"score {mean} ({between(whole['score_interval'], 1) or 'no interval'}) "
        f"of {whole['scored']:,} of {whole['calls']:,} conversations; {whole['failed']:,} failed a critical item"
    )
    lines = []
    for item in card["items"]:
        counts = whole["items"].get(item["id"], {"met": 0, "applicable": 0, "share": None, "interval": None})
        lines.append(
            (
                item["title"], f"{item['weight']:g}", "critical" if item["critical"] else "",
                f"{counts['met']:,} of {counts['applicable']:,}", percent(counts["share"]), between(counts["interval"]),
            )
        )  # fmt: skip
    print_table("\nitems", ("item", "weight", "", "met of due", "share", "95 %"), lines)
    agents = [
        (
            _plain(one["agent"]) if one["agent"] is not None else "(no name)", f"{one['calls']:,}",
            "–" if one["score"] is None else f"{one['score']:.0f}", between(one["score_interval"], 1), one["failed"],
            *[
                f"{counts['met']}/{counts['applicable']}" if (counts := one["items"].get(item["id"])) else "–"
                for item in card["items"]
            ],
        )
        for one in summary["agents"]
    ]  # fmt: skip
    columns = ("agent", "calls", "score", "95 %", "failed", *[item["id"] for item in card["items"]])
    print_table("\nagents", columns, agents)


def _plain(text: str) -> str:
    from santun.conversations import quote

    return quote(text, 40)


def _show_worst(scores: list[Any], worst: int, counted: set[str]) -> None:
    from santun.scorecard import MISSED

    lowest = sorted((one for one in scores if one.score is not None), key=lambda one: one.score)[:worst]
    if not lowest:
        return
    lines = [
        (
            _plain(one.conversation.id), _plain(one.conversation.agent or "–"), f"{one.score:.0f}",
            ", ".join(v.item for v in one.verdicts if v.verdict == MISSED and v.item in counted) or "nothing",
        )
        for one in lowest
    ]  # fmt: skip
    print_table("\nlowest scores", ("conversation", "agent", "score", "missed"), lines)


@app.command()
def show(name: Annotated[str, typer.Argument(help="help or five_step.")]) -> None:
    """Print a ready card, to be copied and changed.

    Example:

        santun scorecard show help > mine.toml
    """
    from santun.scorecard import ScorecardError, card_text

    try:
        typer.echo(card_text(name), nl=False)
    except ScorecardError as error:
        fail(str(error), USAGE)


@app.command("list")
def list_cards(as_json: Json = False) -> None:
    """List the ready cards."""
    from santun.scorecard import CARDS, card_facts, load_card

    facts = [card_facts(load_card(name)) for name in CARDS]
    if as_json:
        print_json(facts)
        return
    for card in facts:
        typer.echo(f"{card['name']} {card['version']}: {card['title']}. {card['description']}")


@app.command()
def check(card: Annotated[Path, typer.Argument(help="A card of your own.")], as_json: Json = False) -> None:
    """Check a card, and say its items.

    Example:

        santun scorecard check mine.toml
    """
    from santun.scorecard import card_facts

    loaded = open_card(str(card))
    facts = card_facts(loaded)
    if as_json:
        print_json(facts)
        return
    total = sum(item["weight"] for item in facts["items"])
    typer.echo(f"{facts['name']} {facts['version']} ({facts['digest']}): {facts['title']}")
    lines = [
        (item["id"], item["title"], f"{100 * item['weight'] / total:.0f} %", "critical" if item["critical"] else "")
        for item in facts["items"]
    ]
    print_table("", ("item", "title", "of the score", ""), lines)


@app.command()
def phrases(
    text: Annotated[str | None, typer.Argument(help="A customer's turn: which phrase is found in it?")] = None,
    lang: Annotated[str, typer.Option("--lang", help="Language of the turn: ms, id, ar, en.")] = "en",
    as_json: Json = False,
) -> None:
    """Show by which phrases a problem or a feeling of the customer is found, or what is found in a text.

    Examples
    --------
        santun scorecard phrases

        santun scorecard phrases "My router stopped working" --lang en

    Add phrases of your own in a card: `[phrases]` `problem = ["kuota ghaib"]`.
    """
    from santun.scorecard import Voices, voiced_phrases

    check_codes(lang, None)
    if text is not None:
        found = Voices().of(text, lang)
        if as_json:
            print_json(found)
        else:
            typer.echo("\n".join(f"{kind}: {phrase}" for kind, phrase in found.items()) or "nothing is voiced")
        return
    table = voiced_phrases()
    if as_json:
        print_json([{"kind": kind, "lang": code, "phrases": words} for (kind, code), words in table.items()])
        return
    for (kind, code), words in table.items():
        typer.echo(f"{kind} ({code}): {', '.join(words)}")
