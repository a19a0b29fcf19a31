"""The classifier keeps scikit-learn's contract, and no batch, order or thread changes a bit of its output."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from santun_models.behaviour import BehaviourClassifier, Context, UsedBuckets
from santun_models.language import LanguageIdentifier, pool_languages, words
from santun_models.lexicon import LexiconClassifier, concept_words
from santun_models.ngrams import TokenCache, split_sentences
from santun_models.spelling import Speller
from santun_models.threshold import best_threshold
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

TEXTS = ["thank you .\nhello there !", "many thanks", "my bill is late", "it is late", "hello", "so be it"] * 6
Y = np.array([[1, 1], [1, 0], [0, 0], [0, 0], [0, 1], [0, 0]] * 6)
SMALL = {"behaviours": ["thanks", "greeting"], "word_bits": 10, "char_bits": 10, "n_folds": 2, "elicited": ["greeting"]}


@pytest.fixture(scope="module")
def fitted() -> BehaviourClassifier:
    return BehaviourClassifier(**SMALL).fit(TEXTS, Y, context=context())


@pytest.fixture(scope="module")
def with_units() -> BehaviourClassifier:
    """Stage two has hidden units."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("santun_models.behaviour._STEPS", {0.002: 400})  # of ten thousand
        model = BehaviourClassifier(**SMALL, answered=["thanks"], context_units=8, units_from=0)
        return model.fit(TEXTS + ASKED, EITHER, context=context(len(TEXTS + ASKED)))


ASKED = [
    "how are you ?",
    "how is your day ?",
    "where is the bill ?",
    "i am fine .",
    "it is late .",
    "the bill is here .",
] * 6


# of the last thirty-six one behaviour is not known
EITHER = np.vstack([Y, np.column_stack([np.full(36, -1), [0, 1, 0, 0, 1, 0] * 6])])


@pytest.fixture(scope="module")
def asking() -> BehaviourClassifier:
    settings = {**SMALL, "behaviours": ["rapport_question"], "word_bits": 14}
    return BehaviourClassifier(**settings).fit(ASKED, [[1], [1], [0], [0], [0], [0]] * 6)


def context(n: int = len(TEXTS)) -> Context:
    return Context(
        np.array([i - 1 if i % 3 else -1 for i in range(n)]),
        np.array([("agent", "customer")[i % 2] for i in range(n)]),
        np.array(["en"] * n),
    )


def test_parameters_are_kept_and_cloned():
    model = clone(BehaviourClassifier(**SMALL))

    assert model.get_params()["word_bits"] == 10
    assert model.set_params(C=0.5).C == 0.5
    assert not hasattr(model, "classes_")
    tags = get_tags(model)
    assert tags.input_tags.string
    assert tags.classifier_tags.multi_label


def test_fit_gives_attributes_and_shapes(fitted):
    assert fitted.classes_.tolist() == ["thanks", "greeting"]
    assert fitted.predict_proba(TEXTS).shape == (36, 2)
    assert fitted.predict_proba([]).shape == (0, 2)
    assert fitted.predict(["many thanks", "my bill is late"]).tolist() == [[1, 0], [0, 0]]
    assert ((fitted.predict_proba(TEXTS) > 0) & (fitted.predict_proba(TEXTS) < 1)).all()


def test_marks_other_than_the_question_mark_say_nothing(fitted):
    plain, marked, asked = fitted.predict_proba(["many thanks", "( many , thanks ! ) .", "many thanks ?"])

    assert (plain == marked).all()
    assert (plain != asked).any()


def test_a_sentence_that_asks_needs_no_question_mark(asking):
    bare = ["how are you", "hello , how is your day", "the bill is here"]
    marked, raw = (asking.predict_proba(texts)[:, 0] for texts in (["how are you ?", bare[1] + " ?", bare[2]], bare))

    assert (marked == raw).all()
    assert raw[0] > 0.5 > raw[2]
    without = clone(asking).set_params(questions=False).fit(ASKED, [[1], [1], [0], [0], [0], [0]] * 6)
    assert (without.predict_proba(bare[:2]) != without.predict_proba(["how are you ?", bare[1] + " ?"])).all()


