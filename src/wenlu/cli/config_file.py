"""`--config FILE.toml`: a file in which the flags of a command stand; flags override it."""

from pathlib import Path
from typing import Any

from cyclopts import App, ArgumentCollection
from cyclopts.config import Dict

from wenlu.errors import ConfigError


def apply_config_file(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Give the arguments that were not typed the values that they have in `--config FILE`.

    Raises:
        ConfigError: the file cannot be read, or holds a setting that does not exist.
    """
    if commands[:1] == ("pretrain",):
        return  # there, --config is the shape of the model
    path = next((a.tokens[0].value for a in arguments if a.name == "--config" and a.tokens), None)
    if path is not None:
        values = read_settings(Path(path))
        Dict(values, source=path, use_commands_as_keys=False)(app, commands, arguments)


def read_settings(path: Path) -> dict[str, Any]:
    """The settings of a configuration file, which may be incomplete.

    They are checked here, so that an error names the file and not a flag that nobody typed.
    """
    from wenlu.tasks.config import RunConfig
    from wenlu.training.toml import read_toml

    values = read_toml(path)
    checked = {"task": "", "data": "", "model": "", **values}
    out = checked.pop("out", "")
    if not isinstance(out, str):
        raise ConfigError(f"{path}: out must be of type str; got {out!r}")
    seeds = checked.pop("seed", 1)
    if seeds == []:
        raise ConfigError(f"{path}: seed must be a number or several; got {seeds!r}")
    for seed in seeds if isinstance(seeds, list) else [seeds]:
        RunConfig.from_flat({**checked, "seed": seed}, str(path))
    return values
