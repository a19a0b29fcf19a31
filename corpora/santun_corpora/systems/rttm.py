"""RTTM: who speaks when, without a word of what is said. It lends its speakers to the subtitles of the same name."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from santun_corpora.decode import Encoding, detect, numbered_lines
from santun_corpora.schema import InputError, Problem, Utterance

TITLE = "RTTM (who speaks when)"
_NUMBER = r"\d[\d.eE+-]*"
_LINE = re.compile(
    rf"SPEAKER\s+\S+\s+\S+\s+{_NUMBER}\s+{_NUMBER}(?:\s|$)|(?:SPKR-INFO|LEXEME|NON-SPEECH|NON-LEX|NOSCORE|SEGMENT)\s+\S+\s+\S+\s+\S+\s+\S+"
)


def accepts(text: str, _path: Path) -> bool:
    """Whether the first lines are segments of speakers."""
    lines = [line for line in re.split("\r\n|\r|\n", text) if line.strip() and not line.startswith(";")]
    return bool(lines) and all(_LINE.match(line) for line in lines[: max(1, min(5, len(lines) - 1))])


class Speakers:
    """Segments of speakers, to be asked who speaks most of a span.

    Parameters
    ----------
    segments : list of (float, float, str)
        Onset, end and name.
    """

    def __init__(self, segments: list[tuple[float, float, str]]) -> None:
        self.segments = sorted(segments)
        self.onsets = [onset for onset, _, _ in self.segments]
        self.longest = max((end - onset for onset, end, _ in self.segments), default=0.0)

    def most_of(self, start: float | None, end: float | None) -> str | None:
        """Who speaks longest between two times; None where nobody does, or a time is unknown."""
        if start is None or end is None:
            return None
        spoken: dict[str, float] = defaultdict(float)
        for at in range(bisect_left(self.onsets, start - self.longest), len(self.segments)):
            onset, until, name = self.segments[at]
            if onset >= end:
                break
            spoken[name] += max(0.0, min(end, until) - max(start, onset))
        best = max(spoken, key=lambda name: spoken[name], default=None)
        return best if best is not None and spoken[best] > 0 else None


def partner(path: Path) -> Speakers | None:
    """Speakers of the RTTM file beside a file of subtitles; None where there is none that can be read.

    Of a file about several recordings the segments of the one with the subtitles' name count.
    """
    beside = next((p for ending in (".rttm", ".RTTM") if (p := path.with_suffix(ending)).is_file()), None)
    if beside is None:
        return None
    recordings: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    try:
        for _, line in numbered_lines(beside, detect(beside)):
            found = _segment(line)
            if found is not None:
                recordings[found[0]].append(found[1])
    except (InputError, UnicodeError, OSError):
        return None
    if len(recordings) == 1:
        return Speakers(next(iter(recordings.values())))
    return Speakers(recordings[path.stem]) if path.stem in recordings else None


def _segment(line: str) -> tuple[str, tuple[float, float, str]] | None:
    fields = line.split()
    if len(fields) < 8 or fields[0] != "SPEAKER" or fields[7] == "<NA>":
        return None
    try:
        onset, length = float(fields[3]), float(fields[4])
    except ValueError:
        return None
    if not (math.isfinite(onset) and math.isfinite(length) and length > 0):
        return None
    return fields[1], (onset, onset + length, fields[7])


def detail(path: Path, _encoding: Encoding) -> str:
    """Say where its speakers go."""
    texts = [p.name for ending in (".srt", ".vtt", ".sbv") if (p := path.with_suffix(ending)).is_file()]
    if texts:
        return f"it holds no words; its speakers go to {' and '.join(texts)}"
    return "it holds no words, so it gives no rows; put the .srt or .vtt of the same name beside it"


def read_rttm(path: Path, encoding: Encoding) -> Iterator[Utterance | Problem]:
    """Give no rows, for there are no words; lines that are no segments are problems."""
    for number, line in numbered_lines(path, encoding):
        if not line.strip() or line.startswith(";"):
            continue
        if not _LINE.match(line) or (
            line.startswith("SPEAKER") and _segment(line) is None and "<NA> <NA> <NA> <NA>" not in line
        ):
            yield Problem(
                f"{path.name}:{number}", "not a segment of a speaker: SPEAKER FILE CHANNEL ONSET LENGTH <NA> <NA> NAME"
            )
