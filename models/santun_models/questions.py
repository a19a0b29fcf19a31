"""Question marks where the writer, or the recogniser, left them out.

Rapport is mostly asked, and raw transcripts have no marks. Which sentences ask is learnt from the marks that the texts of
the training data have: a linear support vector machine over hashed tokens and pairs of neighbours, as punctuation is
restored in speech recognition [1]_. It needs no labels.

References
----------
.. [1] D. Beeferman, A. Berger, J. Lafferty (1998), Cyberpunc: a lightweight punctuation annotation system for speech, ICASSP,
   doi:10.1109/ICASSP.1998.675358.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from santun_models.ngrams import Ints, Sentences, split_sentences, token_hashes, token_pairs, word_buckets
from santun_models.threshold import best_threshold

Scores = npt.NDArray[np.float64]

MARK = "?"
_MARKS = frozenset(".!?")
_C = 1.0  # inverse regularisation
_FOLDS = 3
_JOINED = 20  # tokens up to which the sentences of a text are learnt as one too, as they stand in a raw transcript


class QuestionFinder:
    """Find sentences that ask though they have no question mark.

    Parameters
    ----------
    bits : int, default=18
        Size of the table of weights, as a power of two.
    random_state : int, default=0

    Attributes
    ----------
    weights_ : ndarray of float64, shape (2 ** bits,)
    intercept_ : float
        The machine's, less the threshold.

    Examples
    --------
    >>> finder = QuestionFinder(bits=10).fit(["how are you ?", "how is it ?", "i am fine .", "it is late ."] * 5)
    >>> sentences = split_sentences(["how is she", "she is fine"])
    >>> finder.asks(sentences, token_hashes(sentences.vocabulary))
    array([ True, False])
    """

    def __init__(self, *, bits: int = 18, random_state: int = 0) -> None:
        self.bits = bits
        self.random_state = random_state

    def fit(self, texts: Sequence[str], groups: Sequence[Any] | Ints | None = None, *, sure: bool = False) -> Self:
        """Learn from prepared texts that have marks; where they have none, or all or no sentences ask, nothing is found.

        Parameters
        ----------
        texts : sequence of str, length n_texts
        groups : sequence, length n_texts, default=None
            Conversation of each text; cross-validation never parts one. Each text is its own where None.
        sure : bool, default=False
            Keep the machine's own threshold, which marks fewer sentences, in place of the cross-validated one of the best F1.

        Returns
        -------
        self
        """
        lines: list[str] = []
        asks: list[bool] = []
        group: list[Any] = []
        for text, conversation in zip(texts, range(len(texts)) if groups is None else groups, strict=True):
            own = text.split("\n")
            if _MARKS.isdisjoint(text.split()):
                continue
            asked = [MARK in line.split() for line in own]
            lines += own
            asks += asked
            if len(own) > 1 and len(text.split()) <= _JOINED:
                lines.append(" ".join(own))
                asks.append(any(asked))
            group += [conversation] * (len(lines) - len(group))
        self.weights_ = np.zeros(1 << self.bits)
        self.intercept_ = -1.0
        if len(set(asks)) == 2:
            bare = split_sentences([" ".join([token for token in line.split() if token != MARK]) for line in lines])
            features, target = self._features(bare), np.array(asks)
            model = LinearSVC(C=_C, tol=0.01, random_state=self.random_state)
            with threadpool_limits(1):  # sums of several BLAS threads differ from run to run
                model.fit(features, target)
                threshold = 0.0 if sure else _threshold(model, features, target, group)
            # as they are stored, so that it finds the same before and after
            self.weights_ = model.coef_[0].astype(np.float16).astype(np.float64)
            self.intercept_ = float(model.intercept_[0]) - threshold
        return self

    def decision_function(self, sentences: Sentences, token_hash: npt.NDArray[np.uint64]) -> Scores:
        """Score sentences: above zero they ask.

        Parameters
        ----------
        sentences : Sentences
        token_hash : ndarray of uint64, shape (n_tokens_of_vocabulary,)
            Hashes of the vocabulary, as it is read (`NgramHasher.read`).

        Returns
        -------
        ndarray of float64, shape (n_sentences,)
        """
        n = len(sentences.owner)
        sums = np.zeros(n)
        for buckets, sentence in self._buckets(sentences, token_hash):
            # added up in the order of the text, so that no batch changes a bit
            sums += np.bincount(sentence, self.weights_[buckets], n)
        return np.asarray(sums / self._norms(sentences) + self.intercept_)

    def asks(self, sentences: Sentences, token_hash: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Say which sentences ask and have no question mark, shape (n_sentences,); parameters of `decision_function`."""
        asks = (self.decision_function(sentences, token_hash) > 0) & (np.diff(sentences.offsets) > 0)
        asks[sentences.sentence_of_token[sentences.ids == _index(sentences.vocabulary, MARK)]] = False
        return asks

    @classmethod
    def from_arrays(cls, intercept: float, weights: npt.NDArray[np.float16]) -> Self:
        """Make a fitted finder of its intercept and weights.

        Raises
        ------
        ValueError
            If the weights have another shape than those of `QuestionFinder()`, or the intercept is no finite number.
        """
        finder = cls()
        if weights.shape != (1 << finder.bits,):
            raise ValueError(f"questions is of shape {weights.shape}, not {(1 << finder.bits,)}")
        if not isinstance(intercept, float) or not np.isfinite(intercept):
            raise ValueError(f"questions is {intercept!r}, not a finite number")
        finder.weights_, finder.intercept_ = weights.astype(np.float64), intercept
        return finder

    def _features(self, sentences: Sentences) -> sp.csr_matrix:
        parts = list(self._buckets(sentences, token_hashes(sentences.vocabulary)))
        buckets, owner = (np.concatenate(column) for column in zip(*parts, strict=True))
        values = (1 / self._norms(sentences))[owner]
        return sp.csr_matrix((values, (owner, buckets)), shape=(len(sentences.owner), 1 << self.bits))

    def _buckets(self, sentences: Sentences, token_hash: npt.NDArray[np.uint64]) -> list[tuple[Ints, Ints]]:
        """Buckets of the tokens and of the pairs of neighbours, borders included, and the sentence of each."""
        tokens = word_buckets(token_hash, self.bits)[sentences.ids], sentences.sentence_of_token
        return [tokens, token_pairs(sentences, token_hash[sentences.ids], self.bits)]

    @staticmethod
    def _norms(sentences: Sentences) -> Scores:
        return np.asarray(np.sqrt(2.0 * np.diff(sentences.offsets) + 1))


