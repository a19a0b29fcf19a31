"""What the readers of JSON exports share: places, numbers, times, languages, and one way to make an utterance."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

from santun_corpora.schema import LANGUAGES, Problem, Utterance, fold, role_of

Item = Utterance | Problem
NO_TEXT, EVENT, MEDIA, NOTE = "no text", "event", "media", "internal note"

_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
_ISO_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_FRACTION = re.compile(r"(\.\d{6})\d+")
# names and three-letter codes that systems give a language beside its tag; `in` is the old one of Indonesian
_LANGUAGE_NAMES = {
    "malay": "ms", "msa": "ms", "may": "ms", "zsm": "ms", "bahasa melayu": "ms",
    "indonesian": "id", "ind": "id", "in": "id", "bahasa indonesia": "id",
    "arabic": "ar", "ara": "ar", "arb": "ar", "english": "en", "eng": "en",
}  # fmt: skip
# beside the words of `role_of`, how systems name who speaks
_ROLE_WORDS = {
    "supervisor": "agent", "manager": "agent", "team": "agent", "teammate": "agent", "any_agent": "agent",
    "external_agent": "agent", "human": "agent", "ai_agent": "bot", "aiagent": "bot", "task_virtual_agent": "bot",
    "virtualagent": "bot", "trigger": "bot", "automation": "bot", "workflow": "bot", "enduser": "customer",
}  # fmt: skip


# --------------------------------------------------------------------------------------------------- values


def clean(text: str) -> str:
    """Replace what no output can hold: NUL and lone surrogates."""
    return text if text.isascii() and "\x00" not in text else _UNWRITABLE.sub("\ufffd", text)


def word(value: Any) -> str | None:
    """A name or id as a string; None where there is none."""
    if isinstance(value, str):
        return clean(value.strip()) or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63 else None


def number(value: Any) -> float | None:
    """A finite number, be it written as a string.

    Examples
    --------
    >>> number("4.87"), number(12), number(float("nan")), number(True), number("x")
    (4.87, 12.0, None, None, None)
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | str)
        or (isinstance(value, str) and len(value) > 40)
    ):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and abs(found) < 1e18 else None


def scaled(value: Any, per_second: float) -> float | None:
    """Seconds of a number of milliseconds, ticks and the like.

    Examples
    --------
    >>> scaled(960, 1000), scaled("400000.0", 1e7), scaled(None, 1000)
    (0.96, 0.04, None)
    """
    found = number(value)
    return None if found is None else found / per_second


def duration(value: Any) -> float | None:
    """Seconds of a duration: ``2.4s``, ``PT1M2.5S``, ``{"seconds": 2, "nanos": 5e8}``, or a number of seconds.

    Examples
    --------
    >>> duration("0.500s"), duration("PT1H1M2.5S"), duration({"seconds": "2", "nanos": 500000000}), duration("PT"), duration("?")
    (0.5, 3662.5, 2.5, None, None)
    """
    if isinstance(value, dict):
        whole, nanos = number(value.get("seconds", 0)), number(value.get("nanos", 0))
        return None if whole is None or nanos is None else whole + nanos / 1e9
    if not isinstance(value, str):
        return number(value)
    value = value.strip()
    match = _ISO_DURATION.fullmatch(value) if value.startswith("P") and len(value) < 60 else None
    if match:
        parts = [float(part) if part else 0.0 for part in match.groups()]
        known = any(match.groups())
        return sum(n * size for n, size in zip(parts, (86400, 3600, 60, 1), strict=True)) if known else None
    return number(value.removesuffix("s"))


def moment(value: Any) -> datetime | None:
    """Moment of an ISO 8601 time; one without a zone is taken as UTC, as every one of these systems writes it.

    Examples
    --------
    >>> moment("2022-10-27T03:31:50.735Z").isoformat(), moment("soon")
    ('2022-10-27T03:31:50.735000+00:00', None)
    """
    if not isinstance(value, str) or not 10 <= len(value.strip()) <= 40:
        return None
    try:
        found = datetime.fromisoformat(_FRACTION.sub(r"\1", value.strip()))
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def epoch(value: Any, per_second: float = 1) -> datetime | None:
    """Moment of a time since 1970; None where the number is too small to be one (before 1980), or too large."""
    found = scaled(value, per_second)
    return datetime.fromtimestamp(found, UTC) if found is not None and 315_532_800 <= found < 32_503_680_000 else None


def iso(found: datetime | None) -> str | None:
    """Write a moment as ISO 8601; UTC as ``Z``."""
    return None if found is None else str(found.isoformat()).replace("+00:00", "Z")


def since(origin: datetime | None, found: datetime | None) -> float | None:
    """Seconds from one moment to another."""
    return None if origin is None or found is None else round((found - origin).total_seconds(), 6)


def language(value: Any) -> str | None:
    """Language of a tag or a name; None where it is another's or none.

    Examples
    --------
    >>> [language(tag) for tag in ("ms-MY", "ar_SA", "in-ID", "arabic", "cmn-Hans-CN", None)]
    ['ms', 'ar', 'id', 'ar', None, None]
    """
    if not isinstance(value, str):
        return None
    name = value.strip().replace("_", "-").lower()
    code = name.split("-")[0]
    return code if code in LANGUAGES else _LANGUAGE_NAMES.get(name) or _LANGUAGE_NAMES.get(code)


