"""Chats, subtitles and tables of text systems: every unit is an utterance, a skipped one with its reason, or a problem."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from santun.label import label_files, label_path
from santun_corpora import InputError, Problem, Utterance, describe, find_files, open_source, read

MADE = Path(__file__).parent / "data" / "formats"
SAMPLES = [
    *("whatsapp/android_id.txt", "whatsapp/ios_en_nnbsp.txt", "vtt/zoom_ms.vtt", "vtt/teams_metadata_json.vtt"),
    *("vtt/teams_multiline_crlf_ids.vtt", "srt/aws_index0_dashes.srt", "srt/arabic_digits.srt", "rttm_text/call1.srt"),
    *("whisper/openai.tsv", "whisper/whispercpp.csv", "text/google_meet_style.txt"),
]


def items_of(folder, name, content, **options):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read(open_source(path, **options)))


def said(items):
    """Speaker, text and reason of each utterance."""
    return [(u.speaker, u.text, u.skip) for u in items if isinstance(u, Utterance)]


def problems(items):
    return [str(item) for item in items if isinstance(item, Problem)]


# ---------------------------------------------------------------------------------------------------- WhatsApp


@pytest.mark.parametrize(
    ("line", "time"),
    [
        ("12/9/20, 23:55 - Bob: hello", "2020-09-12T23:55:00"),
        ("15/09/2026, 20:46 – Bob: hello", "2026-09-15T20:46:00"),
        ("14/11/23 10.04 - Bob: hello", "2023-11-14T10:04:00"),
        ("1/5/2025، 09:17 - Bob: hello", "2025-05-01T09:17:00"),
        ("\u200f١\u200f/٥\u200f/٢٠٢٥، ٩:١٧ م - Bob: hello", "2025-05-01T21:17:00"),
        ("15/9/2024, 8:45 PTG - Bob: hello", "2024-09-15T20:45:00"),
        ("15/9/2024, 12:45 PG - Bob: hello", "2024-09-15T00:45:00"),
        ("15/9/2024, 8:45 malam - Bob: hello", "2024-09-15T20:45:00"),
        ("15/9/2024, 8:45\u202fp.m. - Bob: hello", "2024-09-15T20:45:00"),
        ("[15/09/2026, 8:05:00\u202fAM] Bob: hello", "2026-09-15T08:05:00"),
        ("\u200e[15/09/2026, 12:05:00\u202fPM] Bob: hello", "2026-09-15T12:05:00"),
        ("\u200f[١٥/٠٩/٢٠٢٦، ٨:٤٦:٠٠ م] Bob: hello", "2026-09-15T20:46:00"),
        ("[14/11/23 10.04.05] Bob: hello", "2023-11-14T10:04:05"),
        ("[2026-09-15, 20:46:01] Bob: hello", "2026-09-15T20:46:01"),
        ("9/15/26, 8:05\u202fPM - Bob: hello", "2026-09-15T20:05:00"),
        ("3/4/26, 8:05\u202fPM - Bob: hello", "2026-03-04T20:05:00"),  # as American phones write it
        ("03/04/26, 8:05 pm - Bob: hello", "2026-04-03T20:05:00"),
        ("15.9.2026, 20:46 - Bob: hello", "2026-09-15T20:46:00"),
        ("13.06.18 21.25.15: Bob: hello", "2018-06-13T21:25:15"),  # iOS of old
        ("3/6/18, 1:55 p. m. - Bob: hello", "2018-06-03T13:55:00"),
        ("99/99/2026, 20:46 - Bob: hello", None),
        ("15/09/2026, 30:99 - Bob: hello", None),
        ("15/9/1448, 10:15 - Bob: hello", None),  # another calendar
    ],
)
def test_heads_of_every_locale(tmp_path, line, time):
    [one] = items_of(tmp_path, "chat.txt", line + "\n")

    assert (one.speaker, one.text, one.time, one.start, one.skip) == ("Bob", "hello", time, None, None)
    assert one.source == "chat.txt:1"
    assert (one.conversation_id, one.turn) == ("chat", 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<Media omitted>", "media"),
        ("<Media tidak disertakan>", "media"),
        ("<Media dikecualikan>", "media"),
        ("<تم استبعاد الوسائط>", "media"),
        ("\u200eimage omitted", "media"),
        ("\u200estiker tidak disertakan", "media"),
        ("\u200fالوسائط غير مضمّنة", "media"),
        ("IMG-20231114-WA0001.jpg (file attached)", "media"),
        ("\u200eIMG-20231114-WA0001.jpg (file terlampir)", "media"),
        ("\u200fIMG-20231114-WA0001.jpg (الملف مرفق)", "media"),
        ("\u200e<attached: 00000012-PHOTO-2026-09-15-20-47-00.jpg>", "media"),
        ("2015-08-04-PHOTO-00004762.jpg <\u200eattached>", "media"),
        ("invoice.pdf • \u200e7 pages \u200edocument omitted", "media"),
        ("location: https://maps.google.com/?q=3.1,101.6", "media"),
        ("This message was deleted", "deleted message"),
        ("\u200eYou deleted this message.", "deleted message"),
        ("Pesan ini telah dihapus", "deleted message"),
        ("Mesej ini telah dipadam", "deleted message"),
        ("تم حذف هذه الرسالة", "deleted message"),
        ("لقد حذفتَ هذه الرسالة", "deleted message"),
        ("\u200eMissed voice call, \u200eTap to call back", "call"),
        ("Panggilan suara tak terjawab", "call"),
        ("مكالمة صوتية فائتة", "call"),
        (
            "\u200eMessages and calls are end-to-end encrypted. No one outside of this chat can read them.",
            "system message",
        ),
        ("\u200eAli added Budi", "system message"),
        ("", "no text"),
        ("null", "no text"),
    ],
)
def test_what_is_no_talk_is_skipped_with_its_reason(tmp_path, text, reason):
    one, other = items_of(
        tmp_path, "chat.txt", f"[15/09/2026, 20:46:00] Dana: {text}\n[15/09/2026, 20:47:00] Sami: ok\n"
    )

    assert (one.skip, one.speaker) == (reason, "Dana")
    assert (other.skip, other.turn) == (None, 2)


@pytest.mark.parametrize(
    "text",
    [
        "Pesan ini dihapus ya kak, tolong kirim ulang",
        "the image omitted the price",
        "boleh video call?",
        "I deleted this message",
        "\u200fالخدمة غير متوفرة",
        "<nama anda>",
        "the file (see page 2)",
        "added to cart, what next?",
        "location: near the mosque",
    ],
)
def test_talk_about_such_things_is_talk(tmp_path, text):
    [one] = items_of(tmp_path, "chat.txt", f"15/09/2026, 20:46 - Dana: {text}\n")

    assert one.skip is None


def test_a_caption_is_talk(tmp_path):
    [one] = items_of(tmp_path, "chat.txt", "14/11/23 10.04 - Budi: IMG-1.jpg (file terlampir)\nini buktinya kak\n")

    assert (one.text, one.skip) == ("IMG-1.jpg (file terlampir)\nini buktinya kak", None)


@pytest.mark.parametrize(
    "mark", ["<This message was edited>", "\u200e<Pesan ini diedit>", "\u200f<تم تعديل هذه الرسالة>"]
)
def test_the_mark_of_an_edited_message_is_taken_off(tmp_path, mark):
    [one] = items_of(tmp_path, "chat.txt", f"15/09/2026, 20:46 - Dana: see you at 5 {mark}\n")

    assert (one.text, one.fields) == ("see you at 5", {"flags": ["edited"]})


def test_notices_with_a_colon_are_nobodys_words(tmp_path):
    items = items_of(
        tmp_path,
        "chat.txt",
        "\u200f[١٥/٠٩/٢٠٢٦، ٢٠:٤٥:١٢] \u200fالرسائل والمكالمات مشفّرة بالكامل: لا أحد خارج هذه الدردشة يستطيع قراءتها.\n"
        "\u200f[١٥/٠٩/٢٠٢٦، ٨:٤٦:٠٠ م] دانة: لازم نروح: بكرا\nسطر ثان: نعم\n"
        '\u200f[١٥/٠٩/٢٠٢٦، ٨:٤٧:٠٠ م] Ali changed the subject from "A: one" to "B: two"\n'
        "\u200f[١٥/٠٩/٢٠٢٦، ٨:٤٨:٠٠ م] \u202a+212 616-465609\u202c: تم\n",
    )

    assert said(items) == [
        (None, "الرسائل والمكالمات مشفّرة بالكامل: لا أحد خارج هذه الدردشة يستطيع قراءتها.", "system message"),
        ("دانة", "لازم نروح: بكرا\nسطر ثان: نعم", None),
        (None, 'Ali changed the subject from "A: one" to "B: two"', "system message"),
        ("+212 616-465609", "تم", None),
    ]
    assert [u.role for u in items] == ["system", "unknown", "system", "unknown"]


def test_a_date_that_somebody_writes_begins_no_message(tmp_path):
    items = items_of(
        tmp_path, "chat.txt", "15/09/2026, 20:46 - Dana: when?\n12/5/2024 10.30 pagi - bawa IC\n\nlast line: really\n"
    )

    assert said(items) == [("Dana", "when?\n12/5/2024 10.30 pagi - bawa IC\n\nlast line: really", None)]


@pytest.mark.parametrize(
    ("dates", "first", "note"),
    [
        (("3/4/26", "14/4/26"), "2026-04-03", "dates are day/month"),
        (("3/4/26", "4/14/26"), "2026-03-04", "dates are month/day"),
        (("3/4/26", "3/5/26", "4/1/26"), "2026-03-04", "dates are month/day"),  # else they go back in time
        (("3/4/26", "4/4/26"), "2026-04-03", "dates are day/month, as most are: none of them tells"),
    ],
)
def test_the_order_of_dates_is_found_by_the_whole_file_and_told(tmp_path, dates, first, note):
    path = tmp_path / "chat.txt"
    path.write_text("".join(f"{date}, 20:46 - Dana: hi\n" for date in dates), encoding="utf-8")
    source = open_source(path)

    assert next(iter(read(source))).time == f"{first}T20:46:00"
    if len(dates) == 2 and "tells" in note:
        assert describe(source) == f"read as WhatsApp chat; {note}"
    else:
        assert describe(source).startswith(f"read as WhatsApp chat; {note}")


def test_a_chat_cut_at_either_end_says_so(tmp_path):
    items = items_of(
        tmp_path,
        "chat.txt",
        "words of a lost message\n14/11/23 10.04 - Budi: halo\n14/11/23 10.05 - CS: ya\n14/11/23 10.0",
    )

    assert said(items) == [("Budi", "halo", None), ("CS", "ya", None)]
    assert problems(items) == [
        "chat.txt:1: text before the first message; export the chat whole",
        "chat.txt:4: the file is cut off in the middle of a message's head; export it again",
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1256"])
def test_chats_in_any_encoding(tmp_path, encoding):
    text = "15/09/2026, 20:46 - دانة: السلام عليكم ورحمة الله هل عندك مشكلة في الفاتورة من الشهر\n" * 3
    items = items_of(tmp_path, "chat.txt", text.encode(encoding))

    assert [u.speaker for u in items] == ["دانة"] * 3


def zipped(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_zip_of_one_chat_and_of_several(tmp_path):
    chat = (MADE / "whatsapp/android_id.txt").read_text(encoding="utf-8")
    one = zipped(tmp_path / "one.zip", **{"_chat.txt": chat, "IMG-1.jpg": b"\xff\xd8", "__MACOSX/._chat.txt": "x"})
    items = list(read(open_source(one)))
    assert [(u.source, u.conversation_id) for u in items][1] == ("one.zip:_chat.txt:2", "one")
    assert len(items) == 5
    assert describe(open_source(one)) == "read as WhatsApp chat in a zip"

    two = zipped(
        tmp_path / "two.zip",
        **{"Chat WhatsApp dengan B.txt": chat, "Chat WhatsApp dengan A.txt": chat, "notes.txt": "no"},
    )
    items = list(read(open_source(two)))
    assert [u.conversation_id for u in items] == ["two/Chat WhatsApp dengan A"] * 5 + ["two/Chat WhatsApp dengan B"] * 5
    assert [u.turn for u in items] == [1, 2, 3, 4, 5] * 2
    assert find_files([str(tmp_path)]) == [one, two]


@pytest.mark.parametrize(
    ("name", "members", "message"),
    [
        ("a.zip", {"a.pdf": "x", "b.txt": "hello"}, "a.zip: no WhatsApp chat is in this zip (2 files: .pdf, .txt); unpack it, and give the files in it"),
        ("a.docx", {"word/document.xml": "x"}, "a.docx: a Word document; save it as plain text (.txt)"),
        ("a.zip", {}, "a.zip: no WhatsApp chat is in this zip (0 files: ); unpack it, and give the files in it"),
    ],
)  # fmt: skip
def test_other_zips_are_refused_in_one_line(tmp_path, name, members, message):
    with pytest.raises(InputError) as error:
        list(read(open_source(zipped(tmp_path / name, **members))))

    assert str(error.value) == message


def test_a_broken_zip_is_one_line(tmp_path):
    path = zipped(tmp_path / "a.zip", **{"_chat.txt": (MADE / "whatsapp/android_id.txt").read_bytes()})
    data = path.read_bytes()
    for broken in (data[:100], data[:60] + b"\0\0\0\0" + data[64:], b"not a zip at all"):
        path.write_bytes(broken)
        with pytest.raises(InputError, match=r"^a\.zip: [^\n]*$"):
            list(read(open_source(path)))


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.txt", "12/9/20 was a Saturday - we met: all of us\n", "text"),
        ("a.txt", "[00:01:02] Agent: hi\n[00:01:05] Customer: yes\n", "text"),
        ("a.txt", "Agent: it was 12/9/20, 23:55 - remember\nCustomer: yes\n", "text"),
        ("a.csv", "time,text\n12/9/20 23:55 - x,hello\n", "csv"),
        ("a.txt", "see the arrow --> there\nok\n", "text"),
        ("a.txt", "10:30 -> 11:00 meeting\nok\n", "text"),
        ("a.txt", "WEBVTTX\nhello\n", "text"),
        ("a.csv", "start,end,text\n0,2,hi\n2,5,ho\n", "csv"),
        ("a.csv", "start,end,text\n0.0,200.5,hi\n", "csv"),
        ("a.csv", "start,end,text,speaker\n0,2000,hi,a\n", "csv"),
        ("a.txt", "1\t2\tthree\n2\t3\tfour\n", "text"),
        ("a.txt", "SPEAKER notes from the meeting\nok\n", "text"),
        ("a.json", '{"messages": [{"text": "hi", "from": "a"}]}', "json"),
        ("a.json", '{"id": 1, "messages": [{"id": 1, "type": "message", "text": "hi"}]}', "json"),
    ],
)
def test_files_of_another_kind_are_left_alone(tmp_path, name, content, kind):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")

    assert open_source(path).format == kind


# --------------------------------------------------------------------------------------------------- subtitles


def test_times_however_they_are_written(tmp_path):
    items = items_of(
        tmp_path,
        "a.vtt",
        "\n WEBVTT - title\nKind: captions\n\nNOTE\na comment\nof two lines\n\nSTYLE\n::cue { color: red }\n\n"
        "-00:00:02.500 --> 00:01.000 align:start position:0%\nnegative\n\n"
        "0:0:1,5 --> 0:0:2\ncomma\n\n"
        "intro\n100:00:03.000 --> 100:00:04.000\nhours\n\n"
        "\u202b٠٠:٠٠:٠٥٫٥٠٠ --&gt; ٠٠:٠٠:٠٦٫٠٠٠\u202c\nArabic\n\n"
        "00:00:09.000 --> later\nbroken end\n\n"
        "00.00.010 --> 00:12.000\nbroken start\n\n"
        "00:00:xx.000 --> 00:00:12.000\nno times at all\n",
    )

    assert [(u.text.split("\n")[0], u.start, u.end) for u in items] == [
        ("negative", -2.5, 1.0),
        ("comma", 1.5, 2.0),
        ("hours", 360003.0, 360004.0),
        ("Arabic", 5.5, 6.0),
        ("broken end", 9.0, None),
        ("broken start", None, 12.0),
        ("no times at all", None, 12.0),
    ]


def test_voices_in_one_cue_are_utterances_of_their_own(tmp_path):
    items = items_of(
        tmp_path,
        "a.vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v.first.loud Esme O&apos;Neil>Hi, <i>how</i> are <00:01.500>you?</v> <v Ali>Baik &lt;3</v>\n"
        "<v Ali><lang ms>Terima kasih</lang></v>\n\n00:02.000 --> 00:03.000\n<v Ali></v>\n\n00:03.000 --> 00:04.000\n\n",
    )

    assert [(u.speaker, u.text, u.lang, u.source, u.skip) for u in items] == [
        ("Esme O'Neil", "Hi, how are you?", None, "a.vtt:4", None),
        ("Ali", "Baik <3", None, "a.vtt:4/2", None),
        ("Ali", "Terima kasih", "ms", "a.vtt:5", None),
        ("Ali", "", None, "a.vtt:8", "no text"),
        (None, "", None, "a.vtt:10", "no text"),
    ]
    assert len({u.id for u in items}) == 5
    assert [u.turn for u in items] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("cue", "rows"),
    [
        ("[SPEAKER_00]: Selamat pagi", [("SPEAKER_00", "Selamat pagi")]),
        ("Agent: hi\nCustomer: yes\nreally", [("Agent", "hi"), ("Customer", "yes\nreally")]),
        ("- Selamat pagi\n- Ya", [(None, "Selamat pagi"), (None, "Ya")]),
        ("-- Baik", [(None, "Baik")]),
        ("- Baik", [(None, "- Baik")]),
        (">> Agent: hi\n>> yes", [("Agent", "hi"), (None, "yes")]),
        ("الموظف: أهلا", [("الموظف", "أهلا")]),
        ("{\\an8}<font color=\"#fff\">hi</font> <unk> a < b", [(None, "hi <unk> a < b")]),
        ("one\n\ntwo", [(None, "one\n\ntwo")]),
        ("at 10:30: ok", [(None, "at 10:30: ok")]),
        ("press 1 --> sales", [(None, "press 1 --> sales")]),
    ],
)  # fmt: skip
def test_how_srt_tells_speakers(tmp_path, cue, rows):
    content = f"1\n00:00:01,000 --> 00:00:02,000\n{cue}\n\n2\n00:00:03,000 --> 00:00:04,000\n[SPEAKER_00]: ok\n"
    items = items_of(tmp_path, "a.srt", content)

    assert [(u.speaker, u.text) for u in items] == [*rows, ("SPEAKER_00", "ok")]


def test_srt_without_numbers_or_blank_lines(tmp_path):
    items = items_of(
        tmp_path,
        "a.txt",
        "00:00:01,000 --> 00:00:02,000\none\n00:00:03,000 --> 00:00:04,000\n5\n\n3\n00:00:05.000 --> 00:00:06.000\nthree",
    )

    assert [u.text for u in items] == ["one", "5", "three"]
    assert items[0].conversation_id == "a"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "cp1256"])
def test_srt_in_any_encoding(tmp_path, encoding):
    text = "1\n00:00:01,000 --> 00:00:02,000\nالسلام عليكم ورحمة الله هل عندك مشكلة في الفاتورة\n\n"
    [one] = items_of(tmp_path, "a.srt", text.encode(encoding))

    assert one.text == "السلام عليكم ورحمة الله هل عندك مشكلة في الفاتورة"


def test_rolling_captions_are_said_once(tmp_path):
    items = items_of(
        tmp_path,
        "a.vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.000\n \nselamat<00:01.500><c> pagi</c>\n\n00:02.000 --> 00:02.010\nselamat pagi\n \n\n"
        "00:02.010 --> 00:03.000\nselamat pagi\nboleh<00:02.500><c> saya bantu</c>\n\n",
    )

    assert said(items) == [
        (None, "selamat pagi", None),
        (None, "selamat pagi", "repeated caption"),
        (None, "boleh saya bantu", None),
    ]


def test_console_output_of_whisper_and_sbv(tmp_path):
    items = items_of(tmp_path, "a.txt", "[00:00.000 --> 00:02.000]  Selamat pagi\n[00:02.000 --> 00:03.500]  Ya\n")
    assert [(u.text, u.start, u.end) for u in items] == [("Selamat pagi", 0.0, 2.0), ("Ya", 2.0, 3.5)]

    items = items_of(tmp_path, "a.sbv", "0:00:01.000,0:00:02.000\nhi\n\n0:00:02.000,0:00:03.000\nho\n")
    assert [(u.text, u.start) for u in items] == [("hi", 1.0), ("ho", 2.0)]


@pytest.mark.parametrize(
    ("end", "problem"),
    [
        ("00:00:03.000 --> 00:0", "a.vtt:6: the file is cut off after a line with times; export it again"),
        ("00:00:03.000 --", "a.vtt:6: the file is cut off before the times of a cue; export it again"),
        ("8f2a/12-0\n00:00:0", "a.vtt:6: the file is cut off before the times of a cue; export it again"),
        ("2", "a.vtt:6: the file is cut off before the times of a cue; export it again"),
        ('00:00:03.000 --> 00:00:04.000\n{"startDateTime":"2023-0', "a.vtt:6: the JSON of this cue is cut or broken; export the file again"),
    ],
)  # fmt: skip
def test_a_cut_file_gives_what_is_whole(tmp_path, end, problem):
    items = items_of(tmp_path, "a.vtt", "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nhi\n\n" + end)

    assert said(items) == [(None, "hi", None)]
    assert problems(items) == [problem]


def test_subtitles_without_a_cue_are_refused(tmp_path):
    for name, content in (("a.vtt", "WEBVTT\n\n"), ("a.srt", "hello\n")):
        with pytest.raises(InputError, match="no cue is in it"):
            items_of(tmp_path, name, content)


# -------------------------------------------------------------------------------------------------------- RTTM


def test_rttm_lends_its_speakers(tmp_path):
    (tmp_path / "c.srt").write_text(
        "1\n00:00:00,000 --> 00:00:10,000\na\n\n2\n00:00:20,000 --> 00:00:21,000\nb\n\n3\n00:00:30,000 --> 00:00:31,000\nAgent: c\n"
    )
    (tmp_path / "c.rttm").write_text(
        ";; comment\nSPKR-INFO c 1 <NA> <NA> <NA> unknown s0 <NA> <NA>\n"
        "SPEAKER c 1 0.0 3.0 <NA> <NA> s0 <NA> <NA>\nSPEAKER c 1 2.0 4.0 <NA> <NA> s1 <NA> <NA>\n"
        "SPEAKER c 1 7.0 2.0 <NA> <NA> s0 <NA> <NA>\nSPEAKER c 1 30 1 <NA> <NA> s1 <NA> <NA>\nSPEAKER c 1 x\n"
        "SPEAKER other 1 20.0 1.0 <NA> <NA> s9 <NA> <NA>\n"
    )

    assert [u.speaker for u in read(open_source(tmp_path / "c.srt"))] == ["s0", None, "Agent"]
    source = open_source(tmp_path / "c.rttm")
    assert describe(source) == "read as RTTM (who speaks when); it holds no words; its speakers go to c.srt"
    assert [str(item).split(":")[1] for item in read(source)] == ["7"]


def test_rttm_alone_gives_no_rows_and_a_clear_word(tmp_path, tiny):
    (tmp_path / "c.rttm").write_text("SPEAKER c 1 0.0 3.0 <NA> <NA> s0 <NA> <NA>\n")
    account = label_files(tiny, [tmp_path / "c.rttm"], tmp_path / "out.jsonl")

    assert (account.read, account.exit_code) == (0, 0)
    assert account.notes == [
        "c.rttm: read as RTTM (who speaks when); it holds no words, so it gives no rows; put the .srt or .vtt of the same name beside it"
    ]


# ---------------------------------------------------------------------------------------------- Whisper's tables


def test_whisper_tables(tmp_path):
    items = items_of(tmp_path, "a.tsv", 'start\tend\ttext\n0\t2000\t"Halo" kak\n2000\t3500\t\n3500\tx\tYa\n4000\n')

    assert [(u.text, u.start, u.end, u.skip) for u in items if isinstance(u, Utterance)] == [
        ('"Halo" kak', 0.0, 2.0, None),
        ("", 2.0, 3.5, "no text"),
        ("Ya", 3.5, None, None),
    ]
    assert problems(items) == ["a.tsv:5: 1 cells under a header of 3; is the file cut?"]
    items = items_of(
        tmp_path, "b.csv", 'start,end,text\n0,2000," one, ""two"""\n2000,3000, three, four\n3000,4000,"cut'
    )
    assert [u.text for u in items if isinstance(u, Utterance)] == ['one, "two"', "three, four", "cut"]
    items = items_of(tmp_path, "c.txt", "0.031\t2.1\t[[SPEAKER_00]]Selamat pagi\n2.5\t3\tYa\n")
    assert [(u.speaker, u.text, u.start) for u in items] == [("SPEAKER_00", "Selamat pagi", 0.031), (None, "Ya", 2.5)]


