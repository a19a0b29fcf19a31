"""A spaCy tokenizer that looks at each whitespace-free chunk by itself.

The languages' own rules stay (prefixes, suffixes, infixes, exceptions), with these faults mended:

* ms, id: the exception lists hold thousands of hyphenated words, so ``anak-anak`` is one token and ``hari-hari``
  three, and building the tokenizer takes seconds. Here a hyphen between letters never splits, listed or not, but before
  a clitic (``-nya``, ``-ku``, ``-mu``), where it always does.
* ar: a full stop after a diacritic or between words without a blank was not split, and ``تعاونك.تم`` was taken for a
  URL. Marks between Arabic letters always split here; only ``http``, ``www.``, ``@`` and mail addresses stay whole.
* all: emoji modifiers were tokens of their own; they are normalised away.
* ar: spaCy's norm of the pronoun أنا is أنبأنا; norms are our own here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from spacy.language import Language
from spacy.tokenizer import Tokenizer  # type: ignore[import-not-found]
from spacy.tokens import Doc
from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex, registry
from spacy.vocab import Vocab

from santun.prepare.languages import LanguageData, language_data
from santun.prepare.normalise import is_normal, normalise, spelling

_WHOLE = re.compile(r"(?:https?://|www\.)\S+|[\w.+-]{1,64}@[\w-]{1,63}\.[\w.]{1,63}|[@#]\w+", re.IGNORECASE)
_NAME = re.compile(r"[@#]\w+", re.ASCII)
_TRAILING = ".,;:!?؟،؛)]}'\""
_LETTERS_HYPHEN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+")
_REDUPLICATED = re.compile(r"([^\W\d_]{2,})-\1")
_TWICE = re.compile(r"([^\W\d_]{3,})2")
_MARKS = frozenset("!?.؟،,")
_CLOSING_MARKS = frozenset(",.!?;:؟،؛")
_MARK_NORMS = {mark: spelling(mark) for mark in _CLOSING_MARKS}
_ENDS = frozenset(".!?؟۔…。")
_CLOSERS = frozenset("\"')]}»”’*")
_CACHE_SIZE = 100_000


class ChunkToken(NamedTuple):
    """One token of a chunk.

    Attributes
    ----------
    text : str
        As normalised.
    norm : str
        The form features are made of; may be of several words (``tq`` is ``terima kasih``).
    start, end : int
        Place in the raw chunk.
    ends : bool
        Whether a sentence ends with it.
    """

    text: str
    norm: str
    start: int
    end: int
    ends: bool


class ChunkTokenizer:
    """spaCy tokenizer over chunks, registered as ``santun.tokenizer.v1``.

    Parameters
    ----------
    vocab : spacy.vocab.Vocab
    lang : str
        ``ms``, ``id``, ``ar`` or ``en``.
    defaults : spacy.language.BaseDefaults
        The rules of spaCy's language class.

    Notes
    -----
    The Doc holds the normalised text. ``doc.user_data["santun.raw"]`` is the raw text and
    ``doc.user_data["santun.offsets"]`` a list of (start, end) of each token in it.
    """

    def __init__(self, vocab: Vocab, lang: str, defaults: Any) -> None:
        self.vocab = vocab
        self.lang = lang
        self.data: LanguageData = language_data(lang)
        rules = {
            form: tokens
            for form, tokens in defaults.tokenizer_exceptions.items()
            if not any(map(str.isspace, form)) and not _LETTERS_HYPHEN.fullmatch(form)
        }
        infixes = list(defaults.infixes)
        if lang in ("ms", "id"):
            infixes = [pattern for pattern in infixes if not _splits_hyphen(pattern)]
        infixes += [r"(?<=[\u0621-\u06ff])[.،؛؟!?,:](?=[\u0621-\u06ff])", r"(?<=[a-z])[?!](?=[^\W\d_])"]
        self._inner = Tokenizer(
            Vocab(),  # only places of tokens are asked of it, so lexemes without attributes do
            rules=rules,
            # spaCy searches with an unanchored pattern in id and ms, thirty times slower for the same answer
            prefix_search=re.compile(compile_prefix_regex(defaults.prefixes).pattern).match,
            suffix_search=compile_suffix_regex(list(defaults.suffixes)).search,
            infix_finditer=compile_infix_regex(infixes).finditer,
        )
        self._rules = frozenset(rules)
        self._chunks: dict[str, tuple[ChunkToken, ...]] = {}

    def chunk(self, raw: str) -> tuple[ChunkToken, ...]:
        """Tokenise a chunk as `analyse` does, once."""
        found = self._chunks.get(raw)
        if found is None:
            if len(self._chunks) >= _CACHE_SIZE:
                self._chunks.clear()
            found = self._chunks[raw] = self.analyse(raw)
        return found

    def plain(self, raw: str) -> str | None:
        """Norms of a chunk of letters with or without one mark behind, or of a user's name or tag; None for any other chunk.

        A short way to what `chunk` gives: most chunks are such, and need none of spaCy's rules.
        """
        if self._is_word(raw):
            word, mark = raw, ""
        elif self._is_word_and_mark(raw):
            word, mark = raw[:-1], raw[-1]
        else:
            return self._norm(raw) if _NAME.fullmatch(raw) else None
        if not word.isascii() and not is_normal(word):
            return None
        if not mark:
            return self._norm(word)
        if mark == "." and word.lower() in self.data.abbreviations:
            return None
        return f"{self._norm(word)} {_MARK_NORMS[mark]}" + "\n" * (mark in _ENDS)

    def analyse(self, raw: str) -> tuple[ChunkToken, ...]:
        """Tokenise a chunk that holds no white space, and keep nothing of it."""
        text, offsets = normalise(raw)
        spans: list[tuple[int, int]] = []
        for start, end in self._split(text):
            if spans and text[start] in _MARKS and text[start - 1 : end] == text[start] * (end - start + 1):
                spans[-1] = (spans[-1][0], end)  # a run of one mark is one token
            elif text[start:end].strip():
                spans.append((start, end))
        words = [text[start:end] for start, end in spans]
        tokens = []
        for index, (start, end) in enumerate(spans):
            if offsets is not None:
                end = offsets[end] if end < len(offsets) else len(raw)
                start = offsets[start]
            tokens.append(ChunkToken(words[index], self._norm(words[index]), start, end, self._ends(words, index)))
        return tuple(tokens)

    def _ends(self, words: list[str], index: int) -> bool:
        """Whether a sentence ends at a word of a chunk: at its mark, the quote or bracket that closes it, or a dash alone."""
        if index + 1 == len(words) and _is_dash(words):
            return True
        mark = index
        while mark > 0 and words[mark] in _CLOSERS:
            mark -= 1
        if words[mark][-1] not in _ENDS:
            return False
        following = words[index + 1] if index + 1 < len(words) else None
        if following is not None and (following in _CLOSERS or not following[0].isalpha()):
            return False
        before = "".join(words[:mark] if words[mark] == "." else words[: mark + 1]).rstrip(".").lower()
        return not (words[mark][-1] == "." and before in self.data.abbreviations)

    def _split(self, text: str) -> Iterator[tuple[int, int]]:
        """Spans of the tokens of a normalised chunk."""
        whole = _WHOLE.match(text)
        if whole:
            end = len(text[: whole.end()].rstrip(_TRAILING)) or whole.end()
            yield 0, end
            for start, stop in self._split(text[end:]) if end < len(text) else ():
                yield end + start, end + stop
        elif self._is_word(text):
            yield 0, len(text)
        elif self._is_word_and_mark(text):
            yield 0, len(text) - 1
            yield len(text) - 1, len(text)
        else:
            for token in self._inner(text):
                yield token.idx, token.idx + len(token)

    def _is_word(self, text: str) -> bool:
        """Whether a chunk is left whole: more than three letters, or fewer that no prefix, say a currency, begins."""
        return text.isalpha() and text not in self._rules and (len(text) > 3 or not self._inner.prefix_search(text))

    def _is_word_and_mark(self, text: str) -> bool:
        """Whether a chunk is such a word and one mark behind, which are parted."""
        word = text[:-1]
        if text[-1:] not in _CLOSING_MARKS or not self._is_word(word) or text in self._rules:
            return False
        if text[-1] == "." and word[-1].isupper():
            return False
        if len(word) > 3:
            return True
        mark = self._inner.suffix_search(text)
        return mark is not None and mark.start() == len(word)

    def _norm(self, word: str) -> str:
        if not word.isalpha() and _WHOLE.fullmatch(word):
            return {"@": "‹user›", "#": "‹tag›"}.get(word[0], "‹link›")
        form = spelling(word)
        form = self.data.forms.get(form, form)
        if form.isalpha():
            return form
        twice = _REDUPLICATED.fullmatch(form) or (_TWICE.fullmatch(form) if self.lang in ("ms", "id") else None)
        return self.data.forms.get(twice[1], twice[1]) if twice else form

    def __call__(self, text: str) -> Doc:
        """Tokenise a raw text into a Doc over the normalised text."""
        words: list[str] = []
        spaces: list[bool] = []
        norms: list[str] = []
        offsets: list[tuple[int, int]] = []
        ends: list[bool] = []
        for match in re.finditer(r"(\S+)(\s*)", text):
            tokens = self.chunk(match[1])
            opens = not ends or ends[-1]  # a dash that opens a sentence, as of an item of a list, ends none
            for token in tokens:
                words.append(token.text)
                norms.append(token.norm)
                offsets.append((match.start() + token.start, match.start() + token.end))
                ends.append(token.ends)
                spaces.append(False)
            if tokens:
                if opens and _is_dash([token.text for token in tokens]):
                    ends[-1] = False
                spaces[-1] = True
                # a line break ends a sentence as a full stop does
                ends[-1] = ends[-1] or not {"\n", "\r"}.isdisjoint(match[2])
        doc = Doc(self.vocab, words=words, spaces=spaces)
        for made, norm in zip(doc, norms, strict=True):
            made.norm_ = norm
        doc.user_data["santun.raw"] = text
        doc.user_data["santun.offsets"] = offsets
        doc.user_data["santun.ends"] = ends
        return doc

    def pipe(self, texts: Iterable[str], **_: Any) -> Iterator[Doc]:
        """Tokenise a stream of texts."""
        yield from map(self, texts)

    # spaCy stores a pipeline as its config and its components' data; this tokenizer is all config
    def to_bytes(self, **_: Any) -> bytes:
        """Nothing to store: the rules come with the package."""
        return b""

    def from_bytes(self, _data: bytes, **_: Any) -> ChunkTokenizer:
        """See `to_bytes`."""
        return self

    def to_disk(self, _path: str | Path, **_: Any) -> None:
        """See `to_bytes`."""

    def from_disk(self, _path: str | Path, **_: Any) -> ChunkTokenizer:
        """See `to_bytes`."""
        return self


def _is_dash(words: list[str]) -> bool:
    """Whether a chunk of these words is a dash, of any length."""
    return not "".join(words).strip("-")


def _splits_hyphen(pattern: str) -> bool:
    return bool(re.search(f"(?:{pattern})", "anak-kami")) if "-" in pattern else False


@registry.tokenizers("santun.tokenizer.v1")  # type: ignore[untyped-decorator]
def create_tokenizer() -> Callable[[Language], ChunkTokenizer]:
    """Give the factory of `ChunkTokenizer` for a spaCy config."""

    def make(nlp: Language) -> ChunkTokenizer:
        return ChunkTokenizer(nlp.vocab, nlp.lang or "en", nlp.Defaults)

    return make
