"""Parts of a model: modules by name, one of them the encoder. How others are described and made.

A part that is not ours says what it is made from in an attribute `description`, the keyword
arguments of its class. A folder keeps them with the import path of the class; `load` makes the
part again where the caller passes that class, and imports nothing because a file says so.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from wenlu.checkpoints import Checkpoint
from wenlu.checkpoints.description import Description, described
from wenlu.checkpoints.skeleton import PARTS
from wenlu.errors import CheckpointError, ConfigError
from wenlu.models.model import Model
from wenlu.nn import Transformer, TransformerConfig
from wenlu.nn.parts import import_path


def parts_of(model: nn.Module | Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    """The parts of a model by name: its submodules, or those of a mapping.

    Raises:
        ConfigError: none of them is the `encoder`.
    """
    parts = dict(model.items() if isinstance(model, Mapping) else model.named_children())
    if not isinstance(parts.get("encoder"), Transformer):
        raise ConfigError(
            "a model is saved with its encoder: give a module that has a Transformer as `encoder`, "
            f'or a mapping such as {{"encoder": model.encoder, "head": head}}; got {list(parts)}'
        )
    return parts


def config_of(parts: Mapping[str, nn.Module]) -> TransformerConfig:
    """The configuration of the encoder among them."""
    config: Any = parts["encoder"].config
    return config


def descriptions(parts: Mapping[str, nn.Module]) -> dict[str, Description]:
    """Of those parts that have a `description`.

    Raises:
        CheckpointError: a description cannot be kept, or its part has the name of one of ours.
    """
    found = {}
    for name, part in parts.items():
        settings = getattr(part, "description", None)
        if settings is None:
            continue
        if name in PARTS or hasattr(Model, name):
            raise CheckpointError(
                f"{name} is what wenlu's own models call something else; "
                f"give your {type(part).__name__} another name"
            )
        found[name] = described(name, import_path(type(part)), settings)
    return found


def add_parts(module: nn.Module, checkpoint: Checkpoint, classes: Iterable[type]) -> None:
    """Make the described parts of these classes, and put them into the module by their names.

    Raises:
        CheckpointError: a class does not take what the folder says of it, or no part is of it.
    """
    made_by = {import_path(kind): kind for kind in classes if issubclass(kind, nn.Module)}
    stored = checkpoint.notes.parts
    for path, kind in made_by.items():
        names = [name for name in stored if stored[name].made_by == path]
        if not names:
            there = ", ".join(f"{name} ({part.made_by})" for name, part in stored.items())
            raise CheckpointError(
                f"{checkpoint.source} has no part of the class {path}; it has {there or 'none'}"
            )
        for name in names:
            if hasattr(module, name):
                raise CheckpointError(f"{checkpoint.source}: a part cannot be called {name!r}")
            try:
                module.add_module(name, kind(**stored[name].settings))
            except (TypeError, ValueError, KeyError, RuntimeError) as error:
                raise CheckpointError(
                    f"{checkpoint.source}: {path} cannot be made from the arguments that are "
                    f"stored for {name}: {error}"
                ) from error
