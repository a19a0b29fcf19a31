"""spaCy components: sentences and clauses.

A sentence ends at its mark, at a line break and at a dash between blanks ("thanks for the tip - where is it?").

Speech recognition writes long turns without a mark. A run of more than `LONG` tokens is therefore cut before words
that open a new clause ("okay", "tapi", "طيب"), so that one polite sentence in a long turn is seen as one.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from spacy.language import Language
from spacy.tokens import Doc

from santun.prepare.languages import language_data

LONG = 20
SHORTEST = 5
_CLAUSE_MARKS = frozenset(",،;؛:-")


def sentence_starts(norms: Sequence[str], ends: Sequence[bool], markers: Set[str]) -> list[int]:
    """Indices of the tokens that open a sentence.

    Parameters
    ----------
    norms : sequence of str
        Token norms of one utterance.
    ends : sequence of bool
        Whether a sentence mark or line break closes a sentence at the token.
    markers : set of str
        Words that open a clause in run-on speech.
    """
    starts: list[int] = []
    begin = 0
    for index in range(len(norms)):
        if ends[index] or index + 1 == len(norms):
            starts.append(begin)
            if index + 1 - begin > LONG:
                opened = begin
                for at in range(begin + SHORTEST, index + 2 - SHORTEST):
                    if norms[at] in markers and at - opened >= SHORTEST:
                        starts.append(at)
                        opened = at
            begin = index + 1
    return starts


class SentenceCutter:
    """Component ``santun_sentences``: sets ``token.is_sent_start``."""

    def __init__(self, markers: Set[str]) -> None:
        self.markers = markers

    def __call__(self, doc: Doc) -> Doc:
        """Mark the sentences of a doc."""
        ends = doc.user_data.get("santun.ends", [False] * len(doc))
        opened = set(sentence_starts([token.norm_ for token in doc], ends, self.markers))
        for token in doc:
            token.is_sent_start = token.i in opened
        return doc


class ClauseCutter:
    """Component ``santun_clauses``: fills ``doc.spans["clauses"]``, sentences cut at commas and clause openers."""

    def __init__(self, markers: Set[str]) -> None:
        self.markers = markers

    def __call__(self, doc: Doc) -> Doc:
        """Mark the clauses of a doc."""
        spans = []
        for sentence in doc.sents:
            begin = sentence.start
            for token in sentence:
                mark = token.text in _CLAUSE_MARKS and token.i + 1 < sentence.end
                if mark or (token.norm_ in self.markers and token.i - begin >= SHORTEST):
                    cut = token.i + 1 if mark else token.i
                    spans.append(doc[begin:cut])
                    begin = cut
            spans.append(doc[begin : sentence.end])
        doc.spans["clauses"] = [span for span in spans if len(span)]
        return doc


@Language.factory("santun_sentences", assigns=["token.is_sent_start", "doc.sents"])
def make_sentences(nlp: Language, name: str) -> SentenceCutter:  # noqa: ARG001 (spaCy's signature)
    """Make the component that cuts sentences."""
    return SentenceCutter(language_data(nlp.lang or "en").markers)


@Language.factory("santun_clauses", requires=["doc.sents"], assigns=["doc.spans"])
def make_clauses(nlp: Language, name: str) -> ClauseCutter:  # noqa: ARG001 (spaCy's signature)
    """Make the component that cuts clauses."""
    return ClauseCutter(language_data(nlp.lang or "en").markers)
