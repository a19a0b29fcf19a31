"""The wheel holds what the packages need, a logged model names what it imports, and imports point one way."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from santun.track import _REQUIRED

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "santun_corpora": "corpora", "santun_models": "models", "santun": "pipelines", "santun_cli": "cli",
}  # fmt: skip
MAY_IMPORT = {
    "santun_corpora": set(),
    "santun_models": set(),
    "santun": {"santun_models", "santun_corpora"},
    "santun_cli": {"santun", "santun_models", "santun_corpora"},
}


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package):
    for path in (ROOT / PACKAGES[package] / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            ours = {name.split(".")[0] for name in names} & set(PACKAGES)
            assert ours <= MAY_IMPORT[package] | {package}, path


def test_wheel_holds_every_file(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(ROOT)],
        capture_output=True, text=True,
    )  # fmt: skip
    if "No module named 'hatchling'" in done.stderr or "hatchling" in done.stderr:
        pytest.skip("hatchling is not installed here: pip install hatchling")
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    wanted = {
        name.split("/", 1)[1] for name in tracked if name.split("/")[0] in PACKAGES.values() and name.count("/") > 1
    }

    assert packed == wanted


def test_a_logged_model_asks_for_every_library_that_labelling_imports():
    code = (
        "import sys, santun, santun.serve; santun.load().label(['terima kasih'])\n"
        "print(*[module.__file__ for name, module in sys.modules.items() if name.startswith('santun')], sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = {
        name.partition(".")[0]
        for path in done.stdout.split("\n")[:-1]
        for node in ast.parse(Path(path).read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    declared = {
        canonicalize_name(Requirement(line).name) for line in requires("santun") or [] if "extra ==" not in line
    }
    used = {
        canonicalize_name(name)
        for module, names in packages_distributions().items()
        for name in names
        if module in imported
    }

    assert {"symspellpy", "spacy"} <= used
    assert used & declared - {"mlflow-skinny"} <= set(_REQUIRED)  # mlflow is added by the name that is installed
