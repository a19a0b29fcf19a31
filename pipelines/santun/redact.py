"""Find what identifies a person in an utterance, numbers above all, and put stable tags in its place.

Numbers are read as people write and say them: in Latin, Arabic or Persian digits, cut by blanks, hyphens or dots, or as
the digit words that speech recognition writes ("kosong satu dua", "nol delapan", "صفر خمسة", "double seven"). What kind
a number is decides its form: length, check digits, the date and region inside it, the numbering plans of telephones.
Words before it (``redact_words.tsv``) decide where the form does not: after "order" or "resi" a number stays, after
"civil id" it goes although a digit was misheard.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberType
from stdnum import iban, luhn
from stdnum.id import nik, npwp
from stdnum.my import nric

KINDS = (
    "EMAIL", "PHONE", "CARD", "IBAN", "MYKAD", "NIK", "NPWP", "BPJS", "SAUDI_ID", "EMIRATES_ID", "KUWAIT_ID", "EGYPT_ID",
    "ID",
)  # fmt: skip
REGIONS = ("MY", "ID", "SA", "AE", "EG", "KW", "JO", "MA", "GB", "SG", "AU", "US")
LEFT = "LEFT_IN_IDS"
_KEPT = frozenset(["id", "conversation_id", "turn", "role", "lang", "labels", "scores", "mixed", "source", "skipped"])
_IDS = frozenset(["MYKAD", "NIK", "NPWP", "BPJS", "SAUDI_ID", "EMIRATES_ID", "KUWAIT_ID", "EGYPT_ID"])
Numbering = dict[tuple[str, str], int]
Groups = tuple[int, ...]

_WITH_ZERO = ("MY", "ID", "SA", "AE", "EG", "JO", "MA", "GB", "AU")  # plans that write a zero before the area
_PRIVATE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.FIXED_LINE_OR_MOBILE,
            PhoneNumberType.VOIP, PhoneNumberType.PERSONAL_NUMBER)  # fmt: skip
_SHORTEST, _LONGEST = 8, 34
_CUE_REACH = 60
_PROVINCES = re.compile(r"1[1-9]|21|3[1-6]|5[1-3]|6[1-5]|7[1-6]|8[12]|9[1-7]")  # stdnum's list lacks the new ones
_GOVERNORATES = re.compile(r"0[1-4]|1[1-9]|2[1-9]|3[1-5]|88")
_CARD_PREFIX = re.compile(r"4|5[0-8]|2[2-7]|3[4-7]|6|9")  # 9: cards of national schemes (Meeza, mada)
_FORMAT = re.compile(
    "[\u00ad\u034f\u0610-\u061a\u0640\u064b-\u0652\u0670\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_FOLDED = str.maketrans("أإآٱىةکیﻻ–—‑‐−\u00a0\u2007\u2009\u202f", "ااااي" + "ه" + "كيل-----    ")
_TOKEN = re.compile(r"\d+|[^\W\d_]+")
_WRITTEN_GAP = re.compile(r" {0,2}[-.()]{0,2} {0,2}|, ?|\) ?-? ?")
_SPOKEN_GAP = re.compile(r"[ \-.,،؛…()]{1,4}")
_PLUS = re.compile(r"(?:\+|(?<!\w)(?:plus|زائد|tambah)) ?\(?$")
_MASKED = re.compile(r"[-. ]?[*x•]{2,}")  # whoever wrote "840312-02-****" has redacted it
_PUBLIC = re.compile(r"(?:1[35-9]00\d{4,7}|0?800\d{6,8}|9200\d{5}|600\d{6})$")
_URL = re.compile(r"(?:https?://|www\.)\S+|\b[a-z0-9-]+\.(?:com|net|org|io|co|my|id)/\S+")
_EMAIL = re.compile(r"(?<![\w.+%-])[^\W_][\w.+%-]*@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,}")
_IBAN = re.compile(r"(?<![^\W_])[a-z]{2}[ -]?\d{2}(?:[ -]?[a-z0-9]){11,30}(?![a-z0-9])")
_DATE = re.compile(
    r"(?<![\d.-])(?:\d{1,2}([-./])\d{1,2}\1(?:19|20)?\d\d|(?:19|20)\d\d([-./])\d{1,2}\2\d{1,2})(?![-./]?\d)(?:[t ]\d{1,2}[.:]\d\d)?"
)
_HOUR = r"(?:[01]?\d|2[0-4])[:.][0-5]\d"
_TIME = re.compile(rf"(?<![\d.-]){_HOUR}(?: ?- ?{_HOUR})?(?![-.]?\d)")
_AMOUNT = re.compile(
    r"(?:(?<![a-z])(?:rm|rp|idr|sar|aed|kwd|egp|jod|mad|usd|sgd|aud|myr|gbp|eur|kd|sr|dhs?)\.? ?|[$£€] ?)\d[\d.,]*(?: \d{3}(?!\d))*"
    r"|(?<![\d.,-])[1-9]\d{0,2}([.,])\d{3}(?:\1\d{3})*(?:[.,]\d{1,2})?(?![-.,]?\d)"
)


@dataclass(frozen=True, slots=True)
class Identifier:
    """What identifies a person, and where it stands.

    Attributes
    ----------
    start, end : int
        In the text as it came.
    kind : str
        One of `KINDS`.
    value : str
        In one form however it was written, so that the same number gets the same tag. It is kept out of ``repr``.
    """

    start: int
    end: int
    kind: str
    value: str = field(repr=False)


class _Unit(NamedTuple):
    """Digits that stand or were said together."""

    start: int
    end: int
    digits: str
    spoken: bool
    pause: bool  # a comma or a filler before it


class _Number(NamedTuple):
    """A candidate: its digits, how they are grouped, and what is said before it."""

    digits: str
    groups: Groups
    spoken: bool
    plus: bool
    last: bool  # nothing follows that could be more of it
    cues: frozenset[str]

    @property
    def other(self) -> bool:
        """Whether it was announced as something that stays, an order say."""
        return "OTHER" in self.cues

    def told(self, kind: str) -> bool:
        """Whether it was announced as one of a kind, so that a digit misheard does not save it."""
        return kind in self.cues and self.last

    def grouped(self, *forms: Groups) -> bool:
        """Whether it is written in one piece, digit by digit, in one of these groups, or was spoken."""
        return self.spoken or len(self.groups) == 1 or max(self.groups) == 1 or self.groups in forms


class _Words(NamedTuple):
    numbers: Mapping[str, str]
    suffixes: Mapping[str, str]
    repeats: Mapping[str, int]
    amounts: frozenset[str]
    fillers: frozenset[str]
    cues: Sequence[tuple[re.Pattern[str], frozenset[str]]]
    mail_end: re.Pattern[str]
    mail_joins: frozenset[str]
    any_number: re.Pattern[str]


def find_identifiers(text: str, before: str = "") -> list[Identifier]:
    """Find identifiers of persons in a text.

    Parameters
    ----------
    text : str
    before : str, default=""
        What was said before it: after "Boleh beri nombor telefon?" eight bare digits are a telephone.

    Returns
    -------
    list of Identifier
        In their order; none overlaps another.

    Examples
    --------
    >>> find_identifiers("IC saya 900101-14-5678, pesanan 90010114")
    [Identifier(start=8, end=22, kind='MYKAD')]
    >>> [i.kind for i in find_identifiers("nombor saya kosong satu dua tiga empat lima enam tujuh lapan sembilan")]
    ['PHONE']
    """
    words = _words()
    n_digits = sum(map(str.isdecimal, text))
    folded, offsets = _fold(text)
    spoken = words.any_number.search(folded) is not None
    if n_digits < _SHORTEST and "@" not in text and not spoken:
        return []
    found: list[Identifier] = []
    masked = _mails(folded, words, found)
    masked += [m.span() for m in _URL.finditer(folded) if "wa.me/" not in m[0]]
    for start, end in _ibans(folded):
        found.append(Identifier(start, end, "IBAN", re.sub(r"\W", "", folded[start:end])))
        masked.append((start, end))
    for pattern in (_DATE, _TIME, _AMOUNT):
        masked += [m.span() for m in pattern.finditer(folded)]
    earlier = _fold(before[-200:])[0] if before else ""
    for chain in _chains(folded, words, masked):
        found += _in_chain(folded, chain, words, earlier)
    placed: list[Identifier] = []
    for one in sorted(found, key=lambda one: one.start):
        start = max(offsets[one.start], placed[-1].end if placed else 0)
        if start < offsets[one.end - 1] + 1:
            placed.append(Identifier(start, offsets[one.end - 1] + 1, one.kind, one.value))
    return placed


def redact(text: str, numbering: Numbering, before: str = "") -> str:
    """Put tags in the place of identifiers.

    Parameters
    ----------
    text : str
    numbering : dict
        Which number each value has got, by kind; it grows. One for each conversation gives the same value the same tag
        throughout.
    before : str, default=""
        See `find_identifiers`.

    Examples
    --------
    >>> numbering = {}
    >>> redact("call 0123456789 or +60 12-345 6789", numbering)
    'call [PHONE_1] or [PHONE_1]'
    >>> redact("رقمي ٠٥٠١٢٣٤٥٦٧", numbering)
    'رقمي [PHONE_2]'
    """
    return _replaced(text, find_identifiers(text, before), numbering)


def tag(identifier: Identifier, numbering: Numbering) -> str:
    """Tag of an identifier, ``[PHONE_1]``."""
    key = (identifier.kind, identifier.value)
    if key not in numbering:
        numbering[key] = 1 + sum(kind == identifier.kind for kind, _ in numbering)
    return f"[{identifier.kind}_{numbering[key]}]"


def moved(position: int, replaced: Sequence[Mapping[str, Any]]) -> int:
    """Where a position of the text as it came is in the redacted one.

    Parameters
    ----------
    position : int
    replaced : sequence of mapping
        ``start``, ``end`` and ``tag``, as a record's ``redacted`` lists them. A position inside goes to the tag's start.

    Examples
    --------
    >>> moved(20, [{"start": 5, "end": 15, "tag": "[PHONE_1]"}])
    19
    """
    shift = 0
    for one in replaced:
        if position < one["end"]:
            return int(min(position, one["start"]) + shift)
        shift += len(one["tag"]) - (one["end"] - one["start"])
    return position + shift


def redact_records(records: Sequence[dict[str, Any]]) -> Counter[str]:
    """Redact labelled records in place: the text, the speaker, and whatever came along with the row.

    Each gets ``redacted``: start and end in the text as it came, and the tag. Ids and places of rows stay, for other
    systems know a call by them.

    Parameters
    ----------
    records : sequence of dict
        Neighbours with the same ``conversation_id`` share their tags.

    Returns
    -------
    Counter of str
        How many identifiers of each kind were in the texts, and under ``LEFT_IN_IDS`` how many conversations are called
        by one.
    """
    counts: Counter[str] = Counter()
    numbering: Numbering = {}
    name, before = None, ""
    for record in records:
        if record["conversation_id"] != name or name is None:
            numbering, name, before = {}, record["conversation_id"], ""
            if name is not None and find_identifiers(str(name)):
                counts[LEFT] += 1
        text = record["text"]
        found = find_identifiers(text, before)
        counts.update([one.kind for one in found])
        redacted = _replaced(text, found, numbering)
        spans = [{"start": one.start, "end": one.end, "tag": tag(one, numbering)} for one in found]
        for key in [key for key in record if key not in _KEPT]:
            record[key] = _walk(record[key], key, before, {text: redacted}, numbering)
        record["redacted"] = spans
        before = text
    return counts


def _walk(value: Any, key: str, before: str, known: Mapping[str, str], numbering: Numbering) -> Any:
    """Redact the strings of a JSON value; a field's name speaks for its value as the words before a number do."""
    if isinstance(value, dict):
        return {name: _walk(one, str(name), before, known, numbering) for name, one in value.items()}
    if isinstance(value, list):
        return [_walk(one, key, before, known, numbering) for one in value]
    text = str(value) if type(value) is int else value
    if not isinstance(text, str):
        return value
    if text in known:
        return known[text]
    said = key.replace("_", " ")
    found = find_identifiers(text, said if text.isdecimal() else f"{before} {said}")
    if text.isdecimal() and not _cues_at(said, len(said), _words()):
        # seconds since 1970 look like Saudi numbers, and a tenth of them pass
        found = [one for one in found if one.kind != "SAUDI_ID"]
    return _replaced(text, found, numbering) if found else value


