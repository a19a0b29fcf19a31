"""Which words of a turn speak for its labels, for many turns at once.

`Model.explain` shares out everything that a score is made of, one utterance at a time. Here only the largest parts are
named, by the first stage of the model, in the sentence that speaks most for the label: a thousand times faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from santun_corpora import LANGUAGES
from santun_models.ngrams import split_sentences

from santun.conversations import Said
from santun.model import Model, token_owners
from santun.prepare import LONGEST, pipeline, prepare

Spans = list[tuple[int, int]]
_BLOCK = 2_000
_SHARE, _WORDS = 0.7, 6  # of what speaks for a label so much is shown, and no more words


def find_evidence(
    model: Model, turns: Sequence[Said], on_turns: Callable[[int, int], None] | None = None
) -> list[dict[str, Spans]]:
    """Find the words that speak for each label of each turn.

    Parameters
    ----------
    model : Model
        The one that labelled, or one like it.
    turns : sequence of Said
    on_turns : callable, default=None
        Told (done, total).

    Returns
    -------
    list of dict of str to list of (int, int)
        For each turn: label to places (start, end) in the text, in order. A label that no word speaks for, or that the
        model does not know, is left out.

    Examples
    --------
    >>> from santun.model import load
    >>> turn = Said(1, "agent", None, "en", "Okay. Thank you so much!", ["thanks"], {}, "x:1")
    >>> (start, end), *others = find_evidence(load(), [turn])[0]["thanks"]
    >>> turn.text[start:end].split()[0]
    'Thank'
    """
    column = {name: j for j, name in enumerate(model.behaviours)}
    wanted = [
        i for i, turn in enumerate(turns) if turn.lang in LANGUAGES and any(name in column for name in turn.labels)
    ]
    found: list[dict[str, Spans]] = [{} for _ in turns]
    for start in range(0, len(wanted), _BLOCK):
        block = wanted[start : start + _BLOCK]
        sentences = split_sentences(prepare([turns[i].text for i in block], [turns[i].lang for i in block]))
        weights = model.classifier.token_weights(sentences)
        edges = np.searchsorted(sentences.owner, np.arange(len(block) + 1))  # sentences of each turn
        sums = np.add.reduceat(np.vstack([weights, np.zeros((1, weights.shape[1]))]), sentences.offsets[:-1], axis=0)
        sums[np.diff(sentences.offsets) == 0] = 0
        for at, i in enumerate(block):
            turn = turns[i]
            first, last = edges[at], edges[at + 1]
            if first == last:
                continue
            doc = pipeline(turn.lang)(turn.text[:LONGEST])
            places = doc.user_data["santun.offsets"]
            owner = token_owners(doc)
            base = sentences.offsets[first]
            if len(owner) != sentences.offsets[last] - base:
                continue  # the two ways through the tokenizer differ: rather nothing than the wrong words
            for name in turn.labels:
                if name not in column:
                    continue
                j = column[name]
                best = first + int(np.argmax(sums[first:last, j]))
                inside = range(sentences.offsets[best], sentences.offsets[best + 1])
                spans = _largest([(weights[t, j], places[owner[t - base]]) for t in inside], turn.text)
                if spans:
                    found[i][name] = spans
        if on_turns:
            on_turns(min(start + _BLOCK, len(wanted)), len(wanted))
    return found


def _largest(parts: Sequence[tuple[float, tuple[int, int]]], text: str) -> Spans:
    """Places of the largest parts, neighbours joined; marks alone are no words."""
    speaking = [(w, place) for w, place in parts if w > 0 and not _only_marks(text[place[0] : place[1]])]
    total = sum(w for w, _ in speaking)
    chosen: set[tuple[int, int]] = set()
    shown = 0.0
    for w, place in sorted(speaking, key=lambda part: -part[0]):
        if shown >= _SHARE * total or len(chosen) >= _WORDS:
            break
        chosen.add(place)
        shown += w
    for (_, before), (w, place), (_, after) in zip(parts, parts[1:], parts[2:], strict=False):
        if w > 0 and before in chosen and after in chosen:  # "how … you" reads better with its "are"
            chosen.add(place)
    joined: Spans = []
    for start, end in sorted(chosen):
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _only_marks(word: str) -> bool:
    return not any(c.isalnum() or ord(c) > 0x2190 for c in word)
