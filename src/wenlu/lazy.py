"""Front doors that import what they offer only when it is asked for.

`import wenlu` and `wenlu --help` must not wait for torch.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def exports(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's `__getattr__`: each name is imported from its home when first used.

    Args:
        package: `__name__` of the module.
        homes: name -> module that defines it.
    """

    def find(name: str) -> Any:  # noqa: ANN401
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return find
