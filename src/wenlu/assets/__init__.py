"""Files in the package: sample sets, models and a vocabulary."""

from pathlib import Path

from wenlu.errors import ConfigError, closest

_ROOT = Path(__file__).parent


def asset(*parts: str) -> Path:
    """The path of a bundled file or folder: `asset("samples", "intents", "train.json")`."""
    path = _ROOT.joinpath(*parts)
    if path.exists():
        return path
    known = (found.relative_to(_ROOT).as_posix() for found in _ROOT.rglob("*"))
    near = closest("/".join(parts), (name for name in known if not name.endswith((".py", ".pyc"))))
    raise ConfigError(f"no file {'/'.join(parts)!r} comes with wenlu; the closest are {near}.")


__all__ = ["asset"]
