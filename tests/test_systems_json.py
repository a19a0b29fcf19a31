"""JSON exports of phone, chat and speech systems: every unit is an utterance, skipped with its reason, or a problem."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from santun_corpora import InputError, Problem, Utterance, describe, find_files, open_source, read
from santun_corpora.systems import json_systems, read_document, system_of

MADE = Path(__file__).parent / "data" / "formats"


def items_of(tmp_path, document, name="call.json"):
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return list(read(open_source(path)))


def told(items):
    """Role or speaker, text, start and reason of every utterance; the words of a problem."""
    return [
        str(i) if isinstance(i, Problem) else (i.role if i.role != "unknown" else i.speaker, i.text, i.start, i.skip)
        for i in items
    ]


# ------------------------------------------------------------------------------------------ one shape of each

WORDS = [
    {"word": "halo", "start": 0.5, "end": 0.9, "speaker": 0, "punctuated_word": "Halo,"},
    {"word": "kak", "start": 1.0, "end": 1.2, "speaker": 0, "punctuated_word": "kak."},
    {"word": "ya", "start": 1.5, "end": 1.7, "speaker": 1, "punctuated_word": "Ya."},
]


def _google_words(*pairs):
    return [
        {"word": w, "startTime": f"{at}.500s", "endTime": f"{at + 1}s", **({"speakerTag": tag} if tag else {})}
        for at, (w, tag) in enumerate(pairs)
    ]


def _item(content, start=None, **more):
    timed = {"start_time": start, "end_time": str(float(start) + 0.5)} if start else {}
    kind = "pronunciation" if start else "punctuation"
    return {"type": kind, "alternatives": [{"confidence": "1.0", "content": content}], **timed, **more}


SAMPLES = {
    "aws-contact-lens": (
        {
            "Channel": "VOICE",
            "JobStatus": "COMPLETED",
            "LanguageCode": "ms-MY",
            "CustomerMetadata": {"ContactId": "c-1"},
            "Participants": [{"ParticipantId": "g-1", "ParticipantRole": "AGENT"}],
            "Transcript": [
                {"Id": "1", "ParticipantId": "g-1", "Content": "Selamat pagi", "BeginOffsetMillis": 40, "EndOffsetMillis": 900},
                {"Id": "2", "ParticipantId": "CUSTOMER", "Content": "[PII] sini", "BeginOffsetMillis": 1000},
            ],
        },
        [("agent", "Selamat pagi", 0.04, None), ("customer", "[PII] sini", 1.0, None)],
    ),
    "aws-call-analytics": (
        [
            {"UtteranceEvent": {"IsPartial": True, "ParticipantRole": "AGENT", "Transcript": "Hel", "BeginOffsetMillis": 0}},
            {"UtteranceEvent": {"IsPartial": False, "ParticipantRole": "AGENT", "Transcript": "Hello", "BeginOffsetMillis": 0}},
        ],
        [("agent", "Hel", 0.0, "partial result"), ("agent", "Hello", 0.0, None)],
    ),
    "aws-transcribe": (
        {
            "jobName": "j",
            "status": "COMPLETED",
            "results": {
                "language_code": "id-ID",
                "transcripts": [{"transcript": "Halo kak. Ya."}],
                "items": [_item("Halo", "0.1"), _item("kak", "0.6"), _item("."), _item("Ya", "2.0"), _item(".")],
                "speaker_labels": {
                    "segments": [
                        {"speaker_label": "spk_0", "items": [{"start_time": "0.1", "speaker_label": "spk_0"}]},
                        {"speaker_label": "spk_0", "items": [{"start_time": "0.6", "speaker_label": "spk_0"}]},
                        {"speaker_label": "spk_1", "items": [{"start_time": "2.0", "speaker_label": "spk_1"}]},
                    ]
                },
            },
        },
        [("spk_0", "Halo kak.", 0.1, None), ("spk_1", "Ya.", 2.0, None)],
    ),
    "google-insights": (
        {
            "name": "projects/p/locations/l/conversations/77",
            "startTime": "2024-05-01T01:00:00Z",
            "languageCode": "ar-SA",
            "transcript": {
                "transcriptSegments": [
                    {"text": "مرحبا", "messageTime": "2024-05-01T01:00:02.5Z", "segmentParticipant": {"role": "HUMAN_AGENT"}},
                    {"text": "أهلا", "words": [{"startOffset": "4.5s", "endOffset": "5s"}], "channelTag": 2},
                ]
            },
        },
        [("agent", "مرحبا", 2.5, None), ("ch2", "أهلا", 4.5, None)],
    ),
    "google-ccai-chat": (
        {
            "comm_type": "chat",
            "comm_id": 5,
            "entries": [
                {"timestamp": 1714525200, "type": "text", "role": "end_user", "body": {"type": "text", "content": "Hai"}},
                {"timestamp": 1714525201, "type": "noti", "role": "system", "body": {"type": "noti"}},
                {"timestamp": 1714525202, "type": "photo", "role": "agent", "body": {"type": "photo", "media_id": 1}},
            ],
        },
        [("customer", "Hai", None, None), ("system", "", None, "event"), ("agent", "", None, "media")],
    ),
    "google-speech": (
        {
            "name": "1",
            "done": True,
            "response": {
                "results": [
                    {
                        "alternatives": [{"transcript": "halo kak", "words": _google_words(("halo", 0), ("kak", 0))}],
                        "languageCode": "id-id",
                    },
                    {"alternatives": [{"transcript": " ya", "words": _google_words(("ya", 0))}]},
                    {"alternatives": [{"words": _google_words(("halo", 1), ("kak", 1), ("ya", 2))}]},
                ]
            },
        },
        [
            (None, "", None, "repeats the words of the last result"),
            (None, "", None, "repeats the words of the last result"),
            ("1", "halo kak", 0.5, None),
            ("2", "ya", 2.5, None),
        ],
    ),
    "azure-batch": (
        {
            "source": "https://x.example/a.wav?sig=secret",
            "recognizedPhrases": [
                {"recognitionStatus": "Success", "channel": 1, "offset": "PT1M2.5S", "duration": "PT1S", "locale": "ms-MY", "nBest": [{"display": "Ya."}, {"display": "Yo."}]},
                {"recognitionStatus": "Success", "channel": 0, "offsetInTicks": 400000.0, "durationInTicks": 21800000.0, "nBest": [{"display": "Selamat pagi."}]},
                {"recognitionStatus": "NoMatch", "channel": 0, "offsetMilliseconds": 70000, "nBest": []},
            ],
        },
        [("ch0", "Selamat pagi.", 0.04, None), ("ch1", "Ya.", 62.5, None), ("ch0", "", 70.0, "not recognised")],
    ),
    "azure-fast": (
        {"durationMilliseconds": 1, "phrases": [{"speaker": 1, "offsetMilliseconds": 960, "text": "Hi"}, {"speaker": 2, "text": "Ok"}]},
        [("1", "Hi", 0.96, None), ("2", "Ok", None, None)],
    ),
    "azure-realtime": (
        [
            {"RecognitionStatus": "Success", "Offset": 900000, "Duration": 1, "SpeakerId": "0", "NBest": [{"Display": "Hi."}, {"Display": "High."}]},
            {"RecognitionStatus": "InitialSilenceTimeout", "Offset": 0, "Duration": 1},
        ],
        [("0", "Hi.", 0.09, None), (None, "", 0.0, "not recognised")],
    ),
    "azure-language": (
        {"conversations": [{"id": "7", "language": "en", "conversationItems": [{"id": "1", "participantId": "Agent_1", "text": "Hi"}]}]},
        [("agent", "Hi", None, None)],
    ),
    "deepgram": (
        {"results": {"channels": [{"detected_language": "id", "alternatives": [{"transcript": "Halo, kak. Ya.", "words": WORDS}]}]}},
        [("0", "Halo, kak.", 0.5, None), ("1", "Ya.", 1.5, None)],
    ),
    "assemblyai": (
        {
            "id": "x",
            "status": "completed",
            "language_code": "en_us",
            "text": "Hi there. Yes.",
            "words": [
                {"text": "Hi", "start": 250, "end": 400, "speaker": "A"},
                {"text": "there.", "start": 410, "end": 600, "speaker": "A"},
                {"text": "Yes.", "start": None, "end": 900, "speaker": "B"},
            ],
        },
        [("A", "Hi there.", 0.25, None), ("B", "Yes.", None, None)],
    ),
    "genesys": (
        {
            "conversationId": "g-1",
            "conversationStartTime": 1714525200000,
            "participants": [
                {"participantPurpose": "customer", "ani": "+60123456789", "startTimeMs": 1714525200000},
                {"participantPurpose": "ivr", "startTimeMs": 1714525200000, "endTimeMs": 1714525205000},
                {"participantPurpose": "agent", "userId": "u1", "startTimeMs": 1714525205000, "endTimeMs": 1714525210000},
                {"participantPurpose": "agent", "userId": "u2", "startTimeMs": 1714525210000, "endTimeMs": 1714525300000},
            ],
            "transcripts": [
                {
                    "language": "ar-ae",
                    "phrases": [
                        {"text": "اضغط واحد", "participantPurpose": "internal", "startTimeMs": 1714525201000, "duration": {"milliseconds": 900}},
                        {"text": "مرحبا", "participantPurpose": "internal", "startTimeMs": 1714525206500},
                        {"text": "اهلا", "decoratedText": "أهلا.", "participantPurpose": "external", "startTimeMs": 1714525208000},
                        {"text": "نعم", "participantPurpose": "internal", "startTimeMs": 1714525212000},
                    ],
                }
            ],
        },
        [("bot", "اضغط واحد", 1.0, None), ("agent", "مرحبا", 6.5, None), ("customer", "أهلا.", 8.0, None), ("agent", "نعم", 12.0, None)],
    ),
    "vcon": (
        {
            "vcon": "0.0.1",
            "uuid": "v-1",
            "created_at": "2024-05-02T00:00:00Z",
            "parties": [{"name": "Ali", "meta": {"role": "agent"}}, {"name": "Siti", "meta": {"role": "customer"}}],
            "dialog": [{"type": "recording", "start": "2024-05-01T01:00:00Z", "parties": [0, 1], "url": "https://x.example/a"}],
            "analysis": [
                {"type": "summary", "dialog": 0, "body": "about a bill", "encoding": "none"},
                {"type": "transcript", "dialog": 0, "encoding": "json", "body": [{"speaker": "Ali", "message": "Hai"}, {"speaker": "Customer", "message": "Ya"}]},
                {"type": "transcript", "dialog": 0, "encoding": "none", "body": {"text": "Hai", "segments": [{"start": 0, "end": 1, "text": "Hai"}]}},
            ],
        },
        [(None, "", 0.0, "recording"), ("agent", "Hai", None, None), ("customer", "Ya", None, None), (None, "", None, "the same talk again")],
    ),
    "zendesk-chat": (
        {
            "id": "9",
            "type": "chat",
            "visitor": {"name": "Budi"},
            "history": [
                {"type": "chat.msg", "nick": "agent:trigger", "name": "Bot", "msg": "Welcome", "timestamp": "2024-05-01T01:00:00Z"},
                {"type": "chat.msg", "nick": "visitor", "name": "Budi", "msg": "Halo", "timestamp": "2024-05-01T01:00:05Z"},
                {"type": "chat.file", "nick": "visitor", "name": "Budi"},
            ],
        },
        [("bot", "Welcome", None, None), ("customer", "Halo", None, None), ("customer", "", None, "media")],
    ),
    "zendesk-ticket": (
        {
            "ticket": {"id": 5, "requester_id": 10},
            "comments": [
                {"id": 1, "author_id": 10, "html_body": "<p>Hi &amp; bye</p>", "public": True},
                {"id": 2, "author_id": 11, "body": "look into it", "public": False},
            ],
            "next_page": "https://x.example/2",
        },
        [
            ("customer", "Hi & bye", None, None),
            ("11", "look into it", None, "internal note"),
            "call.json:/next_page: only a part of the comments; export the other pages too",
        ],
    ),
    "intercom": (
        {
            "type": "conversation",
            "id": "1",
            "source": {"body": "<p>Hi</p>", "author": {"type": "lead"}},
            "conversation_parts": {
                "total_count": 600,
                "conversation_parts": [
                    {"part_type": "close", "body": "<p>Bye</p>", "author": {"type": "admin", "name": "Ann"}},
                    {"part_type": "comment", "body": "<p>Gone</p>", "author": {"type": "user"}, "redacted": True},
                    {"part_type": "comment", "body": '<img src="x">', "author": {"type": "user"}},
                ],
            },
        },
        [
            ("customer", "Hi", None, None),
            ("agent", "Bye", None, None),
            ("customer", "", None, "deleted message"),
            ("customer", "", None, "media"),
            "call.json:/conversation_parts: 597 parts of the conversation are not in the file; export it whole",
        ],
    ),
    "twilio-sentences": (
        {
            "sentences": [
                {"media_channel": 1, "sentence_index": 0, "start_time": None, "transcript": "Hi", "sid": "GX1", "words": None},
                {"media_channel": 2, "sentence_index": 1, "start_time": "1.5", "end_time": "2", "transcript": "Ya", "sid": "GX2"},
            ],
            "meta": {"page": 0, "page_size": 50, "next_page_url": "https://x.example/2"},
        },
        [
            ("ch1", "Hi", None, None),
            ("ch2", "Ya", 1.5, None),
            "call.json:/meta/next_page_url: only the first page; export the other pages too",
        ],
    ),
    "twilio-messages": (
        {
            "messages": [
                {"index": 1, "sid": "IM2", "conversation_sid": "CH1", "author": "agent", "body": "Baik", "media": None},
                {"index": 0, "sid": "IM1", "conversation_sid": "CH1", "author": "whatsapp:+60123456789", "body": "Hai"},
                {"index": 2, "sid": "IM3", "conversation_sid": "CH1", "author": "x@y.example", "body": None, "media": [{"sid": "ME1"}]},
            ]
        },
        [("customer", "Hai", None, None), ("agent", "Baik", None, None), ("x@y.example", "", None, "media")],
    ),
    "whispercpp": (
        {
            "result": {"language": "ms"},
            "transcription": [
                {"timestamps": {"from": "00:00:01,500", "to": "00:00:02,000"}, "text": " Ya. [SPEAKER_TURN]"},
                {"offsets": {"from": 2000, "to": 9000}, "text": " [BLANK_AUDIO]"},
            ],
        },
        [(None, "Ya.", 1.5, None), (None, "[BLANK_AUDIO]", 2.0, "no speech")],
    ),
    "whisper": (
        '[[0, 0, 0.0, 2.0, " Halo", [1], -0.2, 1.1, 0.1, null], [1, 0, 2.0, 3.0, "  ", [1], NaN, 1.1, 0.1, null]]',
        [(None, "Halo", 0.0, None), (None, "", 2.0, "no text")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("system", SAMPLES)
def test_shape_is_known_and_read(tmp_path, system):
    document, wanted = SAMPLES[system]
    items = items_of(tmp_path, document)
    source = open_source(tmp_path / "call.json")

    assert source.format == system
    assert describe(source) == f"read as {json_systems()[system].title}"
    assert told(items) == wanted
    assert all(item.source.startswith("call.json:/") for item in items)
    assert len({item.source for item in items}) == len(items)


def test_every_json_system_has_a_shape():
    assert set(json_systems()) - set(SAMPLES) <= {"telegram"}


@pytest.mark.parametrize("system", SAMPLES)
def test_no_system_takes_another_s_file(system):
    document = SAMPLES[system][0]
    document = json.loads(document) if isinstance(document, str) else document

    assert [name for name, one in json_systems().items() if one.accepts(document)] == [system]


@pytest.mark.parametrize(
    "document",
    [
        {"text": "a", "speaker": "agent"},
        [{"text": "a", "start": 1, "speaker": "agent"}],
        [{"id": "1", "text": "a", "words": ["a"], "confidence": 1}],
        {"turns": [{"speaker": "agent", "text": "a"}]},
        {"messages": [{"author": "agent", "body": "a"}]},
        {"messages": [{"role": "user", "content": "a"}]},
        {"entries": [{"text": "a"}]},
        {"results": [{"text": "a"}]},
        {"comments": [{"body": "a"}]},
        {"segments": [{"name": "a"}]},
        {"history": []},
        {},
        [],
    ],
)
def test_what_is_nobody_s_is_left_to_tables(document):
    assert system_of(document) is None


# ---------------------------------------------------------------------------------------------------- traps


def test_epoch_microseconds_of_insights_count_from_the_first(tmp_path):
    entries = [
        {"text": t, "role": "AGENT", "start_timestamp_usec": 1714525200000000 + at}
        for t, at in (("a", 0), ("b", 2500000))
    ]
    first, second = items_of(tmp_path, {"entries": entries})

    assert (first.start, second.start, second.time) == (0.0, 2.5, "2024-05-01T01:00:02.500000Z")


def test_a_diarized_repeat_with_a_transcript_is_a_repeat_too(tmp_path):
    document = copy.deepcopy(SAMPLES["google-speech"][0])
    document["response"]["results"][2]["alternatives"][0]["transcript"] = "halo kak ya"

    assert [i.text for i in items_of(tmp_path, document) if not i.skip] == ["halo kak", "ya"]


def test_two_results_of_which_none_repeats_are_both_read(tmp_path):
    results = [{"alternatives": [{"transcript": t, "words": _google_words((t, 1))}]} for t in ("satu", "dua")]

    assert [i.text for i in items_of(tmp_path, {"results": results})] == ["satu", "dua"]


def test_contact_lens_in_real_time(tmp_path):
    turn = {
        "Id": "1",
        "ParticipantId": "p",
        "ParticipantRole": "AGENT",
        "Content": "Hi",
        "BeginOffsetMillis": 0,
        "EndOffsetMillis": 5,
    }
    document = {"Segments": [{"Transcript": turn}, {"Categories": {}}, {"PostContactSummary": {}}], "NextToken": "t"}

    assert told(items_of(tmp_path, document)) == [
        ("agent", "Hi", 0.0, None),
        (None, "", None, "analysis"),
        (None, "", None, "analysis"),
        "call.json:/NextToken: only a part of the call; export its other pages too",
    ]


def test_contact_lens_chat_has_events_files_and_masked_names(tmp_path):
    one = {"ParticipantRole": "CUSTOMER", "DisplayName": "[PII]", "AbsoluteTime": "2022-10-27T03:31:50.735Z"}
    document = {
        "Channel": "CHAT",
        "Transcript": [
            {"Type": "EVENT", "ContentType": "application/vnd.amazonaws.connect.event.chat.ended"},
            {**one, "Type": "MESSAGE", "ContentType": "text/markdown", "Content": "Hi"},
            {**one, "Type": "ATTACHMENT", "ContentType": "image/png"},
            {
                **one,
                "Type": "MESSAGE",
                "ContentType": "application/vnd.amazonaws.connect.message.interactive",
                "Content": "{}",
            },
        ],
    }
    items = items_of(tmp_path, document)

    assert [(i.text, i.skip) for i in items] == [
        ("", "event"),
        ("Hi", None),
        ("", "media"),
        ("", "interactive message"),
    ]
    assert (items[1].speaker, items[1].role, items[1].time) == ("CUSTOMER", "customer", "2022-10-27T03:31:50.735000Z")


def test_transcribe_without_speakers_is_one_long_text_of_one_conversation(tmp_path):
    document = {
        "jobName": "j",
        "status": "COMPLETED",
        "results": {
            "transcripts": [{"transcript": "Halo kak."}],
            "items": [_item("Halo", "0.4"), _item("kak", "1"), _item(".")],
        },
    }
    (item,) = items_of(tmp_path, document)

    assert (item.text, item.start, item.end, item.speaker, item.conversation_id, item.turn) == (
        "Halo kak.",
        0.4,
        1.5,
        None,
        "call",
        1,
    )


def test_transcribe_channels_are_merged_by_time(tmp_path):
    channels = [
        {"channel_label": "ch_0", "items": [_item("Halo", "0.1"), _item(","), _item("Baik", "3.0"), _item(".")]},
        {"channel_label": "ch_1", "items": [_item("Ya", "1.0"), _item("?")]},
    ]
    document = {"jobName": "j", "results": {"transcripts": [], "channel_labels": {"channels": channels}}}
    document["results"]["items"] = []

    assert told(items_of(tmp_path, document)) == [
        ("ch_0", "Halo,", 0.1, None),
        ("ch_1", "Ya?", 1.0, None),
        ("ch_0", "Baik.", 3.0, None),
    ]


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ({"id": "x", "status": "error", "error": "secret words", "audio_url": "https://x.example/?key=1"}, "AssemblyAI says that the transcription failed"),
        ({"id": "x", "status": "processing", "words": None}, "AssemblyAI says that the transcription is not finished"),
        ({"id": "x", "status": "completed", "text": "Deleted by user.", "words": None, "audio_url": "u"}, "deleted by its user"),
        ({"jobName": "j", "status": "FAILED"}, "Amazon says that the job is not completed"),
        ({"Channel": "VOICE", "JobStatus": "FAILED", "Transcript": []}, "Amazon says that the job is FAILED"),
        ({"name": "1", "metadata": {"@type": "type.googleapis.com/google.cloud.speech.v1.LongRunningRecognizeMetadata"}}, "Google says that the operation failed"),
        ({"ciphertext": "x", "recipients": []}, "an encrypted vCon; decrypt it first"),
    ],
)  # fmt: skip
def test_what_failed_is_reported_and_not_labelled(tmp_path, document, what):
    with pytest.raises(InputError, match=what) as error:
        items_of(tmp_path, document)

    assert "secret" not in str(error.value)
    assert "key=1" not in str(error.value)


def test_deepgram_channels_without_utterances_are_put_in_order(tmp_path):
    def channel(*texts):
        paragraphs = [{"start": at, "end": at + 1, "sentences": [{"text": t}, {"text": "Ok."}]} for at, t in texts]
        return {"alternatives": [{"transcript": "x", "words": [], "paragraphs": {"paragraphs": paragraphs}}]}

    document = {"results": {"channels": [channel((0, "Satu."), (4, "Tiga.")), channel((2, "Dua."))]}}

    assert told(items_of(tmp_path, document)) == [
        ("ch0", "Satu. Ok.", 0.0, None),
        ("ch1", "Dua. Ok.", 2.0, None),
        ("ch0", "Tiga. Ok.", 4.0, None),
    ]


def test_whisper_flags_silence_and_loops_and_keeps_them(tmp_path):
    segments = [
        {"start": i, "end": i + 1, "text": " Thanks for watching!", "no_speech_prob": 0.9 if i == 0 else 0.1}
        for i in range(4)
    ]
    segments.append({"start": 5, "end": 4, "text": " Ya", "words": [{"word": "Ya", "speaker": "SPEAKER_01"}]})
    items = items_of(tmp_path, {"segments": segments, "language": "malay"})

    assert [i.fields.get("flags") for i in items] == [["no_speech", "repeated"], *[["repeated"]] * 3, None]
    assert (items[4].speaker, items[4].end, items[4].lang) == ("SPEAKER_01", None, "ms")
    assert {i.conversation_id for i in items} == {"call"}
    assert [i.turn for i in items] == [1, 2, 3, 4, 5]


def test_vcon_bodies_are_decoded_and_recognisers_inside_are_read(tmp_path):
    deepgram = SAMPLES["deepgram"][0]
    document = {
        "vcon": "0.0.1",
        "uuid": "v",
        "parties": [{"tel": "+1"}, {"name": "Siti", "role": "customer"}],
        "dialog": [
            {"type": "text", "start": "2024-05-01T01:00:00Z", "parties": [1, 0], "encoding": "base64url", "body": base64.urlsafe_b64encode("Hé?".encode()).decode().rstrip("=")},
            {"type": "text", "start": "soon", "originator": 9, "mimetype": "text/html", "encoding": "none", "body": "<p>a<br>b</p>"},
            {"type": "text", "encoding": "base64url", "body": "!"},
            {"type": "recording", "start": "2024-05-01T01:00:10Z"},
        ],
        "analysis": [{"type": "transcript", "dialog": 3, "encoding": "json", "body": json.dumps(deepgram)}],
    }  # fmt: skip
    items = items_of(tmp_path, document)

    assert told(items) == [
        ("customer", "Hé?", 0.0, None),
        ("9", "a\nb", None, None),
        "call.json:/dialog/2/body: not base64url, as it says; export the file again",
        (None, "", 10.0, "recording"),
        ("0", "Halo, kak.", 10.5, None),
        ("1", "Ya.", 11.5, None),
    ]
    assert items[4].source == "call.json:/analysis/0/body/results/channels/0/alternatives/0/words/0"
    assert {item.conversation_id for item in items if isinstance(item, Utterance)} == {"v"}


def test_a_signed_vcon_is_opened(tmp_path):
    inner = base64.urlsafe_b64encode(json.dumps(SAMPLES["vcon"][0]).encode()).decode().rstrip("=")

    assert told(items_of(tmp_path, {"payload": inner, "signatures": []})) == SAMPLES["vcon"][1]


def test_genesys_messages_and_recordings(tmp_path):
    messages = {
        "entities": [
            {"id": "2", "direction": "outbound", "timestamp": "2024-05-01T01:00:05Z", "textBody": "Baik"},
            {"id": "1", "direction": "inbound", "timestamp": "2024-05-01T01:00:00Z", "normalizedMessage": {"type": "Text", "text": "Hai"}},
            {"id": "3", "direction": "outbound", "timestamp": "2024-05-01T01:00:09Z", "normalizedMessage": {"type": "Text", "text": "Menu", "originatingEntity": "Bot"}},
            {"id": "4", "direction": "inbound", "timestamp": "2024-05-01T01:00:10Z", "normalizedMessage": {"type": "Event"}},
        ]
    }  # fmt: skip
    assert told(items_of(tmp_path, messages)) == [
        ("customer", "Hai", None, None),
        ("agent", "Baik", None, None),
        ("bot", "Menu", None, None),
        ("customer", "", None, "event"),
    ]
    recording = [
        {
            "conversationId": "g",
            "messageTranscript": [
                {"id": "1", "purpose": "customer", "messageText": "Hai", "timestamp": "2024-05-01T01:00:00.000Z"},
                {"id": "2", "purpose": "agent", "messageText": None, "messageMediaAttachments": [{"id": "m"}]},
            ],
        }
    ]
    assert told(items_of(tmp_path, recording)) == [("customer", "Hai", None, None), ("agent", "", None, "media")]


# ------------------------------------------------------------------------------------- several in one file


def test_a_list_and_lines_of_documents_are_conversations_of_their_own(tmp_path):
    one = {"results": SAMPLES["deepgram"][0]["results"]}
    listed = items_of(tmp_path, [one, one])
    lines = items_of(tmp_path, "\n".join(map(json.dumps, (one, "?", one))) + "\n{", "calls.jsonl")

    assert [(i.conversation_id, i.turn) for i in listed] == [("call-0", 1), ("call-0", 2), ("call-1", 1), ("call-1", 2)]
    assert listed[2].source == "call.json:/1/results/channels/0/alternatives/0/words/0"
    assert open_source(tmp_path / "calls.jsonl").format == "deepgram"
    assert [str(i) for i in lines if isinstance(i, Problem)] == [
        "calls.jsonl:2: not of Deepgram, unlike what stands before it",
        "calls.jsonl:4: not JSON; write one document a line",
    ]
    assert [i.conversation_id for i in lines if isinstance(i, Utterance)] == [
        "calls-1",
        "calls-1",
        "calls-3",
        "calls-3",
    ]


def test_lines_of_results_are_one_conversation(tmp_path):
    lines = "\n".join(map(json.dumps, SAMPLES["azure-realtime"][0]))

    assert [i.text for i in items_of(tmp_path, lines, "call.ndjson")] == ["Hi.", ""]


def test_a_file_as_powershell_saves_it_is_read(tmp_path):
    path = tmp_path / "call.json"
    path.write_text(json.dumps(SAMPLES["azure-fast"][0]), encoding="utf-16")

    assert [i.text for i in read(open_source(path))] == ["Hi", "Ok"]


def test_a_format_that_is_not_the_file_s_is_refused(tmp_path):
    path = tmp_path / "call.json"
    path.write_text(json.dumps(SAMPLES["azure-fast"][0]), encoding="utf-8")
    for name in SAMPLES:
        if name != "azure-fast":
            with pytest.raises(InputError, match="not a file of "):
                list(read(open_source(path, format=name)))


def test_a_convokit_folder_is_read_with_its_roles(tmp_path):
    rows = [
        {"id": str(i), "user": who, "root": "c", "text": "hi", "reply-to": None} for i, who in enumerate(("a", "b"))
    ]
    (tmp_path / "utterances.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "speakers.json").write_text(json.dumps({"a": {"meta": {"role": "Agent"}}, "b": {"type": "customer"}}))
    for name in ("conversations.json", "corpus.json", "index.json"):
        (tmp_path / name).write_text("{}")
    (path,) = find_files([str(tmp_path)])
    items = list(read(open_source(path)))

    assert [(i.speaker, i.role, i.conversation_id) for i in items] == [("a", "agent", "c"), ("b", "customer", "c")]


def test_a_call_that_is_there_raw_and_redacted_counts_once(tmp_path, tiny):
    from santun.label import label_files

    document = SAMPLES["aws-contact-lens"][0]
    paths = []
    for name in ("c-1_analysis_2024.json", "c-1_analysis_redacted_2024.json"):
        paths.append(tmp_path / name)
        paths[-1].write_text(json.dumps(document), encoding="utf-8")
    account = label_files(tiny, paths, tmp_path / "out.jsonl")
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]

    assert (account.read, account.labelled, account.skipped) == (4, 2, 2)
    assert account.paths.conversations == 1
    assert records[2]["skipped"] == "the same call as in c-1_analysis_2024.json"
    assert records[0]["start"] == 0.04
    assert account.notes[0] == "c-1_analysis_2024.json: read as Amazon Connect Contact Lens"


# ---------------------------------------------------------------------------------------------- robustness

TEXTS = sorted({json.dumps(doc) if not isinstance(doc, str) else doc for doc, _ in SAMPLES.values()})
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["ms-MY", "1e999", "PT9S", "2024-05-01T01:00:00Z", "\ud800", "\x00", 10**30]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def spoilt(document, draw):
    """A document of which some values are replaced by any others."""
    if draw(st.integers(0, 11)) == 0:
        return draw(values)
    if isinstance(document, dict):
        return {name: spoilt(value, draw) for name, value in document.items()}
    if isinstance(document, list):
        return [spoilt(value, draw) for value in document]
    return document


ODD = [
    None,
    True,
    -1,
    1.5,
    float("nan"),
    10**30,
    "",
    "x",
    "9" * 50,
    [],
    [1],
    [[]],
    {},
    {"a": 1},
    [{}],
    [None],
    "\ud800",
]


def places(document, path=()):
    """Path of every value of a document."""
    yield path
    inside = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in inside:
        yield from places(value, (*path, key))


@pytest.mark.parametrize("system", SAMPLES)
def test_any_value_may_be_any_other(system):
    document = SAMPLES[system][0]
    document = json.loads(document) if isinstance(document, str) else document
    for *above, key in (path for path in places(document) if path):
        for value in ODD:
            spoilt = copy.deepcopy(document)
            holder = spoilt
            for step in above:
                holder = holder[step]
            holder[key] = value
            try:
                items = list(read_document(system_of(spoilt) or system, Path("any.json"), spoilt))
            except InputError:
                continue
            for item in items:
                told_by = () if isinstance(item, Problem) else (item.text, item.speaker, item.id, item.conversation_id)
                json.dumps([item.source, *told_by], ensure_ascii=False).encode("utf-8")
                if isinstance(item, Utterance):
                    json.dumps([item.start, item.end, item.time, item.fields], allow_nan=False)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_value_is_a_fault_of_ours(tmp_path, data):
    document = spoilt(json.loads(data.draw(st.sampled_from(TEXTS))), data.draw)
    name = data.draw(st.sampled_from([None, *SAMPLES]))
    path = tmp_path / "any.json"
    path.write_bytes(json.dumps(document).encode("utf-8", "surrogatepass"))
    try:
        items = list(read(open_source(path, format=name)))
    except InputError as error:
        assert "\n" not in str(error)
        return
    for item in items:
        assert item.source.startswith("any.json:")
        if isinstance(item, Utterance):
            item.text.encode("utf-8")
            json.dumps([item.start, item.end, item.time, item.fields], allow_nan=False)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(TEXTS), st.floats(0, 1, exclude_max=True))
def test_a_cut_file_is_refused_and_never_half_read(tmp_path, text, share):
    path = tmp_path / "cut.json"
    path.write_text(text[: int(len(text) * share)], encoding="utf-8")
    with pytest.raises(InputError) as error:
        list(read(open_source(path)))

    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["x" * 1_000_000, "\u202e<script>=1+1\x00\ud83d", "\n\r\u2028 a \x85 "])
def test_hostile_texts_come_through(tmp_path, text):
    document = {"results": {"channels": [], "utterances": [{"transcript": text, "start": 1}]}}
    (item,) = items_of(tmp_path, document)

    assert item.text == text.strip().replace("\x00", "\ufffd").replace("\ud83d", "\ufffd")


def test_depth_is_refused(tmp_path):
    with pytest.raises(InputError):
        items_of(tmp_path, '{"results": {"channels": ' + "[" * 100_000)


# ---------------------------------------------------------------------------------------------- real files


def test_real_samples(shared):
    folder = shared / "formats" / "real"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    systems = {name: wanted for name, wanted in expected.items() if not name.startswith("tables/")}
    assert systems
    for name, wanted in systems.items():
        if wanted["n"] is None:  # blocks of documentation that are not JSON
            with pytest.raises(InputError, match="not JSON"):
                list(read(open_source(folder / name)))
            continue
        items = list(read(open_source(folder / name)))
        rows = [item for item in items if isinstance(item, Utterance) and not (item.skip and not item.text)]

        assert len(rows) == wanted["n"], name
        assert len(items) == wanted.get("total_items", wanted["n"]), name
        for row, (speaker, text) in ((rows[0], wanted["first"]), (rows[-1], wanted["last"])):
            assert row.text == text, name
            if speaker is not None and not str(speaker).startswith("ch0"):
                assert str(speaker).lower() in (row.role, row.speaker), name
