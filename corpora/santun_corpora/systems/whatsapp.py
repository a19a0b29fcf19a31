"""WhatsApp's exported chats, from Android and iOS, in any locale: ``_chat.txt``, ``WhatsApp Chat with X.txt``, or a zip.

There is no grammar of them: the phone's locale decides how a message begins. ``14/11/23 10.04 - Budi: …``,
``1/5/2025، 09:17 - …``, ``[15/09/2026, 8:05:00 AM] Dana: …`` and ``[١٥/٠٩/٢٠٢٦، ٨:٤٦:٠٠ م] دانة: …`` are all heads, with marks
of direction and narrow blanks anywhere. A line without a head goes on with the message before it.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from santun_corpora.decode import Encoding, detect, numbered_lines
from santun_corpora.schema import InputError, Problem, Utterance, fold, role_of
from santun_corpora.systems.document import MEDIA, NO_TEXT

TITLE = "WhatsApp chat"
_MARKS = "\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
_S = rf"[\s{_MARKS}]{{0,4}}"  # bounded, lest a line of blanks takes for ever
_HEAD = re.compile(
    rf"[\s{_MARKS}]{{0,8}}(?P<bracket>\[)?{_S}(?P<a>\d{{1,4}}){_S}(?P<mark>[./-]){_S}(?P<b>\d{{1,2}}){_S}[./-]{_S}(?P<c>\d{{2,4}})\.?"
    rf"{_S}(?P<comma>[,،]?){_S}(?:(?:في|الساعة|at|pukul|jam|pkl|klo){_S})?(?P<hour>\d{{1,2}}){_S}(?P<colon>[:.]){_S}(?P<minute>\d{{2}})"
    rf"(?:{_S}[:.]{_S}(?P<second>\d{{2}}))?{_S}(?P<part>[^\W\d][^\d:\[\]\n–—-]{{0,14}}?)?{_S}(?(bracket)\]|(?P<end>[-–—:])(?=[\s{_MARKS}]))"
)
_SENDER = re.compile(rf"([^:\n]{{1,150}}):(?=[\s{_MARKS}]|$)")
_AFTERNOON = frozenset(["pm", "p", "م", "مساء", "ptg", "petang", "malam", "sore", "siang"])
_MORNING = frozenset(["am", "a", "ص", "صباحا", "pg", "pagi"])
_CUT_HEAD = re.compile(
    rf"[\s{_MARKS}]{{0,8}}(?:\[\d|\[?\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{2,4}}[,،]?\s{{1,4}}\d)[^:]{{0,20}}(?::\d{{0,2}}[^:]{{0,8}}){{0,2}}$"
)

# compared with `fold`: letters and digits only, without diacritics, parted by one underscore
_NOTICE = re.compile(
    r"end_to_end_encrypt|encrypted_end_to_end|enkripsi|disulitkan|penyulitan|مشفر|security_code_|kode_keamanan_|kod_keselamatan_|رمز_الامان"
    r"|changed_the_(?:subject|group)|mengubah_(?:subjek|deskripsi|nama)|menukar_(?:subjek|nama|penerangan)|غير_(?:الموضوع|عنوان|اسم_المجموعة)"
)  # fmt: skip
_GENERATED = re.compile(  # with a group's or a partner's name before it, as iOS has it
    r"messages_and_calls_are_|messages_to_this_(?:chat|group)_|pesan_dan_(?:panggilan|telepon)_|mesej_dan_panggilan_(?:disulitkan|dienkripsi)"
    r"|الرسائل_والمكالمات_مشفر|your_security_code_|this_business_|this_chat_is_with_|waiting_for_this_message"
)
_GROUP = re.compile(
    r"(?:^|_)(?:(?:created_(?:this_)?group|added|removed|left$|joined_(?:using|from)|changed_(?:the|this|their)|pinned_a_message"
    r"|turned_(?:on|off)_disappearing|membuat_grup|menambahkan|mengeluarkan|keluar$|bergabung_(?:menggunakan|dari)|menyematkan_pesan"
    r"|mengubah_(?:subjek|deskripsi|ikon|nama|foto)|mencipta_kumpulan|meninggalkan$|menukar_(?:subjek|nama|penerangan|ikon))(?:_|$)"
    r"|انشا_?ت?_(?:هذه_)?المجموعة|اضافك|تمت_اضافت|غادر$|انضم_.{0,60}باستخدام|غير_(?:الموضوع|اسم_المجموعة|وصف_المجموعة|صورة_المجموعة))"
)
_CALL = re.compile(
    r"(?P<sure>(?:silenced_|missed_)(?:group_)?(?:voice|video)_call(?:_.{0,60})?"
    r"|panggilan_(?:grup_)?(?:suara|video)_(?:tak|tidak)_(?:ter|di)?jawab(?:_.{0,60})?"
    r"|مكالمة_(?:جماعية_)?(?:صوتية|فيديو)_(?:فايتة|لم_يرد).{0,60})$"
    r"|(?:group_)?(?:voice|video)_call(?:_.{0,60})?$|panggilan_(?:suara|video)(?:_.{0,60})?$|مكالمة_(?:صوتية|فيديو)(?:_.{0,60})?$"
)
_DELETED = re.compile(
    r"(?:this_message_was_deleted|you_deleted_this_message|pesan_ini_(?:telah_)?dihapus|anda_(?:telah_)?menghapus_pesan_ini"
    r"|mesej_ini_(?:telah_)?dipadam(?:kan)?|anda_(?:telah_)?memadam(?:kan)?_mesej_ini"
    r"|تم_حذف_هذه_الرسالة|(?:لقد_)?(?:قمت_بحذف|حذفت)_(?:انت_)?هذه_الرسالة|هذه_الرسالة_محذوفة)"
    r"(?:_(?:as|by|oleh|sebagai|بواسطة|من_قبل)_.{1,40})?$"
)
_OMITTED = re.compile(
    r"(?:media|image|video|audio|gif|sticker|document|contact_card|voice_message|video_note|view_once_\w{3,20})_omitted"
    r"|(?:media|gambar|foto|video|audio|gif|stiker|dokumen|kartu_kontak|pesan_(?:suara|video))_(?:tidak_disertakan|diabaikan|dihilangkan)"
    r"|(?:media|imej|gambar|foto|video|audio|gif|pelekat|dokumen|kad_kenalan|mesej_suara)"
    r"_(?:tidak_disertakan|dikecualikan|disingkirkan|ditinggalkan|diabaikan|dikeluarkan)"
    r"|تم_استبعاد(?:_\w{1,12}){1,2}|\w{2,12}(?:_\w{1,12})?_غير_(?:مضمن|مشمول|مدرج)ة?"
)
_DOCUMENT = re.compile(
    r"\S.{0,200}\.\w{2,5}\b.{0,40}?(?:document omitted|dokumen tidak disertakan|تم استبعاد المستند)$", re.IGNORECASE
)
_ATTACHED_IOS = re.compile(r"(?:\S.{0,200}\.\w{2,5}\b.{0,40}?)?<[^<>:\n]{2,25}:[^<>\n]{1,200}\.\w{2,5}\s?>$")
_ATTACHED_ANDROID = re.compile(r"\S.{0,200}\.\w{2,5}\s{0,3}[(<](?P<word>[^()<>\n]{3,30})[)>]$")
_ATTACHED_WORDS = frozenset(
    ["file_attached", "attached", "terlampir", "file_terlampir", "fail_dilampirkan", "fail_terlampir", "fail_disertakan", "الملف_مرفق", "ملف_مرفق", "تم_ارفاق_ملف"]
)  # fmt: skip
_PLACE = re.compile(r"(?:live )?(?:location|lokasi|الموقع)(?:: https?://\S+| shared)$", re.IGNORECASE)
_EDITED = re.compile(rf"[\s{_MARKS}]{{0,4}}<([^<>\n]{{8,50}})>[\s{_MARKS}]{{0,4}}$")
_EDITED_NOTES = (
    "this_message_was_edited pesan_ini_diedit pesan_ini_telah_diedit mesej_ini_diedit mesej_ini_telah_diedit "
    "mesej_ini_telah_disunting تم_تعديل_هذه_الرسالة تم_تعديل_هذا_المحتوى"
)
_EDITED_WORDS = frozenset(_EDITED_NOTES.split())
_LONGEST_NOTE = 400
_TRIM = "".join(
    map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x61C, 0x200B, 0x200E, 0x200F, 0xFEFF, 0x20, 9, 10, 13, 0xA0, 0x202F])
)  # fmt: skip


class _Head(NamedTuple):
    """How a message begins: its date's numbers, its clock, its shape, and what follows."""

    date: tuple[int, int, int]
    clock: tuple[int, int, int] | None
    shape: tuple[str, ...]
    american: bool
    rest: str


