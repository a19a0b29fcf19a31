"""What a batch of labelled conversations amounts to, as plain numbers, and as a workbook.

The page of ``santun report`` (`santun.report_page`) shows these numbers and no others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from santun_corpora import LANGUAGES

from santun.conversations import Conversation, LabelledFiles, Said
from santun.path import STEPS, PathSummary, Turn, trace_path
from santun.scorecard import CallScore, Scorecard, Tally, score_calls, summarise, wilson
from santun.write import partial_path, sheet_cell

_DAYS, _WEEKS = 31, 31 * 7  # spans of time up to which days, then weeks, are told apart


def build_report(
    found: LabelledFiles, card: Scorecard, on_calls: Callable[[int, int], None] | None = None
) -> tuple[dict[str, Any], list[CallScore]]:
    """Count, score and sum up.

    Parameters
    ----------
    found : LabelledFiles
    card : Scorecard
    on_calls : callable, default=None
        Told (done, total) of scoring.

    Returns
    -------
    report : dict
        ``account``, ``card``, ``all`` and ``agents`` (as `santun.scorecard.summarise`), ``behaviours``, ``languages``,
        ``channels``, ``time`` (with ``unit``), ``path``. Shares of behaviours are of conversations in which the agent
        performs them, all speakers where no turn is known to be the agent's; a row of no conversation counts as one.
    scores : list of CallScore
        Of the conversations, in order.
    """
    scores = score_calls(card, found.conversations, on_calls)
    calls = found.conversations
    done = [performed(call) for call in calls]
    scored = {id(one.conversation): one for one in scores}

    def groups(key: Callable[[Conversation], str | None], order: Iterable[str] = ()) -> list[dict[str, Any]]:
        members: dict[str, list[int]] = {name: [] for name in order}
        for i, call in enumerate(calls):
            name = key(call)
            if name:
                members.setdefault(name, []).append(i)
        return [
            {
                "name": name, "conversations": len(inside), "turns": sum(len(calls[i].turns) for i in inside),
                **_score(scored[id(calls[i])] for i in inside if id(calls[i]) in scored),
                "behaviours": _shares(found.behaviours, [done[i] for i in inside]),
            }
            for name, inside in members.items() if inside
        ]  # fmt: skip

    turns = [turn for call in calls for turn in call.turns if not turn.skipped]
    unit = period_unit([call.date for call in calls if call.date])
    summary = summarise(card, scores)
    by_agent = {one["name"]: one for one in groups(lambda call: call.agent if call.id is not None else None)}
    for one in summary["agents"]:
        one["behaviours"] = by_agent[one["agent"]]["behaviours"] if one["agent"] is not None else None
    report = {
        "account": found.account(),
        **summary,
        "behaviours": _behaviours(found.behaviours, turns, done),
        "languages": _languages(groups(lambda call: call.lang, LANGUAGES), turns),
        "channels": groups(lambda call: call.channel),
        "time": {
            "unit": unit,
            "unknown": sum(not call.date for call in calls),
            "periods": sorted(groups(lambda call: period(call.date, unit)), key=lambda one: one["name"]),
        },
        "path": path_of(calls),
    }
    return report, scores


def mine(call: Conversation) -> list[Said]:
    """Turns of whoever serves; all turns where nobody is known to."""
    served = call.served_by()
    return [turn for turn in call.turns if not turn.skipped and (turn.role == served or not served)]


def performed(call: Conversation) -> set[str]:
    """Behaviours that whoever serves performs."""
    return {label for turn in mine(call) for label in turn.labels}


def _score(scores: Iterable[CallScore]) -> dict[str, Any]:
    tally = Tally()
    for one in scores:
        tally.add(one)
    told = tally.to_dict()
    return {name: told[name] for name in ("scored", "score", "score_interval", "failed")}


def _shares(names: Sequence[str], done: Sequence[set[str]]) -> dict[str, Any]:
    counts = Counter(name for one in done for name in one)
    n = len(done)
    return {
        name: {"conversations": counts[name], "share": counts[name] / n if n else None, "interval": wilson(counts[name], n)}
        for name in names
    }  # fmt: skip


def _behaviours(names: Sequence[str], turns: Sequence[Said], done: Sequence[set[str]]) -> list[dict[str, Any]]:
    by_role: dict[str, Counter[str]] = {"agent": Counter(), "customer": Counter()}
    everybody: Counter[str] = Counter()
    for turn in turns:
        everybody.update(turn.labels)
        if turn.role in by_role:
            by_role[turn.role].update(turn.labels)
    shares = _shares(names, done)
    return [
        {
            "name": name, "turns": everybody[name], "agent_turns": by_role["agent"][name],
            "customer_turns": by_role["customer"][name], **shares[name],
        }
        for name in names
    ]  # fmt: skip


def _languages(groups: list[dict[str, Any]], turns: Sequence[Said]) -> list[dict[str, Any]]:
    spoken = Counter(turn.lang for turn in turns)
    mixed = Counter(turn.lang for turn in turns if turn.mixed)
    for one in groups:
        one |= {"turns_in_it": spoken[one["name"]], "mixed_turns": mixed[one["name"]]}
    return groups


def path_of(calls: Sequence[Conversation]) -> dict[str, Any]:
    """Sum up the service path over conversations, as ``santun label`` does."""
    summary = PathSummary()
    for call in calls:
        if call.id is not None:
            turns = [Turn(turn.turn, turn.role, turn.text, turn.labels) for turn in call.turns]
            summary.add(trace_path(turns, call.id))
    return {**asdict(summary), "steps": {step: summary.steps[step] for step in STEPS}}


def period_unit(days: Sequence[str]) -> str:
    """Whether days, weeks or months are told apart, by the span of time.

    Examples
    --------
    >>> period_unit(["2024-05-01", "2024-05-20"]), period_unit(["2024-01-01", "2024-12-01"]), period_unit([])
    ('day', 'month', 'day')
    """
    if not days:
        return "day"
    span = (date.fromisoformat(max(days)) - date.fromisoformat(min(days))).days
    return "day" if span <= _DAYS else "week" if span <= _WEEKS else "month"


def period(day: str | None, unit: str) -> str | None:
    """First day of the period a day is in; a month by year and month.

    Examples
    --------
    >>> period("2024-05-03", "week"), period("2024-05-03", "month")
    ('2024-04-29', '2024-05')
    """
    if day is None or unit == "day":
        return day
    if unit == "month":
        return day[:7]
    monday = date.fromisoformat(day)
    return (monday - timedelta(days=monday.weekday())).isoformat()


# --------------------------------------------------------------------------------------------------- workbook


def write_workbook(report: Mapping[str, Any], scores: Sequence[CallScore], path: Path) -> None:
    """Write the numbers of a report as a workbook: typed cells, frozen headers, filters; no cell is a formula.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    for title, columns, rows in _sheets(report, scores):
        sheet = book.create_sheet(title)
        sheet.freeze_panes = "A2"
        for number, column in enumerate(columns, 1):
            sheet.column_dimensions[openpyxl.utils.get_column_letter(number)].width = max(12, min(40, len(column) + 3))
        sheet.append([sheet_cell(sheet, column, "") for column in columns])
        n = 1
        for row in rows:
            sheet.append([sheet_cell(sheet, value, "the report") for value in row])
            n += 1
        sheet.auto_filter.ref = f"A1:{openpyxl.utils.get_column_letter(len(columns))}{n}"
    book.save(partial_path(path))
    partial_path(path).replace(path)


