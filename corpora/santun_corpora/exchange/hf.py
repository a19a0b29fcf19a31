"""Hugging Face datasets: a folder of `save_to_disk` or of data files, or a name on the hub.

Checked against datasets 5.2.0. A folder is written with pyarrow, its features in the Parquet file and in the card, so that
nothing is guessed: `load_dataset` gives the labels as a list of `ClassLabel`, and keeps texts such as ``NA``.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from santun_corpora.exchange.mapping import ToolMap, dig
from santun_corpora.exchange.record import (
    KEY,
    QUESTION,
    VISIBLE,
    Account,
    Item,
    Options,
    Output,
    Unit,
    carry,
    extras,
    label_names,
    utterances,
)
from santun_corpora.read import open_source, read
from santun_corpora.schema import InputError, Problem, Utterance
from santun_corpora.tables import _clean

_HUB = re.compile(r"[\w.-]+(/[\w.-]+)?")
_CONFIGS = re.compile(r"Config name is missing.*?\[([^\]]*)\]", re.DOTALL)
_LABELS = ("labels", QUESTION, "label")
_MEDIA = ("Audio", "Image", "Video", "Pdf", "Nifti")  # decoding them needs more, and they hold no labels
_BATCH = 1000


def read_dataset(
    name: str, config: str | None = None, split: str | None = None, columns: Mapping[str, str] | None = None
) -> Iterator[Utterance | Problem]:
    """Read a data set as `santun_corpora.read` reads a file; labels may have any name.

    Parameters
    ----------
    name : str
        A folder, or a name on the hub.
    config, split : str, default=None
        All splits if none is given.
    columns : mapping of str to str, default=None
        Santun's field to the data set's, where the names are not to be guessed.

    Yields
    ------
    Utterance or Problem

    Raises
    ------
    InputError
        If it cannot be loaded.
    """
    path = Path(name)
    plan = ToolMap(fields=dict(columns or {}), behaviours=None)
    yield from utterances(units(path, plan, Options(config=config, split=split)), plan, path.stem, Account())


def units(path: Path, plan: ToolMap, options: Options) -> Iterator[Item]:
    """Read a data set; where it has several splits, each row keeps the name of its own as ``split``."""
    tables = sorted([*path.rglob("*.csv"), *path.rglob("*.tsv")]) if path.is_dir() else []
    if tables and not any(path.rglob("*.parquet")) and not any(path.rglob("*.arrow")):
        # the library reads a text such as "NA" as nothing, and "007" as a number
        for table in tables:
            for item in read(open_source(table, columns=plan.fields), plan.fields):
                if isinstance(item, Problem):
                    yield item
                else:
                    unit = _unit(item.source, item.fields, plan)
                    # a cell may hold several labels
                    yield unit._replace(labels=item.labels) if isinstance(unit, Unit) and item.labels else unit
        return
    with tempfile.TemporaryDirectory(prefix="santun-") as cache:  # no copy of a local file is left behind
        splits = _load(path, options, cache)
        for name, rows in splits.items():
            kept = [column for column, kind in rows.features.items() if type(kind).__name__ not in _MEDIA]
            rows = rows.select_columns(kept)
            for number, row in enumerate(rows, 1):
                row = {column: _decoded(rows.features[column], value) for column, value in row.items()}
                if len(splits) > 1:
                    row.setdefault("split", str(name))
                yield _unit(f"{path.name}:{name}:{number}", _clean(row), plan)


def _load(path: Path, options: Options, cache: str) -> dict[Any, Any]:
    try:
        import datasets
    except ImportError:
        raise InputError("reading data sets needs the datasets library: pip install 'santun[data]'") from None
    bars = datasets.utils.logging.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        if not path.exists() and not _HUB.fullmatch(path.as_posix()):
            raise InputError(f"{path}: no such folder, and no name on the hub; give one of them")
        if (path / "state.json").is_file() or (path / "dataset_dict.json").is_file():
            loaded = datasets.load_from_disk(str(path))
        elif path.exists():
            loaded = datasets.load_dataset(str(path), options.config, cache_dir=cache)
        else:
            loaded = datasets.load_dataset(path.as_posix(), options.config)
    except InputError:
        raise
    except Exception as error:
        cause = error.__cause__ or error
        configs = _CONFIGS.search(str(error))
        what = f"name one with --config: {configs[1]}" if configs else f"the library says {type(cause).__name__}"
        raise InputError(f"{path}: cannot be loaded as a data set; {what}") from None
    finally:
        if bars:
            datasets.enable_progress_bars()
    splits = dict(loaded) if isinstance(loaded, dict) else {options.split or loaded.split or "train": loaded}
    if options.split is not None and options.split not in splits:
        raise InputError(f"{path}: no split {options.split!r}; the splits are {', '.join(map(str, splits))}")
    return {name: rows for name, rows in splits.items() if options.split in (None, name)}


def _decoded(kind: Any, value: Any) -> Any:
    """Replace the numbers of class labels by their names."""
    if value is None:
        return None
    if hasattr(kind, "int2str"):
        return kind.int2str(value) if isinstance(value, int) and value >= 0 else None
    if isinstance(value, list):
        inner = getattr(kind, "feature", kind[0] if isinstance(kind, list) and kind else None)
        return [_decoded(inner, one) for one in value]
    if isinstance(value, dict) and isinstance(kind, dict):
        return {name: _decoded(kind.get(name), one) for name, one in value.items()}
    return value


def _unit(source: str, row: dict[str, Any], plan: ToolMap) -> Item:
    key = plan.fields.get("labels") or next((name for name in _LABELS if name in row), _LABELS[0])
    try:
        labels = label_names(dig(row, key))
    except ValueError:
        return Problem(source, f'{key!r} holds no names of labels; name another field, [fields] labels = "…"')
    return Unit(source, {name: value for name, value in row.items() if name != key}, labels, row)


def write(rows: Sequence[Utterance], path: Path, output: Output) -> None:
    """Write a folder that `load_dataset` takes and the hub shows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = list(output.behaviours)
    kinds: dict[str, Any] = {name: pa.int64() if name == "turn" else pa.string() for name in VISIBLE}
    kinds |= {"text": pa.string(), "labels": pa.list_(pa.int64())} | _typed(rows, kinds) | {KEY: pa.string()}
    features: dict[str, Any] = {
        name: {"dtype": _DTYPES[str(kind)], "_type": "Value"} for name, kind in kinds.items() if name != "labels"
    }
    features["labels"] = {"feature": {"names": names, "_type": "ClassLabel"}, "_type": "List"}
    features = {name: features[name] for name in kinds}
    told = json.dumps({"info": {"features": features}})
    schema = pa.schema(list(kinds.items()), metadata={"huggingface": told})
    (path / "data").mkdir(parents=True)
    with pq.ParquetWriter(path / "data" / "train.parquet", schema) as file:
        for at in range(0, len(rows), _BATCH):
            batch = [_written(row, kinds, names) for row in rows[at : at + _BATCH]]
            file.write_table(pa.Table.from_pylist(batch, schema=schema))
    (path / "README.md").write_text(_card(rows, kinds, names), encoding="utf-8")