# ---------------------------------------------------------------------------------------------------- Telegram

CHAT = {
    "name": "CS Toko", "type": "personal_chat", "id": 4242,
    "messages": [
        {"id": 1, "type": "service", "date": "2023-11-14T10:00:00", "date_unixtime": "1699930800", "actor": "CS", "action": "create_group", "text": ""},
        {"id": 2, "type": "message", "date": "2023-11-14T10:04:00", "date_unixtime": "1699931040", "from": "Budi", "from_id": "user1", "text": "Halo kak"},
        {"id": 3, "type": "message", "date": "2023-11-14T10:05:00", "from": None, "from_id": "user2", "edited": "2023-11-14T10:06:00",
         "text": ["Lihat ", {"type": "link", "text": "https://a.example"}, " ya"]},
        {"id": 4, "type": "message", "date": "2023-11-14T10:06:00", "from": "Budi", "from_id": "user1", "photo": "photos/1.jpg", "text": ""},
        {"id": 5, "type": "message", "date": "x", "from": "Budi", "from_id": "user1", "photo": "photos/1.jpg", "text": "ini \ud83d"},
        {"id": 6, "type": "message", "date": "2023-11-14T10:06:00", "from": "Budi", "from_id": "user1", "text": ""},
        "broken",
    ],
}  # fmt: skip