def accepts(text: str, _path: Path) -> bool:
    """Whether a file begins as an exported chat does: a head among the first lines, and a sender or a known notice."""
    lines = re.split("\r\n|\r|\n", text)
    if not any(_head(line) for line in [line for line in lines if line.strip(_TRIM)][:3]):
        return False
    heads = [head for line in lines if (head := _head(line))]
    return any(_sender(head.rest)[0] is not None or _is_notice(head.rest[:_LONGEST_NOTE]) for head in heads)


def _head(line: str) -> _Head | None:
    match = _HEAD.match(line)
    if match is None:
        return None
    date = (int(match["a"]), int(match["b"]), int(match["c"]))
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    part = fold(match["part"] or "").replace("_", "")
    if part in _AFTERNOON and hour <= 12:
        # CLDR's day periods: siang begins before noon
        hour = hour % 12 + 12 if not (part == "siang" and hour in (10, 11)) else hour
    elif part in _MORNING and hour == 12:
        hour = 0
    known = (not part or part in _AFTERNOON or part in _MORNING) and hour < 24 and minute < 60 and second < 60
    shape = (
        match["bracket"] or "",
        match["mark"],
        match["comma"],
        match["colon"],
        "s" if match["second"] else "",
        (match["end"] or "").replace("–", "-"),
    )
    # en-US alone writes M/D/YY without zeros, and AM and PM in capitals
    american = (
        (match["part"] or "").strip(_TRIM) in ("AM", "PM")
        and date[2] < 100
        and "0" not in (match["a"][0], match["b"][0])
    )
    return _Head(
        date, (hour, minute, second) if known else None, shape, american and match["mark"] == "/", line[match.end() :]
    )


