"""Packages that import what they offer only when it is first used.

`import wenlu` and `wenlu --help` must not wait for torch.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def exports(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package with lazy imports (PEP 562).

    Args:
        package: `__name__` of the package. Its `__all__` is what `dir` lists.
        homes: name -> module that defines it. Each is imported when the name is first used.
    """

    def find(name: str) -> Any:  # noqa: ANN401
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    def names() -> list[str]:
        return sorted(sys.modules[package].__all__)

    return find, names