def test_telegram(tmp_path):
    items = items_of(tmp_path, "result.json", json.dumps(CHAT))

    assert [(u.speaker, u.text, u.time, u.skip, u.turn) for u in items if isinstance(u, Utterance)] == [
        ("CS", "", "2023-11-14T03:00:00Z", "event", 1),
        ("Budi", "Halo kak", "2023-11-14T03:04:00Z", None, 2),
        ("user2", "Lihat https://a.example ya", "2023-11-14T10:05:00", None, 3),
        ("Budi", "", "2023-11-14T10:06:00", "media", 4),
        ("Budi", "ini \ufffd", None, None, 5),
        ("Budi", "", "2023-11-14T10:06:00", "no text", 6),
    ]
    assert problems(items) == ["result.json:/messages/6: not an object; export the file again"]
    assert {u.conversation_id for u in items if isinstance(u, Utterance)} == {"result"}


def test_a_telegram_account_keeps_its_chats_apart(tmp_path):
    account = {"chats": {"about": "", "list": [CHAT, {**CHAT, "id": 77}]}}
    items = [u for u in items_of(tmp_path, "result.json", json.dumps(account)) if isinstance(u, Utterance)]

    assert [u.conversation_id for u in items] == ["4242"] * 6 + ["77"] * 6
    assert items[1].source == "result.json:/chats/list/0/messages/1"