def _sender(rest: str) -> tuple[str | None, str]:
    """Who speaks, and what is said; nobody speaks a system's line, even one with a colon."""
    match = _SENDER.match(rest.lstrip(_TRIM))
    if match is None:
        return None, rest
    name = match[1].strip(_TRIM)
    if not name or _is_notice(name) or sum(name.count(c) for c in '"“”„«»') % 2:
        return None, rest  # the colon stands in a notice, or in the new name of a group
    return name, rest.lstrip(_TRIM)[match.end() :]


@lru_cache(1024)
def _is_notice(words: str) -> bool:
    return _NOTICE.search(fold(words)) is not None


def detail(path: Path, encoding: Encoding) -> str:
    """Say how the dates of a chat are read."""
    order, sure = _date_order(path, encoding)
    words = {"dmy": "day/month", "mdy": "month/day", "ymd": "year/month/day"}[order]
    return f"dates are {words}" + ("" if sure else ", as most are: none of them tells")


def _date_order(path: Path, encoding: Encoding) -> tuple[str, bool]:
    """Order of the numbers of a chat's dates, and whether they tell.

    A number over 12 is a day; else the order under which fewer messages go back in time; else the American one if all
    heads are written as American phones write them.
    """
    first = second = years = heads = 0
    back = {"dmy": 0, "mdy": 0}
    last: _Head | None = None
    american = True
    for _, line in numbered_lines(path, encoding):
        head = _head(line)
        if head is None:
            continue
        heads += 1
        a, b, _ = head.date
        years += a > 31
        first += 12 < a <= 31
        second += b > 12
        american = american and head.american
        if last is not None:
            for order in back:
                back[order] += _key(head, order) < _key(last, order)
        last = head
    if years > heads / 2:
        return "ymd", True
    if (first > 0) != (second > 0):
        return ("dmy", True) if first else ("mdy", True)
    if back["dmy"] != back["mdy"]:
        return min(back, key=lambda order: back[order]), True
    return ("mdy" if american and heads else "dmy"), False


