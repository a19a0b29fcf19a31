"""A trained model: language identifier, preparation and classifier behind one `label`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from santun_corpora import LANGUAGES, ROLES, Utterance, role_of
from santun_models.behaviour import BehaviourClassifier, Context
from santun_models.language import LanguageIdentifier, pool_languages
from santun_models.ngrams import SILENT
from santun_models.store import ModelError, load_folder, save_folder
from spacy.tokens import Doc

from santun.prepare import LONGEST, pipeline, prepare, raw_span

DEFAULT = "default"


def shipped(name: str | Path) -> Path | None:
    """Folder of a model that comes with santun; None where none is called so."""
    folder = Path(str(files("santun_models"))) / str(name)
    return folder if Path(name).name == str(name) and (folder / "manifest.json").is_file() else None


def load(name: str | Path = DEFAULT) -> Model:
    """Load a model.

    Parameters
    ----------
    name : str or Path, default="default"
        A folder that holds one, the name of a shipped one, or a registered one: ``models:/santun@champion``.

    Raises
    ------
    ModelError
        If there is none, or any of its files was changed.

    Examples
    --------
    >>> model = load()
    >>> model.label(["Maaf ya kak atas keterlambatannya"], lang="id")[0]["labels"]
    ['apology']
    """
    if str(name).startswith("models:/"):
        from santun.track import fetch

        return Model.load(fetch(str(name)).path)
    path = Path(name) if Path(name).is_dir() else shipped(name)
    if path is None:
        raise ModelError(
            f"no model {str(name)!r}: give a folder that `santun train` wrote, {DEFAULT!r}, or models:/NAME@ALIAS"
        )
    return Model.load(path)


class Labels(NamedTuple):
    """What a model says of utterances.

    Attributes
    ----------
    predicted : ndarray of int8, shape (n, n_behaviours)
    scores : ndarray of float64, shape (n, n_behaviours)
        Calibrated probabilities, rounded to six digits.
    lang : list of str
    mixed : ndarray of bool, shape (n,)
        Whether an utterance mixes languages.
    empty : ndarray of bool, shape (n,)
        Whether an utterance has no word, sign or number to go by.
    """

    predicted: npt.NDArray[np.int8]
    scores: npt.NDArray[np.float64]
    lang: list[str]
    mixed: npt.NDArray[np.bool_]
    empty: npt.NDArray[np.bool_]


@dataclass
class Model:
    """A language identifier and a behaviour classifier that belong together.

    Attributes
    ----------
    classifier : BehaviourClassifier
    identifier : LanguageIdentifier
    facts : dict
        What the manifest says: versions, hash of the training data.
    seen : ndarray of uint32
        Sorted `short_hashes` of the texts it was trained on.
    """

    classifier: BehaviourClassifier
    identifier: LanguageIdentifier
    facts: dict[str, Any] = field(default_factory=dict)
    seen: npt.NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))

    @property
    def behaviours(self) -> list[str]:
        """Names of the behaviours, in the order of every column."""
        return [str(name) for name in self.classifier.classes_]

    @property
    def version(self) -> str:
        """The first twelve digits of the hash of the model's files."""
        return str(self.facts.get("content_sha256", ""))[:12]

    def label(
        self,
        texts: Sequence[str],
        *,
        lang: str | Sequence[str | None] | None = None,
        speaker: str | Sequence[str | None] | None = None,
        conversation: bool = False,
    ) -> list[dict[str, Any]]:
        """Label utterances.

        Parameters
        ----------
        texts : sequence of str
        lang : str or sequence of str or None, default=None
            Language of all, or of each; found out where None.
        speaker : str or sequence of str or None, default=None
            Who speaks: a role or a role word of the four languages.
        conversation : bool, default=False
            Whether the texts are the turns of one conversation, in order, rather than unrelated utterances.

        Returns
        -------
        list of dict
            For each text its ``text``, ``lang``, ``labels`` (in behaviour order) and ``scores`` (probabilities).

        Raises
        ------
        TypeError
            If `texts` is a single string.
        ValueError
            If a language is unknown, or lengths differ.
        """
        utterances = _utterances(texts, lang, speaker, conversation)
        result = self.label_utterances(utterances)
        return [{"text": u.text, "lang": result.lang[i], **self.verdict(result, i)} for i, u in enumerate(utterances)]

    def verdict(self, result: Labels, row: int) -> dict[str, Any]:
        """Labels and scores of one row, as records hold them."""
        names = self.behaviours
        return {
            "labels": [name for name, on in zip(names, result.predicted[row].tolist(), strict=True) if on],
            "scores": dict(zip(names, np.round(result.scores[row], 4).tolist(), strict=True)),
        }

    def has_seen(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Which texts it was trained on, by their hashes (`santun.training_data.text_hashes`).

        Of ten thousand other texts one is taken for such: half of each hash is kept.
        """
        return np.isin(short_hashes(hashes), self.seen)

    def label_utterances(self, utterances: Sequence[Utterance]) -> Labels:
        """Label utterances of whole conversations; neighbours with the same conversation id are each other's context."""
        rows, real = with_context(utterances)
        run, previous = conversation_runs(rows)
        langs, mixed = self._languages(rows, run)
        texts = prepare([u.text for u in rows], langs)
        context = Context(previous, np.array([u.role for u in rows]), np.array(langs))
        # six digits hide what the order of a sum could change, so that batches never matter
        scores = np.round(self.classifier.predict_proba(texts, context), 6)
        empty = np.array([not text for text in texts], bool)
        scores[empty] = 0.0
        predicted = (scores >= self.classifier.thresholds(context.lang)).astype(np.int8)
        predicted[empty] = 0
        return Labels(predicted[real], scores[real], [langs[i] for i in np.flatnonzero(real)], mixed[real], empty[real])

    def languages(self, rows: Sequence[Utterance]) -> list[str]:
        """Language of each utterance, by the evidence of its conversation; what a row says of itself holds."""
        run, _ = conversation_runs(rows)
        return self._languages(rows, run)[0]

    def _languages(
        self, rows: Sequence[Utterance], run: npt.NDArray[np.int64]
    ) -> tuple[list[str], npt.NDArray[np.bool_]]:
        probabilities, mixed, n_words = self.identifier.predict_parts([u.text for u in rows])
        turns, _ = pool_languages(probabilities, n_words, run)
        found = self.identifier.classes_[turns.argmax(axis=1)].tolist() if len(rows) else []
        return [u.lang or guess for u, guess in zip(rows, found, strict=True)], mixed

    def explain(self, text: str, *, lang: str | None = None, speaker: str | None = None) -> dict[str, Any]:
        """Say which words speak for each behaviour of a lone utterance.

        Returns
        -------
        dict
            ``text``, ``lang`` and, for each behaviour, ``score`` (probability), ``threshold``, ``log_odds`` and its
            parts: ``base``, ``context`` and ``words``, a list of (``text``, ``start``, ``end``, ``weight``) over the
            raw text. The weights of the words, base and context add up to the log-odds. ``spans`` are the clauses of
            the text with the sums of their words.
        """
        [utterance] = _utterances([text], lang, speaker, False)
        result = self.label_utterances([utterance])
        code = result.lang[0]
        [prepared] = prepare([text], [code])
        doc = pipeline(code)(text[:LONGEST])
        context = Context(np.array([-1]), np.array([utterance.role]), np.array([code]))
        explanation = self.classifier.explain([prepared], context)
        log_odds = self.classifier.decision_function([prepared], context)[0]
        thresholds = self.classifier.thresholds(context.lang)[0]
        offsets = doc.user_data["santun.offsets"]
        weights = np.vstack(explanation.tokens) if explanation.tokens else np.zeros((0, len(self.behaviours)))
        owner = token_owners(doc)
        shared = np.zeros((len(doc), len(self.behaviours)))
        np.add.at(shared, owner, weights)
        clauses = [(*raw_span(span), shared[span.start : span.end].sum(axis=0)) for span in doc.spans["clauses"]]
        said = {}
        for j, name in enumerate(self.behaviours):
            said[name] = {
                "score": float(result.scores[0, j]),
                "threshold": float(thresholds[j]),
                "predicted": bool(result.predicted[0, j]),
                "log_odds": float(log_odds[j]),
                "base": float(explanation.base[j]),
                "context": float(explanation.context[j]),
                "words": [
                    {"text": text[start:end], "start": start, "end": end, "weight": float(shared[i, j])}
                    for i, (start, end) in enumerate(offsets)
                ],
                "spans": [
                    {"text": text[start:end], "start": start, "end": end, "weight": float(weight[j])}
                    for start, end, weight in clauses
                ],
            }
        return {"text": text, "lang": code, "prepared": prepared, "behaviours": said}

    def save(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write the model as a folder of plain data (see `santun_models.store`)."""
        settings: dict[str, Any] = {}
        arrays: dict[str, npt.NDArray[Any]] = {"seen": self.seen}
        for name, part in (("behaviour", self.classifier), ("language", self.identifier)):
            settings[name], own = part.to_arrays()
            arrays |= {f"{name}.{key}": array for key, array in own.items()}
        save_folder(folder, settings, arrays, facts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a model folder.

        Raises
        ------
        ModelError
            If it is none, or any of its files was changed.
        """
        settings, arrays, manifest = load_folder(folder)

        def part(name: str) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
            start = f"{name}."
            return settings[name], {k.removeprefix(start): a for k, a in arrays.items() if k.startswith(start)}

        try:
            classifier = BehaviourClassifier.from_arrays(*part("behaviour"))
            identifier = LanguageIdentifier.from_arrays(*part("language"))
            seen = arrays["seen"].astype(np.uint32)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise ModelError(f"{folder}: its parts do not fit together ({error}); take a fresh copy") from None
        manifest["content_sha256"] = content_hash(manifest)
        return cls(classifier, identifier, manifest, seen)


def short_hashes(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint32]:
    """Upper half of each hash: what a model keeps of a text."""
    return (hashes >> np.uint64(32)).astype(np.uint32)


def token_owners(doc: Doc) -> list[int]:
    """Token of a doc that each token which the classifier sees comes from; marks that say nothing are none."""
    return [token.i for token in doc for part in token.norm_.split() if part not in SILENT]


def content_hash(manifest: dict[str, Any]) -> str:
    """Hash of a model's files by the hashes in its manifest."""
    listed = "".join(f"{name}{entry['sha256']}" for name, entry in sorted(manifest["files"].items()))
    return hashlib.sha256(listed.encode()).hexdigest()


def check_language(lang: str | None) -> None:
    """Refuse a language that is not one of the four.

    Raises
    ------
    ValueError
        With the languages there are.
    """
    if lang is not None and lang not in LANGUAGES:
        raise ValueError(f"unknown language {lang!r}; give one of {', '.join(LANGUAGES)}")


def _utterances(
    texts: Sequence[str],
    lang: str | Sequence[str | None] | None,
    speaker: str | Sequence[str | None] | None,
    conversation: bool,
) -> list[Utterance]:
    if isinstance(texts, str):
        raise TypeError("texts is one string; give a list of utterances: label([text])")
    n = len(texts)
    langs = [lang] * n if lang is None or isinstance(lang, str) else list(lang)
    speakers = [speaker] * n if speaker is None or isinstance(speaker, str) else list(speaker)
    if not len(langs) == len(speakers) == n:
        raise ValueError(f"{n} texts, {len(langs)} languages and {len(speakers)} speakers are given")
    for code in langs:
        check_language(code)
    name = "conversation" if conversation else None
    return [
        Utterance(
            text, f"text:{i + 1}", conversation_id=name, lang=code, speaker=who,
            role=who if who in ROLES else role_of(who),
        )
        for i, (text, code, who) in enumerate(zip(texts, langs, speakers, strict=True))
    ]  # fmt: skip


def with_context(utterances: Sequence[Utterance]) -> tuple[list[Utterance], npt.NDArray[np.bool_]]:
    """Rows with the turns that came inside records put before them, and which rows are the utterances themselves."""
    if not any(u.context for u in utterances):
        return list(utterances), np.ones(len(utterances), bool)
    rows: list[Utterance] = []
    real: list[bool] = []
    for number, utterance in enumerate(utterances):
        for speaker, text in utterance.context:
            role = speaker if speaker in ROLES else role_of(speaker)
            rows.append(
                Utterance(text, utterance.source, conversation_id=f"\x00{number}", role=role, lang=utterance.lang)
            )
            real.append(False)
        rows.append(utterance)
        real.append(True)
    return rows, np.array(real, bool)


def conversation_runs(rows: Sequence[Utterance]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Number of the conversation of each row, and the row of the turn before (-1 for none)."""
    names = [row.conversation_id for row in rows]
    pairs = zip([None, *names], names, strict=False)
    joined = np.array([a is not None and (a == b or a[:1] == "\x00") for a, b in pairs], bool)
    previous = np.where(joined, np.arange(-1, len(rows) - 1), -1)
    return np.cumsum(~joined) - 1, previous