# --------------------------------------------------------------------------------------------- plain transcripts


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("**Agent:** hi\n**Customer:** yes\n", [("Agent", "hi", None), ("Customer", "yes", None)]),
        ("[00:01 - 00:05] Agent: hi\n", [("Agent", "hi", 1.0)]),
        ("Siti  0:05\nSelamat pagi\nboleh saya bantu\n\nAli  0:09\nYa\n\nSiti  0:12\nBaik\n",
         [("Siti", "Selamat pagi\nboleh saya bantu", 5.0), ("Ali", "Ya", 9.0), ("Siti", "Baik", 12.0)]),
        ("00:05 Agent\nhi\n00:09 Customer\nyes\n", [("Agent", "hi", 5.0), ("Customer", "yes", 9.0)]),
        ("Agent - hi\nCustomer - yes - really\n", [("Agent", "hi", None), ("Customer", "yes - really", None)]),
        (">> hi\n>> yes\n", [(None, "hi", None), (None, "yes", None)]),
        (">> Agent: hi\n>> yes\nmore\n", [("Agent", "hi", None), (None, "yes\nmore", None)]),
        ("10:04:05 From Siti to Everyone: hi\n10:04:09 From Siti to Ali (direct message): yes\n", [("Siti", "hi", 36245.0), ("Siti", "yes", 36249.0)]),
        ("well - I think\nso - yes\n", [(None, "well - I think", None), (None, "so - yes", None)]),
        ("00:00 Selamat pagi\n00:05 Ya\n00:09 Ya\n", [(None, "00:00 Selamat pagi", 0.0), (None, "00:05 Ya", 5.0), (None, "00:09 Ya", 9.0)]),
    ],
)  # fmt: skip
def test_shapes_of_plain_transcripts(tmp_path, content, rows):
    assert [(u.speaker, u.text, u.start) for u in items_of(tmp_path, "a.txt", content)] == rows