def _key(head: _Head, order: str) -> tuple[int, int, int]:
    a, b, c = head.date
    return (c, b, a) if order == "dmy" else (c, a, b)


def _time(head: _Head, order: str) -> str | None:
    """The head's time, ISO 8601, without a zone, as the phone knew it; None where it cannot be one."""
    if head.clock is None:
        return None
    a, b, c = head.date
    orders = [(a, b, c)] if a > 31 else [(c, b, a), (c, a, b)] if order == "dmy" else [(c, a, b), (c, b, a)]
    for year, month, day in orders:
        year += 2000 if year < 100 else 0
        if not 2009 <= year <= 2100:  # WhatsApp's first; a year of another calendar is not guessed at
            continue
        try:
            return datetime(year, month, day, *head.clock).isoformat()
        except ValueError:
            continue
    return None


def read_whatsapp(path: Path, encoding: Encoding) -> Iterator[Utterance | Problem]:
    """Read an exported chat, one utterance a message, in the file's order.

    Notices, calls, media and deleted messages are skipped with their reason. The mark of an edited message is taken off.

    Raises
    ------
    InputError
        If no line begins as a message does.
    """
    order, _ = _date_order(path, encoding)
    shape: tuple[str, ...] | None = None
    begun: tuple[int, _Head] | None = None
    lines: list[str] = []
    stray: int | None = None
    turn = 0
    held: tuple[int, str] | None = None  # the last line, which may be cut
    cut = not _ends_with_newline(path)

    def message(number: int, head: _Head) -> Utterance:
        return _message(head, lines, f"{path.name}:{number}", turn, _time(head, order))

    for number, line in numbered_lines(path, encoding):
        head = _head(line)
        if head is not None and shape is not None and head.shape != shape and _sender(head.rest)[0] is None:
            head = None  # a date that somebody wrote
        if held is not None:
            lines.append(held[1])
            held = None
        if head is None:
            if begun is not None:
                held = number, line
            elif line.strip(_TRIM) and stray is None:
                stray = number
                yield Problem(f"{path.name}:{number}", "text before the first message; export the chat whole")
            continue
        if begun is not None:
            yield message(*begun)
        shape = shape or head.shape
        begun, lines = (number, head), [head.rest]
        turn += 1
    if begun is None:
        raise InputError(f"{path.name}: no line begins as a message of WhatsApp does; export the chat as text again")
    broken = held is not None and cut and _CUT_HEAD.match(held[1]) is not None
    if held is not None and not broken:
        lines.append(held[1])
    yield message(*begun)
    if broken and held is not None:
        yield Problem(
            f"{path.name}:{held[0]}", "the file is cut off in the middle of a message's head; export it again"
        )


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - 4))
        return any(byte in file.read() for byte in b"\r\n")


