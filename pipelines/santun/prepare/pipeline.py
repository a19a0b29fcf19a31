"""The spaCy pipelines, and the fast way through the same tokenizer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

import spacy
from santun_corpora import LANGUAGES
from spacy.language import Language
from spacy.tokens import Doc, Span

from santun.prepare import components, tokenizer  # noqa: F401 (registers factories in a plain checkout too)
from santun.prepare.components import LONG, sentence_starts
from santun.prepare.tokenizer import ChunkTokenizer

_CACHE_SIZE = 200_000
_OPENING_DASH = re.compile(r"((?:^|\n) ?-+)\n")  # ends no sentence, since none is open
LONGEST = 20_000  # characters of one utterance that are looked at


@cache
def pipeline(lang: str) -> Language:
    """Give the spaCy pipeline of a language: tokenizer, ``santun_sentences``, ``santun_clauses``.

    Raises
    ------
    ValueError
        If the language is not one of ms, id, ar, en.

    Examples
    --------
    >>> doc = pipeline("ms")("Maaf sgt puan. Boleh tunggu?")
    >>> [sentence.text for sentence in doc.sents]
    ['Maaf sgt puan.', 'Boleh tunggu?']
    >>> doc[1].text, doc[1].norm_
    ('sgt', 'sangat')
    """
    if lang not in LANGUAGES:
        raise ValueError(f"unknown language {lang!r}: give one of {', '.join(LANGUAGES)}")
    nlp = spacy.blank(lang, config={"nlp": {"tokenizer": {"@tokenizers": "santun.tokenizer.v1"}}})
    nlp.add_pipe("santun_sentences")
    nlp.add_pipe("santun_clauses")
    return nlp


def prepared_text(doc: Doc) -> str:
    """Write a doc as a classifier reads it: norms between blanks, a line a sentence."""
    return "\n".join(" ".join(token.norm_ for token in sentence) for sentence in doc.sents)


def raw_span(span: Span) -> tuple[int, int]:
    """Start and end of a span in the raw text of its doc, in characters."""
    offsets = span.doc.user_data["santun.offsets"]
    return offsets[span.start][0], offsets[span.end - 1][1]


class _Pieces(dict[str, str]):
    """Prepared strings of one language's chunks, written when first asked for."""

    def __init__(self, lang: str) -> None:
        super().__init__()
        self.tokenizer: ChunkTokenizer = pipeline(lang).tokenizer  # type: ignore[assignment]

    def __missing__(self, raw: str) -> str:
        """Write a chunk: its norms, with a line break where a sentence ends."""
        text = self.tokenizer.plain(raw)
        if text is None:
            text = " ".join([token.norm + "\n" * token.ends for token in self.tokenizer.analyse(raw)])
        if len(self) >= _CACHE_SIZE:
            self.clear()
        self[raw] = raw if text == raw else text  # one string for two: these are most of a long job's memory
        return text


class _Writer:
    """Prepared strings of one language, from cached chunks."""

    def __init__(self, lang: str) -> None:
        self.pieces = _Pieces(lang)

    def __call__(self, text: str) -> str:
        text = text[:LONGEST]
        if "\n" in text or "\r" in text:
            lines = text.replace("\r", "\n").split("\n")
            return "\n".join(filter(None, [self.line(line) for line in lines]))
        return self.line(text)

    def line(self, text: str) -> str:
        """Write a text without line breaks."""
        joined = " ".join(map(self.pieces.__getitem__, text.split()))
        if "-\n" in joined:
            joined = _OPENING_DASH.sub(r"\1", joined)
        if joined.count(" ") >= LONG:
            joined = "\n".join([cut for sentence in joined.split("\n") for cut in self.cut(sentence)])
        if "  " in joined or joined[:1] == " ":  # a chunk without a token, say of an invisible character
            return "\n".join(filter(None, [" ".join(sentence.split()) for sentence in joined.split("\n")]))
        return joined.replace("\n ", "\n").strip() if "\n" in joined else joined.rstrip(" ")

    def cut(self, sentence: str) -> list[str]:
        """Cut a long run of speech where clauses open."""
        if sentence.count(" ") < LONG:
            return [sentence]
        # a norm may be of two words ("tq"): cut by tokens of the prepared text all the same
        tokens = sentence.split()
        starts = sentence_starts(tokens, [False] * len(tokens), self.pieces.tokenizer.data.markers)
        return [" ".join(tokens[i:j]) for i, j in zip(starts, [*starts[1:], len(tokens)], strict=True)]


_writer = cache(_Writer)


def prepare(texts: Iterable[str], langs: Sequence[str]) -> list[str]:
    r"""Prepare utterances for the classifiers.

    Parameters
    ----------
    texts : iterable of str
    langs : sequence of str
        The language of each, one of ms, id, ar, en.

    Returns
    -------
    list of str
        Tokens in normalised spelling between single blanks, one line a sentence. A text depends on nothing but
        itself and its language. Past its first 20,000 characters a text is not looked at.

    Examples
    --------
    >>> prepare(["TQ puan!! Apa khabar?"], ["ms"])
    ['terima kasih ‹title› !\napa khabar ?']
    """
    writers = {lang: _writer(lang) for lang in set(langs)}
    return [writers[lang](text) for text, lang in zip(texts, langs, strict=True)]
