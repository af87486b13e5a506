"""`--config FILE.toml`: a file in which the flags of a command stand; flags override it."""

from collections.abc import Sequence
from pathlib import Path

from wenlu.errors import ConfigError


def expand_config(tokens: Sequence[str]) -> list[str]:
    """Put the settings of `--config FILE` in the place of that flag, but for those given as flags.

    Raises:
        ConfigError: the file cannot be read, or holds a setting that does not exist.
    """
    tokens = list(tokens)
    at = next((i for i, t in enumerate(tokens) if t == "--config" or t[:9] == "--config="), None)
    if at is None or not tokens or tokens[0] != "train":
        return tokens
    from wenlu.tasks.config import RunConfig, read_toml

    if "=" in tokens[at]:
        path, end = tokens[at].split("=", 1)[1], at + 1
    elif at + 1 < len(tokens):
        path, end = tokens[at + 1], at + 2
    else:
        raise ConfigError("--config needs the name of a file")
    rest = tokens[:at] + tokens[end:]
    values = read_toml(Path(path))
    out = values.pop("out", None)
    flags = (token.split("=", 1)[0] for token in rest if token.startswith("--"))
    given = {flag.removeprefix("--").removeprefix("no-") for flag in flags}
    if len(rest) > 1 and not rest[1].startswith("-"):
        given.add("task")
    # Checked as a whole, so that an error names the file and not a flag that nobody typed.
    RunConfig.from_flat({"task": "", "data": "", "model": "", **values}, path)
    extra: list[str] = []
    for name, value in {**values, **({"out": out} if out is not None else {})}.items():
        flag = name.replace("_", "-")
        if flag in given:
            continue
        if isinstance(value, bool):
            extra.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            extra.append(f"--{flag}={value}")
    return [rest[0], *rest[1:], *extra]
