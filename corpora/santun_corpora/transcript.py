"""Reader of plain transcripts: ``Agent: …``, ``[00:01:02] Ejen: …``, ``الموظف： …``, ``00:05 Siti`` above what she says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from santun_corpora.columns import seconds
from santun_corpora.decode import Encoding, numbered_lines
from santun_corpora.schema import InputError, Problem, Utterance, fold, role_of

_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,3})?)?"
_TIME_ONLY = re.compile(rf"\[?({_CLOCK})\]?$")
_TIME_HEAD = re.compile(rf"[\[(]?({_CLOCK})(?:\s{{0,3}}[-–]\s{{0,3}}({_CLOCK}))?[\])]?\s{{0,9}}[-–]?\s+(?=\S)")
_LABEL = re.compile(
    r"\[?([^\W\d][^:：\[\]]{0,39}?)\]?(?:\s*\((" + _CLOCK + r")\))?\s*(?:(?<!\d)[:：]|[:：](?!\d))\s*(.*)", re.DOTALL
)
_BOLD = re.compile(r"\*\*([^*\n]{1,60})\*\*")
_TO = re.compile(r"From\s+(\S.{0,60}?)\s+to\s+\S", re.IGNORECASE)  # Zoom's chat
_ABOVE = re.compile(
    rf"(?:\[?(?P<before>{_CLOCK})\]?\s{{1,9}})?(?P<name>[^\W\d][^:：\[\]()]{{0,39}}?)(?:\s{{1,9}}[\[(]?(?P<after>{_CLOCK})[\])]?)?$"
)
_DASHED = re.compile(r"([^\W\d][^:：\[\]–—-]{0,39}?)\s{1,3}[-–—]\s{1,3}(\S.*)", re.DOTALL)
_TURN = re.compile(r">>+\s*")
_DIARIZED = re.compile(r"(?:speaker|spk|spkr)[ _-]?\w{1,3}$", re.IGNORECASE)  # by a machine
_OFFICE = re.compile(  # what Meet and Teams write into a transcript themselves
    r"(?:This editable transcript was computer generated|(?:Transcription|Meeting) ended after \d|Transcript ended"
    r"|\S.{0,60} (?:started|stopped) transcription$)"
)
_PARTICLES = frozenset(("bin", "binti", "bt", "bte", "al", "el", "van", "de", "a/l", "a/p", "ibn", "bint"))
_HEADINGS = (  # what stands before a colon and is no name
    "note notes nota catatan ps re subject tajuk perihal warning important penting tip tips contoh example question answer "
    "soalan jawapan pertanyaan jawaban title date time tarikh tanggal masa waktu summary ringkasan rumusan "
    "ملاحظة السؤال الجواب سؤال جواب مثال تنبيه مهم الموضوع التاريخ الوقت يعني"
)
_NO_NAMES = frozenset(_HEADINGS.split())


class _Line(NamedTuple):
    """A line that is not blank, and how it may be read."""

    number: int
    text: str
    start: str | None
    end: str | None
    label: str | None
    rest: str
    above: str | None
    dashed: str | None


def split_label(line: str) -> tuple[str | None, str | None, str]:
    """Label, time and text of a line; the label is None where the line has none.

    Examples
    --------
    >>> split_label("[00:01:02] Ejen: Selamat pagi"), split_label("[SPEAKER_00]: hi"), split_label("see http://a.example")
    (('Ejen', '00:01:02', 'Selamat pagi'), ('SPEAKER_00', None, 'hi'), (None, None, 'see http://a.example'))
    """
    time, _, line = _time_head(line)
    return _split(line, time)


def _time_head(line: str) -> tuple[str | None, str | None, str]:
    head = _TIME_HEAD.match(line)
    return (head[1], head[2], line[head.end() :]) if head else (None, None, line)


def _split(line: str, time: str | None) -> tuple[str | None, str | None, str]:
    match = _LABEL.match(_BOLD.sub(r"\1", line, count=1) if line.startswith("**") else line)
    if not match or match[3].startswith("//"):
        return None, time, line
    label = match[1].strip()
    to = _TO.match(label)
    return (to[1] if to else label), match[2] or time, match[3]


def speaker_labels(seen: Mapping[str, int], units: int | None = None) -> frozenset[str]:
    """Which of the words before colons are speakers.

    A speaker is a known role word, a machine's ``SPEAKER_00``, or a name of at most five words that comes twice. Beside these a name that comes once is
    one too, lest its words be taken for another's; so it is where nothing but names stands before colons in at least
    half of the `units`.

    Examples
    --------
    >>> sorted(speaker_labels({"Ejen": 1, "Siti": 1, "nota": 1})), speaker_labels({"Sarah": 1})
    (['Ejen', 'Siti'], frozenset())
    """
    labels = {label for label, n in seen.items() if _is_sure(label) or (n > 1 and len(label.split()) < 6)}
    names = {label for label in seen if _is_name(label)}
    if labels or (units is not None and len(names) > 1 and 2 * sum(seen[name] for name in names) >= units):
        labels |= names
    return frozenset(labels)


def _is_sure(label: str) -> bool:
    return role_of(label) != "unknown" or _DIARIZED.match(label) is not None


def _is_name(label: str) -> bool:
    """Whether words are written as names are: with capitals, or in a script without, at most four, and no heading's."""
    words = label.split()
    return (
        len(words) <= 4
        and fold(label) not in _NO_NAMES
        and (role_of(words[0]) != "unknown" or all(word.lower() in _PARTICLES or _is_capital(word) for word in words))
    )