def _threshold(model: LinearSVC, features: sp.csr_matrix, target: npt.NDArray[np.bool_], group: list[Any]) -> float:
    """Cross-fitted threshold of the best F1; 0 where there are too few groups that ask, or do not."""
    fewest = min(
        len({own for own, asks in zip(group, target.tolist(), strict=True) if asks is value}) for value in (True, False)
    )
    if fewest < _FOLDS:
        return 0.0
    folds = StratifiedGroupKFold(_FOLDS)
    return best_threshold(
        target, cross_val_predict(model, features, target, groups=group, cv=folds, method="decision_function")
    )


def with_marks(sentences: Sentences, asks: npt.NDArray[np.bool_]) -> Sentences:
    """Put a question mark behind the sentences that ask."""
    if not asks.any():
        return sentences
    vocabulary = sentences.vocabulary
    mark = _index(vocabulary, MARK)
    if mark < 0:
        vocabulary, mark = [*vocabulary, MARK], len(vocabulary)
    ids = np.insert(sentences.ids, sentences.offsets[1:][asks], mark)
    offsets = sentences.offsets + np.r_[0, np.cumsum(asks)]
    return Sentences(vocabulary, ids, offsets, sentences.owner)


def _index(vocabulary: Sequence[str], token: str) -> int:
    return next((index for index, other in enumerate(vocabulary) if other == token), -1)