_DTYPES = {"string": "string", "int64": "int64", "double": "float64", "bool": "bool"}


def _typed(rows: Sequence[Utterance], taken: dict[str, Any]) -> dict[str, Any]:
    """Columns of the records' other fields, where all values are of one type."""
    import pyarrow as pa

    found: dict[str, set[Any]] = {}
    for row in rows:
        for name, value in extras(row, nested=True).items():
            small = not isinstance(value, int) or abs(value) < 1 << 63
            found.setdefault(name, set()).add(type(value) if small else None)
    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    return {
        name: kinds[next(iter(types))]
        for name, types in found.items()
        if len(types) == 1 and next(iter(types)) in kinds and name not in taken
    }


def _written(row: Utterance, kinds: dict[str, Any], names: list[str]) -> dict[str, Any]:
    values = {**row.fields, **{name: getattr(row, name) for name in VISIBLE}}
    values["id"] = str(row.id)
    values["text"] = row.text
    values["labels"] = None if row.labels is None else [names.index(label) for label in row.labels]
    values[KEY] = carry(row)
    return {name: values.get(name) for name in kinds}


def _card(rows: Sequence[Utterance], kinds: dict[str, Any], names: list[str]) -> str:
    """Front matter that the hub and `load_dataset` read, and a line for people."""
    langs = sorted({row.lang for row in rows if row.lang})
    lines = ["---"]
    if langs:
        lines.append(f"language: [{', '.join(langs)}]")
    lines += ["task_categories: [text-classification]", "configs:", "- config_name: default"]
    lines += ["  data_files: [{split: train, path: data/train.parquet}]", "dataset_info:", "  features:"]
    for name, kind in kinds.items():
        if name == "labels":
            lines += ["  - name: labels", "    list:", "      class_label:", "        names:"]
            lines += [f"          '{number}': {json.dumps(label)}" for number, label in enumerate(names)]
        else:
            lines += [f"  - name: {json.dumps(name)}", f"    dtype: {_DTYPES[str(kind)]}"]
    return "\n".join([*lines, "---", "", "Utterances of conversations and the service behaviours they perform.", ""])
