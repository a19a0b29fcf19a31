"""Crude stems, for n-grams that inflection and spelling do not part.

Common affixes are taken off by patterns, as light stemming does for Arabic [1]_, and the rest is cut to its first five
letters, which serves about as well as a real stemmer in many languages [2]_. No dictionary, no language to be known.

References
----------
.. [1] L. Larkey, L. Ballesteros, M. Connell (2002), Improving stemming for Arabic information retrieval, SIGIR,
   doi:10.1145/564376.564425.
.. [2] P. McNamee, J. Mayfield (2004), Character n-gram tokenization for European language text retrieval, Information
   Retrieval 7, doi:10.1023/B:INRT.0000009441.78971.be.
"""

from __future__ import annotations

import re

_LENGTH = 5
# endings, then beginnings: "sedihnya" is "sedih", not "se-dih-nya"
_ARABIC = (
    re.compile(r"(?<=[ء-ي]{3})(?:كم|هم|نا|ها|ني|ين|ون|ات|كي|وا|[هكيا])$"),
    re.compile(r"^[وف]?(?:ال|بال|لل|كال|هال|عال|بي|بت|بن|عم|[بلهمتينا])?(?=[ء-ي]{3})"),
)
_LATIN = (
    re.compile(r"(?<=\w{4})(?:kannya|kan|nya|lah|kah|an|ku|mu|i)$"),
    re.compile(
        r"^(?:meng(?=[aeioughk])|mem(?=[bfp])|men(?=[cdjstz])|meny|me(?=[lmnrwy])|peng(?=[aeioughk])|pem(?=[bfp])"
        r"|pen(?=[cdjt])|ber|ter)(?=\w{4})|^(?:di|ke|pe|se)(?=\w{5})"
    ),
)


def stem(token: str) -> str:
    """Give the stem of a token of letters; other tokens, and those of three letters or fewer, stay as they are.

    Examples
    --------
    >>> [stem(word) for word in ("mengecewakan", "kekecewaan", "apologises", "apology", "والمشكله", "sir", "3afwan")]
    ['ecewa', 'kecew', 'apolo', 'apolo', 'مشكل', 'sir', '3afwan']
    """
    if len(token) < 4 or not token.isalpha():
        return token
    endings, beginnings = _ARABIC if "ء" <= token[0] <= "ي" else _LATIN
    return beginnings.sub("", endings.sub("", token))[:_LENGTH]