def test_what_meet_writes_itself_is_skipped(tmp_path):
    items = items_of(
        tmp_path,
        "a.txt",
        "Call with Siti - Transcript\nAttendees\nSiti, Ali\n00:00:00\n \nSiti: Selamat pagi\nAli: Ya\n00:05:00\nSiti: baik\n"
        "Transcription ended after 00:06:11\nThis editable transcript was computer generated and might contain errors.\n",
    )

    assert [u.skip for u in items] == ["before the first turn"] * 3 + [None] * 3 + ["system message"] * 2
    assert said(items)[5] == ("Siti", "baik", None)


# -------------------------------------------------------------------------------------------------------- roles


def roles(model, path, **options):
    [(_, records)] = label_path(model, path, **options)
    return [(r["role"], r.get("role_guessed", False)) for r in records]


def test_the_user_says_who_the_agent_is(tmp_path, tiny):
    path = tmp_path / "chat.txt"
    path.write_text(
        "14/11/23 10.04 - Budi: Halo\n14/11/23 10.05 - CS Toko: Halo kak\n14/11/23 10.06 - Wati: saya juga\n"
    )

    assert roles(tiny, path) == [("unknown", False)] * 3
    assert roles(tiny, path, agents=["cs toko"]) == [("customer", False), ("agent", False), ("customer", False)]
    said = [("customer", False), ("agent", False), ("customer", False)]
    assert roles(tiny, path, agents=["CS Toko"], guess=True) == said
    notes: list[str] = []
    label_files(tiny, [path], tmp_path / "out.jsonl", agents=["CS Toko", "nobody"], on_note=notes.append)
    assert notes[-1] == "no speaker is called 'nobody'; the labels are under `speaker` in the output"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "14/11/23 10.04 - Budi: Halo\n14/11/23 10.05 - Toko: Ada yang bisa dibantu kak?\n", ["customer", "agent"]),
        ("a.txt", "14/11/23 10.04 - دانة: السلام\n14/11/23 10.05 - نور: شكرًا لاتصالك، كيف أقدر أساعدك؟\n", ["customer", "agent"]),
        ("a.txt", "14/11/23 10.04 - Budi: Halo\n14/11/23 10.05 - Toko: iya\n", ["unknown", "unknown"]),
        ("a.srt", "00:00:01,000 --> 00:00:02,000\nA1: hi\n\n00:00:03,000 --> 00:00:04,000\nB1: yes\n\n00:00:03,000 --> 00:00:04,000\nA1: ok\n",
         ["agent", "customer", "agent"]),
        ("a.srt", "00:00:01,000 --> 00:00:02,000\nA1: hi\n\n00:00:03,000 --> 00:00:04,000\nB1: Thank you for calling Acme\n",
         ["customer", "agent"]),
        ("a.srt", "00:00:01,000 --> 00:00:02,000\nhi\n", ["unknown"]),
    ],
)  # fmt: skip
def test_a_guess_is_marked(tmp_path, tiny, name, content, expected):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")

    assert roles(tiny, path, guess=True) == [(role, role != "unknown") for role in expected]


