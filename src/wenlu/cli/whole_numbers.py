"""Integers on the command line: the parser would round fractions."""

from typing import Any, get_args

from cyclopts import App, ArgumentCollection

from wenlu.cli.output import UsageError


def refuse_fractions(
    app: App,  # noqa: ARG001
    commands: tuple[str, ...],  # noqa: ARG001
    arguments: ArgumentCollection,
) -> None:
    """Raise UsageError if an integer is needed and a fraction was given."""
    for argument in arguments:
        kinds = _kinds(argument.hint)
        for token in argument.tokens if int in kinds and not kinds & {float, str} else ():
            if "." in token.value and not token.value.lower().startswith("0x"):
                raise UsageError(f"{argument.name} must be a whole number; got {token.value}")


def _kinds(hint: Any) -> set[Any]:  # noqa: ANN401
    """All types in an annotation: `int | None` and `list[int]` both contain int."""
    return {hint}.union(*map(_kinds, get_args(hint)))
