"""Subtitles: WebVTT (Teams, Zoom, Meet, Whisper), SRT and SBV, with the speakers of an RTTM file of the same name.

The readers of libraries lose rows here without a word: unpadded and negative times, commas in WebVTT, two voices in a cue.
So a cue is what follows a line with two times, however they are written, up to the next such line.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from santun_corpora.decode import Encoding, numbered_lines
from santun_corpora.schema import InputError, Problem, Utterance, role_of
from santun_corpora.systems.document import NO_TEXT, clean, iso, language, moment, word
from santun_corpora.systems.rttm import partner
from santun_corpora.transcript import speaker_labels, split_label

_HIDDEN = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0x61C, 0xFEFF])
_CLOCK = r"-?\d{1,9}(?::\d{1,9}){1,3}(?:[.,٫،]\d{1,9})?"
_ARROW = r"\s{0,9}(-->|--&gt;|(?:-{1,3}|[–—])>)\s{0,9}"
_TIMES = re.compile(rf"\s{{0,9}}\[?\s{{0,9}}({_CLOCK}){_ARROW}({_CLOCK})(?:\s{{0,9}}\](.*)|\s(.*)|)$", re.DOTALL)
_SBV = re.compile(r"(\d+:\d\d:\d\d\.\d{3}),(\d+:\d\d:\d\d\.\d{3})\s*$")
_BROKEN = re.compile(r"\s{0,9}(-?\d[-\d\s:.,٫،]{0,40}?)\s{0,9}-->(.{0,60})", re.DOTALL)
_HALF = re.compile(rf"\s{{0,9}}[\d:]\S{{0,20}}\s{{0,9}}-->\s{{0,9}}({_CLOCK})\s{{0,9}}$")
_CUT_TIMES = re.compile(r"-?\d+:[\d:.,٫،]*\s{0,9}-{0,2}$")
_SETTINGS = re.compile(r"(?:(?:vertical|line|position|size|align|region|[XY][12]|[A-Z]):\S+(?:\s+|$))*$")
_BLOCKS = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")
_VOICE = re.compile(r"<v(?:\.[^\s>]{1,100})?(?:\s{1,5}([^<>\n]{0,200}))?>|</v>")
_CUE_TIME = re.compile(r"<\d+:[\d:.]+>")
_TAG = re.compile(
    r"</?(?:c|i|b|u|s|ruby|rt|lang|font|span)(?:[.\s][^<>\n]{0,200})?>|<\d+:[\d:.]+>|\{\\\w{1,10}[^{}\n]{0,40}\}", re.I
)
_LANG = re.compile(r"\s*<lang\s+([\w-]{2,20})>")
_DASHES = re.compile(r"--\s?(?=\S)")
_DASH = re.compile(r"[-‐–—]\s?(?=[^\s\-\d])")
_TEAMS = ("startDateTime", "speakerName", "spokenText")
_TURN = re.compile(r">>+\s*")


class _Cue(NamedTuple):
    """Line of the times, the times, and the lines of text with their numbers."""

    line: int
    start: float | None
    end: float | None
    lines: list[tuple[int, str]]


class _Part(NamedTuple):
    """What one voice says in a cue."""

    line: int
    speaker: str | None
    text: str
    lang: str | None = None
    time: str | None = None


def accepts_webvtt(text: str, path: Path) -> bool:
    """Whether a file is WebVTT by its first word, or by its ending and a line with two times."""
    first = re.split("\r\n|\r|\n", text, maxsplit=1)[0]
    return bool(re.match(r"WEBVTT(?:\s|$)", first)) or (path.suffix.lower() == ".vtt" and _begins_with_times(text, 40))


def accepts_srt(text: str, path: Path) -> bool:
    """Whether a line with two times stands among the first five."""
    return path.suffix.lower() not in (".csv", ".tsv") and _begins_with_times(text, 5)


def _begins_with_times(text: str, lines: int) -> bool:
    first = [line for line in re.split("\r\n|\r|\n", text) if line.strip()][:lines]
    return any(_times(line) is not None for line in first)


def seconds_of(clock: str) -> float | None:
    """Seconds of ``[-][hh:]mm:ss[.ttt]`` in any digits; None where it is none.

    Examples
    --------
    >>> seconds_of("0:0:5.320"), seconds_of("-00:00:01,5"), seconds_of("٠٠:٠٠:٠١,٠٠٠"), seconds_of("00:0")
    (5.32, -1.5, 1.0, 0.0)
    """
    negative = clock.startswith("-")
    whole, _, fraction = re.sub("[,٫،]", ".", clock.lstrip("-")).partition(".")
    parts = whole.split(":")
    if len(parts) == 4 and not fraction:  # milliseconds behind a colon
        fraction = parts.pop()
    if len(parts) > 3 or any(not part or len(part) > 9 for part in parts):
        return None
    value = sum(int(part) * 60**power for power, part in enumerate(reversed(parts)))
    exact = float(f"{value}.{''.join(str(int(digit)) for digit in fraction[:9]) or 0}")
    return -exact if negative else exact


def _times(line: str) -> tuple[float | None, float | None, str] | None:
    """Start, end and text of a line with times; None where it is another."""
    if ">" not in line and "&gt;" not in line and not line[:1].isdigit():
        return None
    plain = line if line.isascii() else line.translate(_HIDDEN)
    match = _TIMES.match(plain)
    if match and (match[2].startswith("--") or match[1].count(":") > 1):  # "10:30 -> 11:00" is talk
        rest = (match[4] if match[4] is not None else match[5] or "").strip()
        return seconds_of(match[1]), seconds_of(match[3]), "" if _SETTINGS.match(rest) else rest
    match = _SBV.match(plain)
    if match:
        return seconds_of(match[1]), seconds_of(match[2]), ""
    match = _BROKEN.match(plain)
    if match and (":" in match[1] or _clock(match[2]) is not None):
        return _clock(match[1]), _clock(match[2]), ""
    match = _HALF.match(plain)
    return (None, seconds_of(match[1]), "") if match else None


def _clock(text: str) -> float | None:
    match = re.match(rf"\s{{0,9}}({_CLOCK})(?:\s|$)", text)
    return seconds_of(match[1]) if match else None


def _cues(path: Path, encoding: Encoding) -> Iterator[_Cue | Problem]:
    """Cues of a file; what stands before the first, or is cut at the end, is a problem.

    A line right above the times is the cue's name: in WebVTT any line that opens its block, in SRT a number. A text goes on
    over blank lines.
    """
    webvtt = path.suffix.lower() == ".vtt"
    cue: _Cue | None = None
    block: list[tuple[int, str]] = []  # since the last blank line
    ignored, opened = False, True
    stray = webvtt_seen = False

    def settle(lines: list[tuple[int, str]]) -> Iterator[Problem]:
        nonlocal stray
        if cue is not None:
            cue.lines.extend(lines)
        elif lines and not stray:
            stray = True
            yield Problem(f"{path.name}:{lines[0][0]}", "text before the first line with times")

    for number, line in numbered_lines(path, encoding):
        times = _times(line)
        if times is not None:
            name = (
                block[-1]
                if block and (block[-1][1].strip().isdecimal() or (webvtt and len(block) == 1 and opened))
                else None
            )
            yield from settle(block[:-1] if name else block)
            if cue is not None:
                yield cue
            start, end, rest = times
            cue = _Cue(number, start, end, [(number, rest)] if rest else [])
            block, ignored, opened = [], False, False
        elif cue is None and not block and not stray and not webvtt_seen and re.match(r"\s{0,9}WEBVTT(?:\s|$)", line):
            webvtt_seen = webvtt = ignored = True
        elif not line.strip():
            yield from settle([*block, (number, "")] if block else [])
            block, ignored, opened = [], False, True
        elif webvtt and opened and not block and _BLOCKS.match(line):
            ignored = True
        elif not ignored:
            block.append((number, line))
    last = block[-1] if block else None
    cut = last is not None and (
        (len(block) == 1 and opened and last[1].strip().isdecimal() and cue is not None and _follows(last[1], cue))
        or (len(block) <= 2 and _CUT_TIMES.match(last[1].translate(_HIDDEN).strip()) is not None)
    )
    yield from settle([] if cut else block)
    if cue is not None:
        # nothing after the times of the last cue, not even a blank line, or half a time
        if not cue.lines and not opened and not cut:
            yield Problem(f"{path.name}:{cue.line}", "the file is cut off after a line with times; export it again")
        else:
            yield cue
    if cut and block:
        yield Problem(f"{path.name}:{block[0][0]}", "the file is cut off before the times of a cue; export it again")


def _follows(text: str, cue: _Cue) -> bool:
    """Whether a number at the end of a file is likelier the name of a lost cue than words: the cue before has words."""
    return any(line.strip() for _, line in cue.lines) and text == text.strip()


def read_webvtt(path: Path, encoding: Encoding) -> Iterator[Utterance | Problem]:
    """Read WebVTT; see `read_srt`. Voices are told by ``<v Name>``, and Teams' cues may hold JSON."""
    return _read(path, encoding)


