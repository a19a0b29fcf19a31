"""What Arabic writers vary: alef and hamza, ya and alef maqsura, ta marbuta and ha, diacritics, tatweel, digits.

The commonest departures from the standard in texts of the net (Habash et al. 2012, Conventional orthography for
dialectal Arabic; Zaghouani et al. 2014 for the standard language). Preparation folds all of them but the dropped hamza
at the end of a word.
"""

from __future__ import annotations

import re

import numpy as np

from santun.noise.words import DIACRITICS, is_arabic, pick

_VARIANTS: dict[str, tuple[str, ...]] = {
    "أ": ("ا", "ا", "إ"), "إ": ("ا", "ا", "أ"), "آ": ("ا", "ا", "أ"), "ٱ": ("ا",), "ا": ("أ", "إ"),
    "ى": ("ي", "ي", "ی"), "ي": ("ى", "ى", "ی"), "ی": ("ي",), "ة": ("ه",), "ه": ("ة",),
    "ؤ": ("و",), "ئ": ("ي",), "ء": ("",), "ک": ("ك",),
}  # fmt: skip
_LETTER = "\u0621-\u064a\u0671-\u06d3"
_BEGINS, _ENDS = f"(?<![{_LETTER}])", f"(?![{_LETTER}{DIACRITICS}])"
_PLACES = re.compile(
    f"[أإآٱؤئک]|{_BEGINS}ا(?!ل)|(?<=[{_LETTER}])(?:[ىيیةه]|(?<=[{_LETTER}]{{2}})ء){_ENDS}|[{DIACRITICS}]+"
)
_JOINED = re.compile(f"(?<=[بتثجحخسشصضطظعغفقكلمنهيئ])(?=[{_LETTER}])(?!ء)")
_FINAL_ALEF = re.compile(f"(?<=[{_LETTER}]ا){_ENDS}")
_BARE = re.compile(f"(?<=[بتثجحخدذرزسشصضطظعغفقكلمنه])(?=[{_LETTER}])")
_VOWEL_SIGNS = ("\u064e", "\u064f", "\u0650", "\u0651", "\u0652")
_STROKES = ("\u0640", "\u0640" * 2, "\u0640" * 4)
_NUMBER = re.compile(r"(?<![\w@#/.])\d+(?:[.,:٫٬]\d+)*(?![\w@/])")
_DIGITS = ("0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹")
_RARE = 0.05  # diacritics and tatweel by place, of the rate


def arabic_letters(text: str, lang: str, rate: float, rng: np.random.Generator) -> str:  # noqa: ARG001 (all kinds' signature)
    """Write letters, diacritics and digits of a text in Arabic letters another way."""
    if not is_arabic(text):
        return text

    def seldom(changes: tuple[str, ...]) -> str:
        return pick(changes, rng) if rng.random() < rate * _RARE else ""

    text = _PLACES.sub(lambda m: pick(_VARIANTS.get(m[0], ("",)), rng) if rng.random() < rate else m[0], text)
    text = _FINAL_ALEF.sub(lambda _: seldom(("\u064b",)), text)
    text = _BARE.sub(lambda _: seldom(_VOWEL_SIGNS), text)
    text = _JOINED.sub(lambda _: seldom(_STROKES), text)
    return _NUMBER.sub(lambda m: _other_digits(m[0], rng) if rng.random() < rate else m[0], text)


def _other_digits(number: str, rng: np.random.Generator) -> str:
    """Write a number in digits of another script."""
    others = [digits for digits in _DIGITS if number[0] not in digits]
    into = pick(others, rng)
    return "".join([into[int(c)] if c.isdecimal() else c for c in number])
