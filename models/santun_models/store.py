"""Model folders: plain data with hashes, nothing that runs.

A model is a folder of JSON settings and compressed arrays (``.npz``) under one ``manifest.json``, which names the format, the
label set, the versions it was made with, the hash of its training data, and size and SHA-256 of both files.
Loading reads no file that is not named there, refuses one that was changed, and never unpickles.
"""

from __future__ import annotations

import hashlib
import io
import json
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FORMAT_VERSION = 10
MANIFEST = "manifest.json"
SETTINGS = "settings.json"
ARRAYS = "arrays.npz"
_MOST_BYTES = 1 << 30  # of all arrays: little can be made to unfold into very much
# what zipfile and NumPy raise on bytes that are no archive of arrays
_BROKEN = (
    ValueError, TypeError, SyntaxError, EOFError, OSError, RuntimeError, MemoryError,
    tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
_DTYPES = ("int8", "uint8", "float16", "float32", "float64", "int64", "uint32")


class ModelError(Exception):
    """A model folder that cannot be used; the message says why and what to do."""


def save_folder(
    folder: Path, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]], facts: Mapping[str, Any]
) -> None:
    """Write a model folder; the same content gives the same bytes, with the same zlib on the same system.

    Parameters
    ----------
    folder : Path
        Made where it is not there; other files in it (a card) are left alone.
    settings : mapping
        Goes into ``settings.json``.
    arrays : mapping of str to ndarray
        All go into ``arrays.npz``; of a dtype that `load_folder` reads (``_DTYPES``).
    facts : mapping
        Goes into the manifest beside the list of files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    contents = {SETTINGS: _json(settings), ARRAYS: buffer.getvalue()}
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    listed = {name: {"sha256": _sha256(data), "bytes": len(data)} for name, data in sorted(contents.items())}
    (folder / MANIFEST).write_bytes(
        _json({"format": "santun-model", "version": FORMAT_VERSION, **facts, "files": listed})
    )


def load_folder(folder: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """Read a model folder.

    Returns
    -------
    settings : dict
    arrays : dict of str to ndarray
    manifest : dict

    Raises
    ------
    ModelError
        If it is no model folder, of another format, or any of its files was changed.
    """
    if not (folder / MANIFEST).is_file():
        raise ModelError(f"{folder}: no model here (it has no {MANIFEST}); give a folder that `santun train` wrote")
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        version = manifest["version"]
        files = {str(name): dict(entry) for name, entry in manifest["files"].items()}
        known = manifest["format"] == "santun-model"
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ModelError(f"{folder}: {MANIFEST} was changed or cut; take a fresh copy of the model") from None
    if not known or version != FORMAT_VERSION:
        raise ModelError(
            f"{folder}: model format {version!r}, this santun reads {FORMAT_VERSION}: update santun, or train it again"
        )
    settings: dict[str, Any] = {}
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, entry in files.items():
        if "/" in name or "\\" in name or name.startswith("."):
            raise ModelError(f"{folder}: {MANIFEST} names a file outside the folder; do not use this model")
        try:
            data = (folder / name).read_bytes()
        except OSError:
            raise ModelError(f"{folder / name}: missing; take a fresh copy of the model") from None
        if _sha256(data) != entry.get("sha256"):
            raise ModelError(f"{folder / name}: changed since the model was made (its hash differs); take a fresh copy")
        if name == SETTINGS:
            try:
                settings = dict(json.loads(data))
            except (ValueError, TypeError, RecursionError):
                raise ModelError(f"{folder / name}: no settings; do not use this model") from None
        elif name == ARRAYS:
            arrays = _arrays(folder / name, data)
        else:
            raise ModelError(f"{folder / name}: of no kind that a model holds; do not use this model")
    return settings, arrays, manifest


def _arrays(path: Path, data: bytes) -> dict[str, npt.NDArray[Any]]:
    arrays = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > _MOST_BYTES:
                raise ModelError(f"{path}: unfolds to more than a model holds; do not use this model")
            if any(entry.compress_type != zipfile.ZIP_DEFLATED for entry in entries):
                raise ValueError  # only deflate unfolds no more at a time than is read
            for entry in entries:
                with archive.open(entry) as file:  # ends after so many bytes as the entry claims
                    array = np.lib.format.read_array(file, allow_pickle=False)
                arrays[entry.filename.removesuffix(".npy")] = array
    except _BROKEN:
        raise ModelError(f"{path}: no arrays of numbers; do not use this model") from None
    for name, array in arrays.items():
        if array.dtype.name not in _DTYPES or not np.isfinite(array).all():
            raise ModelError(f"{path}: {name} is no array of finite numbers; do not use this model")
    return arrays


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