def read_srt(path: Path, encoding: Encoding) -> Iterator[Utterance | Problem]:
    """Read SRT or SBV, one utterance a voice of a cue.

    Speakers are told by ``Name: …``, ``[SPEAKER_00]: …``, or by an RTTM file beside this one: who speaks most of the cue. Lines
    with dashes (``-- …``, or two lines with ``- …``) are several voices of unknown speakers. Cues without text and captions
    that only roll on are skipped.

    Raises
    ------
    InputError
        If it has no line with times.
    """
    return _read(path, encoding)


def _read(path: Path, encoding: Encoding) -> Iterator[Utterance | Problem]:
    seen: Counter[str] = Counter()
    units = cues = 0
    rolling = False
    for cue in _cues(path, encoding):
        if isinstance(cue, Problem):
            continue
        cues += 1
        rolling = rolling or any(_CUE_TIME.search(line) for _, line in cue.lines)
        for part in _parts(cue, frozenset()):
            units += 1
            seen.update(label for line in part.text.split("\n") if (label := split_label(line)[0]))
    if not cues:
        raise InputError(
            f"{path.name}: no cue is in it, that is a line such as 00:00:01.000 --> 00:00:02.000; export it again"
        )
    labels = speaker_labels(seen, units)
    diarized = partner(path)
    previous = ""
    turn = 0
    for cue in _cues(path, encoding):
        if isinstance(cue, Problem):
            yield cue
            continue
        raw = "".join(line for _, line in cue.lines)
        if raw.lstrip().startswith("{") and any(f'"{key}"' in raw for key in _TEAMS) and _teams(cue, cue.line) is None:
            yield Problem(f"{path.name}:{cue.line}", "the JSON of this cue is cut or broken; export the file again")
            continue
        parts = list(_parts(cue, labels))
        if cue.start is None and cue.end is None and not any(part.text for part in parts):
            yield Problem(f"{path.name}:{cue.line}", "the times cannot be read, and no text follows; is the file cut?")
            continue
        text = "\n".join(part.text for part in parts)
        rolls = rolling and len(parts) == 1 and text.split("\n")[0] == previous.split("\n")[-1] != ""
        repeated = (rolls and "\n" not in text and not _CUE_TIME.search(raw)) or ("<u>" in raw and text == previous)
        places: Counter[int] = Counter()
        spoken = diarized.most_of(cue.start, cue.end) if diarized is not None else None
        for part in parts:
            turn += 1
            places[part.line] += 1
            speaker = part.speaker or spoken
            # the line above was the last caption's
            said = part.text.partition("\n")[2] if rolls and "\n" in part.text else part.text
            yield Utterance(
                text=said,
                source=f"{path.name}:{part.line}" + (f"/{places[part.line]}" if places[part.line] > 1 else ""),
                turn=turn,
                speaker=speaker,
                role=role_of(speaker),
                lang=language(part.lang),
                start=cue.start,
                end=cue.end,
                time=part.time,
                skip=NO_TEXT if not said else "repeated caption" if repeated else None,
            )
        previous = text


