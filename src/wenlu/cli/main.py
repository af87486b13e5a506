"""The `wenlu` command: its subcommands, exit codes and error messages.

Exit codes: 0 done, 1 an error that the user can fix, 2 wrong usage, 130 interrupted.
"""

import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import NamedTuple

from cyclopts import App, CycloptsError, Parameter

from wenlu.cli.config_file import apply_config_file
from wenlu.cli.help_page import HelpPage
from wenlu.cli.output import UsageError
from wenlu.cli.whole_numbers import refuse_fractions
from wenlu.errors import WenluError
from wenlu.terminal import Terminal
from wenlu.version import __version__

_HELP = """文炉: train, measure and use models for Chinese text.

Start here:
    wenlu demo                                         try it on sample texts
    wenlu train classify --data my.csv --out runs/my   train on your own texts
    wenlu predict runs/my "一句话"                     use the trained model

`wenlu COMMAND --help` shows examples and all options. `--debug` shows the traceback of an error.

Exit codes: 0 done, 1 an error that you can fix, 2 wrong usage, 130 interrupted.
"""


class _Command(NamedTuple):
    where: str
    usage: str
    summary: str


# Commands are named, not imported: `wenlu --help` must not wait for torch.
_COMMANDS = {
    "demo": _Command(
        "wenlu.cli.demo:demo",
        "[intents|pairs] [OPTIONS]",
        "Train, measure and use a small model on a bundled sample set.",
    ),
    "tasks": _Command("wenlu.cli.catalogue:tasks", "[--json]", "List the tasks."),
    "models": _Command("wenlu.cli.catalogue:models", "[--json]", "List the bundled models."),
    "train": _Command(
        "wenlu.cli.train:train",
        "TASK --data DIR --out RUN [OPTIONS]",
        "Train a model on labelled text and measure it.",
    ),
    "pretrain": _Command(
        "wenlu.cli.pretrain:pretrain",
        "--objective NAME ... --corpus TEXT ... --out RUN [OPTIONS]",
        "Pretrain a model on raw text.",
    ),
    "evaluate": _Command(
        "wenlu.cli.use:evaluate", "RUN [OPTIONS]", "Measure a trained model on labelled text."
    ),
    "predict": _Command(
        "wenlu.cli.use:predict",
        "RUN TEXT ... | RUN --input FILE [--output FILE]",
        "Apply a trained model to texts.",
    ),
    "submit": _Command(
        "wenlu.cli.use:submit", "RUN [OPTIONS]", "Write a benchmark's submission file."
    ),
    "clue": _Command(
        "wenlu.cli.clue:clue",
        "--data ROOT --model NAME --out RUNS [OPTIONS]",
        "Train, measure and submit all eleven tasks of CLUE.",
    ),
    "convert": _Command(
        "wenlu.cli.convert:convert",
        "SRC DST [--to hf|wenlu]",
        "Convert a model folder to another layout.",
    ),
    "corpus shuffle": _Command(
        "wenlu.cli.shuffle:shuffle",
        "TEXT ... --out FILE [OPTIONS]",
        "Shuffle the lines of files of any size.",
    ),
    "corpus count": _Command(
        "wenlu.cli.count:count",
        "TEXT ... --out FILE [OPTIONS]",
        "Count words, characters, n-grams or tokens.",
    ),
    "corpus stats": _Command(
        "wenlu.cli.stats:stats",
        "TEXT ... [OPTIONS]",
        "Show lines, duplicates, encodings and lengths of text files.",
    ),
    "corpus vocab": _Command(
        "wenlu.cli.corpus:vocab",
        "TEXT ... --size N --out FILE [OPTIONS]",
        "Build a WordPiece vocabulary from raw Chinese text.",
    ),
    "doctor": _Command(
        "wenlu.cli.doctor:doctor", "[--json]", "Check this machine and the installation."
    ),
}

_ALIASES = {"--recompute": "--gradient-checkpointing"}
"""Further names of flags."""

_GROUPS = {"corpus": "Work on raw text: shuffle it, count it, build a vocabulary."}
"""Commands of two words, by the first word."""


def main(tokens: Sequence[str] | None = None) -> None:
    """Run a command line and exit."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not every terminal can show Chinese
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(list(sys.argv[1:] if tokens is None else tokens)))


def _open_closed_streams() -> None:
    """A stream that was closed when the program started leads nowhere.

    Otherwise the next file that is opened takes its number, and is read or written instead.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = os.O_WRONLY if number else os.O_RDONLY
            nowhere = os.open(os.devnull, mode)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115, PTH123


def run(tokens: list[str]) -> int:
    """Run a command line and return its exit code."""
    end = tokens.index("--") if "--" in tokens else len(tokens)
    debug = "--debug" in tokens[:end]
    flags = [_unaliased(token) for token in tokens[:end] if token != "--debug"]
    tokens = flags + tokens[end:] or ["--help"]
    asked = " ".join(tokens[: 2 if tokens[0] in _GROUPS else 1])
    errors = Terminal(stderr=True)
    try:
        _app(asked)(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except (CycloptsError, UsageError) as error:
        errors.say(f"{_usage(asked)}\nerror: {error}")
        return 2
    except WenluError as error:
        if debug:
            raise
        errors.say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        if debug:
            raise
        errors.say("interrupted")
        return 130
    except SystemExit as error:
        if not isinstance(error.code, int) or error.code <= 128:
            raise
        errors.print(f"stopped by {signal.Signals(error.code - 128).name}")
        return error.code
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if debug:
            raise
        place = f"{error.filename}: " if error.filename else ""
        errors.say(f"error: {place}{error.strerror or error}")
        return 1
    return 0


def _unaliased(token: str) -> str:
    flag, equals, value = token.partition("=")
    return _ALIASES.get(flag, flag) + equals + value


def _app(asked: str) -> App:
    """All commands; the full help of `asked` is loaded, the others have one line."""
    app = App(
        name="wenlu",
        help=_HELP,
        usage="Usage: wenlu COMMAND [OPTIONS]",
        version=__version__,
        version_flags=["--version"],
        config=(apply_config_file, refuse_fractions),
        suppress_keyboard_interrupt=False,
        default_parameter=Parameter(negative_iterable=()),
        help_formatter=HelpPage(),
    )
    groups = {"": app}
    for place, (name, command) in enumerate(_COMMANDS.items()):
        group, _, last = name.rpartition(" ")
        if group not in groups:
            usage = f"Usage: wenlu {group} COMMAND [OPTIONS]"
            groups[group] = App(name=group, help=_GROUPS[group], usage=usage, sort_key=place)
            app.command(groups[group])
        words = {} if name == asked else {"help": command.summary}
        usage = f"Usage: wenlu {name} {command.usage}"
        groups[group].command(command.where, name=last, sort_key=place, usage=usage, **words)
    return app


def _usage(asked: str) -> str:
    group = asked.partition(" ")[0]
    if group in _GROUPS and asked not in _COMMANDS:
        return f"Usage: wenlu {group} COMMAND [OPTIONS]; the commands: wenlu {group} --help"
    if asked not in _COMMANDS:
        return "Usage: wenlu COMMAND [OPTIONS]; the commands: wenlu --help"
    return f"Usage: wenlu {asked} {_COMMANDS[asked].usage}; more: wenlu {asked} --help"
