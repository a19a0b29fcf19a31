"""Language of a short utterance among Malay, Indonesian, Arabic and English: a small linear model of its own.

Words are the evidence: every word has a score for each language from its own hashed form and its character n-grams;
a text's score is their sum. So the evidence of a conversation is the sum of its utterances', which is what settles
Malay against Indonesian, and the words of another language inside an utterance can be counted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from santun_models.ngrams import (
    Ints,
    NgramHasher,
    Sentences,
    TokenCache,
    n_buckets,
    offsets_of,
    split_sentences,
    token_hashes,
    word_buckets,
)

Scores = npt.NDArray[np.float64]
_WORD = re.compile(r"(?:[^\W\d_]|(?<=[a-z])[2-9](?=[a-z])|\b[2357](?=[a-z]))+")
_MARKS = re.compile("[\u0640\u064b-\u0652\u0670\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|[@#]\w+|‹\w+›")
_CLOSING = (".", ",", "!", "?", "،", "؟")
_STRETCHED = re.compile(r"(.)\1{2,}")
_RELATED = frozenset(("ms", "id"))  # a word of the one is no sign of mixing with the other
_CACHED = 300_000  # words: chunks are more varied than tokens
_CLEAR = 1.5  # how far a word's best score is above its mean where it speaks clearly for a language


def words(text: str) -> str:
    """Words of a text between blanks, folded; digits stay inside a word, as in Arabizi.

    Examples
    --------
    >>> words("Maaf ya kak!! 7abibi @Maju 50%")
    'maaf ya kak 7abibi'
    """
    return " ".join(filter(None, map(_chunk_words, text.split())))


def _chunk_words(chunk: str) -> str:
    """Words of a chunk without white space."""
    word = chunk[:-1] if chunk[-1:] in _CLOSING else chunk
    if word.isalpha() and (word.isascii() or ("\u0640" not in word and unicodedata.is_normalized("NFKC", word))):
        said = word.lower()  # one word, with nothing to take out: most chunks are such
        # three letters alike leave two fewer kinds of letters: most words need no search
        if said.isalpha() and (len(said) - len(set(said)) < 2 or not _STRETCHED.search(said)):
            return said
    if not chunk.isascii():
        chunk = _MARKS.sub("", unicodedata.normalize("NFKC", chunk))
    return " ".join(_WORD.findall(_STRETCHED.sub(r"\1", _ADDRESS.sub(" ", chunk).lower())))


class LanguageIdentifier(ClassifierMixin, BaseEstimator):
    """Multinomial logistic regression over hashed words and character n-grams of raw texts.

    Parameters
    ----------
    C : float, default=30.0
        Inverse regularisation.
    word_bits, char_bits : int, default=16, 15
        Size of the hashed blocks, as powers of two.
    char_range : tuple of int, default=(2, 4)
        Lengths of the character n-grams of a word.

    Attributes
    ----------
    classes_ : ndarray of str, shape (n_languages,)
    word_weights_, char_weights_ : ndarray of float32, shape (2 ** bits, n_languages)
    intercept_ : ndarray of float32, shape (n_languages,)

    Examples
    --------
    >>> texts = ["terima kasih kerana menghubungi", "makasih ya kak udah bantu", "شكرا لك", "thank you so much"] * 4
    >>> model = LanguageIdentifier().fit(texts, ["ms", "id", "ar", "en"] * 4)
    >>> model.predict(["thank you", "شكرا"]).tolist()
    ['en', 'ar']
    """

    def __init__(
        self, *, C: float = 30.0, word_bits: int = 16, char_bits: int = 15, char_range: tuple[int, int] = (2, 4)
    ) -> None:
        self.C = C
        self.word_bits = word_bits
        self.char_bits = char_bits
        self.char_range = char_range

    def __sklearn_tags__(self) -> Any:
        """Texts in."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags

    def _hasher(self) -> NgramHasher:
        return NgramHasher(self.word_bits, self.char_bits, self.char_range)

    def fit(self, X: Sequence[str], y: Sequence[str]) -> Self:
        """Fit on raw texts and their languages.

        Raises
        ------
        ValueError
            If the lengths differ or there are fewer than two languages.
        """
        if len(X) != len(y):
            raise ValueError(f"{len(y)} languages are given for {len(X)} texts.")
        sentences = split_sentences([words(text) for text in X])
        features = self._token_features(sentences)
        counts = _occurrence(sentences) @ features
        length = np.sqrt(np.maximum(np.diff(sentences.offsets), 1))
        model = LogisticRegression(C=self.C, max_iter=1000, tol=1e-4)
        model.fit(sp.diags(1 / length) @ counts, list(y))
        coef, intercept = model.coef_, model.intercept_
        if len(model.classes_) == 2:
            coef, intercept = np.vstack([-coef[0] / 2, coef[0] / 2]), np.array([-intercept[0] / 2, intercept[0] / 2])
        self.classes_ = model.classes_
        self.__dict__.pop("_chunk_cache", None)
        table = coef.T.astype(np.float16).astype(np.float32)
        self.word_weights_, self.char_weights_ = table[: 1 << self.word_bits], table[1 << self.word_bits :]
        self.intercept_ = intercept.astype(np.float32)
        return self

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Give all that was learnt as JSON settings and arrays."""
        check_is_fitted(self, "word_weights_")
        settings = {"languages": self.classes_.tolist(), "params": self.get_params()}
        arrays: dict[str, npt.NDArray[Any]] = {
            "words": self.word_weights_.astype(np.float16),
            "chars": self.char_weights_.astype(np.float16),
            "intercept": self.intercept_,
        }
        return settings, arrays

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> Self:
        """Make a fitted identifier of what `to_arrays` gave.

        Raises
        ------
        ValueError
            If shapes do not fit together.
        """
        params = dict(settings["params"])
        model = cls(**{**params, "char_range": tuple(params["char_range"])})
        model.classes_ = np.array(settings["languages"])
        model.word_weights_ = arrays["words"].astype(np.float32)
        model.char_weights_ = arrays["chars"].astype(np.float32)
        model.intercept_ = arrays["intercept"]
        k = len(model.classes_)
        if (model.word_weights_.shape, model.char_weights_.shape) != (
            (n_buckets(model.word_bits), k),
            (n_buckets(model.char_bits), k),
        ):
            raise ValueError("the arrays of the language model do not fit its settings")
        return model

    def _token_features(self, sentences: Sentences) -> sp.csr_matrix:
        """Features of each distinct word: itself, and its n-grams with a total weight of one."""
        owner, bucket = self._hasher().token_grams(sentences.vocabulary)
        word = word_buckets(token_hashes(sentences.vocabulary), self.word_bits)
        n = len(sentences.vocabulary)
        offsets = offsets_of(owner, n)
        share = 1 / np.maximum(np.diff(offsets), 1)
        whole = sp.csr_matrix((np.ones(n), word, np.arange(n + 1)), shape=(n, 1 << self.word_bits))
        grams = sp.csr_matrix((share[owner], bucket, offsets), shape=(n, 1 << self.char_bits))
        return sp.hstack([whole, 3 * grams]).tocsr()

    def _word_scores(self, vocabulary: Sequence[str]) -> Scores:
        """Score of each word for each language, shape (n_words, n_languages)."""
        owner, bucket = self._hasher().token_grams(vocabulary)
        word = word_buckets(token_hashes(vocabulary), self.word_bits)
        n = len(vocabulary)
        offsets = offsets_of(owner, n)
        share = (3 / np.maximum(np.diff(offsets), 1)).astype(np.float32)
        grams = sp.csr_matrix((share[owner], bucket, offsets), shape=(n, 1 << self.char_bits)) @ self.char_weights_
        return np.asarray(grams + self.word_weights_[word], np.float64)

    def _chunks(self, chunks: Sequence[str]) -> tuple[Ints, tuple[Scores, Ints, npt.NDArray[np.int8]]]:
        """A row for each word of each chunk, and one for a chunk that has none.

        Its score for each language, the number of words of its chunk, and the language it clearly speaks for, or -1.
        """
        said = split_sentences([_chunk_words(chunk) for chunk in chunks])
        n_words = np.diff(said.offsets)
        counts = np.maximum(n_words, 1)
        own = self._word_scores(said.vocabulary)
        scores = np.zeros((counts.sum(), own.shape[1]))
        n_words = np.repeat(n_words, counts)
        scores[n_words > 0] = own[said.ids]
        clear = scores.max(axis=1) - scores.mean(axis=1) > _CLEAR
        return counts, (scores, n_words, np.where(clear, scores.argmax(axis=1), -1).astype(np.int8))

    @property
    def _cache(self) -> TokenCache:
        cache: TokenCache | None = self.__dict__.get("_chunk_cache")
        if cache is None:
            cache = self._chunk_cache = TokenCache(self._chunks, capacity=_CACHED)
        return cache

    def __getstate__(self) -> dict[str, Any]:
        """All but the cache."""
        return {name: value for name, value in super().__getstate__().items() if name != "_chunk_cache"}

    def predict_proba(self, X: Sequence[str]) -> Scores:
        """Probability of each language, shape (n_texts, n_languages)."""
        return self.predict_parts(X)[0]

    def predict(self, X: Sequence[str]) -> npt.NDArray[np.str_]:
        """Most probable language of each text."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def predict_parts(self, X: Sequence[str]) -> tuple[Scores, npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
        """Probabilities, whether a text mixes languages, and its number of words.

        A text is mixed where at least two words and a quarter of all speak clearly for a language that is not the
        text's own; Malay and Indonesian do not count as two.

        Returns
        -------
        probabilities : ndarray of float64, shape (n_texts, n_languages)
        mixed : ndarray of bool, shape (n_texts,)
        n_words : ndarray of int64, shape (n_texts,)
        """
        check_is_fitted(self, "word_weights_")
        chunks = pc.utf8_split_whitespace(pa.array(X, pa.large_string()))
        encoded = chunks.values.dictionary_encode()
        first = self._cache.rows(encoded.dictionary.to_pylist())[encoded.indices.to_numpy()]
        scores, n_of_chunk, speaks = self._cache.arrays or self._chunks([])[1]
        # a chunk may hold several words or none: from chunks of texts to words of texts
        n = n_of_chunk[first]
        before = np.r_[0, np.cumsum(n)]
        word = np.repeat(first - before[:-1], n) + np.arange(before[-1])
        offsets = before[chunks.offsets.to_numpy()]
        n_words = np.diff(offsets)
        occurrence = sp.csr_matrix((np.ones(len(word), np.float32), word, offsets), shape=(len(X), len(scores)))
        total = occurrence @ scores / np.sqrt(np.maximum(n_words, 1))[:, None] + self.intercept_
        family = np.array([-2 if c in _RELATED else i for i, c in enumerate(self.classes_)] + [-1])
        spoken, owner = family[speaks[word]], np.repeat(np.arange(len(X)), n_words)
        foreign = (spoken != -1) & (spoken != family[total.argmax(axis=1)][owner])
        n_foreign = np.bincount(owner[foreign], minlength=len(X))
        mixed = (n_foreign >= 2) & (n_foreign >= 0.25 * n_words)
        shifted = np.exp(total - total.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True), mixed, n_words