def test_a_question_mark_that_was_put_there_is_the_last_tokens(asking):
    parts = asking.explain(["it is late\nhow are you"])

    assert [len(tokens) for tokens in parts.tokens] == [3, 3]
    total = sum(tokens.sum(axis=0) for tokens in parts.tokens) + parts.context + parts.base
    np.testing.assert_allclose(total, asking.decision_function(["it is late\nhow are you"])[0], atol=1e-4)
    raw, asked = (asking.token_weights(split_sentences([f"it is late\nhow are you{end}"])) for end in ("", " ?"))
    np.testing.assert_array_equal(raw, np.vstack([asked[:5], asked[5:].sum(axis=0)]))


def test_a_slip_of_the_finger_is_read_as_the_frequent_word():
    texts = ["we apologise for that", "we are late", "we apologise", "that is it"] * 6
    y = [[1], [0], [1], [0]] * 6
    settings = {**SMALL, "behaviours": ["apology"], "concepts": False, "cue_weight": 0}
    reading = BehaviourClassifier(**settings, spelling=10).fit(texts, y)
    assert reading.hasher_.speller == Speller(("we", "apologise", "that"), ("for", "are", "late", "is", "it"))
    slips = ["we apologse", "we apologisee", "we apolgoise", "we apologide"]

    assert reading.predict(slips).all()
    assert (
        reading.predict_proba(slips) > clone(reading).set_params(spelling=0).fit(texts, y).predict_proba(slips)
    ).all()


def test_known_and_short_words_are_no_slips():
    speller = Speller(("kecewa", "dengan", "maaf", "denman"), ("kecewe",))

    assert [speller(word) for word in ("kecewe", "kcewa", "denkan", "maf", "kecwea", "akecewa", "kecewa2")] == [
        "kecewe", "kecewa", "dengan", "maf", "kecewa", "akecewa", "kecewa2",
    ]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["kecewa", "apologise", "المشكله"]),
    st.integers(1, 20),
    st.sampled_from(["drop", "add", "change", "swap"]),
)
def test_any_one_slip_behind_the_first_letter_is_found(word, at, how):
    at = min(at, len(word) - 2)
    slip = {
        "drop": word[:at] + word[at + 1 :],
        "add": word[:at] + "w" + word[at:],
        "change": word[:at] + "z" + word[at + 1 :],
        "swap": word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    }[how]

    assert Speller((word,), ())(slip) == word


@pytest.mark.parametrize(
    ("setting", "value"),
    [("frequent", None), ("known", 3), ("questions", float("nan")), ("questions", 10**400), ("questions", "1")],
)
def test_settings_of_another_kind_are_refused(fitted, setting, value):
    given, arrays = fitted.to_arrays()

    with pytest.raises((ValueError, AttributeError)):
        BehaviourClassifier.from_arrays({**given, setting: value}, arrays)


def test_a_finder_of_another_size_is_refused(fitted):
    given, arrays = fitted.to_arrays()

    with pytest.raises(ValueError, match=r"questions is of shape \(2,\)"):
        BehaviourClassifier.from_arrays(given, {**arrays, "questions": arrays["questions"][:2]})


@given(st.lists(st.booleans(), min_size=128, max_size=128))
def test_each_used_bucket_has_the_next_row(used):
    buckets = UsedBuckets.of(np.array(used))

    rows = buckets.rows(np.arange(len(used)))

    assert rows.tolist() == (np.cumsum(used) * used).tolist()
    assert buckets.used().tolist() == used


def test_hidden_units_tell_what_no_sum_does(monkeypatch):
    monkeypatch.setattr("santun_models.behaviour._STEPS", {0.002: 2000})
    # of either text what came before decides, each the other way round
    texts = ["hello", "which one", "bye", "which one", "hello", "thanks", "bye", "thanks"] * 20
    y = [[0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 1]] * 20
    turns = Context.unknown(len(texts))._replace(previous=np.array([i - 1 if i % 2 else -1 for i in range(len(texts))]))
    linear, network = (
        BehaviourClassifier(
            **{**SMALL, "behaviours": ["rapport_question", "greeting", "thanks"]}, context_units=units, units_from=0
        ).fit(texts, y, context=turns)
        for units in (0, 16)
    )

    def right(model: BehaviourClassifier) -> float:
        return float((model.predict(texts, turns)[1::2, 0] == np.array(y)[1::2, 0]).mean())

    assert right(linear) < 0.9
    assert right(network) > 0.95


