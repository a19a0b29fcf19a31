"""Exports of phone, chat and speech-to-text systems: which file is whose, and how it is read.

Each system is a module with two functions. ``accepts`` looks at the beginning of a file (text systems) or at the parsed
document (JSON systems) and says whether it is the system's; ``read_…`` yields an `Utterance` for every unit of the file, in
its order: what is no talk (a system's message, a picture, an internal note) as an utterance with ``skip`` set to the
reason, what is broken as a `Problem`. Nothing is dropped without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from santun_corpora.decode import Encoding
from santun_corpora.schema import InputError, Problem, Utterance

Item = Utterance | Problem


class TextSystem(NamedTuple):
    """A system whose files are text.

    Attributes
    ----------
    accepts : callable
        Told the first 4,096 bytes, decoded, and the file's path.
    read : callable
        Told path and encoding.
    title : str
        What a user calls such a file.
    detail : callable or None
        Told path and encoding; says what was decided for this file that could have been decided otherwise.
    """

    accepts: Callable[[str, Path], bool]
    read: Callable[[Path, Encoding], Iterator[Item]]
    title: str
    detail: Callable[[Path, Encoding], str | None] | None = None


class JsonSystem(NamedTuple):
    """A system whose files are one JSON document.

    Attributes
    ----------
    accepts : callable
        Told the parsed document.
    read : callable
        Told path and parsed document.
    title : str
        What a user calls such a file.
    """

    accepts: Callable[[Any], bool]
    read: Callable[[Path, Any], Iterator[Item]]
    title: str


def text_systems() -> dict[str, TextSystem]:
    """Text systems by name, in the order in which they are asked."""
    from santun_corpora.systems import rttm, subtitles, whatsapp, whisper_table

    return {
        "webvtt": TextSystem(subtitles.accepts_webvtt, subtitles.read_webvtt, "WebVTT subtitles"),
        "srt": TextSystem(subtitles.accepts_srt, subtitles.read_srt, "SRT subtitles"),
        "rttm": TextSystem(rttm.accepts, rttm.read_rttm, rttm.TITLE, rttm.detail),
        "whatsapp": TextSystem(whatsapp.accepts, whatsapp.read_whatsapp, whatsapp.TITLE, whatsapp.detail),
        "whisper-table": TextSystem(whisper_table.accepts, whisper_table.read, whisper_table.TITLE),
        "audacity": TextSystem(whisper_table.accepts_labels, whisper_table.read_labels, whisper_table.LABELS_TITLE),
    }


def json_systems() -> dict[str, JsonSystem]:
    """JSON systems by name, in the order in which they are asked."""
    from santun_corpora.systems import (
        assemblyai,
        aws,
        azure,
        deepgram,
        genesys,
        google,
        intercom,
        telegram,
        twilio,
        vcon,
        whisper,
        zendesk,
    )

    return {
        "telegram": JsonSystem(telegram.accepts, telegram.read_telegram, telegram.TITLE),
        "aws-contact-lens": JsonSystem(aws.accepts_contact_lens, aws.read_contact_lens, "Amazon Connect Contact Lens"),
        "aws-call-analytics": JsonSystem(
            aws.accepts_call_analytics, aws.read_call_analytics, "Amazon Transcribe Call Analytics"
        ),
        "aws-transcribe": JsonSystem(aws.accepts_transcribe, aws.read_transcribe, "Amazon Transcribe"),
        "google-insights": JsonSystem(google.accepts_insights, google.read_insights, "Google Conversational Insights"),
        "google-ccai-chat": JsonSystem(google.accepts_ccai_chat, google.read_ccai_chat, "Google CCAI Platform chat"),
        "google-speech": JsonSystem(google.accepts_speech, google.read_speech, "Google Speech-to-Text"),
        "azure-batch": JsonSystem(azure.accepts_batch, azure.read_batch, "Azure batch transcription"),
        "azure-fast": JsonSystem(azure.accepts_fast, azure.read_fast, "Azure fast transcription"),
        "azure-realtime": JsonSystem(azure.accepts_real_time, azure.read_real_time, "Azure real-time recognition"),
        "azure-language": JsonSystem(azure.accepts_language, azure.read_language, "Azure Language conversations"),
        "deepgram": JsonSystem(deepgram.accepts, deepgram.read, "Deepgram"),
        "assemblyai": JsonSystem(assemblyai.accepts, assemblyai.read, "AssemblyAI"),
        "genesys": JsonSystem(genesys.accepts, genesys.read, "Genesys Cloud"),
        "vcon": JsonSystem(vcon.accepts, vcon.read, "vCon"),
        "zendesk-chat": JsonSystem(zendesk.accepts_chat, zendesk.read_chat, "Zendesk chat"),
        "zendesk-ticket": JsonSystem(zendesk.accepts_ticket, zendesk.read_ticket, "Zendesk ticket comments"),
        "intercom": JsonSystem(intercom.accepts, intercom.read, "Intercom conversation"),
        "twilio-sentences": JsonSystem(
            twilio.accepts_sentences, twilio.read_sentences, "Twilio Conversational Intelligence"
        ),
        "twilio-messages": JsonSystem(twilio.accepts_messages, twilio.read_messages, "Twilio Conversations"),
        "whispercpp": JsonSystem(whisper.accepts_cpp, whisper.read_cpp, "whisper.cpp"),
        "whisper": JsonSystem(whisper.accepts, whisper.read, "Whisper"),
    }


def system_of(document: Any) -> str | None:
    """Name of the JSON system whose export a document is, or each of a list of documents; None where it is none's."""
    for name, system in json_systems().items():
        if system.accepts(document):
            return name
    if not isinstance(document, list) or not document or not isinstance(document[0], dict):
        return None
    for name, system in json_systems().items():
        if all(system.accepts(part) for part in document):
            return name
    return None


def read_document(name: str, path: Path, document: Any) -> Iterator[Item]:
    """Read a document, or each of a list of documents, with the reader of a JSON system.

    Raises
    ------
    InputError
        If it is no document of this system, or one that says that its job failed.
    """
    system = json_systems()[name]
    if system.accepts(document):
        yield from system.read(path, document)
        return
    if not isinstance(document, list) or not any(system.accepts(part) for part in document):
        raise InputError(f"{path.name}: not a file of {system.title}; leave --format-in away to have it found out")
    for index, part in enumerate(document):
        yield from one_of_many(name, path, part, f"/{index}", f"{path.stem}-{index}")


def one_of_many(name: str, path: Path, document: Any, at: str, conversation: str) -> Iterator[Item]:
    """Read one document of a file that holds several; `at` is its place, `conversation` its name if it has none."""
    system = json_systems()[name]
    if not system.accepts(document):
        yield Problem(f"{path.name}:{at.rstrip(':')}", f"not of {system.title}, unlike what stands before it")
        return
    try:
        for item in system.read(path, document):
            place = f"{path.name}:{at}" + item.source.removeprefix(f"{path.name}:")
            if isinstance(item, Problem):
                yield Problem(place, item.what)
                continue
            item.source = place
            item.conversation_id = item.conversation_id or conversation
            yield item
    except InputError as error:
        yield Problem(f"{path.name}:{at.rstrip(':')}", str(error).removeprefix(f"{path.name}: "))