def _parts(cue: _Cue, labels: frozenset[str]) -> Iterator[_Part]:
    """What each voice says in a cue; one part without text where nobody says a word."""
    first = cue.lines[0][0] if cue.lines else cue.line
    teams = _teams(cue, first)
    if teams is not None:
        yield teams
        return
    parts = [part for speaker, lines in _voices(cue.lines) for part in _turns(speaker, lines, labels)]
    spoken = [part for part in parts if part.text]
    yield from spoken or [_Part(first, next((part.speaker for part in parts if part.speaker), None), "")]


def _teams(cue: _Cue, first: int) -> _Part | None:
    """What a cue of Teams' metadata says: a JSON object."""
    raw = "\n".join(line for _, line in cue.lines).strip()
    if not raw.startswith("{") or not any(f'"{key}"' in raw for key in _TEAMS):
        return None
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not isinstance(said.get("spokenText"), str):
        return None
    name, lang, time = (said.get(key) for key in ("speakerName", "spokenLanguage", "startDateTime"))
    return _Part(
        line=first,
        speaker=word(name),
        text=clean(said["spokenText"]).strip(),
        lang=lang if isinstance(lang, str) else None,
        time=iso(moment(time)),
    )


def _voices(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[str | None, list[tuple[int, str]]]]:
    """Speaker and lines of each voice span."""
    speaker: str | None = None
    held: list[tuple[int, str]] = []
    for number, line in lines:
        if "<" not in line:
            held.append((number, line))
            continue
        at = 0
        for tag in _VOICE.finditer(line):
            yield speaker, [*held, (number, line[at : tag.start()])]
            at, held = tag.end(), []
            speaker = html.unescape(tag[1] or "").translate(_HIDDEN).strip() or None
        held.append((number, line[at:]))
    yield speaker, held


