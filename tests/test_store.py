"""A model folder is plain data: what was changed, cut or made up is refused, and nothing in it ever runs."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import pickle
import random
import shutil
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from santun.model import Model, load
from santun_models.store import ModelError, load_folder, save_folder

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path, tiny) -> Path:
    tiny.save(tmp_path / "model", {"santun": "test"})
    return tmp_path / "model"


def test_round_trip_labels_the_same(folder, tiny):
    loaded = Model.load(folder)
    texts = ["terima kasih puan", "نعتذر عن التأخير", "", "so your bill went up. goodbye"]

    assert loaded.label(texts) == tiny.label(texts)
    assert loaded.version


def test_saving_twice_gives_the_same_bytes(folder, tmp_path, tiny):
    tiny.save(tmp_path / "again", {"santun": "test"})

    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_any_changed_byte_is_refused(folder, tmp_path):
    rng = random.Random(1)
    names = sorted(path.name for path in folder.iterdir())
    for _ in range(60):
        name = rng.choice(names)
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        data = bytearray((copy / name).read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        (copy / name).write_bytes(data)
        try:
            changed = Model.load(copy)
        except ModelError as error:
            assert "\n" not in str(error)
        else:
            # a changed blank or fact of the manifest itself; what is computed with is as it was
            assert name == "manifest.json"
            assert changed.version == Model.load(folder).version


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "settings.json").unlink(), "missing; take a fresh copy"),
        (lambda f: (f / "manifest.json").unlink(), "no model here"),
        (lambda f: (f / "manifest.json").write_text("{"), "was changed or cut"),
        (lambda f: _edit(f, lambda m: m.update(version=99)), "model format 99, this santun reads 10"),
        (lambda f: _edit(f, lambda m: m["files"].update({"../x.npy": {}})), "names a file outside the folder"),
        (lambda f: _edit(f, lambda m: m["files"].update({"x.pkl": m["files"].pop("settings.json")})), "x.pkl: missing"),
    ],
)
def test_broken_folders_say_what_is_wrong(folder, change, message):
    change(folder)
    with pytest.raises(ModelError, match=message):
        Model.load(folder)


def _edit(folder, change):
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


class _Bomb:
    def __reduce__(self):
        return (sys.exit, (99,))


def _replace(folder, name, data):
    (folder / name).write_bytes(data)
    _edit(folder, lambda m: m["files"][name].update(sha256=hashlib.sha256(data).hexdigest()))


def test_a_pickle_inside_never_runs(tmp_path):
    save_folder(tmp_path, {}, {"a": np.zeros(2)}, {})
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=np.array([_Bomb()], object))
    _replace(tmp_path, "arrays.npz", buffer.getvalue())

    with pytest.raises(ModelError, match="no arrays of numbers"):
        load_folder(tmp_path)


def _archive(member, how=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        archive.writestr("a.npy", member)
    return buffer.getvalue()


def _npy(header):
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


@pytest.mark.parametrize(
    "data",
    [
        b"PK but not really",
        _archive(b"no array"),
        _archive(_npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (")),
        _archive(_npy(b"{[]: 1}")),
        _archive(_npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (100000000000000,)}")),
        _archive(_npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}") + bytes(4), zipfile.ZIP_BZIP2),
    ],
    ids=["no archive", "no array", "header cut", "header of another kind", "header of too much", "other compression"],
)
def test_what_is_no_archive_of_arrays_is_refused(tmp_path, data):
    save_folder(tmp_path, {}, {"a": np.zeros(2)}, {})
    _replace(tmp_path, "arrays.npz", data)

    with pytest.raises(ModelError, match="no arrays of numbers"):
        load_folder(tmp_path)


def test_little_that_unfolds_into_very_much_is_refused(tmp_path, monkeypatch):
    save_folder(tmp_path, {}, {"a": np.zeros(2)}, {})
    monkeypatch.setattr("santun_models.store._MOST_BYTES", 100)

    with pytest.raises(ModelError, match="unfolds to more than a model holds"):
        load_folder(tmp_path)


def test_an_entry_unfolds_to_no_more_than_it_claims(tmp_path):
    save_folder(tmp_path, {}, {"a": np.zeros(1 << 24)}, {})
    data = bytearray((tmp_path / "arrays.npz").read_bytes())
    at = data.rindex(b"PK\x01\x02") + 24  # the size in the directory
    data[at : at + 4] = (100).to_bytes(4, "little")
    _replace(tmp_path, "arrays.npz", bytes(data))

    tracemalloc.start()
    with pytest.raises(ModelError, match="no arrays of numbers"):
        load_folder(tmp_path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert most < 1 << 24  # an eighth of what there is


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("behaviour", lambda s: s["params"].update(word_bits=100_000_000_000)),
        ("behaviour", lambda s: s["params"].update(char_bits=30)),
        ("behaviour", lambda s: s["thresholds"].append(0.5)),
        ("language", lambda s: s["params"].update(word_bits=100_000_000_000)),
    ],
)
def test_settings_that_fit_nothing_are_refused(folder, part, change):
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    change(settings[part])
    _replace(folder, "settings.json", json.dumps(settings).encode())

    with pytest.raises(ModelError, match="its parts do not fit together"):
        Model.load(folder)


@pytest.mark.parametrize("data", [b"{", b"[1]", b"[" * 100_000])
def test_settings_that_are_none_are_refused(folder, data):
    _replace(folder, "settings.json", data)

    with pytest.raises(ModelError, match="no settings"):
        Model.load(folder)


def test_no_module_can_unpickle_or_run_text():
    banned = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "skops"}
    for path in [p for part in ("pipelines", "models", "corpora", "cli") for p in (ROOT / part).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [(node.module or "").split(".")[0]]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), path
            elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant), path
                assert node.value.value is False, path
            assert not banned & set(names), path
    assert pickle  # the bomb above is a real one


def test_labelling_runs_no_process_and_opens_no_socket(model):
    seen = []
    armed = [True]

    def hook(event, args):
        if armed[0] and event in (
            "pickle.find_class",
            "os.system",
            "subprocess.Popen",
            "socket.connect",
            "socket.bind",
        ):
            seen.append(event)

    sys.addaudithook(hook)
    model.label(["Maaf ya kak, saya paham kekecewaannya"], lang="id")
    armed[0] = False

    assert seen == []


def test_unknown_model_names_are_refused():
    with pytest.raises(ModelError, match="no model 'nobody'"):
        load("nobody")
    with pytest.raises(ModelError, match=r"no model '\.\./seed'"):
        load("../seed")
