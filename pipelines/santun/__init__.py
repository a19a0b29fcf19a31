"""Santun labels the utterances of customer-service conversations with the service behaviours they perform.

>>> import santun
>>> model = santun.load()
>>> model.label(["Terima kasih sudah menunggu, Kak."], lang="id")[0]["labels"]
['thanks']

Source, guide and issues: https://github.com/santun/santun
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from santun.model import Model, load

__all__ = ["Model", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """Import on first use, so that a command that needs no model starts at once."""
    if name in ("Model", "load"):
        from santun import model

        return getattr(model, name)
    if name == "__version__":
        from importlib.metadata import version

        return version("santun")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