def test_a_guess_comes_where_no_named_agent_speaks(tmp_path, tiny):
    path = tmp_path / "chat.txt"
    path.write_text("14/11/23 10.04 - Budi: Halo\n14/11/23 10.05 - Toko: Ada yang bisa dibantu kak?\n")

    assert roles(tiny, path, agents=["CS"], guess=True) == [("customer", True), ("agent", True)]
    assert roles(tiny, path, agents=["CS"]) == [("customer", False)] * 2


def test_what_the_file_tells_is_not_guessed(tmp_path, tiny):
    path = tmp_path / "a.txt"
    path.write_text("Agent: hi\nCustomer: how can I help you?\n", encoding="utf-8")

    assert roles(tiny, path, guess=True) == [("agent", False), ("customer", False)]


# --------------------------------------------------------------------------------------------------- robustness


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(SAMPLES), st.data())
def test_a_sample_cut_anywhere_is_accounted_for(tmp_path, sample, data):
    whole = (MADE / sample).read_bytes()
    cut = whole[: data.draw(st.integers(1, len(whole)))]
    path = tmp_path / Path(sample).name
    path.write_bytes(cut)
    try:
        items = list(read(open_source(path)))
    except InputError as error:
        assert "\n" not in str(error)
        return
    for item in items:
        assert isinstance(item, Utterance | Problem)
        if isinstance(item, Utterance):
            assert item.text or item.skip or open_source(path).format in ("text", "csv")
    assert len({u.id for u in items if isinstance(u, Utterance)}) == sum(isinstance(u, Utterance) for u in items)


