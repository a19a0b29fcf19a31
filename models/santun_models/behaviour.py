"""The multi-label classifier of service behaviours: one model for all languages, in two stages.

Stage one scores every sentence for every behaviour from hashed words, phrases and character n-grams. Only turns
are labelled, so which sentence of a turn performs the behaviour is learnt by multiple-instance rounds [1]_: score
sentences by a model that has not seen their conversation, give the label to the best sentence of the turn, leave out
others that score above zero, fit again.

Stage two is a small logistic regression per behaviour over its own best, mean, first and last sentence score of the turn,
its length and language and, where they are known, all scores of the turns before and after, and the speakers' roles. Of
some it also sees how much the turn before elicits them and how much the turn after answers them: sentences are scored for
what the next turn and what the last one performs, too, since trouble told calls for care, and "thanks for asking" tells
what was asked.
Where there is enough to learn from, networks with one hidden layer over these features of all behaviours at once share in the
score: a question is a personal one only beside certain turns, which no sum says.
It is fitted on cross-fitted scores (stacking [2]_), so its probabilities are calibrated for unseen conversations; it also sees
every turn with its context hidden, so that a lone utterance is labelled as well as one in a call, and the last turn of a call
that goes on as well as any other.

References
----------
.. [1] S. Andrews, I. Tsochantaridis, T. Hofmann (2003), Support Vector Machines for Multiple-Instance Learning, NIPS 15.
.. [2] D. H. Wolpert (1992), Stacked generalization, Neural Networks 5, doi:10.1016/S0893-6080(05)80023-1.
.. [3] M. Sundararajan, A. Taly, Q. Yan (2017), Axiomatic attribution for deep networks, ICML 34.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from santun_models.lexicon import concept_words, cue_phrases
from santun_models.ngrams import (
    Floats,
    Ints,
    NgramHasher,
    Sentences,
    TokenCache,
    n_buckets,
    offsets_of,
    split_sentences,
    token_hashes,
    whole_texts,
    word_buckets,
)
from santun_models.questions import MARK, QuestionFinder, with_marks
from santun_models.spelling import Speller
from santun_models.threshold import best_threshold

Labels = npt.NDArray[np.int8]
Scores = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int32]
_WORTH_A_PROCESS = 1_000_000  # values of a feature matrix
_CLIP = 4.0  # sentence scores beyond it say no more than "sure"
_TILE = 128  # rows whose hidden units fit into a cache
_NETWORKS = 2  # what one says by chance of its beginning the other does not
_BATCH = 2048  # of a network's training
_STEPS = {0.004: 7000, 0.001: 1500, 0.0002: 1500}  # learning rate: steps; small ones at the end settle a network


class UsedBuckets(NamedTuple):
    """Which buckets of a hashed block are used, as a bitmap with counts: thirty times smaller than a row number each.

    Attributes
    ----------
    bits : ndarray of uint64, shape (n_buckets / 64,)
        The first bucket of each word is its lowest bit.
    before : ndarray of int32, shape (n_buckets / 64,)
        Number of buckets used before each word.
    """

    bits: npt.NDArray[np.uint64]
    before: Rows

    @classmethod
    def of(cls, used: npt.NDArray[Any]) -> Self:
        """Make it of whether each bucket is used, a multiple of 64 of them."""
        bits = np.packbits(used, bitorder="little").view("<u8").astype(np.uint64)
        counts = np.bitwise_count(bits).astype(np.int32)
        return cls(bits, np.cumsum(counts, dtype=np.int32) - counts)

    def used(self) -> npt.NDArray[np.uint8]:
        """Give back what it was made of, as zeros and ones."""
        return np.unpackbits(self.bits.astype("<u8").view(np.uint8), bitorder="little")

    def rows(self, bucket: Ints) -> Rows:
        """Row of the weights that each bucket has; 0, a row of zeros, where it is not used."""
        word = bucket >> 6
        bits = self.bits.take(word)
        bits <<= (~bucket & 63).view(np.uint64)  # the bucket's own on top, those before it below
        rows = self.before.take(word)
        rows += np.bitwise_count(bits)
        rows &= (bits.view(np.int64) >> 63).astype(np.int32)  # all bits or none
        return rows


class Context(NamedTuple):
    """What is known of each turn besides its words.

    Attributes
    ----------
    previous : ndarray of int64, shape (n_turns,)
        Row of the turn before, in the same `X`; -1 where there is none or it is not known. The turn after is whose turn before it is.
    role : ndarray of str, shape (n_turns,)
        ``agent``, ``customer`` or anything else for unknown.
    lang : ndarray of str, shape (n_turns,)
        Language, for thresholds that differ by language.
    """

    previous: Ints
    role: npt.NDArray[np.str_]
    lang: npt.NDArray[np.str_]

    @classmethod
    def unknown(cls, n_turns: int) -> Context:
        """Context of utterances of which nothing is known."""
        nothing = np.full(n_turns, "unknown")
        return cls(np.full(n_turns, -1, np.int64), nothing, nothing)


class _TurnModel(NamedTuple):
    """Stage two: a linear part, and hidden units whose values above zero add to it."""

    weights: Scores  # (n_features, n_behaviours + n_units)
    intercept: Scores
    units: Scores  # (n_units, n_behaviours)

    def log_odds(self, features: npt.NDArray[Any]) -> Scores:
        n, k = len(features), self.units.shape[1]
        # in tiles of one size, since BLAS sums a few rows, or the last ones, in another order than others
        padded = np.zeros((-(-n // _TILE) * _TILE, features.shape[1]))
        padded[:n] = features
        odds = np.empty((len(padded), k))
        for start in range(0, len(padded), _TILE):
            values = padded[start : start + _TILE] @ self.weights
            values += self.intercept
            hidden = values[:, k:]
            np.maximum(hidden, 0, out=hidden)
            odds[start : start + _TILE] = values[:, :k] + hidden @ self.units
        return odds[:n]


def _joined(models: Sequence[_TurnModel], share: float = 1.0) -> _TurnModel:
    """One model whose log-odds are so much of the sum of theirs."""
    k = models[0].units.shape[1]

    def beside(parts: Sequence[Scores]) -> Scores:
        linear = np.sum([part[..., :k] for part in parts], axis=0) * share
        return np.concatenate([linear, *(part[..., k:] for part in parts)], axis=-1)

    weights, intercepts, units = zip(*models, strict=True)
    return _TurnModel(beside(weights), beside(intercepts), np.vstack(units) * share)


class BehaviourClassifier(ClassifierMixin, BaseEstimator):
    """Multi-label classifier of utterances.

    Parameters
    ----------
    behaviours : sequence of str or None, default=None
        Names of the columns of `Y`; numbers where None.
    C : float, default=0.15
        Inverse regularisation of the sentence models (linear support vector machines).
    context_C : float, default=0.05
        Inverse regularisation of stage two's logistic regressions.
    context_units : int, default=0
        Hidden units of each of the two networks of stage two; 0 leaves it linear.
    units_from : int, default=100_000
        So many turns it takes to learn hidden units, and what the number of words, the language and the answers to a turn say;
        from fewer stage two stays linear and does without, and thresholds are those of all folds together. Of a behaviour
        that is known of some turns only, those count.
    rounds : int, default=2
        Multiple-instance rounds.
    n_folds : int, default=4
        Folds of the cross-fitting, by group.
    min_df : int, default=4
        An n-gram in fewer groups, that is conversations, is not used.
    word_bits, char_bits : int, default=22, 20
        Size of the hashed blocks, as powers of two. Buckets that are not used take a bit each, so give them room: n-grams
        that share a bucket cost more than anything else here (docs/experiments.md).
    cue_weight : int, default=3
        How often a cue phrase of the lexicon counts as a feature of its group; 0 leaves the lexicon out.
    concepts : bool, default=True
        Whether words count as their concepts too (`santun_models.lexicon.concept_words`).
    questions : bool, default=True
        Whether sentences that ask get the question mark they lack (`santun_models.questions`).
    spelling : int, default=40
        A word in fewer than `min_df` groups is read as one in so many, if that is one slip away (`santun_models.spelling`);
        0 reads every word as it is.
    elicited : sequence of str, default=()
        Behaviours for which a turn is also scored by what the next one performs, each a column of the weights more; names that
        are none of the behaviours are passed over.
    answered : sequence of str, default=()
        Behaviours for which a turn is also scored by what the one before it performed, each a column more likewise.
    min_language_gain : float, default=0.01
        A behaviour gets a threshold of its own in a language where that adds this much F1 on cross-fitted scores.
    prior : mapping of str to float or None, default=None
        For behaviours that are rarer, or more frequent, in use than in training: how often, as a share of how often they
        are in training. Thresholds have the best F1 at that prior. ``behaviour:language`` holds for that language only,
        which then has a threshold of its own whatever it gains, if it has 30 examples.
    random_state : int, default=0
        Seed of the solver and of the folds.
    n_jobs : int, default=2
        Processes. The result does not depend on it.
    progress : callable or None, default=None
        Called with (done, total) after every fit of a sentence model.

    Attributes
    ----------
    classes_ : ndarray of shape (n_behaviours,)
    hasher_ : NgramHasher
    languages_ : list of str
    finder_ : QuestionFinder
        Only with `questions`.
    thresholds_ : ndarray of float64, shape (n_behaviours,)
        Probability from which a behaviour is predicted.
    language_thresholds_ : dict of str to ndarray of float64, shape (n_behaviours,)
    word_buckets_, char_buckets_ : UsedBuckets
        Which of the 2 ** bits buckets are used, and so have a row of the weights.
    word_weights_, char_weights_ : ndarray of float32, shape (n_used + 1, n_columns + 1)
        Weights times the root of idf, over the block's typical norm; the last column is idf, for the norm. The others are
        the behaviours, those `elicited` and those `answered`.
    sentence_intercept_ : ndarray of float32, shape (n_columns,)
    turn_weights_ : ndarray of float64, shape (n_turn_features, n_behaviours + n_units)
    turn_intercept_ : ndarray of float64, shape (n_behaviours + n_units,)
    unit_weights_ : ndarray of float64, shape (n_units, n_behaviours)
        What each hidden unit adds to the log-odds, times its value where that is above zero.
    unknown_previous_ : ndarray of float64, shape (n_columns,)
        Stands in for the scores of an unknown turn before or after.

    Notes
    -----
    `X` is a sequence of prepared texts (see `santun_models.ngrams`). `Y` is a 0/1 matrix of shape (n_turns,
    n_behaviours).

    Examples
    --------
    >>> model = BehaviourClassifier(behaviours=["thanks"], word_bits=10, char_bits=10, n_folds=2)
    >>> texts = ["thank you", "many thanks", "my bill", "it is late"] * 5
    >>> model.fit(texts, [[1], [1], [0], [0]] * 5).predict(["thanks a lot", "the bill"])
    array([[1],
           [0]], dtype=int8)
    """

    def __init__(
        self,
        *,
        behaviours: Sequence[str] | None = None,
        C: float = 0.15,
        context_C: float = 0.05,
        context_units: int = 0,
        units_from: int = 100_000,
        rounds: int = 2,
        n_folds: int = 4,
        min_df: int = 4,
        word_bits: int = 22,
        char_bits: int = 20,
        cue_weight: int = 3,
        concepts: bool = True,
        questions: bool = True,
        spelling: int = 40,
        elicited: Sequence[str] = (),
        answered: Sequence[str] = (),
        min_language_gain: float = 0.01,
        prior: Mapping[str, float] | None = None,
        random_state: int = 0,
        n_jobs: int = 2,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.behaviours = behaviours
        self.C = C
        self.context_C = context_C
        self.context_units = context_units
        self.units_from = units_from
        self.rounds = rounds
        self.n_folds = n_folds
        self.min_df = min_df
        self.word_bits = word_bits
        self.char_bits = char_bits
        self.cue_weight = cue_weight
        self.concepts = concepts
        self.questions = questions
        self.spelling = spelling
        self.elicited = elicited
        self.answered = answered
        self.min_language_gain = min_language_gain
        self.prior = prior
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.progress = progress

    def __sklearn_tags__(self) -> Any:
        """Texts in, several labels out."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.multi_class = False
        tags.target_tags.multi_output = True
        tags.no_validation = True
        return tags

    # ------------------------------------------------------------------------------------------------ fitting

    def fit(
        self,
        X: Sequence[str],
        Y: npt.ArrayLike,
        *,
        groups: Sequence[Any] | None = None,
        context: Context | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Fit both stages and the thresholds.

        Parameters
        ----------
        X : sequence of str, length n_turns
            Prepared texts.
        Y : array-like of {0, 1, -1}, shape (n_turns, n_behaviours)
            -1 where nobody said whether the turn performs the behaviour: of that nothing is learnt from it.
        groups : sequence, length n_turns, default=None
            Conversation of each turn; cross-fitting never parts one. Each turn is its own group where None.
        context : Context, default=None
        sample_weight : array-like of float, shape (n_turns,), default=None

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the lengths differ, `Y` holds anything else, or a behaviour has fewer than `n_folds` examples or no counter-example.
        """
        texts, y, names = self._check(X, Y)
        weight = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        context = context or Context.unknown(len(texts))
        group = _numbered(np.arange(len(texts)) if groups is None else groups, len(texts))
        order = np.random.default_rng(self.random_state).permutation(int(group.max(initial=-1)) + 1)
        fold = order[group] % self.n_folds
        sentences = split_sentences(texts)
        self.hasher_ = hasher = NgramHasher(
            self.word_bits,
            self.char_bits,
            cues=tuple(cue_phrases().values()) if self.cue_weight else (),
            cue_weight=self.cue_weight,
            concepts=concept_words() if self.concepts else (),
            speller=self._speller(sentences, group) if self.spelling else None,
        )
        if self.questions:
            sentences = with_marks(sentences, self._asking(texts, sentences, group, fold))
        blocks = hasher.counts(sentences)
        idf = self._idf(blocks, group[sentences.owner])
        typical = _typical(blocks, idf)
        features = _scaled(blocks, idf, typical)
        del blocks  # gigabytes, not needed any more

        def whole() -> sp.csr_matrix:
            return _scaled(hasher.counts(whole_texts(sentences)), idf, typical)

        self.classes_ = names
        targets = np.hstack([y, *self._around(y, context)])
        scores, weights, intercept = self._fit_sentences(features, whole, sentences.owner, targets, fold, weight)
        self.__dict__.pop("_token_cache", None)
        kept = [part > 0 for part in np.split(idf, [1 << self.word_bits])]
        used = idf[idf > 0]
        per_count = used / np.repeat(typical, [part.sum() for part in kept])
        tables = np.split(np.hstack([weights.T * per_count[:, None], (used**2)[:, None]]), [kept[0].sum()])
        # as they are stored, so that a model says the same before and after
        self.word_buckets_, self.char_buckets_ = map(UsedBuckets.of, kept)
        self.word_weights_, self.char_weights_ = (_unpacked(*_pack(table)) for table in tables)
        self.sentence_intercept_ = intercept.astype(np.float32)
        del features
        # in single precision, as whoever keeps them to fit the second stage again would have them
        self._fit_turns(scores.astype(np.float32).astype(np.float64), sentences, y, fold, context, weight)
        return self

    def _check(self, X: Sequence[str], Y: npt.ArrayLike) -> tuple[list[str], Labels, npt.NDArray[Any]]:
        texts = list(X)
        y = np.asarray(Y)
        if y.ndim != 2 or len(y) != len(texts):
            raise ValueError(
                f"Y must be a matrix with a row for each of the {len(texts)} texts; its shape is {y.shape}."
            )
        if not np.isin(y, (0, 1, -1)).all():
            raise ValueError("Y must hold 0, 1, and -1 for what is not known.")
        names = np.arange(y.shape[1]) if self.behaviours is None else np.array(list(self.behaviours))
        if len(names) != y.shape[1]:
            raise ValueError(f"{len(names)} behaviours are named and Y has {y.shape[1]} columns.")
        for name, count, known in zip(names, (y == 1).sum(axis=0), (y >= 0).sum(axis=0), strict=True):
            if not self.n_folds <= count < known:
                raise ValueError(
                    f"{name} has {count} examples among {known} texts: "
                    f"at least {self.n_folds} and one counter-example are needed."
                )
        return texts, y.astype(np.int8), names

    def _columns(self, chosen: Sequence[str]) -> list[int]:
        """Columns of the behaviours that are `elicited` or `answered`."""
        names = self.classes_.tolist()
        return [names.index(name) for name in chosen if name in names]

    def _around(self, y: Labels, context: Context) -> tuple[Labels, Labels]:
        """Which of the behaviours `elicited` the turn after each performs, and of those `answered` the turn before.

        -1 where there is none.
        """

        def of(rows: Ints, chosen: Sequence[str]) -> Labels:
            return np.where(rows[:, None] >= 0, y[rows][:, self._columns(chosen)], np.int8(-1))

        answered = self.answered if len(y) >= self.units_from else ()
        return of(_following(context.previous), self.elicited), of(context.previous, answered)

    def _speller(self, sentences: Sentences, group: Ints) -> Speller:
        """Words that are frequent, and others that are known, by the groups they stand in."""
        n_groups = int(group.max(initial=0)) + 1
        pairs = np.unique(sentences.ids * n_groups + group[sentences.owner[sentences.sentence_of_token]])
        spread = np.bincount(pairs // n_groups, minlength=len(sentences.vocabulary))
        words = [i for i in np.argsort(-spread, kind="stable").tolist() if sentences.vocabulary[i].isalpha()]
        return Speller(
            tuple(sentences.vocabulary[i] for i in words if spread[i] >= self.spelling),
            tuple(sentences.vocabulary[i] for i in words if self.min_df <= spread[i] < self.spelling),
        )

    def _asking(self, texts: list[str], sentences: Sentences, group: Ints, fold: Ints) -> npt.NDArray[np.bool_]:
        """Which sentences get a question mark, each by what was learnt of other folds; fit the finder on all of them."""
        self.finder_ = QuestionFinder(random_state=self.random_state).fit(texts, group)
        token_hash = token_hashes(self.hasher_.read(sentences.vocabulary))
        asks = np.zeros(len(sentences.owner), bool)
        for k in range(self.n_folds):
            others = [text for text, own in zip(texts, fold.tolist(), strict=True) if own != k]
            # a wrong mark would teach, so training texts get the surer ones only
            finder = QuestionFinder(random_state=self.random_state).fit(others, sure=True)
            held = fold[sentences.owner] == k
            asks[held] = finder.asks(sentences, token_hash)[held]
        return asks

    def _idf(self, blocks: Sequence[sp.csr_matrix], group: Ints) -> Scores:
        """Root of inverse document frequency over the columns of both blocks; 0 in fewer than `min_df` groups."""
        n = len(group)
        member = sp.csr_matrix((np.ones(n, np.float32), (group, np.arange(n))))
        df, spread = (
            np.concatenate([np.bincount(b.indices, minlength=b.shape[1]) for b in counted])
            for counted in (blocks, [member @ b for b in blocks])
        )
        return np.where(spread >= self.min_df, np.sqrt(np.log((1 + n) / (1 + df)) + 1), 0.0)

    def _fit_sentences(
        self,
        features: sp.csr_matrix,
        whole: Callable[[], sp.csr_matrix],
        owner: Ints,
        y: Labels,
        fold: Ints,
        weight: Scores | None,
    ) -> tuple[Scores, Scores, Scores]:
        """Multiple-instance rounds: cross-fitted sentence scores, and the weights of the final model."""
        n_labels = y.shape[1]
        total = n_labels * (self.n_folds * (self.rounds + 1) + 1)
        done = 0

        def fit_columns(x: sp.csr_matrix, targets: Labels, w: Scores | None) -> tuple[Scores, Scores]:
            nonlocal done
            # liblinear draws from one generator a process: two fits in threads would draw from each other's numbers
            fits = Parallel(self.n_jobs if x.nnz > _WORTH_A_PROCESS else 1)(
                delayed(_fit_column)(x, targets[:, j], w, self.C, self.random_state) for j in range(n_labels)
            )
            done += n_labels
            if self.progress:
                self.progress(done, total)
            return np.vstack([fit[0] for fit in fits]), np.array([fit[1] for fit in fits])

        sentence_fold, sentence_weight = fold[owner], None if weight is None else weight[owner]
        scores = np.zeros((len(owner), n_labels))
        target = y[owner]
        for step in range(self.rounds + 1):
            turns = whole() if step == 0 else None  # gigabytes, for the first step only
            for k in range(self.n_folds):
                if turns is not None:
                    rows = fold != k
                    coef, intercept = fit_columns(turns[rows], y[rows], None if weight is None else weight[rows])
                else:
                    rows = sentence_fold != k
                    w = None if sentence_weight is None else sentence_weight[rows]
                    coef, intercept = fit_columns(features[rows], target[rows], w)
                held = sentence_fold == k
                scores[held] = features[held] @ coef.T + intercept
            best = np.maximum.reduceat(scores, _starts(owner))[owner]
            positive = y[owner] == 1
            target = (positive & (scores >= best)).astype(np.int8)
            # another sentence that may share in the label is neither an example nor a counter-example
            target[(positive & (target == 0) & (scores > 0)) | (y[owner] < 0)] = -1
        coef, intercept = fit_columns(features, target, sentence_weight)
        return scores, coef, intercept

    def _fit_turns(
        self, scores: Scores, sentences: Sentences, y: Labels, fold: Ints, context: Context, weight: Scores | None
    ) -> None:
        n = len(y)
        pooled = _pool(scores, sentences)
        # what a turn looks like on the whole stands in for a turn before or after that is not known
        self.unknown_previous_ = np.median(_clip(pooled[0]), axis=0)
        hidden = Context.unknown(n)._replace(lang=context.lang)
        self.languages_ = sorted(set(context.lang.tolist()) - {"unknown"})
        views = [
            self._turn_features(pooled, context),
            self._turn_features(pooled, context, last=True),
            self._turn_features(pooled, context._replace(role=hidden.role)),
            self._turn_features(pooled, hidden._replace(role=context.role)),
            self._turn_features(pooled, hidden),
        ]
        mean, spread = views[0].mean(axis=0), views[0].std(axis=0)
        scale = np.where(spread > 1e-6, spread, 1.0)  # what never varies, say a role, must not grow beyond all measure
        scaled = [((view - mean) / scale).astype(np.float32) for view in views]
        del views  # gigabytes
        few = self._few(y)
        n_networks = 0 if few.all() or not self.context_units else _NETWORKS

        def fit_rows(rows: npt.NDArray[np.bool_]) -> _TurnModel:
            given = [view[rows] for view in scaled], y[rows], None if weight is None else weight[rows]
            linear = self._fit_linear(*given, few)
            networks = [self._fit_units(*given, few, linear, self.random_state + i) for i in range(n_networks)]
            return _joined([linear, *networks], share=1 / (1 + n_networks))

        everything = np.ones(n, bool)
        parts = [fold != k for k in range(self.n_folds)] + [everything]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a number of steps is what is asked for
            *held, final = Parallel(self.n_jobs, prefer="threads")(delayed(fit_rows)(rows) for rows in parts)
        logits = np.zeros(y.shape)
        for rows, model in zip(parts, held, strict=False):
            logits[~rows] = model.log_odds(scaled[0][~rows])
        self.turn_weights_ = final.weights / scale[:, None]
        self.turn_intercept_ = final.intercept - (mean / scale) @ final.weights
        self.unit_weights_ = final.units
        self._fit_thresholds(_sigmoid(logits), y, fold, context.lang, np.ones(n) if weight is None else weight)

    def _few(self, y: Labels) -> npt.NDArray[np.bool_]:
        """Which behaviours are known of fewer turns than `units_from`, shape (n_behaviours,)."""
        return np.asarray((y >= 0).sum(axis=0) < self.units_from)

    def _fit_linear(
        self, views: Sequence[Floats], y: Labels, weight: Scores | None, few: npt.NDArray[np.bool_]
    ) -> _TurnModel:
        """A logistic regression for each behaviour."""
        n_features, k = views[0].shape[1], y.shape[1]
        blocks = self._blocks()
        around = [  # feature of a turn around, behaviour that it elicits or answers
            (at, column)
            for name, chosen in (("elicited", self.elicited), ("answered", self.answered))
            for at, column in zip(range(blocks[name].start, blocks[name].stop), self._columns(chosen), strict=False)
        ]
        counted = np.r_[blocks["words"], blocks["lang"]].tolist()
        weights, intercept = np.zeros((n_features, k)), np.zeros(k)
        for j in range(k):
            known = y[:, j] >= 0
            target = y[known, j]
            if target.min() == target.max():  # all examples lie in one fold
                intercept[j] = _CLIP if target[0] else -_CLIP
                continue
            # of the turn itself, and of what the turns around elicit and answer, the behaviour's own scores only
            others = [at for at, column in around if column != j]
            own = np.setdiff1d(np.r_[j : 4 * k : k, 4 * k : n_features], others + (counted if few[j] else []))
            x = np.vstack([view[known][:, own] for view in views]).astype(np.float64)
            w = None if weight is None else np.tile(weight[known], len(views))
            model = LogisticRegression(C=self.context_C, max_iter=1000).fit(x, np.tile(target, len(views)), w)
            weights[own, j], intercept[j] = model.coef_[0], model.intercept_[0]
        return _TurnModel(weights, intercept, np.zeros((0, k)))

    def _fit_units(
        self,
        views: Sequence[Floats],
        y: Labels,
        weight: Scores | None,
        few: npt.NDArray[np.bool_],
        linear: _TurnModel,
        random_state: int,
    ) -> _TurnModel:
        """A network for all behaviours that are known of the same turns; those of few turns stay as in the linear model."""
        k = y.shape[1]
        patterns, pattern_of = np.unique(y >= 0, axis=1, return_inverse=True)
        found = [linear._replace(weights=linear.weights * few, intercept=linear.intercept * few)]
        for p, known in enumerate(patterns.T):
            columns = np.flatnonzero((pattern_of == p) & ~few)
            if not len(columns):
                continue
            x = np.vstack([view[known] for view in views])
            # of one column scikit-learn makes two classes, and of one class none
            target = np.tile(y[known][:, np.resize(columns, max(len(columns), 2))], (len(views), 1))
            w = None if weight is None else np.tile(weight[known], len(views))
            batch = min(_BATCH, len(x))
            network = MLPClassifier((self.context_units,), batch_size=batch, random_state=random_state, warm_start=True)
            for length, steps in _STEPS.items():
                passes = -(-steps // -(-len(x) // batch))
                network.set_params(learning_rate_init=length, max_iter=passes).fit(x, target, w)
            (into, out), (bias, own) = network.coefs_, network.intercepts_
            intercept, units = np.zeros(k), np.zeros((len(bias), k))
            intercept[columns], units[:, columns] = own[: len(columns)], out[:, : len(columns)]
            found.append(_TurnModel(np.hstack([np.zeros((len(into), k)), into]), np.r_[intercept, bias], units))
        return _joined(found)

    def _fit_thresholds(
        self, probabilities: Scores, y: Labels, fold: Ints, lang: npt.NDArray[np.str_], weight: Scores
    ) -> None:
        """Thresholds of the best F1 on cross-fitted probabilities; a language's own where it gains enough.

        The best one of a sample hangs on a few of its rows, so each is the mean of the folds' best ones, as in bagging
        (Breiman 1996, Bagging predictors, Machine Learning 24); of few turns it is that of all folds together.
        """
        prior = self.prior or {}
        few = self._few(y)
        general = [prior.get(str(name), 1.0) for name in self.classes_]

        def weighted(rows: npt.NDArray[np.bool_], j: int, share: float) -> tuple[Labels, Scores, Scores]:
            truth = y[rows, j]
            return truth, probabilities[rows, j], weight[rows] * np.where(truth == 1, share, 1.0)

        def best(rows: npt.NDArray[np.bool_], j: int, share: float) -> float:
            parts = [rows] if few[j] else [rows & (fold == k) for k in range(self.n_folds)]
            samples = [weighted(part, j, share) for part in parts]
            return float(np.mean([best_threshold(*sample) for sample in samples if sample[0].any()]))

        known = (y >= 0).T
        self.thresholds_ = np.array([best(rows, j, general[j]) for j, rows in enumerate(known)])
        self.language_thresholds_ = {}
        for code in self.languages_:
            own = self.thresholds_.copy()
            for j, name in enumerate(self.classes_):
                told = prior.get(f"{name}:{code}")
                share = general[j] if told is None else told
                rows = (lang == code) & known[j]
                truth, p, w = weighted(rows, j, share)
                positives = int(truth.sum())
                if positives < 30:
                    continue
                shrunk = positives / (positives + 200)
                candidate = shrunk * best(rows, j, share) + (1 - shrunk) * own[j]
                gain = _f1(truth, p >= candidate, w) - _f1(truth, p >= own[j], w)
                if told is not None or gain >= self.min_language_gain:
                    own[j] = candidate
            self.language_thresholds_[code] = own.round(6)
        self.thresholds_ = self.thresholds_.round(6)  # six digits hide what the order of a sum could change

    # ------------------------------------------------------------------------------------------------ storing

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Give all that was learnt as JSON settings and arrays."""
        check_is_fitted(self, "turn_weights_")
        params = {k: v for k, v in self.get_params().items() if k not in ("behaviours", "n_jobs", "progress")}
        settings = {
            "behaviours": [str(name) for name in self.classes_],
            "params": params,
            "cues": [list(group) for group in self.hasher_.cues],
            "concepts": list(self.hasher_.concepts),
            "frequent": " ".join(self.hasher_.speller.frequent) if self.hasher_.speller else "",
            "known": " ".join(self.hasher_.speller.known) if self.hasher_.speller else "",
            "thresholds": self.thresholds_.tolist(),
            "language_thresholds": {code: own.tolist() for code, own in self.language_thresholds_.items()},
        }
        arrays: dict[str, npt.NDArray[Any]] = {
            "sentence_intercept": self.sentence_intercept_,
            "turn_weights": self.turn_weights_,
            "turn_intercept": self.turn_intercept_,
            "unit_weights": self.unit_weights_,
            "unknown_previous": self.unknown_previous_,
        }
        if self.questions:
            settings["questions"] = self.finder_.intercept_
            arrays["questions"] = self.finder_.weights_.astype(np.float16)
        for name, buckets, weights in (
            ("words", self.word_buckets_, self.word_weights_),
            ("chars", self.char_buckets_, self.char_weights_),
        ):
            arrays[f"{name}.used"] = np.packbits(buckets.used())
            arrays[name], arrays[f"{name}.scale"] = _pack(weights[1:])
        return settings, arrays

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> Self:
        """Make a fitted classifier of what `to_arrays` gave.

        Raises
        ------
        ValueError
            If shapes do not fit together.
        """
        model = cls(behaviours=settings["behaviours"], **settings["params"])
        model.classes_ = np.array(settings["behaviours"])
        k = len(model.classes_)
        n = k + len(model._columns(model.elicited))
        if len(arrays["sentence_intercept"]) > n:  # of few turns there are none
            n += len(model._columns(model.answered))

        def check(shapes: dict[str, tuple[int, ...]]) -> None:
            for name, shape in shapes.items():
                if arrays[name].shape != shape:
                    raise ValueError(f"{name} is of shape {arrays[name].shape}, not {shape}")

        # before they are unfolded to eight times their size
        check({"words.used": (n_buckets(model.word_bits) // 8,), "chars.used": (n_buckets(model.char_bits) // 8,)})
        used = {name: np.unpackbits(arrays[f"{name}.used"]) for name in ("words", "chars")}
        both = k + len(arrays["unit_weights"])
        model.languages_ = list(settings["language_thresholds"])
        model.unknown_previous_ = arrays["unknown_previous"]
        check({
            "words": (used["words"].sum(), n + 1), "words.scale": (n + 1,),
            "chars": (used["chars"].sum(), n + 1), "chars.scale": (n + 1,),
            "sentence_intercept": (n,), "turn_weights": (model._blocks()["lang"].stop, both), "turn_intercept": (both,), "unit_weights": (both - k, k),
            "unknown_previous": (n,),
        })  # fmt: skip
        model.hasher_ = NgramHasher(
            model.word_bits,
            model.char_bits,
            cues=tuple(tuple(group) for group in settings["cues"]),
            cue_weight=model.cue_weight,
            concepts=tuple(settings["concepts"]),
            speller=Speller(*(tuple(settings[part].split()) for part in ("frequent", "known")))
            if model.spelling
            else None,
        )
        if model.questions:
            model.finder_ = QuestionFinder.from_arrays(settings["questions"], arrays["questions"])
        model.word_buckets_, model.char_buckets_ = map(UsedBuckets.of, used.values())
        model.word_weights_, model.char_weights_ = (_unpacked(arrays[name], arrays[f"{name}.scale"]) for name in used)
        model.sentence_intercept_ = arrays["sentence_intercept"]
        model.turn_weights_ = arrays["turn_weights"]
        model.turn_intercept_ = arrays["turn_intercept"]
        model.unit_weights_ = arrays["unit_weights"]
        model.thresholds_ = np.array(settings["thresholds"])
        model.language_thresholds_ = {code: np.array(own) for code, own in settings["language_thresholds"].items()}
        if any(own.shape != (k,) for own in (model.thresholds_, *model.language_thresholds_.values())):
            raise ValueError(f"there must be {k} thresholds")
        return model

    # ------------------------------------------------------------------------------------------------ scoring

    def sentence_scores(self, sentences: Sentences) -> Scores:
        """Score sentences by stage one, shape (n_sentences, n_columns)."""
        words, chars = self._token_sums(*self._asked(sentences))
        scores = words[:, :-1] / _softened(words[:, -1:])
        scores += chars[:, :-1] / _softened(chars[:, -1:])
        return np.asarray(scores + self.sentence_intercept_, np.float64)

    def _asked(self, sentences: Sentences) -> tuple[Sentences, Ints]:
        """Put the question marks that lack; also give the rows of the vocabulary in the cache."""
        # the mark must be among the words before they are looked up
        if self.questions and MARK not in sentences.vocabulary:
            sentences = sentences._replace(vocabulary=[*sentences.vocabulary, MARK])
        rows = self._cache.rows(sentences.vocabulary)
        if self.questions and len(sentences.ids):
            sentences = with_marks(sentences, self.finder_.asks(sentences, self._cache.arrays[2][rows]))
        return sentences, rows

    def _token_sums(self, sentences: Sentences, rows: Ints) -> tuple[Floats, Floats]:
        """Sums of the two tables over each sentence; in the order of the text, so that no batch changes a bit."""
        token_words, token_chars, *token_hash = self._cache.arrays or self._tokens([])[1]
        n = len(sentences.owner)
        occurrence = _ordered(rows[sentences.ids], sentences.offsets, len(token_words))
        words = occurrence @ token_words
        for kind in self.hasher_.phrases(sentences, *(hashes[rows] for hashes in token_hash)):
            offsets = offsets_of(kind.sentence, n)
            counts = _ordered(self.word_buckets_.rows(kind.bucket), offsets, len(self.word_weights_))
            words += kind.weight * (counts @ self.word_weights_)
        return words, occurrence @ token_chars

    @property
    def _cache(self) -> TokenCache:
        cache: TokenCache | None = self.__dict__.get("_token_cache")
        if cache is None:
            cache = self._token_cache = TokenCache(self._tokens)
        return cache

    def __getstate__(self) -> dict[str, Any]:
        """All but the cache."""
        return {name: value for name, value in super().__getstate__().items() if name != "_token_cache"}

    def _tokens(self, vocabulary: Sequence[str]) -> tuple[Ints, tuple[npt.NDArray[Any], ...]]:
        """A row each: sums of both tables over the token, its hash, its stem's and its concept's."""
        owner, bucket = self.hasher_.token_grams(vocabulary)
        offsets = offsets_of(owner, len(vocabulary))
        chars = _ordered(self.char_buckets_.rows(bucket), offsets, len(self.char_weights_)) @ self.char_weights_
        read = self.hasher_.read(vocabulary)
        token_hash = token_hashes(read)
        stem_hash, concept_hash = self.hasher_.meaning_hashes(read)
        of_token, of_stem = (self.word_buckets_.rows(word_buckets(h, self.word_bits)) for h in (token_hash, stem_hash))
        of_concept = np.where(concept_hash, self.word_buckets_.rows(self.hasher_.concept_buckets(concept_hash)), 0)
        words = self.word_weights_[of_token] + self.word_weights_[of_stem] + self.word_weights_[of_concept]
        return np.ones(len(vocabulary), np.int64), (words, chars, token_hash, stem_hash, concept_hash)

    def _blocks(self) -> dict[str, slice]:
        """Where the features of stage two stand."""
        k, asked = len(self.classes_), len(self._columns(self.elicited))
        widths = {
            "own": 4 * k,
            "sentences": 1,
            "words": 1,
            "previous": k,
            "elicited": asked,
            "previous_role": 3,
            "following": k,
            "answered": len(self.unknown_previous_) - k - asked,
            "following_role": 3,
            "role": 2,
            "lang": len(self.languages_),
        }
        ends = np.cumsum([*widths.values()]).tolist()
        return {name: slice(end - width, end) for (name, width), end in zip(widths.items(), ends, strict=True)}

    def _turn_features(self, pooled: Sequence[Scores], context: Context, *, last: bool = False) -> Scores:
        """Features of stage two, as in `_blocks`; with `last` each turn's as if none had come after it."""
        k = len(self.classes_)
        best = _clip(pooled[0])
        others = (_clip(scores[:, :k]) for scores in pooled[1:-1])
        # of a language that is not known, or was not learnt, as much as of each
        strange = ~np.isin(context.lang, self.languages_) / max(len(self.languages_), 1)
        langs = [(context.lang == code) + strange for code in self.languages_]
        following = np.full(len(best), -1) if last else _following(context.previous)
        roles = [context.role == "agent", context.role == "customer"]
        columns = [best[:, :k], *others, np.log(pooled[-1])]
        asked = k + len(self._columns(self.elicited))
        for rows, parts in ((context.previous, [slice(asked)]), (following, [slice(k), slice(asked, None)])):
            known = rows >= 0
            around = np.where(known[:, None], best[rows], self.unknown_previous_)
            columns += [around[:, part] for part in parts]
            columns.append(np.column_stack([*(known & role[rows] for role in roles), known]))
        return np.hstack([*columns, np.column_stack([*roles, *langs])]).astype(np.float64)

    def decision_function(self, X: Sequence[str], context: Context | None = None) -> Scores:
        """Log-odds of each behaviour.

        Parameters
        ----------
        X : sequence of str, length n_turns
            Prepared texts.
        context : Context, default=None

        Returns
        -------
        ndarray of float64, shape (n_turns, n_behaviours)
        """
        check_is_fitted(self, "turn_weights_")
        if not len(X):
            return np.empty((0, len(self.classes_)))
        sentences = split_sentences(X)
        pooled = _pool(self.sentence_scores(sentences), sentences)
        return self._turn_scores(self._turn_features(pooled, context or Context.unknown(len(X))))

    def _turn_scores(self, features: Scores) -> Scores:
        return _TurnModel(self.turn_weights_, self.turn_intercept_, self.unit_weights_).log_odds(features)

    def predict_proba(self, X: Sequence[str], context: Context | None = None) -> Scores:
        """Calibrated probability of each behaviour, shape (n_turns, n_behaviours)."""
        return _sigmoid(self.decision_function(X, context))

    def predict(self, X: Sequence[str], context: Context | None = None) -> Labels:
        """Behaviours at the fitted thresholds, 0/1, shape (n_turns, n_behaviours)."""
        lang = (context or Context.unknown(len(X))).lang
        return (self.predict_proba(X, context) >= self.thresholds(lang)).astype(np.int8)

    def thresholds(self, lang: npt.NDArray[np.str_]) -> Scores:
        """Threshold of each behaviour for turns of these languages, shape (n_turns, n_behaviours)."""
        table = np.vstack([self.thresholds_, *self.language_thresholds_.values()])
        row = np.zeros(len(lang), np.int64)
        for index, code in enumerate(self.language_thresholds_, 1):
            row[lang == code] = index
        return np.asarray(table[row])

    # ------------------------------------------------------------------------------------------------ explaining

    def explain(self, X: Sequence[str], context: Context | None = None) -> Explanation:
        """Share the log-odds of the last text out over its tokens and its context.

        Parameters
        ----------
        X : sequence of str
            Prepared texts; the last one is explained, the others are there for its context.
        context : Context, default=None

        Returns
        -------
        Explanation
            Its parts add up to `decision_function` of the last text.
        """
        context = context or Context.unknown(len(X))
        sentences = split_sentences(X)
        scores = self.sentence_scores(sentences)
        pooled = _pool(scores, sentences)
        features = self._turn_features(pooled, context)[-1]
        k = len(self.classes_)
        start, slope = self._slopes(features)
        mine = np.flatnonzero(sentences.owner == len(X) - 1)
        weights = self.token_weights(sentences)
        contributions = [weights[sentences.offsets[s] : sentences.offsets[s + 1]] for s in mine]  # each (n_tokens, k)
        best = mine[np.argmax(scores[mine], axis=0)]
        tokens = [np.zeros((len(c), k)) for c in contributions]
        fixed = self._turn_scores(start[None])[0] - start[: 4 * k] @ slope[: 4 * k]
        sources: list[tuple[int, list[tuple[int, float]]]] = []
        for j in range(k):
            n = len(mine)
            sources.append((j, [(int(best[j] - mine[0]), 1.0)]))
            sources.append((k + j, [(s, 1 / n) for s in range(n)]))
            sources.append((2 * k + j, [(0, 1.0)]))
            sources.append((3 * k + j, [(n - 1, 1.0)]))
        for feature, parts in sources:
            j = feature % k
            value = sum(scores[mine[s], j] * share for s, share in parts)
            shrink = features[feature] / value if value else 0.0  # where the score was clipped
            for s, share in parts:
                effect = slope[feature] * share * shrink
                tokens[s] += contributions[s][:, j : j + 1] * effect
                fixed += self.sentence_intercept_[j] * effect
        around = slice(self._blocks()["previous"].start, None)
        return Explanation(tokens, (features - start)[around] @ slope[around], fixed)

    def _slopes(self, features: Scores) -> tuple[Scores, Scores]:
        """Integrated gradients [3]_ of the log-odds on the way from a turn that says nothing, and that turn's features.

        Along a straight way a unit is above zero for one stretch of it, so they are exact: the log-odds at both ends
        differ by the features' differences times the slopes.
        """
        k = len(self.classes_)
        nothing = self.unknown_previous_[None]
        start = self._turn_features([*[nothing] * 4, np.ones((1, 2))], Context.unknown(1))[0]
        blocks = self._blocks()
        for kept in ("sentences", "words", "lang"):
            start[blocks[kept]] = features[blocks[kept]]
        ends = np.stack([start, features]) @ self.turn_weights_[:, k:] + self.turn_intercept_[k:]
        above, apart = np.maximum(ends, 0), ends[1] - ends[0]
        flat = np.abs(apart) < 1e-9
        share = np.where(flat, ends[1] > 0, (above[1] - above[0]) / np.where(flat, 1.0, apart))
        return start, self.turn_weights_[:, :k] + (self.turn_weights_[:, k:] * share) @ self.unit_weights_

    def token_weights(self, sentences: Sentences) -> Scores:
        """Share the stage-one scores of sentences out over their tokens, shape (n_tokens, n_columns).

        A phrase's share is halved between its outer tokens; a question mark that was put there is the last token's. With
        `sentence_intercept_` the rows of a sentence add up to its `sentence_scores`.
        """
        k = len(self.sentence_intercept_)
        if not len(sentences.ids):
            return np.zeros((0, k))
        own = sentences
        sentences, rows = self._asked(own)
        token_words, token_chars, *token_hash = self._cache.arrays
        words = token_words[rows][sentences.ids].astype(np.float64)
        chars = token_chars[rows][sentences.ids].astype(np.float64)
        for kind in self.hasher_.phrases(sentences, *(hashes[rows] for hashes in token_hash)):
            halves = kind.weight * self.word_weights_[self.word_buckets_.rows(kind.bucket)].astype(np.float64) / 2
            lone = sentences.offsets[kind.sentence]  # of a sentence of one token both ends may be borders
            for end, other in ((kind.left, kind.right), (kind.right, kind.left)):
                # a border's half goes to the token beside it
                np.add.at(words, np.where(end >= 0, end, np.where(other >= 0, other, lone)), halves)
        owner = sentences.sentence_of_token
        n = len(sentences.owner)
        norms = [_softened(np.bincount(owner, table[:, -1], n))[owner, None] for table in (words, chars)]
        weights = words[:, :k] / norms[0] + chars[:, :k] / norms[1]
        # a question mark that was put there speaks for the token before it
        added = sentences.offsets[1:][np.diff(sentences.offsets) > np.diff(own.offsets)] - 1
        weights[added - 1] += weights[added]
        return np.asarray(np.delete(weights, added, axis=0), np.float64)


class Explanation(NamedTuple):
    """Log-odds shared out.

    Attributes
    ----------
    tokens : list of ndarray of float64, each of shape (n_tokens_of_sentence, n_behaviours)
    context : ndarray of float64, shape (n_behaviours,)
        What the turns around and the roles add to what is said where nothing is known of them.
    base : ndarray of float64, shape (n_behaviours,)
        What any utterance of the language, of as many sentences and words, starts from.
    """

    tokens: list[Scores]
    context: Scores
    base: Scores


def _f1(truth: npt.NDArray[Any], predicted: npt.NDArray[np.bool_], weight: Scores) -> float:
    hits = float(weight @ (truth.astype(bool) & predicted))
    return 2 * hits / max(float(weight @ truth + weight @ predicted), 1e-9)


def _fit_column(
    x: sp.csr_matrix, target: Labels, weight: Scores | None, C: float, random_state: int
) -> tuple[Scores, float]:
    """Weights and intercept of one behaviour's sentence model; targets below zero are left out."""
    known = target >= 0
    if not known.all():
        x, target, weight = x[known], target[known], None if weight is None else weight[known]
    if len(np.unique(target)) < 2:
        return np.zeros(x.shape[1]), 1.0 if target.any() else -1.0
    ratio = _count_ratio(x, target)
    values = ratio[x.indices]
    values *= x.data
    x = sp.csr_matrix((values, x.indices, x.indptr), shape=x.shape)  # a second copy of the places would be gigabytes
    # primal steps, which scikit-learn takes of more rows than columns, last three times as long and end less exactly
    model = LinearSVC(C=C, dual=True, tol=0.1, max_iter=5000, random_state=random_state)
    with threadpool_limits(1):  # sums of several BLAS threads differ from run to run
        model.fit(x, target, weight)
    return model.coef_[0] * ratio, float(model.intercept_[0])


def _count_ratio(x: sp.csr_matrix, target: Labels) -> Scores:
    """Scale of each feature: a quarter, and three quarters by how unevenly the feature falls on the two classes.

    The unevenness is the absolute log ratio of the feature's shares (Wang & Manning 2012, Baselines and bigrams, ACL),
    divided by its mean over the features.
    """
    shares = [np.asarray(x[target == value].sum(axis=0), np.float64).ravel() + 0.05 for value in (0, 1)]
    ratio = np.abs(np.log((shares[1] / shares[1].sum()) / (shares[0] / shares[0].sum())))
    return np.asarray(0.25 + 0.75 * ratio / ratio.mean())


def _numbered(groups: Sequence[Any] | Ints, n_turns: int) -> Ints:
    """Number groups in the order of their first appearance."""
    if len(groups) != n_turns:
        raise ValueError(f"{len(groups)} groups are given for {n_turns} texts.")
    index: dict[Any, int] = {}
    return np.array([index.setdefault(group, len(index)) for group in groups], np.int64)


def _softened(square: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Norm to the power of three quarters, of a squared norm: a long sentence is diluted less than by its norm."""
    eighth = np.sqrt(np.sqrt(np.sqrt(np.maximum(square, 1e-9))))  # roots are exact in any batch, powers are not
    return np.asarray(eighth * eighth * eighth)


def _typical(blocks: Sequence[sp.csr_matrix], idf: Scores) -> Scores:
    """Mean norm of each block to the power of a quarter, what `_softened` takes less of."""
    squares = [block @ w**2 for block, w in zip(blocks, np.split(idf, [blocks[0].shape[1]]), strict=True)]
    return np.array([max(np.sqrt(square).mean(), 1e-9) ** 0.25 for square in squares])


def _scaled(blocks: Sequence[sp.csr_matrix], idf: Scores, typical: Scores) -> sp.csr_matrix:
    """Counts to features: the columns used, weighted by idf, divided by the softened norm of the block."""
    scaled = []
    for block, weight, part in zip(blocks, np.split(idf, [blocks[0].shape[1]]), typical, strict=True):
        used = np.flatnonzero(weight)
        block, weight = block[:, used], weight[used]
        norm = _softened(block @ weight**2) * part
        scaled.append(sp.diags(1 / norm) @ block @ sp.diags(weight))
    return sp.hstack(scaled).tocsr()


def _pack(table: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int8], Floats]:
    """Bytes of the signed square roots, so that small weights keep more digits than great ones, and a scale a column."""
    scale = np.abs(table).max(axis=0, initial=1e-9).astype(np.float32)
    return np.rint(np.sign(table) * np.sqrt(np.abs(table) / scale) * 127).astype(np.int8), scale


def _unpacked(packed: npt.NDArray[np.int8], scale: Floats) -> Floats:
    """Weights of a table: a row of zeros, then the rows of the buckets used."""
    # in place: a model is loaded often, and its tables are most of it
    table = np.zeros((len(packed) + 1, packed.shape[1]), np.float32)
    weights = table[1:]
    np.divide(packed, np.float32(127), out=weights)
    np.square(weights, out=weights)
    np.copysign(weights, packed, out=weights)
    weights *= scale
    return table


def _following(previous: Ints) -> Ints:
    """Row of the turn after each; -1 where there is none."""
    rows = np.full(len(previous), -1)
    known = np.flatnonzero(previous >= 0)
    rows[previous[known]] = known
    return rows


def _starts(owner: Ints) -> Ints:
    return np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])


def _pool(scores: Scores, sentences: Sentences) -> tuple[Scores, Scores, Scores, Scores, Scores]:
    """Best, mean, first and last sentence scores of each turn, and how many sentences and (plus one) words it has.

    Words are of letters and digits alone: no mark, no placeholder, nothing with a hyphen.
    """
    starts = _starts(sentences.owner)
    ends = np.r_[starts[1:], len(sentences.owner)]
    count = (ends - starts).astype(np.float64)[:, None]
    mean = np.add.reduceat(scores, starts) / count
    words = np.fromiter(map(str.isalnum, sentences.vocabulary), np.int64)[sentences.ids]
    before = np.r_[0, np.cumsum(words)]
    size = np.column_stack([count, 1 + before[sentences.offsets[ends]] - before[sentences.offsets[starts]]])
    return np.maximum.reduceat(scores, starts), mean, scores[starts], scores[ends - 1], size


def _clip(scores: Scores) -> Scores:
    return np.clip(scores, -_CLIP, _CLIP)


def _sigmoid(logits: Scores) -> Scores:
    return np.asarray(1 / (1 + np.exp(-logits)))


def _ordered(indices: Ints | Rows, offsets: Ints, width: int) -> sp.csr_matrix:
    """Counting matrix whose row sums run in the order of `indices`."""
    return sp.csr_matrix((np.ones(len(indices), np.float32), indices, offsets), shape=(len(offsets) - 1, width))
