"""Conversations in, as records: the schema, readers of files, the seed corpus and its splits."""

from santun_corpora.read import describe, find_files, open_source, read, spool
from santun_corpora.schema import (
    BEHAVIOURS,
    CORE_BEHAVIOURS,
    LANGUAGES,
    ROLES,
    InputError,
    Problem,
    Utterance,
    role_of,
)
from santun_corpora.splits import SPLITS, split_of

__all__ = [
    "BEHAVIOURS",
    "CORE_BEHAVIOURS",
    "LANGUAGES",
    "ROLES",
    "SPLITS",
    "InputError",
    "Problem",
    "Utterance",
    "describe",
    "find_files",
    "open_source",
    "read",
    "role_of",
    "split_of",
    "spool",
]