HEADS = st.sampled_from(
    ["14/11/23 10.04 - A: ", "\u200f[١٥/٠٩/٢٠٢٦، ٨:٤٦:٠٠ م] ", "00:00:01,000 --> 00:00:02,000", "WEBVTT", "-00:01.0 -->", "<v A>",
     "SPEAKER a 1 0 1 <NA> <NA> b", "start\tend\ttext", "0\t2000\t", "\n", "\n\n", "\r\n", "A: ", "- ", "-- ", ">> ", "1", "<"]
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.one_of(HEADS, st.text(st.characters(exclude_categories=["Cs"]), max_size=12)), min_size=1, max_size=25),
    st.sampled_from(["txt", "vtt", "srt", "rttm", "csv", "zip", "json"]),
    st.sampled_from([None, "whatsapp", "srt", "webvtt", "rttm", "whisper-table", "audacity", "zip"]),
)
def test_no_text_is_a_fault_of_ours(tmp_path, pieces, ending, format_in):
    try:
        items = items_of(tmp_path, f"any.{ending}", "".join(pieces), format=format_in)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert all(isinstance(item, Utterance | Problem) for item in items)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=300), st.sampled_from(["txt", "vtt", "srt", "rttm", "zip"]))
def test_no_bytes_are_a_fault_of_ours(tmp_path, data, ending):
    try:
        items = items_of(tmp_path, f"any.{ending}", data)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert all(isinstance(item, Utterance | Problem) for item in items)


