"""The notebooks run from a clean kernel, offline, write nothing where they stand, and are kept without outputs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
# cells that promise a picture
PICTURES = {
    "01_label_and_explore": ["counts", "explain", "vocabulary", "path-picture"],
    "02_retrain_on_your_own_calls": ["train", "gain", "curve"],
    "03_compare_runs_in_mlflow": ["metrics", "compare-cues", "compare-more"],
    "04_errors_by_language_and_dialect": [
        "language", "groups", "channels", "confusion", "calibration", "noise", "summary",
    ],
}  # fmt: skip

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_all_are_here() -> None:
    assert [path.stem for path in NOTEBOOKS] == list(PICTURES)


@each_notebook
def test_is_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert notebook.cells[0].cell_type == "markdown"
    for cell in notebook.cells:
        assert not cell.metadata, cell.id
        if cell.cell_type == "code":
            assert cell.outputs == [], cell.id
            assert cell.execution_count is None, cell.id
    for place in ("/home/", "/root/", "/work/", "/Users/", "/tmp/", "C:\\"):
        assert place not in path.read_text(encoding="utf-8")


def run(path: Path, folder: Path, roots: list[Path]) -> Any:
    """Execute a notebook by this very interpreter, with the packages of this checkout, without a way out."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "SANTUN_"))}
    env |= {
        "PYTHONPATH": os.pathsep.join(map(str, roots)),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    here = folder / "here"
    here.mkdir()
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, km=manager, timeout=300).execute(env=env, cwd=str(here))
    assert list(here.iterdir()) == []
    return notebook


def kinds(cell: Any) -> set[str]:
    return {kind for output in cell.outputs for kind in output.get("data", {})}


@each_notebook
def test_runs_from_a_clean_kernel(path: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    beside = sorted(path.parent.iterdir())
    before = path.read_bytes()
    notebook = run(path, tmp_path, request.config.getini("pythonpath"))
    assert sorted(path.parent.iterdir()) == beside
    assert path.read_bytes() == before
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    said = [output.text for cell in code for output in cell.outputs if output.get("name") == "stderr"]
    assert not said
    assert [cell.id for cell in code if "image/png" in kinds(cell)] == PICTURES[path.stem]
    assert kinds(code[-1]) & {"image/png", "text/html"}