def _plain(line: str) -> str:
    """A line without tags and entities."""
    line = _TAG.sub("", line) if "<" in line or "{" in line else line
    return (html.unescape(line) if "&" in line else line).strip()


def _turns(speaker: str | None, raw: Sequence[tuple[int, str]], labels: frozenset[str]) -> Iterator[_Part]:
    """Parts of a voice span: by the labels, dashes or ``>>`` at the beginning of its lines."""
    tongue = next((_LANG.match(line) for _, line in raw if line.strip()), None)
    lang = tongue[1] if tongue else None
    lines = [(number, _plain(line)) for number, line in raw]
    dashes = _DASHES if any(_DASHES.match(line) for _, line in lines) else _DASH
    several = dashes is _DASHES or sum(_DASH.match(line) is not None for _, line in lines) > 1
    at, said, who = (lines[0][0] if lines else 0), "", speaker
    for number, line in lines:
        mark = _TURN.match(line) or (dashes.match(line) if several else None)
        name = speaker
        if mark:
            line = line[mark.end() :]
        label, _, rest = split_label(line) if speaker is None else (None, None, line)
        if label in labels:
            name, line = label, rest
        if mark or label in labels:
            yield _Part(at, who, said.strip(), lang)
            at, said, who = number, line.strip(), name
        else:
            at = number if not said else at
            said = f"{said}\n{line}" if said or line else said
            said = said.lstrip("\n")
    yield _Part(at, who, said.strip(), lang)
