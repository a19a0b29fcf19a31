"""Hashed n-gram features of prepared text, additive over tokens.

A prepared text is a string whose tokens stand between single blanks and whose sentences stand on lines of their own
(`santun.prepare` makes such strings; any other string works too). Every sentence becomes two blocks of counts:

* *words*: tokens and their stems, pairs of neighbouring tokens and stems, pairs of stems with one between, triples of
  stems (the sentence's borders count), groups of cue phrases, and concepts: what a word means in any of the languages;
  pairs and triples of concepts pass over the words between that have none,
* *chars*: the character n-grams of each token, padded by a blank on both sides (scikit-learn's ``char_wb``).

Both are weighted by the root of inverse document frequency and divided by a power of an additive squared norm,
``sum(count * idf)``. A linear score over them is a sum over tokens and over phrases, so a token is
looked at once a batch however often it occurs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from santun_models.spelling import Speller
from santun_models.stems import stem

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_U = np.uint64
_MIX1, _MIX2, _MIX3 = _U(0x9E3779B97F4A7C15), _U(0xC2B2AE3D27D4EB4F), _U(0xFF51AFD7ED558CCD)
_FNV = _U(0x100000001B3)
_BORDER = _U(0x1234567887654321)
_WORD_SEED, _CUE_SEED, _STEM_SEED = _U(0x2545F4914F6CDD1D), _U(0x9FB21C651E98DF25), _U(0xD6E8FEB86659FD93)
_CONCEPT_SEED = _U(0xA24BAED4963EE407)
BLOCK_BITS = range(6, 23)  # sizes that a hashed block can have, as powers of two
_BEGIN = _U(64 - 12)  # how far a hash is shifted to leave its first bits


class Sentences(NamedTuple):
    """Prepared texts cut into sentences of token ids.

    Attributes
    ----------
    vocabulary : list of str
        The distinct tokens of the batch.
    ids : ndarray of int64, shape (n_tokens,)
        Index into `vocabulary`, sentence after sentence.
    offsets : ndarray of int64, shape (n_sentences + 1,)
        Where each sentence starts in `ids`.
    owner : ndarray of int64, shape (n_sentences,)
        Row of the text that a sentence belongs to; non-decreasing, every text owns at least one sentence.
    """

    vocabulary: list[str]
    ids: Ints
    offsets: Ints
    owner: Ints

    @property
    def sentence_of_token(self) -> Ints:
        """Sentence that each entry of `ids` is in, shape (n_tokens,)."""
        return np.repeat(np.arange(len(self.owner)), np.diff(self.offsets))


class Phrases(NamedTuple):
    """Hashed phrases of one kind, sentence after sentence.

    Attributes
    ----------
    bucket : ndarray of int64, shape (n_phrases,)
    sentence : ndarray of int64, shape (n_phrases,)
        Ascending.
    left, right : ndarray of int64, shape (n_phrases,)
        Position of the first and last token in `Sentences.ids`; -1 for the sentence's border.
    weight : int
        How often each counts.
    """

    bucket: Ints
    sentence: Ints
    left: Ints
    right: Ints
    weight: int = 1


# marks that are no tokens: they tell who wrote, a person or a recogniser, rather than what is done
SILENT = frozenset(".,!…;:،؛-()\"[]{}*/<>~_=+'")


def split_sentences(texts: Sequence[str]) -> Sentences:
    """Cut prepared texts into sentences (lines) and tokens (blank-separated); marks of `SILENT` are left out."""
    lines = pc.split_pattern(pa.array(texts, pa.large_string()), "\n")
    tokens = pc.utf8_split_whitespace(lines.values)
    encoded = tokens.values.dictionary_encode()
    ids, offsets = encoded.indices.to_numpy().astype(np.int64), tokens.offsets.to_numpy().astype(np.int64)
    vocabulary = encoded.dictionary.to_pylist()
    # nor are the empty tokens that white space at the ends of a line makes
    spoken = np.fromiter((bool(w) and w not in SILENT for w in vocabulary), bool, len(vocabulary))
    if not spoken.all():
        kept = spoken[ids]
        offsets = np.concatenate([[0], np.cumsum(kept)])[offsets]
        ids = ids[kept]
    owner = np.repeat(np.arange(len(texts)), np.diff(lines.offsets.to_numpy()))
    return Sentences(vocabulary, ids, offsets, owner)


def whole_texts(sentences: Sentences) -> Sentences:
    """Join the sentences of each text into one, so that features see the turn as a whole."""
    first = np.flatnonzero(np.diff(sentences.owner, prepend=-1))
    offsets = np.r_[sentences.offsets[:-1][first], sentences.offsets[-1:]].astype(np.int64)
    return Sentences(sentences.vocabulary, sentences.ids, offsets, np.arange(len(offsets) - 1, dtype=np.int64))


def offsets_of(owner: Ints, n: int) -> Ints:
    """Where the entries of each of `n` owners start, and the last ones end, in an ascending array of owners."""
    return np.asarray(np.r_[0, np.cumsum(np.bincount(owner, minlength=n))])


def _codes(tokens: Sequence[str]) -> tuple[npt.NDArray[np.uint64], Ints]:
    """Code points of tokens, each between two blanks, and their lengths."""
    joined = "".join([f" {token} " for token in tokens])
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    return codes, np.fromiter(map(len, tokens), np.int64, len(tokens)) + 2


def token_hashes(vocabulary: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Hashes of tokens as they stand there, shape (n_tokens,)."""
    return _hashes(*_codes(vocabulary)) if vocabulary else np.empty(0, np.uint64)


