"""What `wenlu train` is told: all that it takes to repeat a run."""

import tomllib
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from wenlu.errors import ConfigError, closest
from wenlu.training.settings import TrainingSettings
from wenlu.training.toml import to_toml


@dataclass(frozen=True, kw_only=True, slots=True)
class RunConfig:
    """A run of a task."""

    task: str
    """A name from `wenlu tasks`."""
    data: str
    """Folder with the task's files, or one file, of which a tenth is then held out as dev."""
    model: str
    """A name from `wenlu models`, or a folder."""
    max_length: int = 128
    """Tokens of an input at most, [CLS] and [SEP] included."""
    pooling: str = "first"
    """How the states of all tokens become one vector."""
    segments: bool = True
    """Whether the second text of a pair is marked as segment 1."""
    seed: int = 1
    """Decides initial weights, data order and dropout."""
    limit: int = 0
    """Use only the first so many training examples; 0 for all."""
    training: TrainingSettings = field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        if self.max_length < 8:
            raise ConfigError(f"max_length must be at least 8; got {self.max_length}")
        for name in ("limit", "seed"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must not be negative; got {getattr(self, name)}")

    def flat(self) -> dict[str, Any]:
        """All fields on one level."""
        values = asdict(self)
        return {**{k: v for k, v in values.items() if k != "training"}, **values["training"]}

    def toml(self) -> str:
        """The configuration file that `from_toml` reads."""
        return to_toml(self.flat())

    @classmethod
    def from_flat(cls, values: dict[str, Any], source: str) -> "RunConfig":
        """From fields on one level.

        Raises:
            ConfigError: a field is unknown, missing or of the wrong type; names `source`.
        """
        own = {f.name: f.type for f in fields(cls) if f.name != "training"}
        inner = {f.name: f.type for f in fields(TrainingSettings)}
        for name, value in values.items():
            kind = own.get(name) or inner.get(name)
            if kind is None:
                near = closest(name, [*own, *inner])
                raise ConfigError(f"{source} has an unknown setting {name!r}; the closest: {near}")
            if not _fits(value, kind):
                raise ConfigError(f"{source}: {name} must be {_wanted(kind)}; got {value!r}")
        needed = [f.name for f in fields(cls) if f.default is f.default_factory is MISSING]
        missing = [name for name in needed if name not in values]
        if missing:
            raise ConfigError(f"{source} lacks {', '.join(missing)}")
        training = TrainingSettings(**{k: v for k, v in values.items() if k in inner})
        return cls(**{k: v for k, v in values.items() if k in own}, training=training)

    @classmethod
    def from_toml(cls, path: Path) -> "RunConfig":
        """From a configuration file."""
        return cls.from_flat(read_toml(path), str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a TOML file; ConfigError names the file if it is none."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None


def _fits(value: object, kind: Any) -> bool:  # noqa: ANN401
    """Whether a field of that type takes the value."""
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    kinds = get_args(kind)
    return any(_fits(value, each) for each in kinds) if kinds else isinstance(value, kind)


def _wanted(kind: Any) -> str:  # noqa: ANN401
    """What would do, in words; of `float | None` a float."""
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    kinds = get_args(kind) or (kind,)
    return f"of type {kinds[0].__name__}"