def role_named(name: Any) -> str:
    """Role that a system's word or a speaker's label names.

    Examples
    --------
    >>> [role_named(name) for name in ("END_USER", "HUMAN_AGENT", "SUPERVISOR", "AI Agent", "agent:12", "Budi", None)]
    ['customer', 'agent', 'agent', 'bot', 'agent', 'unknown', 'unknown']
    """
    if not isinstance(name, str):
        return "unknown"
    known = role_of(name)
    return known if known != "unknown" else _ROLE_WORDS.get(fold(name).rstrip("_0123456789"), "unknown")


def voice(channel: Any, speaker: Any) -> str | None:
    """Label of a voice that is told by its channel, its number, or both, for numbers begin anew on every channel.

    Examples
    --------
    >>> voice(0, 1), voice(1, None), voice(None, "A"), voice(None, None)
    ('ch0/spk1', 'ch1', 'A', None)
    """
    line, name = word(channel), word(speaker)
    if line is None:
        return name
    return f"ch{line}" if name is None else f"ch{line}/spk{name}"


# --------------------------------------------------------------------------------------------------- places


def listed(value: Any) -> list[Any]:
    """A list, or none where it is something else."""
    return value if isinstance(value, list) else []


def fields_of(value: Any) -> dict[str, Any]:
    """An object, or an empty one where it is something else."""
    return value if isinstance(value, dict) else {}


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [item for item in listed(value) if isinstance(item, dict)]


def parts(value: Any, at: str) -> Iterator[tuple[str, dict[str, Any] | Problem]]:
    """Objects of a list with their places; what is none is a problem."""
    for index, part in enumerate(listed(value)):
        place = f"{at}/{index}"
        yield place, part if isinstance(part, dict) else Problem(place, "not an object; export the file again")


def said(
    at: str,
    text: Any,
    *,
    speaker: Any = None,
    role: str | None = None,
    start: float | None = None,
    end: float | None = None,
    time: datetime | None = None,
    lang: str | None = None,
    conversation: Any = None,
    number: Any = None,
    skip: str | None = None,
    flags: Sequence[str] = (),
) -> Item:
    """Make an utterance; a text that is none becomes a skipped one, a text that is no string a problem."""
    if text is None:
        text = ""
    if not isinstance(text, str):
        return Problem(at, f"its text is a JSON {type(text).__name__}, not a string; export the file again")
    text = clean(text).strip()
    name = word(speaker)
    if end is not None and start is not None and end < start:
        end = None
    return Utterance(
        text=text,
        source=at,
        id=word(number),
        conversation_id=word(conversation),
        speaker=name,
        role=role if role and role != "unknown" else role_named(name),
        lang=lang,
        start=start,
        end=end,
        time=iso(time),
        fields={"flags": list(flags)} if flags else {},
        skip=skip or (None if text else NO_TEXT),
    )


def in_time(items: Sequence[Item]) -> list[Item]:
    """Put what several channels said into one order, by start; what has none stays behind what stood before it."""
    keyed: list[tuple[float, Item]] = []
    last = -math.inf
    for item in items:
        start = item.start if isinstance(item, Utterance) else None
        last = last if start is None else start
        keyed.append((last, item))
    return [item for _, item in sorted(keyed, key=lambda pair: pair[0])]


def runs(words: Sequence[tuple[str | None, dict[str, Any]]]) -> Iterator[tuple[int, str | None, list[dict[str, Any]]]]:
    """Runs of neighbouring words of one speaker: place of the first word, speaker, words."""
    held: list[dict[str, Any]] = []
    first, name = 0, None
    for index, (speaker, part) in enumerate(words):
        if held and speaker != name:
            yield first, name, held
            held = []
        if not held:
            first, name = index, speaker
        held.append(part)
    if held:
        yield first, name, held


# ----------------------------------------------------------------------------------------------------- HTML

_BREAKS = frozenset(
    ("br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre")
)
_SILENT = frozenset(("script", "style", "head", "title"))


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 (the parser's)
        self.silent += tag in _SILENT
        if tag in _BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in _SILENT and self.silent > 0
        if tag in _BREAKS and tag != "br":
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.pieces.append(data)


def text_of_html(html: Any) -> Any:
    """Text of an HTML message: a line a paragraph; what is no string stays.

    Examples
    --------
    >>> text_of_html("<p>Okay!&nbsp;Let me check.<br>One moment</p><p>a &lt; b</p>").split(chr(10))
    ['Okay! Let me check.', 'One moment', 'a < b']
    """
    if not isinstance(html, str) or not ("<" in html or "&" in html):
        return html
    parser = _Text()
    parser.feed(html)
    parser.close()
    lines = "".join(parser.pieces).replace("\xa0", " ").replace("\r", "").split("\n")
    return "\n".join(line for line in (" ".join(line.split(" ")).strip() for line in lines) if line)