Sheet = tuple[str, list[str], Iterable[Sequence[Any]]]


def _sheets(report: Mapping[str, Any], scores: Sequence[CallScore]) -> list[Sheet]:
    account, card, whole = report["account"], report["card"], report["all"]
    names = [one["name"] for one in report["behaviours"]]
    items = [item["id"] for item in card["items"]]
    overview = [
        *[(key, account[key]) for key in ("conversations", "lone_utterances", "read", "labelled", "skipped", "bad")],
        ("files", ", ".join(account["files"])),
        ("scorecard", card["name"]), ("scorecard version", card["version"]), ("scorecard digest", card["digest"]),
        ("conversations scored", whole["scored"]), ("score", whole["score"]),
        ("score from", _edge(whole["score_interval"], 0)), ("score to", _edge(whole["score_interval"], 1)),
        ("failed a critical item", whole["failed"]),
        *[(f"service path: {step}", n) for step, n in report["path"]["steps"].items()],
        ("service path: all in order", report["path"]["in_order"]),
    ]  # fmt: skip
    score = ["scored", "score", "score from", "score to", "failed"]
    shares = [f"share {name}" for name in names]

    def group_rows(groups: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
        return [
            [
                one["name"],
                one["conversations"],
                one["turns"],
                *_score_cells(one),
                *_share_cells(one["behaviours"], names),
            ]
            for one in groups
        ]

    return [
        ("overview", ["what", "value"], overview),
        (
            "scorecard",
            ["item", "title", "weight", "critical", "met", "due", "share", "from", "to", "answered", "opportunities"],
            [
                [
                    item["id"], item["title"], item["weight"], item["critical"],
                    *_item_cells(whole["items"].get(item["id"])),
                ]
                for item in card["items"]
            ],
        ),
        (
            "agents",
            ["agent", "conversations", *score, *[f"{name} {what}" for name in items for what in ("met", "due")], *shares],
            [
                [
                    one["agent"], one["calls"], *_score_cells(one),
                    *[one["items"][name][what] if name in one["items"] else 0 for name in items for what in ("met", "applicable")],
                    *_share_cells(one["behaviours"], names),
                ]
                for one in report["agents"]
            ],
        ),
        (
            "behaviours",
            ["behaviour", "turns", "agent turns", "customer turns", "conversations", "share", "from", "to"],
            [
                [
                    one["name"], one["turns"], one["agent_turns"], one["customer_turns"], one["conversations"], one["share"],
                    _edge(one["interval"], 0), _edge(one["interval"], 1),
                ]
                for one in report["behaviours"]
            ],
        ),
        ("time", [report["time"]["unit"], "conversations", "turns", *score, *shares], group_rows(report["time"]["periods"])),
        ("languages", ["language", "conversations", "turns", *score, *shares], group_rows(report["languages"])),
        ("channels", ["channel", "conversations", "turns", *score, *shares], group_rows(report["channels"])),
        (
            "conversations",
            ["conversation", "file", "agent", "language", "date", "channel", "turns", "score", "failed", *items],
            [
                [
                    one.conversation.id, one.conversation.file, one.conversation.agent, one.conversation.lang,
                    one.conversation.date, one.conversation.channel, len(one.conversation.turns), one.score,
                    ", ".join(one.failed), *[v.verdict for v in one.verdicts],
                ]
                for one in scores
            ],
        ),
        (
            "verdicts",
            ["conversation", "file", "agent", "item", "verdict", "due", "done", "why", "turn", "role", "shows", "quotation"],
            [
                [
                    one.conversation.id, one.conversation.file, one.conversation.agent, v.item, v.verdict, v.due, v.done,
                    v.reason, *((e.turn, e.role, e.shows, e.quote) if e else (None,) * 4),
                ]
                for one in scores for v in one.verdicts for e in (v.evidence or (None,))
            ],
        ),
    ]  # fmt: skip


def _edge(interval: Sequence[float] | None, at: int) -> float | None:
    return None if interval is None else interval[at]


def _score_cells(one: Mapping[str, Any]) -> list[Any]:
    return [
        one["scored"], one["score"], _edge(one["score_interval"], 0), _edge(one["score_interval"], 1), one["failed"]
    ]  # fmt: skip


def _item_cells(counts: Mapping[str, Any] | None) -> list[Any]:
    if counts is None:
        return [0, 0, None, None, None, 0, 0]
    edges = [_edge(counts["interval"], 0), _edge(counts["interval"], 1)]
    return [counts["met"], counts["applicable"], counts["share"], *edges, counts["answered"], counts["opportunities"]]


def _share_cells(shares: Mapping[str, Any] | None, names: Sequence[str]) -> list[float | None]:
    return [shares[name]["share"] if shares else None for name in names]