def test_from_few_turns_no_units_are_learnt():
    model = BehaviourClassifier(**SMALL, context_units=8).fit(TEXTS, Y, context=context())

    assert model.unit_weights_.shape == (0, 2)


def test_units_of_behaviours_known_of_other_turns_are_their_own(with_units):
    first, second = with_units.unit_weights_[:8], with_units.unit_weights_[8:16]

    assert not first[:, 0].any() or not first[:, 1].any()
    assert not second[:, 0].any() or not second[:, 1].any()
    assert first.any()
    assert second.any()


@pytest.mark.parametrize("spelling", [0, 10])
def test_what_is_stored_says_the_same(spelling):
    model = BehaviourClassifier(**{**SMALL, "spelling": spelling}).fit(TEXTS + ASKED, np.vstack([Y, Y]))
    again = BehaviourClassifier.from_arrays(*model.to_arrays())
    texts = ["how are you", "how is it\nlate", "", "fine", "many thnks"]

    assert again.hasher_ == model.hasher_
    np.testing.assert_array_equal(again.decision_function(texts), model.decision_function(texts))


def test_hidden_units_are_stored(with_units):
    again = BehaviourClassifier.from_arrays(*with_units.to_arrays())

    np.testing.assert_array_equal(again.decision_function(TEXTS), with_units.decision_function(TEXTS))


@pytest.mark.parametrize(
    ("one", "other"),
    [("kecewa", "mengecewakan"), ("apologise", "apologising"), ("مشكله", "والمشكله"), ("bantu", "membantu")],
)
def test_inflected_forms_share_a_stem_or_nearly(one, other):
    from difflib import SequenceMatcher

    from santun_models.stems import stem

    assert SequenceMatcher(None, stem(one), stem(other)).ratio() >= 0.75


def test_a_meaning_learnt_in_one_language_is_known_in_another():
    texts = [
        "apologies for the delay",
        "we apologise , it is late",
        "the delay",
        "it is late",
        "the shop",
        "we eat",
    ] * 6
    y = np.array([[1], [1], [0], [0], [0], [0]] * 6)
    asked = ["mohon ampun atas kelewatan", "نعتذر عن التاخير", "kelewatan itu", "التاخير"]
    settings = {**SMALL, "behaviours": ["apology"], "cue_weight": 0}

    assert BehaviourClassifier(**settings).fit(texts, y).predict(asked).ravel().tolist() == [1, 1, 0, 0]
    assert not BehaviourClassifier(**settings, concepts=False).fit(texts, y).predict(asked).any()


def test_no_word_means_two_things():
    words = [word for group in concept_words() for word in group.split()]

    assert len(words) == len(set(words))


def test_a_lower_prior_predicts_less_of_that_behaviour_only():
    usual = BehaviourClassifier(**SMALL, rounds=0)
    noisy = np.array(Y)
    noisy[::5] = 1 - noisy[::5]
    plain = usual.fit(TEXTS, noisy).thresholds_
    rarer = usual.set_params(prior={"greeting": 0.2}).fit(TEXTS, noisy).thresholds_

    assert rarer[0] == plain[0]
    assert rarer[1] >= plain[1]