def _occurrence(sentences: Sentences) -> sp.csr_matrix:
    ones = np.ones(len(sentences.ids), np.float32)
    return sp.csr_matrix(
        (ones, sentences.ids, sentences.offsets), shape=(len(sentences.owner), len(sentences.vocabulary))
    )


def pool_languages(
    probabilities: Scores, n_words: npt.NDArray[np.int64], conversation: npt.NDArray[np.int64]
) -> tuple[Scores, Scores]:
    """Settle the languages of utterances by the conversation they are in.

    Parameters
    ----------
    probabilities : ndarray of float64, shape (n_turns, n_languages)
    n_words : ndarray of int64, shape (n_turns,)
    conversation : ndarray of int64, shape (n_turns,)
        Number of the conversation of each turn, from 0.

    Returns
    -------
    turns : ndarray of float64, shape (n_turns, n_languages)
        Probabilities of the turns, with the mixture of the conversation's words as prior.
    conversations : ndarray of float64, shape (n_conversations, n_languages)
        Probabilities of the conversations, from the product of their turns' (none below 0.02).
    """
    n = int(conversation.max()) + 1 if len(conversation) else 0
    mixture = np.full((n, probabilities.shape[1]), 0.25)
    np.add.at(mixture, conversation, probabilities * np.minimum(n_words, 20)[:, None])
    # the words of a short utterance say little: two words weigh half of what four do
    own = probabilities ** (np.minimum(n_words, 4) / 4)[:, None]
    turns = own * (mixture / mixture.sum(axis=1, keepdims=True))[conversation]
    evidence = np.zeros((n, probabilities.shape[1]))
    np.add.at(evidence, conversation, np.log(np.maximum(probabilities, 0.02)))
    whole = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    return turns / turns.sum(axis=1, keepdims=True), whole / whole.sum(axis=1, keepdims=True)