def _message(head: _Head, lines: list[str], source: str, turn: int, time: str | None) -> Utterance:
    speaker, first = _sender(head.rest)
    raw = "\n".join([first, *lines[1:]])
    marked = raw.lstrip().startswith(("\u200e", "\u200f"))  # iOS sets a mark before what it wrote itself
    text = raw.strip(_TRIM)
    if speaker is None:
        return Utterance(text, source, turn=turn, role="system", time=time, skip="system message")
    edited = _EDITED.search(text)
    fields = {}
    if edited and fold(edited[1]) in _EDITED_WORDS:
        text, fields = text[: edited.start()].rstrip(_TRIM), {"flags": ["edited"]}
    skip = _skip(text, marked=marked)
    role = "system" if skip == "system message" else role_of(speaker)
    return Utterance(text, source, turn=turn, speaker=speaker, role=role, time=time, fields=fields, skip=skip)


def _skip(text: str, *, marked: bool) -> str | None:
    """Why a message is no talk; None where it is."""
    if not text or text == "null":  # Android writes null where there was nothing to write
        return NO_TEXT
    if "\n" in text or len(text) > _LONGEST_NOTE:
        return None
    plain = re.sub(f"[{_MARKS}]", "", text).strip()
    folded = fold(plain)
    if _GENERATED.match(folded) or (marked and _GROUP.search(folded) and len(plain) < 150):
        return "system message"
    if _DELETED.match(folded):
        return "deleted message"
    call = _CALL.match(folded)
    if call and (marked or call["sure"]):
        return "call"
    attached = _ATTACHED_ANDROID.match(plain)
    if (
        _OMITTED.fullmatch(folded)
        or _DOCUMENT.match(plain)
        or _ATTACHED_IOS.match(plain)
        or _PLACE.match(plain)
        or (attached and fold(attached["word"]) in _ATTACHED_WORDS)
    ):
        return MEDIA
    return None


# --------------------------------------------------------------------------------------------------------- zip

_MAX_UNPACKED = 1 << 30


def read_zip(path: Path, _given: object, encoding: Encoding | None) -> Iterator[Utterance | Problem]:
    """Read the chats of a zip that WhatsApp made; pictures and voice messages beside them are not looked at.

    Raises
    ------
    InputError
        If it is broken, locked, too large, or holds no chat.
    """
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="santun-") as folder:
            chats = _chats(archive, path)
            for at, member in enumerate(chats):
                # under the archive's own name, for places
                inside = Path(folder) / str(at) / f"{path.name}:{PurePosixPath(member.filename).name}"
                inside.parent.mkdir()
                with archive.open(member) as packed, inside.open("wb") as file:
                    while block := packed.read(1 << 20):
                        file.write(block)
                for item in read_whatsapp(inside, encoding or detect(inside)):
                    if isinstance(item, Utterance) and len(chats) > 1:
                        item.conversation_id = f"{path.stem}/{PurePosixPath(member.filename).stem}"
                    yield item
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError) as error:
        what = "a password" if "password" in str(error) else "damaged"
        raise InputError(f"{path.name}: {what}, cannot be unpacked; unpack it, and give the chat in it") from None


def _chats(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """Text files of an archive that begin as chats do.

    Raises
    ------
    InputError
        If there is none, or they are too large.
    """
    members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
    chats = []
    for member in members:
        if member.filename.lower().endswith(".txt"):
            with archive.open(member) as file:
                head = file.read(4096)
            if accepts(head.decode("utf-8-sig", "replace"), path):
                chats.append(member)
    if not chats:
        endings = sorted({PurePosixPath(m.filename).suffix.lower() or "no ending" for m in members})
        raise InputError(
            f"{path.name}: no WhatsApp chat is in this zip ({len(members)} files: {', '.join(endings[:6])}); unpack it, and give the files in it"
        )
    if sum(member.file_size for member in chats) > _MAX_UNPACKED:
        raise InputError(f"{path.name}: refused; its chats would unpack to {sum(m.file_size for m in chats) >> 20} MB")
    return sorted(chats, key=lambda member: member.filename)