@settings(max_examples=60, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
    st.sampled_from(["text", "type", "from", "from_id", "date", "date_unixtime", "photo", "id", "edited", "x"]), inner, max_size=5), max_leaves=12))  # fmt: skip
def test_no_telegram_message_is_a_fault_of_ours(value):
    from santun_corpora.systems.telegram import accepts, read_telegram

    document = {"messages": [CHAT["messages"][1], value], "chats": {"list": [value, CHAT]}}

    assert accepts(document)
    assert all(isinstance(item, Utterance | Problem) for item in read_telegram(Path("result.json"), document))
    assert accepts(value) in (False, True)


@pytest.mark.parametrize(
    "filler", [" ", "1", "-", "<", ":", "a:", "1:", "[", "/1", "\u200e", "<v ", "--> ", "a - ", "(", "{\\a", "“", "\t1"]
)
def test_a_line_of_a_megabyte_takes_no_time(tmp_path, filler):
    line = (filler * (1 << 20))[: 1 << 20]
    began = time.monotonic()
    for content in (
        f"14/11/23 10.04 - A: {line}\n14/11/23{line}\n",
        f"WEBVTT\n\n00:01.000 --> 00:02.000 {line}\n{line}\n\n{line}",
        f"Agent: hi\n{line}\n",
        f"{line}\nstart",
    ):
        for name in ("a.txt", "a.vtt"):
            try:
                items_of(tmp_path, name, content)
            except InputError:
                continue

    assert time.monotonic() - began < 20