def _hashes(codes: npt.NDArray[np.uint64], lengths: Ints) -> npt.NDArray[np.uint64]:
    starts = np.cumsum(lengths) - lengths
    with np.errstate(over="ignore"):
        position = (np.arange(len(codes)) - np.repeat(starts, lengths)).astype(np.uint64)
        mixed = (codes + _U(1)) * _MIX1
        mixed ^= mixed >> _U(29)
        mixed *= (position * _U(2) + _U(1)) * _MIX2
        mixed ^= mixed >> _U(32)
        hashes = np.add.reduceat(mixed * _MIX3, starts)
        hashes ^= hashes >> _U(31)
        return np.asarray(hashes * _MIX1)


class _Bordered(NamedTuple):
    """Sentences with a border before each and one behind the last."""

    places: Ints  # of the tokens
    token_at: Ints  # the token at each place, -1 at a border
    paired: Ints  # places that make a pair with the next: all but the two borders of an empty sentence
    pair_sentence: Ints


def _bordered(sentences: Sentences) -> _Bordered:
    lengths = np.diff(sentences.offsets)
    n = len(lengths)
    places = np.arange(len(sentences.ids)) + np.repeat(np.arange(1, n + 1), lengths)
    token_at = np.full(len(sentences.ids) + n + 1, -1, np.int64)
    token_at[places] = np.arange(len(sentences.ids))
    paired = np.flatnonzero((token_at[:-1] >= 0) | (token_at[1:] >= 0))
    return _Bordered(places, token_at, paired, np.repeat(np.arange(n), np.where(lengths, lengths + 1, 0)))


def token_pairs(sentences: Sentences, said: npt.NDArray[np.uint64], bits: int) -> tuple[Ints, Ints]:
    """Buckets of the pairs of neighbours, a sentence's borders included, by the hash of each token, and their sentences."""
    places, token_at, paired, pair_sentence = _bordered(sentences)
    hashes = np.full(len(token_at), _BORDER, np.uint64)
    hashes[places] = said
    with np.errstate(over="ignore"):
        return _bucket(hashes[paired] * _MIX1 + hashes[paired + 1] * _MIX2, bits), pair_sentence


def n_buckets(bits: int) -> int:
    """Size of a hashed block of so many bits.

    Raises
    ------
    ValueError
        If no block has so many: a model from elsewhere must not ask for more memory than one of ours.
    """
    if bits not in BLOCK_BITS:
        raise ValueError(f"a hashed block has {BLOCK_BITS[0]} to {BLOCK_BITS[-1]} bits, not {bits!r}")
    return 1 << bits


