"""wenlu corpus count."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from wenlu.cli.flags import Switch
from wenlu.cli.output import UsageError, check_target, megabytes, print_json, say
from wenlu.cli.progress import passes_bar
from wenlu.cli.termination import tidy_end

if TYPE_CHECKING:
    from wenlu.corpus import CountPlan
    from wenlu.corpus.counting import Unit


def count(
    *texts: Annotated[str, Parameter(allow_leading_hyphen=True)],
    out: str,
    unit: Literal["word", "char", "ngram", "token"] = "word",
    n: Annotated[int | None, Parameter(show_default=lambda _: "2")] = None,
    vocab: Path | None = None,
    field: str = "text",
    min_count: int = 1,
    top: int | None = None,
    memory: Annotated[str | None, Parameter(show_default=lambda _: "250MB a process")] = None,
    workers: Annotated[int | None, Parameter(show_default=lambda _: "one a core")] = None,
    temp: Annotated[Path | None, Parameter(show_default=lambda _: "beside the table")] = None,
    plot: Path | None = None,
    json: Switch = False,
) -> None:
    """Count words, characters, n-grams or tokens in text of any size, exactly.

    The table has the most frequent first, and those that come equally often in the order of their
    code points; memory and number of processes change nothing about it. White space is not counted
    and ends whatever stands before it, so no word has a tab or a line break in it. What does not
    fit into memory goes into a hidden folder beside the output for a while.

    Examples:
        wenlu corpus count news.jsonl.zst --out words.tsv --min-count 5
        wenlu corpus count part-*.txt --unit char --out characters.tsv --plot zipf.png
        wenlu corpus count folder/ --unit ngram --n 3 --top 100000 --memory 2GB --out grams.parquet
        zcat *.txt.gz | wenlu corpus count - --out words.tsv
        wenlu corpus count s3://bucket/news/*.jsonl.zst --out s3://bucket/words.parquet
        wenlu corpus count news.jsonl --unit token --vocab runs/mini/model --out tokens.tsv

    Parameters
    ----------
    texts
        JSONL files, an object a line, or TXT files; also with .gz or .zst after it. A folder stands
        for all files in it. URLs of either, such as s3://bucket/*.jsonl or https://host/a.txt.gz.
        - is standard input, which is taken for JSONL if its first line is a JSON object.
    out
        The table to write: .tsv, whose first line names the columns, or .parquet; also a URL.
    unit
        What to count: words, as rjieba finds them; characters; runs of n characters without white
        space among them; or a tokenizer's tokens.
    n
        How many characters an n-gram has.
    vocab
        The model folder or vocab.txt whose tokens are counted; otherwise the bundled vocabulary.
    field
        The field of a JSONL row that holds the text.
    min_count
        Leave out what comes less often in all of the text.
    top
        Keep only the most frequent so many.
    memory
        How much all processes together may take, such as 512MB or 2GB.
    workers
        How many processes count; without it, fewer than cores where the memory is not enough.
    temp
        The folder for temporary files; the system's where the table goes to a URL.
    plot
        A picture of counts by rank, on logarithmic axes: .png, .svg or .pdf.
    json
        Print one JSON document and nothing else.
    """
    from wenlu.corpus import count as run
    from wenlu.corpus.counting.zipf import plot_zipf
    from wenlu.corpus.figures import check_figure
    from wenlu.corpus.memory import parse_memory
    from wenlu.corpus.places import to_place
    from wenlu.corpus.temporary import temporary_place

    if not texts:
        raise UsageError("give one or more files of text")
    chosen = _unit(unit, n, vocab)
    table = to_place(out)
    if isinstance(table, Path):
        check_target(table)
    if plot is not None:
        if isinstance(table, Path) and plot.absolute() == table.absolute():
            raise UsageError(f"--out and --plot are both {out}; give two names")
        check_figure(plot)
        check_target(plot)
    with tidy_end(), passes_bar() as progress:
        made = run(
            texts,
            out,
            chosen,
            field=field,
            memory=None if memory is None else parse_memory(memory),
            workers=workers,
            temp=temp,
            min_count=min_count,
            top=top,
            plan=None if json else lambda plan: _show(plan, temporary_place(table, temp)),
            progress=progress,
        )
    if plot is not None:
        plot_zipf(made.curve, plot, chosen.name)
    if json:
        print_json(
            {
                "output": out,
                "plot": None if plot is None else str(plot),
                "unit": chosen.name,
                "units": made.units,
                "different": made.different,
                "written": made.written,
                "written_units": made.written_units,
                "characters": made.characters,
                "spills": made.spills,
            }
        )
        return
    names = {"word": "words", "char": "characters", "ngram": f"{n or 2}-grams", "token": "tokens"}
    say(
        f"{made.units:,} {names[unit]}, {made.different:,} of them different, in text of "
        f"{made.characters:,} characters"
    )
    share = f", which are {made.written_units / made.units:.2%} of all" if made.units else ""
    say(f"{made.written:,} written to {out}{share}")
    if plot is not None:
        say(f"plot  {plot}")


def _unit(unit: str, n: int | None, vocab: Path | None) -> "Unit":
    from wenlu.assets import asset
    from wenlu.corpus import NGrams, SingleCharacters, Tokens, Words

    if n is not None and unit != "ngram":
        raise UsageError(f"--n goes with --unit ngram, and this is --unit {unit}")
    if vocab is not None and unit != "token":
        raise UsageError(f"--vocab goes with --unit token, and this is --unit {unit}")
    if unit == "ngram":
        return NGrams(2 if n is None else n)
    if unit == "token":
        tokens = Tokens(vocab or asset("vocabulary", "vocab.txt"))
        tokens.load()  # an error of the file comes before any work
        return tokens
    return Words() if unit == "word" else SingleCharacters()


def _show(plan: "CountPlan", temp: Path) -> None:
    free = shutil.disk_usage(temp).free
    size = "unknown size" if plan.bytes is None else megabytes(plan.bytes)
    processes = "1 process" if plan.processes == 1 else f"{plan.processes} processes"
    say(
        f"{plan.files:,} {'file' if plan.files == 1 else 'files'} of {size}; "
        f"{processes} within {megabytes(plan.memory)} of memory, {megabytes(plan.table)} of it "
        f"for the table of each; the rest goes to the disk, which has {megabytes(free)} free"
    )
