"""wenlu corpus stats."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from wenlu.cli.flags import Switch
from wenlu.cli.output import UsageError, check_target, print_json, say
from wenlu.cli.progress import passes_bar
from wenlu.cli.termination import tidy_end

if TYPE_CHECKING:
    from wenlu.corpus import CorpusStats

_BAR = 40


def stats(
    *texts: Annotated[str, Parameter(allow_leading_hyphen=True)],
    memory: Annotated[str | None, Parameter(show_default=lambda _: "250MB a process")] = None,
    workers: Annotated[int | None, Parameter(show_default=lambda _: "one a core")] = None,
    temp: Annotated[Path | None, Parameter(show_default=lambda _: "the system's")] = None,
    plot: Path | None = None,
    json: Switch = False,
) -> None:
    """Say what files of text are like: lines, duplicates, encodings, line ends, lengths.

    Lines are taken as they stand in the file, whatever it is, so a row of JSONL is as long as its
    JSON. A line is a duplicate if the same bytes have come before, anywhere in the files; empty
    lines are counted by themselves.

    Examples:
        wenlu corpus stats news.jsonl.zst
        wenlu corpus stats folder/ --plot lengths.png
        wenlu corpus stats *.txt --memory 1GB --temp /scratch --json
        zcat *.txt.gz | wenlu corpus stats -

    Parameters
    ----------
    texts
        Any files, decompressed if their names end in .gz or .zst; folders, for all files in them;
        URLs of either, such as s3://bucket/*.jsonl or https://host/a.txt.gz; - for standard input.
    memory
        How much all processes together may take, such as 512MB or 2GB.
    workers
        How many processes read; without it, fewer than cores where the memory is not enough.
    temp
        The folder for temporary files: at most 24 bytes for each line.
    plot
        A picture of the lengths: .png, .svg or .pdf.
    json
        Print one JSON document and nothing else.
    """
    from wenlu.corpus import stats as run
    from wenlu.corpus.figures import check_figure
    from wenlu.corpus.memory import parse_memory
    from wenlu.corpus.statistics import plot_lengths

    if not texts:
        raise UsageError("give one or more files of text")
    if plot is not None:
        check_figure(plot)
        check_target(plot)
    with tidy_end(), passes_bar() as progress:
        found = run(
            texts,
            memory=None if memory is None else parse_memory(memory),
            workers=workers,
            temp=temp,
            progress=progress,
        )
    if plot is not None:
        plot_lengths(found, plot)
    if json:
        print_json(asdict(found))
        return
    _show(found)
    if plot is not None:
        say(f"plot  {plot}")


def _show(found: "CorpusStats") -> None:
    lines = max(1, found.lines)
    rows = [
        ("files", f"{found.files:,}"),
        ("bytes", f"{found.bytes:,}"),
        ("lines", f"{found.lines:,}, {found.empty:,} of them empty"),
        ("characters", f"{found.characters:,}"),
        (
            "duplicates",
            f"{found.duplicates:,} lines ({found.duplicates / lines:.2%}) have come before; "
            f"{found.repeated:,} lines come again, one of them {found.most_repeated:,} times"
            if found.duplicates
            else "none",
        ),
        (
            "encoding",
            f"UTF-8 {found.utf8 / lines:.2%} of the lines, GB18030 (or GBK) perhaps "
            f"{found.gb18030:,}, neither {found.other:,}, with NUL bytes {found.nul:,}",
        ),
        (
            "marks",
            f"{found.utf8_marks:,} files begin with the byte order mark of UTF-8, "
            f"{found.utf16_marks:,} with that of UTF-16",
        ),
        (
            "line ends",
            f"LF {found.lf:,}, CRLF {found.crlf:,}, other CR {found.lone_cr:,}; "
            f"{found.unfinished:,} files end without one",
        ),
        (
            "lengths",
            f"mean {found.mean:,.1f} characters, median {found.percentiles[50]:,}, 90 % up to "
            f"{found.percentiles[90]:,}, 99 % up to {found.percentiles[99]:,}, longest "
            f"{found.longest:,}",
        ),
    ]
    for name, text in rows:
        say(f"{name:<11} {text}")
    most = max((number for _, _, number in found.histogram), default=0)
    for low, high, number in found.histogram:
        name = f"{low:,}" if low == high else f"{low:,}–{high:,}"
        bar = "█" * -(-number * _BAR // most)
        say(f"{name:>19}  {bar:<{_BAR}}  {number:,}")