def word_buckets(token_hash: npt.NDArray[np.uint64], bits: int) -> Ints:
    """Columns of single tokens in a block of so many bits."""
    with np.errstate(over="ignore"):
        return _bucket(token_hash * _MIX2 + _WORD_SEED, bits)


def _runs(hashes: npt.NDArray[np.uint64], n_tokens: int) -> npt.NDArray[np.uint64]:
    """Hashes of all runs of so many tokens; the one at `i` begins with token `i`."""
    runs = hashes[: max(len(hashes) - n_tokens + 1, 0)]
    with np.errstate(over="ignore"):
        for k in range(1, n_tokens):
            runs = runs * _MIX1 + hashes[k : k + len(runs)] * _MIX2
    return runs


def _bucket(hashes: npt.NDArray[np.uint64], bits: int) -> Ints:
    hashes = hashes ^ (hashes >> _U(33))
    return ((hashes * _MIX3) >> _U(64 - bits)).astype(np.int64)


@dataclass(frozen=True)
class NgramHasher:
    """Counts of hashed n-grams.

    Parameters
    ----------
    word_bits, char_bits : int
        Size of the two blocks, as powers of two.
    char_range : tuple of int
        Shortest and longest character n-gram.
    cues : tuple of tuple of str
        Groups of phrases of at most three tokens; any phrase of a group counts as the same feature, `cue_weight` times.
    cue_weight : int
    concepts : tuple of str
        The words of each concept, between blanks; no word stands in two. A token that is none of them has the concept of
        its stem, if that is one.
    speller : Speller or None
        What it reads a token as counts in the block of words (see `read`); characters are those that stand there.
    """

    word_bits: int = 18
    char_bits: int = 17
    char_range: tuple[int, int] = (2, 5)
    cues: tuple[tuple[str, ...], ...] = ()
    cue_weight: int = 3
    concepts: tuple[str, ...] = ()
    speller: Speller | None = None

    @cached_property
    def _concepts(self) -> dict[str, int]:
        """Number of the concept, from 1, of each word."""
        return {word: number for number, group in enumerate(self.concepts, 1) for word in group.split()}

    @cached_property
    def _cue_tables(self) -> dict[int, tuple[npt.NDArray[np.uint64], Ints, npt.NDArray[np.bool_]]]:
        """For phrases of one, two and three tokens their sorted hashes, the column of the group of each, and how they begin."""
        found: dict[int, dict[int, int]] = {1: {}, 2: {}, 3: {}}
        for group, phrases in enumerate(self.cues):
            with np.errstate(over="ignore"):
                column = int(_bucket(np.array([group + 1], np.uint64) * _MIX3 + _CUE_SEED, self.word_bits)[0])
            for phrase in phrases:
                tokens = phrase.split()
                if 0 < len(tokens) <= 3:
                    hashes = token_hashes(tokens)
                    found[len(tokens)].setdefault(int(_runs(hashes, len(tokens))[0]), column)
        tables = {}
        for n, table in found.items():
            if table:
                keys = np.array(sorted(table), np.uint64)
                begins = np.zeros(1 << 12, bool)
                begins[(keys >> _BEGIN).astype(np.int64)] = True
                tables[n] = keys, np.array([table[h] for h in sorted(table)], np.int64), begins
        return tables

    @cached_property
    def _listed(self) -> frozenset[str]:
        return frozenset(self._concepts) | {word for group in self.cues for phrase in group for word in phrase.split()}

    def read(self, vocabulary: Sequence[str]) -> Sequence[str]:
        """Tokens as the speller reads them; a word of a concept or a cue is no slip."""
        if self.speller is None:
            return vocabulary
        return [token if token in self._listed else self.speller(token) for token in vocabulary]

    def token_grams(self, vocabulary: Sequence[str]) -> tuple[Ints, Ints]:
        """Character n-grams of tokens.

        Returns
        -------
        owner : ndarray of int64, shape (n_grams,)
            Index of the token that a gram belongs to, ascending.
        bucket : ndarray of int64, shape (n_grams,)
            Column of the gram in the block of characters.
        """
        if not vocabulary:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        codes, lengths = _codes(vocabulary)
        ends = np.cumsum(lengths)
        token = np.repeat(np.arange(len(vocabulary)), lengths)
        left = np.repeat(ends, lengths) - np.arange(len(codes))
        low, high = self.char_range
        rolling = codes.copy()
        owners, buckets = [], []
        with np.errstate(over="ignore"):
            for n in range(2, min(high, len(codes)) + 1):
                following = np.zeros_like(codes)
                following[: len(codes) - n + 1] = codes[n - 1 :]
                rolling = rolling * _FNV + following
                if n >= low:
                    inside = np.flatnonzero(left >= n)
                    owners.append(token[inside])
                    buckets.append(_bucket(rolling[inside] * _MIX1 + _U(n) * _MIX2, self.char_bits))
        owner, bucket = np.concatenate(owners), np.concatenate(buckets)
        order = np.argsort(owner, kind="stable")
        return owner[order], bucket[order]

    def meaning_hashes(self, vocabulary: Sequence[str]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """Hashes of the stems of tokens, and of their concepts, each of shape (n_tokens,).

        No stem shares a hash with a token; the hash of no concept is 0.
        """
        if not vocabulary:
            return np.empty(0, np.uint64), np.empty(0, np.uint64)
        concept_of = self._concepts
        stems = [stem(token) for token in vocabulary]
        found = [
            concept_of.get(token) or concept_of.get(root, 0) for token, root in zip(vocabulary, stems, strict=True)
        ]
        number = np.array(found, np.uint64)
        with np.errstate(over="ignore"):
            concepts = np.where(number > 0, (number * _MIX1) ^ _CONCEPT_SEED, _U(0))
        return token_hashes(stems) ^ _STEM_SEED, concepts

    def concept_buckets(self, concept_hash: npt.NDArray[np.uint64]) -> Ints:
        """Columns of single concepts in the block of words."""
        return _bucket(concept_hash, self.word_bits)

    def phrases(
        self,
        sentences: Sentences,
        token_hash: npt.NDArray[np.uint64],
        stem_hash: npt.NDArray[np.uint64],
        concept_hash: npt.NDArray[np.uint64],
    ) -> Iterator[Phrases]:
        """Columns in the block of words of phrases of all kinds, one after another: of tokens, stems, concepts, cues."""
        lengths = np.diff(sentences.offsets)
        n = len(lengths)
        places, token_at, paired, pair_sentence = _bordered(sentences)
        said, stems = (np.full(len(token_at), _BORDER, np.uint64) for _ in range(2))
        said[places], stems[places] = token_hash[sentences.ids], stem_hash[sentences.ids]
        inside = np.flatnonzero(token_at[1:-1] >= 0)  # triples that do not reach over a border
        sentence = np.repeat(np.arange(n), lengths)
        with np.errstate(over="ignore"):
            pair, stem_pair = (h[:-1] * _MIX1 + h[1:] * _MIX2 for h in (said, stems))
            skip = stems[inside] * _MIX2 + stems[inside + 2] * _MIX3
            triple = stem_pair[inside] * _FNV + stems[inside + 2] * _MIX1
        for hashes in (pair, stem_pair):
            yield Phrases(
                _bucket(hashes[paired], self.word_bits), pair_sentence, token_at[paired], token_at[paired + 1]
            )
        for hashes in (skip, triple):
            yield Phrases(_bucket(hashes, self.word_bits), sentence, token_at[inside], token_at[inside + 2])
        concepts = concept_hash[sentences.ids]
        at = np.flatnonzero(concepts)
        meant, within = concepts[at], sentence[at]
        with np.errstate(over="ignore"):
            pair = meant[:-1] * _MIX1 + meant[1:] * _MIX2
            skip = meant[:-2] * _MIX2 + meant[2:] * _MIX3
            triple = pair[:-1] * _FNV + meant[2:] * _MIX1
        for hashes, reach in ((pair, 1), (skip, 2), (triple, 2)):
            one = np.flatnonzero(within[: len(hashes)] == within[reach : reach + len(hashes)])
            yield Phrases(_bucket(hashes[one], self.word_bits), within[one], at[one], at[one + reach])
        for n_tokens, (keys, columns, begins) in self._cue_tables.items():
            runs = _runs(token_hash[sentences.ids], n_tokens)
            hit = np.flatnonzero(begins[(runs >> _BEGIN).astype(np.int64)])  # the others need no search
            found = np.minimum(np.searchsorted(keys, runs[hit]), len(keys) - 1)
            same = (keys[found] == runs[hit]) & (sentence[hit] == sentence[hit + n_tokens - 1])
            hit, found = hit[same], found[same]
            yield Phrases(columns[found], sentence[hit], hit, hit + n_tokens - 1, self.cue_weight)

    def counts(self, sentences: Sentences) -> tuple[sp.csr_matrix, sp.csr_matrix]:
        """Sparse counts of both blocks, shapes (n_sentences, 2 ** word_bits) and (n_sentences, 2 ** char_bits)."""
        n, n_tokens = len(sentences.owner), len(sentences.vocabulary)
        gram_owner, gram_bucket = self.token_grams(sentences.vocabulary)
        read = self.read(sentences.vocabulary)
        token_hash = token_hashes(read)
        stem_hash, concept_hash = self.meaning_hashes(read)
        owner, meant = sentences.sentence_of_token, concept_hash[sentences.ids] != 0
        occurrence = _csr(owner, sentences.ids, (n, n_tokens))
        chars = occurrence @ _csr(gram_owner, gram_bucket, (n_tokens, 1 << self.char_bits))
        phrases = list(self.phrases(sentences, token_hash, stem_hash, concept_hash))
        single = [word_buckets(hashes, self.word_bits)[sentences.ids] for hashes in (token_hash, stem_hash)]
        concepts = self.concept_buckets(concept_hash)[sentences.ids[meant]]
        words = _csr(
            np.concatenate([owner, owner, owner[meant], *(np.tile(kind.sentence, kind.weight) for kind in phrases)]),
            np.concatenate([*single, concepts, *(np.tile(kind.bucket, kind.weight) for kind in phrases)]),
            (n, 1 << self.word_bits),
        )
        return words, chars


class TokenCache:
    """What was computed of tokens, kept from batch to batch.

    Parameters
    ----------
    compute : callable
        From tokens to the number of rows of each, one or more, and arrays of all these rows, in order; they may depend on
        nothing but their token.
    capacity : int, default=200_000
        Rows kept; past it the cache begins anew.

    Attributes
    ----------
    arrays : list of ndarray
        Rows of all tokens since it last began anew, with room behind them; none before the first.
    """

    def __init__(
        self,
        compute: Callable[[Sequence[str]], tuple[Ints, Sequence[npt.NDArray[Any]]]],
        capacity: int = 200_000,
    ) -> None:
        self.compute = compute
        self.capacity = capacity
        self.index: dict[str, int] = {}
        self.arrays: list[npt.NDArray[Any]] = []
        self.filled = 0

    def clear(self) -> None:
        """Begin anew."""
        self.index.clear()
        self.arrays = []
        self.filled = 0

    def rows(self, tokens: Sequence[str]) -> Ints:
        """First row of each token in `arrays`; distinct tokens that are new are computed."""
        index = self.index
        if self.filled + len(tokens) > self.capacity:
            self.clear()
        rows = np.fromiter(map(index.get, tokens, repeat(-1)), np.int64, len(tokens))
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            new = [tokens[i] for i in unknown.tolist()]
            counts, computed = self.compute(new)
            first, last = self.filled, self.filled + int(counts.sum())
            if not self.arrays:
                self.arrays = [np.empty((0, *part.shape[1:]), part.dtype) for part in computed]
            for at, part in enumerate(computed):
                if last > len(self.arrays[at]):
                    grown = np.empty((2 * last, *part.shape[1:]), part.dtype)
                    grown[:first] = self.arrays[at][:first]
                    self.arrays[at] = grown
                self.arrays[at][first:last] = part
            rows[unknown] = first + np.cumsum(counts) - counts
            index.update(zip(new, rows[unknown].tolist(), strict=True))
            self.filled = last
        return rows


def _csr(rows: Ints, columns: Ints, shape: tuple[int, int]) -> sp.csr_matrix:
    matrix: Any = sp.coo_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape).tocsr()
    return matrix
