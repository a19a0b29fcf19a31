"""Splits by conversation that never change: a conversation's split is a function of its id alone."""

from __future__ import annotations

import hashlib

SPLITS = ("train", "validation", "test")


def split_of(conversation_id: str, *, test_tenths: int = 1, validation_tenths: int = 1) -> str:
    """Split of a conversation: by default a tenth each for test and validation, the rest for training.

    Examples
    --------
    >>> split_of("ms-telco-002")
    'train'
    """
    tenth = int(hashlib.sha256(conversation_id.encode()).hexdigest(), 16) % 10
    if tenth < test_tenths:
        return "test"
    return "validation" if tenth < test_tenths + validation_tenths else "train"