def _is_capital(word: str) -> bool:
    return word[0].isupper() or (word[0].isalpha() and word[0].lower() == word[0].upper()) or word[0].isdigit()


def _lines(path: Path, encoding: Encoding) -> Iterator[_Line]:
    held: _Line | None = None
    for number, text in numbered_lines(path, encoding):
        text = text.strip()
        if not text:
            continue
        mark = _TURN.match(text)
        start, end, rest = _time_head(text[len(mark[0]) :] if mark else text)
        label, time, said = _split(rest, start)
        if held is not None:
            # a name stands above words, and these begin with no time and no label of their own
            alone = start is None and label is None and not _TIME_ONLY.match(text)
            yield held if alone else held._replace(above=None)
        named = _ABOVE.match(text)
        above = named["name"].strip() if named and (named["before"] is None) != (named["after"] is None) else None
        dashed = _DASHED.match(rest)
        clock = (named["before"] or named["after"]) if named and above else time
        held = _Line(number, text, clock, end, label, said, above, dashed[1] if dashed else None)
    if held is not None:
        yield held._replace(above=None)


def _labels(path: Path, encoding: Encoding) -> tuple[str, frozenset[str]]:
    """How speakers are told in a file (``colon``, ``above``, ``dash``), and who they are."""
    seen: dict[str, Counter[str]] = {"colon": Counter(), "above": Counter(), "dash": Counter()}
    lines = 0
    for line in _lines(path, encoding):
        lines += 1
        for way, label in (("colon", line.label), ("above", line.above), ("dash", line.dashed)):
            if label is not None:
                seen[way][label] += 1
    if not lines:
        raise InputError(f"{path.name}: empty; it has no turns")
    found = {way: speaker_labels(counted) for way, counted in seen.items()}
    told = {way: sum(seen[way][label] for label in found[way]) for way in found}
    if told["above"] > told["colon"]:
        return "above", found["above"]
    if told["colon"] or 2 * told["dash"] < lines:
        return "colon", found["colon"]
    return "dash", found["dash"]


def read_transcript(path: Path, _given: Mapping[str, str], encoding: Encoding) -> Iterator[Utterance | Problem]:
    """Read a labelled transcript; a line without a label goes on with the turn before it.

    A label is told by `speaker_labels`. It stands before a colon, or, with a time, on a line of its own above the words, or, if
    half of the lines are so, before a dash. Lines before the first labelled turn (a title, a list of attendees), and what Meet
    and Teams write themselves, are skipped. With no label at all each non-empty line is a turn of an unknown speaker.

    Raises
    ------
    InputError
        If the file has no line of text.
    """
    way, labels = _labels(path, encoding)
    turn: Utterance | None = None
    clock: float | None = None
    number, talked = 0, False
    for line in _lines(path, encoding):
        place = f"{path.name}:{line.number}"
        alone = _TIME_ONLY.match(line.text)
        office = _OFFICE.match(line.text)
        mark = _TURN.match(line.text)
        label, said = _told(line, way, labels)
        if alone:
            clock = seconds(alone[1])
        elif office or (labels and label is None and turn is None and not mark):
            if turn is not None:
                yield turn
            turn = None
            number += 1
            skip = "before the first turn" if not office and not talked else "system message"
            yield Utterance(line.text, place, turn=number, role="system", skip=skip)
        elif label is not None or mark or not labels:
            if turn is not None:
                yield turn
            number += 1
            talked = True
            clock = seconds(line.start) if line.start else clock
            turn = Utterance(
                text=said[len(mark[0]) :] if mark and label is None else said,
                source=place,
                turn=number,
                speaker=label,
                role=role_of(label),
                start=clock,
                end=seconds(line.end) if line.end else None,
            )
        elif turn is not None:
            turn.text = f"{turn.text}\n{line.text}" if turn.text else line.text
    if turn is not None:
        yield turn


def _told(line: _Line, way: str, labels: Container[str]) -> tuple[str | None, str]:
    """Speaker and words of a line."""
    if way == "above" and line.above in labels:
        return line.above, ""
    if way == "colon" and line.label in labels:
        return line.label, line.rest
    if way == "dash" and line.dashed in labels:
        _, _, rest = _time_head(line.text)
        match = _DASHED.match(rest)
        return line.dashed, match[2] if match else rest
    return None, line.text
