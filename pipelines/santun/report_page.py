"""The report as one HTML file that needs nothing else and asks nobody for anything.

Numbers and pictures are in the page; conversations are inert JSON that ``report.js`` makes into rows when they are
looked at. No text of a conversation is ever HTML: the template escapes, and the script sets text only.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from santun.conversations import Conversation, Said
from santun.evidence import Spans
from santun.scorecard import MET, MISSED, CallScore
from santun.write import partial_path

_STATES = {MET: 1, MISSED: 0}  # anything else is not applicable
_CODES = {
    "greeting": "GR", "rapport_question": "RQ", "empathy": "EM", "apology": "AP", "thanks": "TH", "needs_question": "NQ",
    "active_listening": "AL", "solution_offer": "SO", "ownership": "OW", "closing": "CL",
}  # fmt: skip
_LANGUAGES = {"ms": "Malay", "id": "Indonesian", "ar": "Arabic", "en": "English"}
# direction overrides and isolates, and what no screen shows: written out where a name or an id stands beside other text
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


def write_page(
    report: Mapping[str, Any],
    scores: Sequence[CallScore],
    conversations: Sequence[Conversation],
    path: Path,
    *,
    evidence: Mapping[int, Mapping[str, Spans]] | None = None,
    explained_by: str = "",
    title: str = "",
) -> None:
    """Write the page.

    Parameters
    ----------
    report, scores
        Of `santun.report.build_report`.
    conversations : sequence of Conversation
    path : Path
    evidence : mapping, default=None
        Of a turn (by ``id()``), label to the places of the words that speak for it.
    explained_by : str, default=""
        The model that they are of.
    title : str, default=""
        Of the page.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    folder = files("santun") / "templates"
    style, script = ((folder / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"plain": plain, "percent": _percent, "between": _between, "number": _number}
    names = [one["name"] for one in report["behaviours"]]
    page = environment.from_string((folder / "report.html").read_text(encoding="utf-8")).render(
        report=report,
        title=title,
        languages=_LANGUAGES,
        codes=codes_of(names),
        pictures={
            "behaviours": _bars([(_words(one["name"]), one) for one in report["behaviours"]]),
            "items": _bars(
                [
                    (item["title"], {**report["all"]["items"][item["id"]], "critical": item["critical"]})
                    for item in report["card"]["items"]
                    if report["all"]["items"].get(item["id"], {}).get("applicable")
                ]
            ),
            "path": _bars(
                [
                    (step, {"share": n / (report["path"]["conversations"] or 1), "interval": None})
                    for step, n in report["path"]["steps"].items()
                ]
            ),
        },
        lines=_lines(report),
        explained_by=explained_by,
        style=Markup(style),  # noqa: S704 (our own file, not anybody's text)
        script=Markup(script),  # noqa: S704
        data=Markup(_inert(_data(report, scores, conversations, evidence or {}))),  # noqa: S704 (no mark of HTML is left)
        policy=_policy(style, script),
    )
    with partial_path(path).open("w", encoding="utf-8", newline="") as file:
        file.write(page)
    partial_path(path).replace(path)


def _policy(style: str, script: str) -> str:
    """Content security policy: this style and this script, and nothing from anywhere."""
    style_hash, script_hash = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)
    )
    return (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _inert(value: Any) -> str:
    r"""Write JSON that holds no mark of HTML.

    Examples
    --------
    >>> _inert("</script>&\u2028")
    '"\\u003c/script\\u003e\\u0026\\u2028"'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def plain(text: Any) -> str:
    r"""Write out what is not seen but changes how its neighbours are.

    Examples
    --------
    >>> plain("a\u202eb")
    'a⟨U+202E⟩b'
    """
    return _CONTROLS.sub(lambda mark: f"⟨U+{ord(mark[0]):04X}⟩", str(text))


def codes_of(names: Sequence[str]) -> dict[str, str]:
    """Two letters for each behaviour; own ones get letters that are still free.

    Examples
    --------
    >>> codes_of(["empathy", "upsell", "up_front"])
    {'empathy': 'EM', 'upsell': 'UP', 'up_front': 'UF'}
    """
    codes: dict[str, str] = {}
    for name in names:
        letters = [c for c in name.upper() if c.isalnum()] or ["X"]
        wanted = (
            [_CODES.get(name, "")] + [letters[0] + c for c in letters[1:]] + [f"{letters[0]}{n}" for n in range(100)]
        )
        codes[name] = next(code for code in wanted if code and code not in codes.values())
    return codes


# ------------------------------------------------------------------------------------------------------- data


def _data(
    report: Mapping[str, Any],
    scores: Sequence[CallScore],
    conversations: Sequence[Conversation],
    evidence: Mapping[int, Mapping[str, Spans]],
) -> dict[str, Any]:
    names = [one["name"] for one in report["behaviours"]]
    place = {name: j for j, name in enumerate(names)}
    by_call = {id(one.conversation): one for one in scores}
    return {
        "behaviours": names,
        "codes": list(codes_of(names).values()),
        "languages": _LANGUAGES,
        "items": [[item["id"], item["title"], item["critical"], item["weight"]] for item in report["card"]["items"]],
        "calls": [_call(call, by_call.get(id(call)), place, evidence) for call in conversations],
    }


def _call(
    call: Conversation, one: CallScore | None, place: Mapping[str, int], evidence: Mapping[int, Mapping[str, Spans]]
) -> list[Any]:
    verdicts = [
        [_STATES.get(v.verdict, 2), v.due, v.done, v.reason, [[e.turn, e.shows] for e in v.evidence]]
        for v in (one.verdicts if one else ())
    ]
    return [
        call.id, call.file, call.agent, call.lang, call.date, call.channel, one.score if one else None,
        list(one.failed) if one else [], verdicts, call.served_by(),
        [_turn(turn, place, evidence.get(id(turn), {})) for turn in call.turns],
        one.voiced if one else {},
    ]  # fmt: skip


def _turn(turn: Said, place: Mapping[str, int], words: Mapping[str, Spans]) -> list[Any]:
    units = _utf16(turn.text) if words else None
    labels = []
    for name in turn.labels:
        spans = words.get(name, ())
        flat = [edge if units is None else units[edge] for span in spans for edge in span]
        labels.append([place[name], turn.scores.get(name), flat])
    return [
        turn.turn, turn.role, turn.speaker, turn.lang, turn.text, labels, turn.start, turn.skipped, turn.source
    ]  # fmt: skip


def _utf16(text: str) -> list[int] | None:
    """Place of each character as JavaScript counts, where that differs."""
    if not text or max(text) <= "\uffff":
        return None
    places = [0]
    for character in text:
        places.append(places[-1] + 1 + (character > "\uffff"))
    return places


# --------------------------------------------------------------------------------------------------- pictures


def _bars(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Bars of shares with their intervals, in percent of the width."""
    return [
        {
            "label": label,
            "share": 100 * one["share"],
            "low": 100 * one["interval"][0] if one["interval"] else None,
            "high": 100 * one["interval"][1] if one["interval"] else None,
            "critical": one.get("critical", False),
            "of": f"{one['met']:,} of {one['applicable']:,}" if "met" in one else "",
        }
        for label, one in rows
        if one["share"] is not None
    ]


def _lines(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Lines over time, one picture a behaviour and one for the score; nothing where there are no two periods."""
    periods = report["time"]["periods"]
    if len(periods) < 2:
        return []
    lines = (
        [_line("score", [(one["score"], one["score_interval"]) for one in periods])] if report["all"]["scored"] else []
    )
    for one in report["behaviours"]:
        shares = [period["behaviours"][one["name"]] for period in periods]
        lines.append(
            _line(_words(one["name"]), [(100 * s["share"], [100 * edge for edge in s["interval"]]) for s in shares])
        )
    return lines


def _line(label: str, points: Sequence[tuple[float | None, Sequence[float] | None]]) -> dict[str, Any]:
    step = 200 / (len(points) - 1)
    known = [(i * step, value, edges) for i, (value, edges) in enumerate(points) if value is not None and edges]

    def y(value: float) -> float:
        return 70 - 0.6 * value  # 0 to 100 between 70 and 10

    band = [(x, y(edges[1])) for x, _, edges in known] + [(x, y(edges[0])) for x, _, edges in reversed(known)]
    return {
        "label": label,
        "points": " ".join(f"{x:.1f},{y(value):.1f}" for x, value, _ in known),
        "band": " ".join(f"{x:.1f},{y:.1f}" for x, y in band),
        "dots": [(f"{x:.1f}", f"{y(value):.1f}") for x, value, _ in known] if len(known) <= 40 else [],
        "first": round(known[0][1]) if known else None,
        "last": round(known[-1][1]) if known else None,
    }


# ----------------------------------------------------------------------------------------------------- numbers


def _words(name: str) -> str:
    return name.replace("_", " ")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _between(interval: Sequence[float] | None, factor: float = 100) -> str:
    return "" if interval is None else f"{factor * interval[0]:.0f}–{factor * interval[1]:.0f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