def test_a_prior_of_a_language_holds_there_only():
    texts, y = [text for text in TEXTS for _ in range(8)], np.repeat(Y, 8, axis=0)
    y[[i for i, text in enumerate(texts) if text == "hello" and i % 4 > 1]] = 0  # only every other "hello" greets
    context = Context.unknown(len(texts))._replace(lang=np.array(["ms", "en"] * (len(texts) // 2)))
    plain = BehaviourClassifier(**SMALL, rounds=0).fit(texts, y, context=context)
    rarer = clone(plain).set_params(prior={"greeting:en": 0.2}).fit(texts, y, context=context)

    assert rarer.language_thresholds_["en"][1] > plain.language_thresholds_["en"][1]
    assert rarer.language_thresholds_["en"][0] == plain.language_thresholds_["en"][0]
    assert rarer.language_thresholds_["ms"].tolist() == plain.language_thresholds_["ms"].tolist()
    assert rarer.thresholds_.tolist() == plain.thresholds_.tolist()


def test_where_examples_weigh_less_the_threshold_is_higher():
    truth, scores = [1, 1, 0, 1, 0, 0], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]

    assert best_threshold(truth, scores) == pytest.approx(0.55)
    assert best_threshold(truth, scores, [0.2 if y else 1 for y in truth]) == pytest.approx(0.75)


def test_what_the_turn_before_calls_for_is_learnt_where_it_is_asked_for():
    texts = ["my dog is ill", "sorry", "the fee is wrong", "sorry", "my aunt is ill", "so it goes"] * 20
    y = [[0, 0], [1, 0], [0, 0], [0, 1], [0, 0], [1, 0]] * 20
    turns = Context.unknown(len(texts))._replace(previous=np.array([i - 1 if i % 2 else -1 for i in range(len(texts))]))
    settings = {**SMALL, "behaviours": ["empathy", "apology"]}
    plain = BehaviourClassifier(**{**settings, "elicited": ()}).fit(texts, y, context=turns)
    asking = BehaviourClassifier(**{**settings, "elicited": ["empathy", "no_behaviour_of_these"]}).fit(
        texts, y, context=turns
    )
    told = ["my dog is ill", "sorry", "the fee is wrong", "sorry"]

    def margin(model: BehaviourClassifier) -> float:
        logits = model.decision_function(told, Context.unknown(4)._replace(previous=np.array([-1, 0, -1, 2])))
        return logits[1, 0] - logits[3, 0]

    assert margin(asking) > margin(plain) + 0.5
    assert asking.sentence_scores(split_sentences(told)).shape == (4, 3)


def test_the_turn_after_tells_what_the_words_do_not_and_may_be_missing():
    texts = ["how is he", "thank you", "how is he", "on shelf two"] * 20
    y = [[1, 0], [0, 1], [0, 0], [0, 0]] * 20
    turns = Context.unknown(len(texts))._replace(previous=np.array([i - 1 if i % 2 else -1 for i in range(len(texts))]))
    model = BehaviourClassifier(**{**SMALL, "behaviours": ["rapport_question", "thanks"], "elicited": ()}).fit(
        texts, y, context=turns
    )
    told = ["how is he", "thank you", "how is he", "on shelf two", "how is he"]
    asked = model.predict_proba(told, Context.unknown(5)._replace(previous=np.array([-1, 0, -1, 2, -1])))[:, 0]
    last, alone = asked[4], model.predict_proba(["how is he"])[0, 0]

    assert asked[0] > last > asked[2]
    assert asked[0] > asked[2] + 0.2
    assert last == alone


def test_what_the_turn_after_answers_is_learnt_where_it_is_asked_for():
    texts = ["how is he", "kind of you to ask", "how is he", "on shelf two"] * 20
    y = [[1], [0], [0], [0]] * 20
    turns = Context.unknown(len(texts))._replace(previous=np.array([i - 1 if i % 2 else -1 for i in range(len(texts))]))
    settings = {**SMALL, "behaviours": ["rapport_question"], "elicited": (), "units_from": 0}
    told = texts[:4]

    def margin(answered: list[str]) -> float:
        model = BehaviourClassifier(**{**settings, "answered": answered}).fit(texts, y, context=turns)
        assert model.sentence_scores(split_sentences(told)).shape == (4, 1 + len(answered))
        logits = model.decision_function(told, Context.unknown(4)._replace(previous=np.array([-1, 0, -1, 2])))
        return logits[0, 0] - logits[2, 0]

    assert margin(["rapport_question"]) > margin([]) + 0.2


def test_how_long_a_turn_is_counts_in_words_not_in_marks():
    model = BehaviourClassifier(**SMALL, units_from=0).fit(TEXTS, Y)
    start = [model.explain([text]).base for text in ("the bill", "the bill ? 👍", "the bill of the year")]

    np.testing.assert_array_equal(start[0], start[1])
    assert (start[0] != start[2]).any()


def test_of_few_turns_neither_length_nor_language_nor_answers_are_learnt():
    turns = Context.unknown(len(TEXTS))._replace(previous=np.arange(len(TEXTS)) - 1, lang=np.array(["en", "ms"] * 18))
    few = BehaviourClassifier(**SMALL, answered=["greeting"]).fit(TEXTS, Y, context=turns)
    enough = BehaviourClassifier(**SMALL, answered=["greeting"], units_from=0).fit(TEXTS, Y, context=turns)

    used = [(model.turn_weights_ != 0).any(axis=1).sum() for model in (few, enough)]

    assert used[1] - used[0] == 4  # length, one answer, two languages


def test_what_is_known_of_few_turns_only_stays_as_of_few(with_units):
    settings = {**SMALL, "context_units": 8}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("santun_models.behaviour._STEPS", {0.002: 40})
        model = BehaviourClassifier(**settings, units_from=50).fit(TEXTS + ASKED, EITHER, context=context(72))
    blocks = model._blocks()

    assert with_units.unit_weights_[:, 0].any()
    assert not model.unit_weights_[:, 0].any()  # of thanks 36 turns are known
    assert model.unit_weights_[:, 1].any()
    assert not model.turn_weights_[blocks["words"], 0].any()
    assert model.turn_weights_[blocks["words"], 1].any()


def test_a_threshold_of_many_turns_is_the_mean_of_the_folds():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (60, 1)).astype(np.int8)
    p = np.clip(y * 0.3 + rng.random((60, 1)) * 0.6, 0, 1)
    fold, lang, weight = np.arange(60) % 2, np.full(60, "en"), np.ones(60)

    def threshold(units_from: int) -> float:
        model = BehaviourClassifier(behaviours=["thanks"], n_folds=2, units_from=units_from)
        model.classes_, model.languages_ = np.array(["thanks"]), []
        model._fit_thresholds(p, y, fold, lang, weight)
        return float(model.thresholds_[0])

    each = [best_threshold(y[fold == k, 0], p[fold == k, 0], weight[fold == k]) for k in (0, 1)]

    assert threshold(0) == pytest.approx(np.mean(each), abs=1e-6)
    assert threshold(61) == pytest.approx(best_threshold(y[:, 0], p[:, 0], weight), abs=1e-6)


def test_a_language_that_was_not_learnt_counts_like_one_that_is_not_known():
    turns = Context.unknown(len(TEXTS))._replace(lang=np.array(["en", "ms"] * 18))
    model = BehaviourClassifier(**SMALL, units_from=0).fit(TEXTS, Y, context=turns)

    def scores(lang: str) -> np.ndarray:
        return model.decision_function(["the bill"], Context.unknown(1)._replace(lang=np.array([lang])))[0]

    np.testing.assert_array_equal(scores("id"), scores("unknown"))
    np.testing.assert_allclose(scores("unknown"), (scores("en") + scores("ms")) / 2, atol=1e-9)


def test_without_turns_around_nothing_elicits_or_answers_anything():
    lone = BehaviourClassifier(**SMALL, answered=["greeting"], units_from=0).fit(TEXTS, Y)
    plain = BehaviourClassifier(**{**SMALL, "elicited": ()}, units_from=0).fit(TEXTS, Y)

    np.testing.assert_allclose(lone.decision_function(TEXTS), plain.decision_function(TEXTS), atol=1e-6)


def test_not_fitted_is_said():
    with pytest.raises(NotFittedError):
        BehaviourClassifier().predict(["x"])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y[:5], "Y must be a matrix with a row for each of the 36 texts; its shape is \\(5, 2\\)."),
        (Y * 2, "Y must hold 0, 1, and -1 for what is not known."),
        (Y[:, :1], "2 behaviours are named and Y has 1 columns."),
        (Y * [1, 0], "greeting has 0 examples among 36 texts: at least 2 and one counter-example are needed."),
    ],
)
def test_bad_targets_are_refused_with_their_reason(y, message):
    with pytest.raises(ValueError, match=message):
        BehaviourClassifier(**SMALL).fit(TEXTS, y)


