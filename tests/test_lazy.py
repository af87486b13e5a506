"""Packages with lazy imports: what `dir` lists, and that it can be imported."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
LAZY = sorted(
    ".".join(path.parent.relative_to(SOURCE).parts)
    for path in SOURCE.rglob("__init__.py")
    if "= exports(" in path.read_text("utf-8")
)


@pytest.mark.parametrize("package", LAZY)
def test_dir_lists_the_public_names_and_each_can_be_imported(package: str) -> None:
    module = import_module(package)
    assert dir(module) == sorted(module.__all__)
    for name in dir(module):
        assert getattr(module, name) is not None


def test_the_top_package_is_among_them() -> None:
    assert "wenlu" in LAZY


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'wenlu' has no attribute 'trian'"):
        import_module("wenlu").trian  # noqa: B018


def test_dir_does_not_import_torch() -> None:
    script = "import sys, wenlu; assert 'train' in dir(wenlu); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
