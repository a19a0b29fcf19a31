"""Words never seen, read as the frequent word one slip of the finger away.

A typing error makes a word that hardly a training text holds, and with it all phrases the word stands in are lost. Such a
word is read as the most frequent word of five letters or more that is one letter away: one letter dropped, added, changed, or
two exchanged, which is what most typing errors are [1]_, behind the first letter.

References
----------
.. [1] F. J. Damerau (1964), A technique for computer detection and correction of spelling errors, CACM 7,
   doi:10.1145/363958.363994.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from symspellpy import SymSpell, Verbosity

_SHORTEST = 5  # letters of a frequent word; shorter ones have too many neighbours
_PREFIX = 7  # letters that the index of neighbours looks at


@dataclass(frozen=True)
class Speller:
    """Reader of words that were never seen.

    Parameters
    ----------
    frequent : tuple of str
        Words that others may be read as, the most frequent first.
    known : tuple of str
        Other words that are read as they are.

    Examples
    --------
    >>> speller = Speller(("sorry", "terima"), ("sorrel",))
    >>> [speller(word) for word in ("sorrry", "sory", "trima", "etrima", "sorrel", "worry", "sr")]
    ['sorry', 'sorry', 'terima', 'etrima', 'sorrel', 'worry', 'sr']
    """

    frequent: tuple[str, ...]
    known: tuple[str, ...]

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(self.frequent) | frozenset(self.known)

    @cached_property
    def _neighbours(self) -> SymSpell:
        neighbours = SymSpell(max_dictionary_edit_distance=1, prefix_length=_PREFIX)
        for rank, word in enumerate(self.frequent):
            if len(word) >= _SHORTEST:
                neighbours.create_dictionary_entry(word, len(self.frequent) - rank)
        return neighbours

    def __call__(self, token: str) -> str:
        """Give the word that a token is read as."""
        if len(token) < _SHORTEST - 1 or not token.isalpha() or token in self._words:
            return token
        start = token[:_PREFIX]
        shorter = [start[:i] + start[i + 1 :] for i in range(1, len(start))]
        if self._neighbours.deletes.keys().isdisjoint([start, *shorter]):
            return token  # what the lookup would find, without its price: four in five have no neighbour
        near = self._neighbours.lookup(token, Verbosity.CLOSEST, max_edit_distance=1)
        # the first letter is seldom wrong
        return next((found.term for found in near if found.term[0] == token[0]), token)
