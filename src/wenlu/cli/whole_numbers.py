"""Whole numbers on the command line, which the parser would round."""

from typing import Any, get_args

from cyclopts import App, ArgumentCollection

from wenlu.cli.output import UsageError


def refuse_fractions(
    app: App,  # noqa: ARG001
    commands: tuple[str, ...],  # noqa: ARG001
    arguments: ArgumentCollection,
) -> None:
    """Raise UsageError where a whole number is wanted and a fraction came."""
    for argument in arguments:
        kinds = _kinds(argument.hint)
        for token in argument.tokens if int in kinds and not kinds & {float, str} else ():
            if "." in token.value and not token.value.lower().startswith("0x"):
                raise UsageError(f"{argument.name} must be a whole number; got {token.value}")


def _kinds(hint: Any) -> set[Any]:  # noqa: ANN401
    """The types that a value may have: of int | None and list[int] it is int, among others."""
    return {hint}.union(*map(_kinds, get_args(hint)))
