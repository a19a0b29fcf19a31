"""The seed corpus: where its files are."""

from importlib.resources import files
from pathlib import Path

from santun_corpora.schema import LANGUAGES
from santun_corpora.splits import SPLITS


def seed_folder() -> Path:
    """Folder of the seed corpus, which `datasets.load_dataset` loads."""
    return Path(str(files(__name__)))


def seed_files(*splits: str) -> list[Path]:
    """Files of the seed corpus, a language each and split each.

    Examples
    --------
    >>> [path.parent.name for path in seed_files("test")]
    ['ms', 'id', 'ar', 'en']
    """
    return [seed_folder() / "data" / lang / f"{split}.jsonl" for lang in LANGUAGES for split in splits or SPLITS]
