"""wenlu predict, evaluate, submit: use a trained model."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from wenlu.cli.flags import Switch
from wenlu.cli.output import UsageError, check_target, print_json, say
from wenlu.cli.progress import progress_bar
from wenlu.errors import ConfigError, RunError

_TUPLES = {2: "pairs of texts"}


def predict(
    run: Path,
    *texts: str,
    input: Path | None = None,
    output: Path | None = None,
    json: Switch = False,
) -> None:
    """Apply a trained model to texts: print what it predicts, or write it to a file.

    Examples:
        wenlu predict runs/tnews "国足今晚对阵日本" "央行宣布降准"
        wenlu predict runs/pairs "怎么退款" "如何申请退款"   # a task on pairs
        wenlu predict runs/tnews --input new.csv --output labelled.jsonl
        wenlu predict runs/tnews -- "-5度"                   # starts with a dash

    Parameters
    ----------
    run
        A run folder, or its model folder.
    texts
        The texts. A task on pairs takes two for each input: first, second, first, second, ...
    input
        A JSONL, JSON, CSV or TSV file with the text fields of the task. Labels in it are ignored.
    output
        JSONL file to write the predictions for `--input` to. Default: print them.
    json
        Print one JSON document and nothing else.
    """
    from wenlu.corpus import write_jsonl
    from wenlu.tasks.run import Run

    if bool(texts) == (input is not None):
        raise UsageError("give either texts or --input FILE")
    if output is not None and input is None:
        raise UsageError("--output needs --input FILE")
    if input is not None and output is not None:
        check_target(output)
        if output.exists() and input.exists() and output.samefile(input):
            raise RunError(
                f"{output} is both --input and --output: its other fields would be lost; "
                "give --output another name"
            )
    loaded = Run(run)
    if input is None:
        width = len(loaded.task.text_fields)
        if not width:
            raise ConfigError(f"{loaded.task.name} needs more than plain text; give --input FILE")
        if len(texts) % width:
            fields = ", ".join(loaded.task.text_fields)
            raise ConfigError(
                f"{loaded.task.name} takes {_TUPLES.get(width, f'{width} texts')} at a time "
                f"({fields}), so their number must be a multiple of {width}; got {len(texts)}"
            )
        rows = [tuple(texts[i : i + width]) for i in range(0, len(texts), width)]
        examples = loaded.typed(rows)
        predictions = loaded.predict_examples(examples)
        if json:
            print_json(
                [loaded.task.record(e, p) for e, p in zip(examples, predictions, strict=True)]
            )
            return
        for example, prediction in zip(examples, predictions, strict=True):
            say(loaded.task.told(example, prediction))
        return
    with progress_bar("predicting") as advance:
        examples = list(loaded.task.read(input, labelled=False))
        predictions = loaded.predict_examples(examples, advance=advance)
    lines = [loaded.task.record(e, p) for e, p in zip(examples, predictions, strict=True)]
    if output is not None:
        write_jsonl(output, lines)
        if json:
            print_json({"output": str(output), "examples": len(lines)})
        else:
            say(f"{len(lines):,} predictions written to {output}")
    elif json:
        print_json(lines)
    else:
        for line in lines:
            print_json(line)


def evaluate(
    run: Path,
    *,
    data: Path | None = None,
    split: Literal["train", "dev", "test"] = "dev",
    json: Switch = False,
) -> None:
    """Measure a trained model on labelled text, with the metric of the benchmark.

    Examples:
        wenlu evaluate runs/tnews --data CLUE/tnews
        wenlu evaluate runs/mine --data new-labelled.csv --json

    Parameters
    ----------
    run
        A run folder.
    data
        A folder with the files of the task, or one labelled file. Default: the data of the run.
    split
        Which file of the folder to use.
    json
        Print one JSON document and nothing else.
    """
    from wenlu.tasks.run import Run

    loaded = Run(run)
    with progress_bar("evaluating") as advance:
        result = loaded.evaluate(data, split=split, advance=advance)
    if json:
        print_json(result)
        return
    said = ", ".join(_scores(result["scores"], result["main_metric"]))
    say(f"{result['task']}: {said}, on {result['examples']:,} examples of {result['file']}")


def _scores(scores: dict[str, float], main: str) -> Iterator[str]:
    """The scores as text, the main one first."""
    from wenlu.evaluation.numerals import METRICS, metric_name

    for name in dict.fromkeys((main, *(name for name in scores if name in METRICS))):
        english = metric_name(name)[0]
        spoken = english if english[1:2].isupper() or "-" in english else english.lower()
        low = scores.get(f"{name}_low")
        span = "" if low is None else f" [{low:.4f}, {scores[f'{name}_high']:.4f}]"
        yield f"{spoken} {scores[name]:.4f}{span}"


def submit(
    run: Path, *, data: Path | None = None, out: Path | None = None, json: Switch = False
) -> None:
    """Predict the test set of a benchmark and write the submission file, checked.

    Examples:
        wenlu submit runs/tnews --data CLUE/tnews --out tnews10_predict.json

    Parameters
    ----------
    run
        A run folder.
    data
        A folder with the test file of the task, or that file. Default: the data of the run.
    out
        The file to write, or a folder. Default: the file name that the benchmark wants, in the
        current folder.
    json
        Print one JSON document and nothing else.
    """
    from wenlu.tasks.run import Run

    loaded = Run(run)
    target = out or Path(loaded.task.submission_file)
    if target.is_dir():
        target = target / loaded.task.submission_file
    check_target(target)
    with progress_bar("predicting") as advance:
        path = loaded.submit(data, target, advance=advance)
    if json:
        print_json({"output": str(path)})
    else:
        say(f"written and checked: {path}")
