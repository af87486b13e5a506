"""wenlu corpus shuffle."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from wenlu.cli.flags import Switch
from wenlu.cli.output import UsageError, print_json
from wenlu.cli.progress import bytes_bar
from wenlu.cli.termination import tidy_end
from wenlu.terminal import Terminal

if TYPE_CHECKING:
    from wenlu.corpus.shuffling import Plan

_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.?)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"0": b"\0", b"r": b"\r", b"t": b"\t", b"\\": b"\\"}


def shuffle(
    *texts: Annotated[str, Parameter(allow_leading_hyphen=True)],
    out: Annotated[str, Parameter(allow_leading_hyphen=True)],
    memory: str = "2GB",
    seed: int = 0,
    threads: int | None = None,
    temp: Path | None = None,
    engine: Literal["local", "ray"] = "local",
    separator: str = "\\n",
    group: int = 1,
    drop_empty: Switch = False,
    shards: int | None = None,
    verify: Switch = False,
    resume: Switch = False,
    json: Switch = False,
) -> None:
    r"""Put the lines of files of any size in a random order.

    Every order is equally likely, and which one comes depends on the lines and the seed alone, not
    on the memory or the threads. Lines stay as they are, byte for byte; only a last line without a
    line end is given one. What does not fit into memory goes through temporary files, about as
    large as the input.

    Examples:
        wenlu corpus shuffle a.jsonl b.jsonl.zst folder/ --out shuffled.jsonl --seed 7
        wenlu corpus shuffle big.jsonl --out shuffled.jsonl.zst --memory 512MB --temp /scratch
        wenlu corpus shuffle in/*.jsonl --shards 64 --out out/part-{:05d}.jsonl.zst --verify
        cat *.txt | wenlu corpus shuffle - --out - | head
        wenlu corpus shuffle s3://bucket/raw/ --out s3://bucket/shuffled.jsonl.zst --temp /scratch
        wenlu corpus shuffle s3://bucket/raw/ --out out.jsonl --engine ray --temp /shared/tmp
        wenlu corpus shuffle zh.txt --out zh.shuffled.txt --seed 3
        wenlu corpus shuffle en.txt --out en.shuffled.txt --seed 3     the same order: still aligned

    Parameters
    ----------
    texts
        Files, also with .gz or .zst; folders, for the text files in them; URLs of either, such as
        s3://bucket/*.jsonl or https://host/a.txt.gz; - for standard input.
    out
        The file to write, compressed if it ends in .gz or .zst; also a URL, such as s3://bucket/a;
        - for standard output.
    memory
        How much memory the program may take, such as 512MB or 4GiB.
    seed
        Picks the order: a whole number of any length.
    threads
        How many; by default two, or one where there is one processor.
    temp
        The folder for temporary files; by default the one of the output, or the system's where
        that is a URL or standard output.
    engine
        Where it is done: on this machine, or as tasks on a Ray cluster (--memory is then for each
        task, --threads is how many run at a time, and all machines must see the files and --temp).
    separator
        What ends a line: one or more characters, of which \n, \r, \t, \0, \\ and \xFF (any byte)
        are written so.
    group
        Keep so many lines together, in their order.
    drop_empty
        Leave out lines that have nothing before the separator.
    shards
        Write so many files with equally many lines, give or take one; --out is then their name
        with a place for the number, in a folder of their own.
    verify
        Hash all bytes of all lines, in and out, and read the output again before it appears. What
        goes to standard output cannot be read again.
    resume
        Go on with the same shuffle where it was stopped, if it was. Only one of more than 10 GB
        leaves anything to resume.
    json
        Print the result as one JSON document and nothing else.
    """
    from wenlu.corpus.memory import parse_memory
    from wenlu.corpus.shuffling import shuffle as run

    if not texts:
        raise UsageError("give one or more files of text, or - for standard input")
    to_stdout = out == "-"
    if json and to_stdout:
        raise UsageError("--json prints to standard output, where the lines go; give --out FILE")
    people = Terminal(stderr=True)
    plans: list[Plan] = []

    def show(plan: "Plan") -> None:
        plans.append(plan)
        if not json:
            people.say(str(plan))

    with tidy_end(), _notes(people):
        result = run(
            texts,
            None if to_stdout else out,
            seed=seed,
            memory=parse_memory(memory),
            threads=threads,
            temp=temp,
            engine=engine,
            separator=_separator(separator),
            group=group,
            drop_empty=drop_empty,
            shards=shards,
            verify=verify,
            resume=resume,
            plan=show,
            bar=bytes_bar,
        )
    if json:
        print_json({"output": out, **asdict(result), "plan": asdict(plans[0])})
        return
    for path in result.line_ends_added:
        people.say(f"The last line of {path} had no line end; it was given one.")
    if result.empty_lines_dropped:
        people.say(f"{result.empty_lines_dropped:,} empty lines were left out.")
    rate = result.bytes / max(result.seconds, 1e-9) / 1e6
    people.say(
        f"{result.records:,} lines, {result.bytes:,} bytes in {result.seconds:,.1f} s "
        f"({rate:,.0f} MB/s), the same in and out (fingerprint {result.fingerprint})"
    )


@contextmanager
def _notes(people: Terminal) -> Iterator[None]:
    """What is to be said besides an error, or besides that it was stopped."""
    try:
        yield
    except BaseException as error:
        for note in getattr(error, "__notes__", ()):
            people.say(note)
        raise


def _separator(text: str) -> bytes:
    """What was meant by a separator on the command line."""

    def mean(found: re.Match[bytes]) -> bytes:
        name = found[1]
        if name[:1] == b"x" and len(name) == 3:
            return bytes.fromhex(name[1:].decode())
        if name not in _ESCAPED:
            raise UsageError(
                f"--separator {text!r}: after a backslash comes n, r, t, 0, x and two digits, or "
                "another backslash"
            )
        return _ESCAPED[name]

    return _ESCAPE.sub(mean, text.encode(errors="surrogateescape"))
