"""The `wenlu` command: its commands by name, its exit codes, its way with errors.

Exit codes: 0 done, 1 an error that the user can mend, 2 wrong usage, 130 interrupted.
"""

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError
from rich.console import Console

from wenlu.cli.config_file import expand_config
from wenlu.errors import WenluError
from wenlu.version import __version__

app = App(
    name="wenlu",
    help="文炉: from raw Chinese text to a trained, measured, served model.",
    version=__version__,
    version_flags=["--version"],
)

# Commands are named, not imported: `wenlu --help` must not wait for torch.
_COMMANDS = {
    "demo": ("wenlu.cli.demo:demo", "Run the main job on the bundled sample set."),
    "train": ("wenlu.cli.train:train", "Train a model on labelled text and measure it."),
    "evaluate": ("wenlu.cli.use:evaluate", "Measure a trained model on labelled text."),
    "predict": ("wenlu.cli.use:predict", "Label texts with a trained model."),
    "submit": ("wenlu.cli.use:submit", "Write a benchmark's upload file."),
    "tasks": ("wenlu.cli.catalogue:tasks", "List the tasks."),
    "models": ("wenlu.cli.catalogue:models", "List the bundled models."),
    "convert": ("wenlu.cli.convert:convert", "Rewrite a model folder in another layout."),
    "doctor": ("wenlu.cli.doctor:doctor", "Say what this machine has and what is missing."),
}
for _name, (_where, _help) in _COMMANDS.items():
    app.command(_where, name=_name, help=_help)


def main(tokens: Sequence[str] | None = None) -> None:
    """Run a command line and exit."""
    tokens = list(sys.argv[1:] if tokens is None else tokens)
    debug = "--debug" in tokens
    if debug:
        tokens.remove("--debug")
    sys.exit(run(tokens, debug=debug))


def run(tokens: list[str], *, debug: bool = False) -> int:
    """Run a command line and return its exit code."""
    errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    if not tokens:
        tokens = ["--help"]
    try:
        app(expand_config(tokens), exit_on_error=False, print_error=True, error_console=errors)
    except CycloptsError:
        return 2
    except WenluError as error:
        if debug:
            raise
        errors.print(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        if debug:
            raise
        errors.print("interrupted")
        return 130
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if debug:
            raise
        name = f" {error.filename}" if error.filename else ""
        errors.print(f"error:{name} {error.strerror or error}; nothing was left half-written")
        return 1
    return 0
