"""Code-switching: words of another language that people mix in, as they do in Kuala Lumpur, Jakarta or Dubai."""

from __future__ import annotations

import numpy as np

from santun.noise.lists import code_switches
from santun.noise.words import replace_phrases


def code_switch(text: str, lang: str, rate: float, rng: np.random.Generator) -> str:
    """Say phrases in another language, the same one throughout a text; languages with more counterparts more often."""
    others = code_switches(lang)
    sizes = [len(phrases.forms) for phrases in others.values()]
    drawn = int(rng.random() * sum(sizes))
    other = next(code for code, end in zip(others, np.cumsum(sizes).tolist(), strict=True) if drawn < end)
    return replace_phrases(text, others[other], rate, rng)
