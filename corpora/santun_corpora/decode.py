"""Which encoding a file is in, by rules that never guess in silence.

General guessers take an English export with a few Arabic rows in Windows-1256 for something else, so: byte order
mark; UTF-16 by its zeros; strict UTF-8; UTF-8 with at most one bad byte in a thousand (replaced and told); else the
one-byte encoding whose reading of the non-ASCII bytes makes words, Arabic or Latin.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from santun_corpora.schema import InputError

_BLOCK = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ARABIC = re.compile("[\u0621-\u064a]")
_ARABIC_WORDS = re.compile(
    "(?<![\u0621-\u064a])(?:ال[\u0621-\u064a]{2,}|في|من|على|عن|هل|ما|لا|يا|مع|و[\u0621-\u064a]{3,})(?![\u0621-\u064a])"
)
_LATIN_SIGNS = frozenset("éèêëáàâäíìïóòôöúùûüñçÉÈÀÇÑ’‘“”–—…€£©®°·•«»½²³")


class Encoding(NamedTuple):
    """How a file is to be decoded.

    Attributes
    ----------
    name : str
        A codec of Python.
    errors : str
        ``strict``, or ``replace`` where a few bytes of a UTF-8 file are bad.
    note : str or None
        What a user should know about the choice.
    """

    name: str
    errors: str = "strict"
    note: str | None = None


def detect(path: Path) -> Encoding:
    """Find the encoding of a file, looking at all of it in blocks.

    Raises
    ------
    InputError
        If the bytes are not text, or fit no encoding better than another.
    """
    strange = bytearray()  # lines with non-ASCII bytes, for the one-byte encodings
    bad = total = zeros = 0
    offset: int | None = None
    rest = b""  # an unfinished sequence at the end of a block
    with path.open("rb") as file:
        head = file.read(4)
        for mark, name in _BOMS:
            if head.startswith(mark):
                return Encoding(name)
        file.seek(0)
        while block := file.read(_BLOCK):
            if total == 0:
                utf16 = utf16_without_mark(block)
                if utf16:
                    return Encoding(utf16, note=f"read as {utf16}: zero bytes stand on one side of each pair only")
            zeros += block.count(0)
            if zeros > 0.05 * (total + len(block)):
                raise InputError(f"{path.name}: not a text file (it holds zero bytes); give a table or a transcript")
            if not block.isascii() and len(strange) < _BLOCK:
                strange += b"\n".join(line for line in block.split(b"\n") if not line.isascii())[:_BLOCK]
            at, data = total - len(rest), rest + block
            total += len(block)
            faults, rest = _utf8_faults(data, last=len(block) < _BLOCK) if bad <= 1000 else ([], b"")
            if faults and offset is None:
                offset = at + faults[0]
            bad += len(faults)
    if not bad:
        return Encoding("utf-8")
    if bad <= 1000 and bad * 1000 <= max(total, 1000) and bad <= _utf8_sequences(bytes(strange)):
        return Encoding(
            "utf-8", "replace", f"{bad} bytes are not UTF-8 (the first at byte {offset}) and read as \ufffd"
        )
    return _one_byte(path, bytes(strange))


def numbered_lines(path: Path, encoding: Encoding) -> Iterator[tuple[int, str]]:
    """Lines of a text file, numbered from 1, without their ends: LF, CR LF or CR, and no other.

    Raises
    ------
    UnicodeDecodeError
        If the file is in another encoding.
    """
    with path.open(encoding=encoding.name, errors=encoding.errors) as file:
        for number, line in enumerate(file, 1):
            yield number, (line.lstrip("\ufeff") if number == 1 else line).removesuffix("\n").replace("\x00", "\ufffd")


def _utf8_faults(data: bytes, *, last: bool) -> tuple[list[int], bytes]:
    """Places of bytes that are not UTF-8, at most a thousand and one, and an unfinished sequence at the end."""
    faults: list[int] = []
    view, start = memoryview(data), 0
    while len(faults) <= 1000:
        try:
            str(view[start:], "utf-8")
            break
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data" and not last:
                return faults, bytes(view[start + error.start :])
            faults.append(start + error.start)
            start += error.end
    return faults, b""


def _utf8_sequences(data: bytes) -> int:
    """How many well-formed sequences of several bytes there are: proof that it is UTF-8 at all."""
    return sum(1 for c in data.decode("utf-8", "ignore") if ord(c) > 127)


def utf16_without_mark(block: bytes) -> str | None:
    """Name of the UTF-16 that a block without byte order mark is in; None where it is in none."""
    if len(block) < 4:
        return None
    even, odd = block[0::2].count(0) / (len(block) / 2), block[1::2].count(0) / (len(block) / 2)
    # text has zeros on one side only: of each Latin letter, or of the blanks between Arabic words
    if not (min(even, odd) == 0 and max(even, odd) > 0.02) and (max(even, odd) < 0.2 or min(even, odd) > 0.05):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _one_byte(path: Path, data: bytes) -> Encoding:
    scores = {}
    for name in ("cp1256", "cp1252", "iso-8859-6", "cp720"):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        foreign = [c for c in text if ord(c) > 127]
        if not foreign:
            continue
        if name == "cp1252":
            scores[name] = sum(c in _LATIN_SIGNS for c in foreign) / len(foreign)
        else:
            arabic = len(_ARABIC.findall(text)) / len(foreign)
            scores[name] = 0.5 * arabic + min(0.5, 4 * len(_ARABIC_WORDS.findall(text)) / len(foreign))
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    if not ranked or ranked[0][1] < 0.5 or (len(ranked) > 1 and ranked[0][1] - ranked[1][1] < 0.05):
        raise InputError(
            f"{path.name}: neither UTF-8 nor a known one-byte encoding; save it as UTF-8 "
            "or name its encoding, for example --encoding cp1256"
        )
    return Encoding(ranked[0][0], note=f"read as {ranked[0][0]}: its bytes are not UTF-8; --encoding overrides")
