"""Redaction: what is found and what stays, in every script and spelling; tags, places, and the labelling job."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from santun.label import label_files
from santun.redact import LEFT, Identifier, find_identifiers, moved, redact, redact_records
from santun.write import partial_path

from tests.redaction import covers, digits, others, planted, recall, seed_rows
from tests.test_cli import santun

WORDS = st.text(st.sampled_from("abcdefghij ,.?!\nمنحن"), max_size=30)


def kinds(text: str, before: str = "") -> list[str]:
    return [one.kind for one in find_identifiers(text, before)]


def test_planted_identifiers_are_gone():
    found = recall()
    gone, total = found["gone"]["all"]

    assert total == 400
    assert gone / total >= 0.98
    assert all(found["gone"][lang][1] == 100 and found["gone"][lang][0] >= 98 for lang in ("ms", "id", "ar", "en"))
    assert found["right_kind"] / total >= 0.95


def test_other_numbers_stay():
    count = sum(digits(text) for _, text in others())
    hit = sum(digits(text[one.start : one.end]) for _, text in others() for one in find_identifiers(text))

    assert count > 1500
    assert hit / count <= 0.005


def test_what_is_found_in_the_seed_corpus_was_looked_at():
    # made-up telephones, identity numbers and mails of its people and firms: 330 of 18,070 digits; a jump means that
    # order numbers are touched
    rows = list(seed_rows())[::10]
    count = sum(digits(row["text"]) for row, _ in rows)
    hit = sum(
        digits(row["text"][one.start : one.end])
        for row, before in rows
        for one in find_identifiers(row["text"], before)
    )

    assert hit / count <= 0.03


@pytest.mark.parametrize(
    "written",
    ["0123456789", "012-345 6789", "012.345.6789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "０１２３４５６７８９", "+60 12‑345 6789", "\u202a+60\u00a012-345\u00a06789\u202c",
     "0060123456789", "0 1 2 3 4 5 6 7 8 9", "kosong satu dua tiga empat lima enam tujuh lapan sembilan",
     "zero one two, three four five, six seven eight nine", "صفر واحد اثنين ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة"],
)  # fmt: skip
def test_one_telephone_has_one_tag_however_it_is_written(written):
    numbering = {}
    redact("0123456789", numbering)

    assert redact(f"{written}!", numbering).strip("\u202a\u202c") in ("[PHONE_1]!", "[PHONE_1]\u202c!")


def test_words_before_decide_where_the_form_does_not():
    assert kinds("55121300") == []
    assert kinds("55121300", "ممكن رقم الجوال؟") == ["PHONE"]
    assert kinds("nombor pesanan 0123456789") == []
    assert kinds("pesanan 88213, nombor saya 0123456789") == ["PHONE"]
    assert kinds("Order 4111111111111112, card 4111 1111 1111 1111") == ["CARD"]
    assert kinds("IC saya 900101 14 567") == ["ID"]  # a digit is missing


def test_masked_numbers_and_public_lines_stay():
    assert kinds("IC 840312-02-****, 012-xxx 4455, hubungi 1300 88 2525 atau 920001234") == []


def test_opening_hours_stay():
    assert kinds("Layanan telepon 08.00–22.00, Sabtu 10:00 - 14.30, telepon 0812.3456.7890") == ["PHONE"]


def test_value_is_not_shown():
    assert "0123456789" not in repr(find_identifiers("0123456789"))


@given(st.text(max_size=200), st.text(max_size=50))
def test_any_text(text, before):
    found = find_identifiers(text, before)
    places = [place for one in found for place in (one.start, one.end)]

    assert places == sorted(places)
    assert all(0 <= one.start < one.end <= len(text) for one in found)


@given(WORDS, WORDS, st.sampled_from([(t, s) for _, t, spans in planted() for s in spans if s[2] == "EMAIL" or t[s[0]] in "0٠+"]))  # fmt: skip
@settings(max_examples=200)
def test_strong_forms_are_found_among_any_words(before, after, case):
    text, (start, end, kind) = case
    said = text[start:end]
    whole = f"{before} ; {said} ; {after}"

    assert covers(find_identifiers(whole), len(before) + 3, len(before) + 3 + len(said)), kind


@given(st.sampled_from([text for _, text, _ in planted()]), st.data())
def test_places_of_the_redacted_text(text, data):
    numbering = {}
    short = redact(text, numbering)
    replaced = [
        {"start": one.start, "end": one.end, "tag": f"[{one.kind}_{numbering[one.kind, one.value]}]"}
        for one in find_identifiers(text)
    ]
    outside = [i for i in range(len(text)) if not any(r["start"] <= i < r["end"] for r in replaced)]
    place = data.draw(st.sampled_from(outside or [len(text)]))

    assert not find_identifiers(short)
    assert moved(len(text), replaced) == len(short)
    assert short[moved(place, replaced) :][:1] == text[place:][:1]
    assert all(short.startswith(r["tag"], moved(r["start"], replaced)) for r in replaced)


@pytest.mark.parametrize(
    "text", ["1" * 9000, "satu " * 3000, "a." * 5000 + "@", "12.345." * 900, "sa03 " * 1500, "phone 12-" * 1200],
    ids=["digits", "words", "dots", "amounts", "ibans", "hyphens"],
)  # fmt: skip
def test_long_nonsense_takes_no_time(text):
    find_identifiers(text)


def record(text: str, call: str | None, **more) -> dict:
    return {"id": 1, "conversation_id": call, "turn": 1, "speaker": "agent", "role": "agent", "lang": "ms", "text": text,
            "labels": [], "scores": {}, "mixed": False, "source": "x:1", **more}  # fmt: skip


def test_tags_are_those_of_a_conversation_and_reach_the_fields():
    rows = [
        record("hp 0123456789", "A", isi="hp 0123456789", crm={"phone": 60123456789, "order_id": 1234567890}),
        record("Nombor lama?", "A", speaker="+60 13-222 3344"),
        record(
            "0132223344, bukan 012 345 6789", "A", input={"context": [["agent", "call 0123456789"]]}, at="1718000005"
        ),
        record("0132223344", "B"),
        record("ok", "0123456789"),
    ]
    counts = redact_records(rows)
    first, second, third, other, _ = rows

    assert first["text"] == first["isi"] == "hp [PHONE_1]"
    assert first["crm"] == {"phone": "[PHONE_1]", "order_id": 1234567890}
    assert second["speaker"] == "[PHONE_2]"
    assert third["text"] == "[PHONE_2], bukan [PHONE_1]"
    assert third["input"] == {"context": [["agent", "call [PHONE_1]"]]}
    assert third["at"] == "1718000005"
    assert third["redacted"][0] == {"start": 0, "end": 10, "tag": "[PHONE_2]"}
    assert other["text"] == "[PHONE_1]"
    assert counts == {"PHONE": 4, LEFT: 1}


def test_labels_are_those_of_the_original_and_a_resume_knows_the_flag(tmp_path, tiny):
    source = tmp_path / "calls.jsonl"
    rows = [
        {"text": "minta maaf atas kelewatan, hp 0123456789", "call_id": "c"},
        {"text": "terima kasih", "call_id": "c"},
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    plain, redacted = tmp_path / "plain.jsonl", tmp_path / "redacted.jsonl"
    label_files(tiny, [source], plain)
    account = label_files(tiny, [source], redacted, redact=True)
    a, b = ([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] for path in (plain, redacted))

    assert account.redacted == {"PHONE": 1}
    assert [row["scores"] for row in a] == [row["scores"] for row in b]
    assert b[0]["text"] == "minta maaf atas kelewatan, hp [PHONE_1]"
    assert "0123456789" not in redacted.read_text(encoding="utf-8")


def test_a_job_that_was_killed_is_not_gone_on_from_without_the_flag(tmp_path, tiny):
    sources = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for source in sources:
        source.write_text('{"text": "hp 0123456789"}\n', encoding="utf-8")
    out = tmp_path / "out.jsonl"

    def kill(account, path):
        if path == sources[1]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        label_files(tiny, sources, out, on_block=kill)
    assert "0123456789" in partial_path(out).read_text(encoding="utf-8")
    label_files(tiny, sources, out, redact=True)

    assert [json.loads(line)["text"] for line in out.read_text(encoding="utf-8").splitlines()] == ["hp [PHONE_1]"] * 2


def test_the_command(tmp_path):
    out = tmp_path / "out.csv"
    done = santun(
        "label", "-", "--format-in", "text", "--redact", "-o", out, stdin=b"Agent: telefon?\nCustomer: 0123456789\n"
    )

    assert done.returncode == 0, done.stderr
    assert "redacted: PHONE 1" in done.stderr
    assert "0123456789" not in out.read_text(encoding="utf-8")
    assert "[PHONE_1]" in santun("label", "--text", "hp 0123456789", "--redact", "--lang", "ms").stdout


def test_identifier_is_plain():
    assert find_identifiers("x 0123456789") == [Identifier(2, 12, "PHONE", "123456789")]