def _replaced(text: str, found: Sequence[Identifier], numbering: Numbering) -> str:
    parts, last = [], 0
    for one in found:
        parts += [text[last : one.start], tag(one, numbering)]
        last = one.end
    return "".join([*parts, text[last:]])


def _fold(text: str) -> tuple[str, Sequence[int]]:
    """Lower case, one kind of digits, hyphens and blanks, and no invisible marks; and the place of each character."""
    if text.isascii():
        return text.lower(), range(len(text))
    characters, offsets = [], []
    for i, character in enumerate(text):
        if _FORMAT.match(character):
            continue
        if character.isdecimal():
            character = str(unicodedata.decimal(character))
        elif not character.isascii():
            character = unicodedata.normalize("NFKC", character)[:1]
        lower = character.lower()
        characters.append(lower if len(lower) == 1 else character)
        offsets.append(i)
    return "".join(characters).translate(_FOLDED), offsets


@cache
def _words() -> _Words:
    """Read the word lists."""
    listed: dict[str, list[tuple[str, list[str]]]] = {}
    for line in (files("santun") / "redact_words.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            what, value, words = line.split("\t")
            listed.setdefault(what, []).append((value, [_fold(word)[0] for word in words.split("|")]))
    flat = {what: {w: value for value, words in rows for w in words} for what, rows in listed.items()}
    mail_words = dict(listed["mail"])
    mail = {value: _any_of(words) for value, words in mail_words.items()}
    single = [w for w in flat["number"] if " " not in w]
    domain = rf"{mail['host']}(?: ?(?:{mail['dot']}|\.) ?{mail['end']}){{1,2}}"
    cues = [(_cue_pattern(words), frozenset(kinds.split())) for kinds, words in listed["cue"]]
    return _Words(
        numbers=flat["number"],
        suffixes=flat["suffix"],
        repeats={word: int(times) for word, times in flat["repeat"].items()},
        amounts=frozenset(flat["amount"]),
        fillers=frozenset(flat["filler"]),
        cues=cues,
        mail_end=re.compile(rf"(?:@|(?<!\w){mail['at']}(?!\w)) ?{domain}(?!\w)"),
        mail_joins=frozenset(mail_words["join"]),
        any_number=re.compile(rf"(?<!\w)(?:{_any_of([*single, *mail_words['host']])})(?!\w)"),
    )


def _any_of(words: Sequence[str]) -> str:
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"


def _cue_pattern(words: Sequence[str]) -> re.Pattern[str]:
    """Pattern of cue words; Arabic ones with the article and prepositions before, and pronouns after."""
    latin = _any_of([w for w in words if w.isascii()] or ["\x00"])
    arabic = _any_of([w for w in words if not w.isascii()] or ["\x00"])
    return re.compile(rf"(?<![^\W\d_])(?:{latin}(?:nya|ku|mu)?|[وفبلك]{{0,2}}(?:ال)?{arabic}\w{{0,3}})(?![^\W\d_])")


def _cues_at(folded: str, end: int, words: _Words, start: int = 0) -> frozenset[str]:
    """Kinds that the words nearest before a place speak of."""
    start = max(start, end - _CUE_REACH)
    best, kinds = -1, frozenset[str]()
    for pattern, named in words.cues:
        for match in pattern.finditer(folded, start, end):
            if match.end() > best:
                best, kinds = match.end(), named
            elif match.end() == best:
                kinds |= named
    return kinds


def _mails(folded: str, words: _Words, found: list[Identifier]) -> list[tuple[int, int]]:
    spans = [m.span() for m in _EMAIL.finditer(folded)] if "@" in folded else []
    for match in words.mail_end.finditer(folded):
        start = _mail_start(folded, match.start(), words)
        if start < match.start() and not _overlaps((start, match.end()), spans):
            spans.append((start, match.end()))
    for start, end in spans:
        found.append(Identifier(start, end, "EMAIL", folded[start:end]))
    return spans


def _mail_start(folded: str, at: int, words: _Words) -> int:
    """Where the name before a spoken "at" begins: one word, and what "dot", digits or single letters join to it."""
    tokens = list(_TOKEN.finditer(folded, max(at - 80, 0), at))
    start = at
    k = len(tokens) - 1
    while k >= 0:
        start = tokens[k].start()
        before = tokens[k - 1][0] if k else ""
        if before in words.mail_joins or folded[start - 1 : start] in ("_", ".", "-"):
            k -= 2 if before in words.mail_joins else 1
        elif tokens[k][0] in words.numbers or tokens[k][0].isdigit() or len(tokens[k][0]) == 1:
            k -= 1
        else:
            break
    return start


def _overlaps(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)


def _ibans(folded: str) -> Iterator[tuple[int, int]]:
    """Where IBANs stand; what follows one after a blank looks like more of it, so the check digits say where it ends."""
    for match in _IBAN.finditer(folded):
        for end in range(match.end(), match.start() + 14, -1):
            whole = end == len(folded) or not folded[end].isalnum()
            if whole and folded[end - 1].isalnum() and iban.is_valid(folded[match.start() : end]):
                yield match.start(), end
                break


def _chains(folded: str, words: _Words, masked: Sequence[tuple[int, int]]) -> Iterator[list[_Unit]]:
    """Runs of digits and digit words that may be one number."""
    tokens = list(_TOKEN.finditer(folded))
    covered = bytearray(len(folded))
    for start, end in masked:
        covered[start:end] = b"\1" * (end - start)
    chain: list[_Unit] = []
    filler = False
    code = False  # digits of a code with letters, "KT-88120-3"
    i = 0
    while i < len(tokens):
        token = tokens[i]
        unit, after = _unit_at(folded, tokens, i, words)
        if unit is None or any(covered[unit.start : unit.end]):
            if token[0] in words.fillers and chain:
                filler = True
            else:
                if chain:
                    yield chain
                chain, filler, code = [], False, False
            i = max(after, i + 1)
            continue
        gap = folded[chain[-1].end : unit.start] if chain else ""
        if chain:
            both_written = not unit.spoken and not chain[-1].spoken and not filler
            joined = (_WRITTEN_GAP if both_written else _SPOKEN_GAP).fullmatch(gap) if not filler else len(gap) < 24
            if not joined:
                yield chain
                chain, filler = [], False
        if not unit.spoken:
            coded = _is_code(folded, unit, words)
            if coded or (code and not chain and folded[unit.start - 1] in "-./"):
                if chain:
                    yield chain
                chain, filler, code = [], False, True
                i = after
                continue
            code = False
        chain.append(unit._replace(pause=bool(chain) and (filler or "," in gap or "،" in gap)))
        filler = False
        i = after
    if chain:
        yield chain


def _is_code(folded: str, unit: _Unit, words: _Words) -> bool:
    """Whether digits belong to a code with letters or signs; "ic900101" and "wa0812" are cues without a blank."""
    before = re.search(r"(?:[a-z@#_][-/.]?|[a-z0-9]/|#\W?)$", folded[max(unit.start - 3, 0) : unit.start])
    after = re.match(r"[-_/]?[a-z_]", folded[unit.end : unit.end + 2])
    if before and not after:
        word = re.search(r"[\w./]*$", folded[max(unit.start - 20, 0) : unit.start])
        stem = word[0].strip("./-") if word else ""
        return not any(pattern.fullmatch(stem) and "OTHER" not in kinds for pattern, kinds in words.cues)
    return bool(before or (after and not re.match(r"[a-z]{2,3}(?![^\W_])", folded[unit.end :])))


def _unit_at(folded: str, tokens: Sequence[re.Match[str]], i: int, words: _Words) -> tuple[_Unit | None, int]:
    """The digits that begin at a token, and the token after them."""
    token = tokens[i]
    if token[0][0].isdigit():
        after = tokens[i + 1] if i + 1 < len(tokens) else None
        if after and after[0] in words.amounts and folded[token.end() : after.start()] in ("", " "):
            return None, i + 2
        return _Unit(token.start(), token.end(), token[0], False, False), i + 1
    times = words.repeats.get(token[0])
    if times and i + 1 < len(tokens):
        [digit] = [tokens[i + 1][0]]
        digit = words.numbers.get(digit, digit)
        if len(digit) == 1 and digit.isdigit():
            return _Unit(token.start(), tokens[i + 1].end(), digit * times, True, False), i + 2
    value, after_number = _spoken_value(folded, tokens, i, words)
    if value is None:
        return None, i + 1
    following = tokens[after_number] if after_number < len(tokens) else None
    if following and following[0] in words.amounts and len(value) <= 3 and not value.startswith("0"):
        return None, after_number + 1
    return _Unit(token.start(), tokens[after_number - 1].end(), value, True, False), after_number


def _spoken_value(folded: str, tokens: Sequence[re.Match[str]], i: int, words: _Words) -> tuple[str | None, int]:
    """Digits of number words from a token on: one digit, or up to three as "two hundred and five", "دو puluh"."""

    def word(k: int) -> str:
        """Token `k` if nothing but a blank or hyphen is before it."""
        if k >= len(tokens) or (k > i and folded[tokens[k - 1].end() : tokens[k].start()] not in (" ", "-")):
            return ""
        return tokens[k][0]

    two = f"{word(i)} {word(i + 1)}"
    if two in words.numbers:
        return words.numbers[two], i + 2
    first = words.numbers.get(word(i))
    if first is None and word(i) in ("o", "oh") and i and tokens[i - 1][0] in words.numbers:
        first = "0"
    if first is None:
        return None, i + 1
    end = i + 1
    total = int(first)
    suffix = words.suffixes.get(word(end)) if len(first) == 1 else None
    if suffix == "teen":
        return str(10 + total), end + 1
    if suffix == "ten" or suffix == "hundred":
        total *= 10 if suffix == "ten" else 100
        end += 1
    if first.startswith("0") or (total < 10 and not suffix):
        # "خمسة وعشرين" is 25: Arabic says the unit first
        tens = words.numbers.get(word(end).removeprefix("و"), "") if word(end).startswith("و") else ""
        if total and len(tens) == 2 and tens.endswith("0") and tens != "10":
            return str(int(tens) + total), end + 1
        return first, end
    while total % 10 == 0 and total >= 20:  # "twenty three", "dua ratus lima puluh", "مية وثلاثة وعشرين"
        k = end + 1 if word(end) in ("and", "dan", "و") else end
        bare = word(k).removeprefix("و") if word(k) not in words.numbers else word(k)
        more = words.numbers.get(bare, "")
        room = 100 if total % 100 == 0 else 10
        if not more or more.startswith("0") or int(more) >= room:
            break
        k += 1
        part = int(more)
        if part < 10 and words.suffixes.get(word(k)) in ("ten", "teen") and room == 100:
            part = part * 10 if words.suffixes[word(k)] == "ten" else 10 + part
            k += 1
        elif part < 10 and room == 100 and word(k).startswith("و"):
            tens = words.numbers.get(word(k).removeprefix("و"), "")
            if len(tens) == 2 and tens.endswith("0"):
                part, k = part + int(tens), k + 1
        elif part < 10 and words.suffixes.get(word(k)):
            break
        total, end = total + part, k
    return str(total), end


def _in_chain(folded: str, chain: Sequence[_Unit], words: _Words, earlier: str) -> Iterator[Identifier]:
    """Identifiers of one run of digits: from the left, the longest that is one."""
    digits = "".join([unit.digits for unit in chain])
    if len(digits) < _SHORTEST or _PUBLIC.match(digits):
        return
    cues = _cues_before(folded, chain[0].start, words, earlier)
    i = lower = 0
    while i < len(chain):
        # a number does not begin in the midst of digits that are said one by one
        if i > lower and len(chain[i].digits) == len(chain[i - 1].digits) == 1 and not chain[i].pause:
            i += 1
            continue
        found = _longest(folded, chain, i, cues)
        if found is None:
            i += 1
        else:
            identifier, i = found
            lower = i
            yield identifier


def _cues_before(folded: str, start: int, words: _Words, earlier: str) -> frozenset[str]:
    """Kinds that are announced before a number, in its text or at the end of what was said before.

    What announced an order or an amount counts for the number after it alone, what announced a telephone for the next
    as well: "my phone is 012… or 013…".
    """
    last = 0
    for match in re.finditer(r"\d{4,}", folded[max(start - _CUE_REACH, 0) : start]):
        last = max(start - _CUE_REACH, 0) + match.end()
    if cues := _cues_at(folded, start, words, last):
        return cues
    if cues := _cues_at(folded, start, words):
        return cues - {"OTHER"}
    return _cues_at(earlier, len(earlier), words) if earlier else frozenset()


def _longest(folded: str, chain: Sequence[_Unit], i: int, cues: frozenset[str]) -> tuple[Identifier, int] | None:
    """The longest identifier that begins with unit `i`, and the unit after it."""
    start = chain[i].start
    plus = _PLUS.search(folded[max(start - 9, 0) : start])
    for j in range(min(len(chain), i + _LONGEST), i, -1):
        units = chain[i:j]
        digits = "".join([unit.digits for unit in units])
        if not _SHORTEST <= len(digits) <= _LONGEST:
            continue
        spoken = any(unit.spoken for unit in units)
        paused = any(unit.pause for unit in units[1:])
        if paused and not spoken and not cues - {"OTHER"}:  # a list of numbers
            continue
        groups = tuple([len(unit.digits) for unit in units])
        number = _Number(digits, groups, spoken or paused, plus is not None, j == len(chain), cues)
        written = folded[start : units[-1].end]
        if _MASKED.match(folded, units[-1].end) or written.count("(") > written.count(")"):
            continue
        kind, value = _kind_of(number)
        if kind is None and len(digits) >= 20:
            kind, value, start = _spoken_iban(folded, start, digits, cues)
        if kind is None:
            continue
        if kind == "PHONE":
            start = _with_signs(folded, start, units[-1].end)
            # the rest of digits that were said one by one: one was heard twice, or the plan does not know the number
            tail = chain[j : j + 3]
            if len(tail) < 3 and all(len(unit.digits) == 1 and not unit.pause for unit in tail) and spoken:
                units, j = [*units, *tail], j + len(tail)
        return Identifier(start, units[-1].end, kind, value), j
    return None


def _with_signs(folded: str, start: int, end: int) -> int:
    """Where a telephone begins with its plus and the bracket that closes inside it."""
    if folded[start - 1 : start] == "(" and ")" in folded[start:end]:
        start -= 1
    before = folded[max(start - 2, 0) : start]
    return start - (len(before) - before.index("+")) if "+" in before else start


def _spoken_iban(folded: str, start: int, digits: str, cues: frozenset[str]) -> tuple[str | None, str, int]:
    """An IBAN whose country was said letter by letter, or left out."""
    near = max(start - 8, 0)
    letters = re.search(r"(?<![^\W_])([a-z])[ .]?([a-z])[ ,]*$", folded[near:start])
    countries = [letters[1] + letters[2]] if letters else ["sa", "ae", "eg"]
    for country in countries:
        if iban.is_valid(country + digits) or ("IBAN" in cues and len(digits) in (21, 22, 27)):
            return "IBAN", country + digits, near + letters.start() if letters else start
    return None, "", start


def _kind_of(number: _Number) -> tuple[str | None, str]:
    """Kind and value of a number; None where it identifies nobody."""
    for kind, lengths, check in _CHECKS:
        if len(number.digits) in lengths and check(number):
            return kind, number.digits
    if value := _phone(number):
        return "PHONE", value
    if number.last and number.cues & _IDS and not number.cues & {"PHONE", "CARD"} and len(number.digits) <= 18:
        return "ID", number.digits  # announced as an identity number; digits are missing, or the country is another
    return None, ""


def _is_date(year: str, month: str, day: str) -> bool:
    try:
        return datetime.date(int(year), int(month), int(day)) <= datetime.date.today()
    except ValueError:
        return False


def _mykad(n: _Number) -> bool:
    if n.told("MYKAD"):
        return True
    return not n.other and n.grouped((6, 2, 4), (6, 6), (2, 2, 2, 2, 4)) and nric.is_valid(n.digits)


def _nik(n: _Number) -> bool:
    if "CARD" in n.cues and _card(n):
        return False
    if n.told("NIK"):
        return True
    if n.other or not n.grouped((4, 4, 4, 4), (6, 6, 4), (2, 2, 2, 6, 4), (2, 2, 2, 2, 2, 2, 4)):
        return False
    try:
        nik.get_birth_date(n.digits)
    except ValueError:
        return False
    return int(n.digits[6:8]) % 40 <= 31 and int(n.digits[6:8]) <= 71 and bool(_PROVINCES.match(n.digits))


def _npwp(n: _Number) -> bool:
    # in one piece a tenth of all numbers of its length would pass
    written = n.groups in ((2, 3, 3, 1, 3, 3), (1, 2, 3, 3, 1, 3, 3))
    return written or n.told("NPWP") or ("NPWP" in n.cues and npwp.is_valid(n.digits))


def _bpjs(n: _Number) -> bool:
    if n.told("BPJS"):
        return True
    return len(n.digits) == 13 and n.digits.startswith("000") and n.grouped((4, 4, 5), (4, 4, 4, 1)) and not n.other


def _saudi_id(n: _Number) -> bool:
    if n.digits[0] not in "12":
        return False
    if n.told("SAUDI_ID"):
        return True
    return (
        not n.other
        and "PHONE" not in n.cues
        and n.grouped((1, 3, 3, 3), (4, 3, 3), (3, 3, 4))
        and luhn.is_valid(n.digits)
    )


def _emirates_id(n: _Number) -> bool:
    if not n.digits.startswith("784"):
        return False
    return (
        n.told("EMIRATES_ID")
        or n.groups == (3, 4, 7, 1)
        or (1900 <= int(n.digits[3:7]) <= datetime.date.today().year and not n.other)
    )


def _kuwait_id(n: _Number) -> bool:
    if n.digits[0] not in "23" or not n.grouped((1, 6, 5), (1, 2, 2, 2, 5), (3, 3, 3, 3), (4, 4, 4)):
        return False
    if not _is_date(f"{17 + int(n.digits[0])}{n.digits[1:3]}", n.digits[3:5], n.digits[5:7]):
        return False
    weighted = sum(int(d) * w for d, w in zip(n.digits, (2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), strict=False))
    return n.told("KUWAIT_ID") or (not n.other and 11 - weighted % 11 == int(n.digits[11]))


def _egypt_id(n: _Number) -> bool:
    if n.told("EGYPT_ID"):
        return True
    if (
        n.other
        or n.digits[0] not in "23"
        or not n.grouped((1, 6, 7), (1, 6, 2, 4, 1), (1, 2, 2, 2, 2, 5), (1, 6, 2, 5))
    ):
        return False
    born = _is_date(f"{17 + int(n.digits[0])}{n.digits[1:3]}", n.digits[3:5], n.digits[5:7])
    return born and bool(_GOVERNORATES.match(n.digits[7:9]))


def _card_form(n: _Number) -> bool:
    return n.groups in ((4, 4, 4, 4), (4, 6, 5), (4, 4, 4, 4, 3), (4, 4, 5), (4, 6, 4))


def _card(n: _Number) -> bool:
    if not _CARD_PREFIX.match(n.digits):
        return False
    if "CARD" in n.cues and len(n.digits) in (15, 16):
        return True
    return (n.grouped() or _card_form(n)) and luhn.is_valid(n.digits) and (_card_form(n) or not n.other)


_CHECKS: tuple[tuple[str, tuple[int, ...], Callable[[_Number], bool]], ...] = (
    ("EMIRATES_ID", (15,), _emirates_id),
    ("BPJS", (11, 13), _bpjs),
    ("KUWAIT_ID", (12,), _kuwait_id),
    ("MYKAD", (12,), _mykad),
    ("EGYPT_ID", (14,), _egypt_id),
    ("NPWP", (15, 16), _npwp),
    ("NIK", (16,), _nik),
    ("CARD", tuple(range(13, 20)), _card),
    ("SAUDI_ID", (10,), _saudi_id),
)


def _phone(n: _Number) -> str | None:
    """National number of a telephone of a person; public service lines (1300, 800, 9200…) are nobody's."""
    digits, cued = n.digits, "PHONE" in n.cues
    if len(digits) > 16 or (n.other and not cued) or (_PUBLIC.match(digits) and not n.plus):
        return None
    if n.plus or digits.startswith("00"):
        return _national("+" + digits.lstrip("0"), None)
    if digits.startswith("0"):
        if not cued and (len(digits) < 9 or (min(n.groups) < 2 and not n.spoken and max(n.groups) > 1)):
            return None
        for region in _WITH_ZERO:
            if found := _national(digits, region):
                return found
    elif len(digits) >= 10 and (found := _national("+" + digits, None, REGIONS[:-1])):
        return found
    if n.groups == (3, 3, 4) and (found := _national(digits, "US")):
        return found
    if not cued:
        return None
    for region in REGIONS:
        if found := _national(digits, region):
            return found
    # misheard or made up; but told to be a telephone
    return digits if n.last and len(digits) <= 14 else None


def _national(digits: str, region: str | None, only: Sequence[str] = ()) -> str | None:
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in _PRIVATE:
        return None
    if only and phonenumbers.region_code_for_number(number) not in only:
        return None
    return str(phonenumbers.national_significant_number(number))