def test_fit_is_deterministic_and_does_not_depend_on_threads(fitted):
    again = BehaviourClassifier(**SMALL, n_jobs=1).fit(TEXTS, Y, context=context())

    for name in ("word_weights_", "char_weights_", "turn_weights_", "thresholds_"):
        np.testing.assert_array_equal(getattr(again, name), getattr(fitted, name))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from([*TEXTS[:6], *ASKED[:3], "how are you", "", "x", "شكرا جزيلا"]), min_size=1, max_size=9),
    st.randoms(),
)
def test_neighbours_and_order_never_change_a_score(fitted, asking, with_units, texts, random):
    order = list(range(len(texts)))
    random.shuffle(order)
    for model in (fitted, asking, with_units):
        alone = np.vstack([model.decision_function([text]) for text in texts])

        np.testing.assert_array_equal(model.decision_function(texts), alone)
        np.testing.assert_array_equal(model.decision_function([texts[i] for i in order]), alone[order])


def test_context_matters_only_where_it_is_given(fitted):
    texts = ["hello", "so be it"]
    lone = fitted.decision_function(texts)
    linked = fitted.decision_function(
        texts, Context(np.array([-1, 0]), np.array(["agent", "customer"]), np.array(["en"] * 2))
    )

    np.testing.assert_array_equal(fitted.decision_function(texts, Context.unknown(2)), lone)
    assert not np.array_equal(lone[1], linked[1])


@pytest.mark.parametrize("text", ["thank you .\nhello there !", "x", "", "thank thank thank", "it\nis\nlate"])
def test_explanation_adds_up_to_the_log_odds(fitted, with_units, text):
    told = Context(np.array([-1, 0]), np.array(["customer", "agent"]), np.array(["en", "en"]))
    for model in (fitted, with_units):
        for texts, known in (([text], None), (["hello", text], told)):
            parts = model.explain(texts, known)
            total = sum(tokens.sum(axis=0) for tokens in parts.tokens) + parts.context + parts.base

            np.testing.assert_allclose(total, model.decision_function(texts, known)[-1], atol=1e-4)


def test_best_threshold_parts_scores_between_values():
    assert best_threshold([1, 0], [0.5, 0.5]) == 0.5
    assert best_threshold([0, 1, 1], [0.2, 0.6, 0.6]) == pytest.approx(0.4)


def test_language_identifier_and_pooling():
    texts = [
        "saya nak tanya pasal bil",
        "aku mau nanya soal tagihan",
        "عندي سؤال عن الفاتورة",
        "i have a question about my bill",
    ] * 3
    model = LanguageIdentifier().fit(texts, ["ms", "id", "ar", "en"] * 3)
    probabilities, _, n_words = model.predict_parts(["saya nak tanya", "bil", ""])

    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert n_words.tolist() == [3, 1, 0]
    turns, conversations = pool_languages(probabilities, n_words, np.zeros(3, int))
    assert set(model.classes_[turns.argmax(axis=1)]) == {"ms"}
    assert conversations.shape == (1, 4)


letters = st.text(st.characters(categories=["L"]), min_size=1, max_size=12)


@settings(max_examples=300, deadline=None)
@given(letters, st.sampled_from([".", "!", "؟"]))
def test_words_of_letters_are_read_as_among_marks(word, mark):
    assert words(word) == words(word + mark) == words(f"{word}(")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["a", "bb", "ccc", "d"]), unique=True, max_size=3), max_size=8))
def test_a_cache_that_begins_anew_says_the_same(batches):
    def compute(tokens):
        counts = np.array([len(token) for token in tokens])
        return counts, [np.array([f"{token}{i}" for token in tokens for i in range(len(token))], "<U4")]

    cache = TokenCache(compute, capacity=3)

    for batch in batches:
        rows = cache.rows(batch)
        found = [cache.arrays[0][row : row + len(token)].tolist() for row, token in zip(rows, batch, strict=True)]
        assert found == [[f"{token}{i}" for i in range(len(token))] for token in batch]


def test_lexicon_knows_the_phrases_of_each_language():
    model = LexiconClassifier(behaviours=["thanks", "apology", "other"]).fit()

    assert model.predict(["terima kasih", "شكرا", "we apologise", "", "sorryish"]).tolist() == [
        [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0],
    ]  # fmt: skip
