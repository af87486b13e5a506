"""wenlu predict, evaluate, submit: using a trained model."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from wenlu.cli.flags import Switch
from wenlu.cli.output import UsageError, check_target, print_json, say
from wenlu.cli.progress import progress_bar
from wenlu.errors import ConfigError

if TYPE_CHECKING:
    from wenlu.tasks.classification import Classification, Prediction

_TOP = 3


def predict(
    run: Path,
    *texts: str,
    input: Path | None = None,
    output: Path | None = None,
    json: Switch = False,
) -> None:
    """Label texts with a trained model, each with its probability.

    Examples:
        wenlu predict runs/tnews "国足今晚对阵日本" "央行宣布降准"
        wenlu predict runs/pairs "怎么退款" "如何申请退款"   # a task on pairs
        wenlu predict runs/tnews --input new.csv --output labelled.jsonl
        wenlu predict runs/tnews -- "-5度"                   # it begins with a dash

    Parameters
    ----------
    run
        A run folder, or the model folder in one.
    texts
        Texts to label; for a task on pairs, first and second in turn.
    input
        A JSONL, JSON, CSV or TSV file with the task's text fields; labels in it are left unread.
    output
        Where to write the labels of `--input`, as JSONL; by default they are printed.
    json
        Print one JSON document and nothing else.
    """
    from wenlu.corpus import write_jsonl
    from wenlu.tasks.run import Run

    if bool(texts) == (input is not None):
        raise UsageError("give either texts or --input FILE")
    if output is not None and input is None:
        raise UsageError("--output goes with --input FILE")
    if output is not None:
        check_target(output)
    loaded = Run(run)
    if input is None:
        width = len(loaded.task.text_fields)
        if len(texts) % width:
            raise ConfigError(
                f"{loaded.task.name} takes pairs of texts ({', '.join(loaded.task.text_fields)}), "
                f"so their number must be even; got {len(texts)}"
            )
        rows = [tuple(texts[i : i + width]) for i in range(0, len(texts), width)]
        predictions = loaded.predict(rows)
        if json:
            print_json(
                [
                    {"text": row if width > 1 else row[0], **described(loaded.task, prediction)}
                    for row, prediction in zip(rows, predictions, strict=True)
                ]
            )
            return
        for row, prediction in zip(rows, predictions, strict=True):
            show_prediction(loaded.task, row, prediction)
        return
    with progress_bar("predicting") as advance:
        examples = loaded.task.read(input, labelled=False)
        predictions = loaded.predict_examples(examples, advance=advance)
    lines = [
        {
            "id": p.id,
            **dict(zip(loaded.task.text_fields, e.texts, strict=True)),
            "label": p.label,
            "name": loaded.task.names.get(p.label, p.label),
            "probability": round(p.probabilities[p.label], 6),
        }
        for e, p in zip(examples, predictions, strict=True)
    ]
    if output is not None:
        write_jsonl(output, lines)
        if json:
            print_json({"output": str(output), "examples": len(lines)})
        else:
            say(f"{len(lines):,} labels written to {output}")
    elif json:
        print_json(lines)
    else:
        for line in lines:
            print_json(line)


def described(task: "Classification", prediction: "Prediction") -> dict[str, Any]:
    """A prediction for programs, with the label's name beside its code."""
    name = task.names.get(prediction.label, prediction.label)
    return {
        "label": prediction.label,
        "name": name,
        "probabilities": prediction.probabilities,
    }


def show_prediction(
    task: "Classification", texts: tuple[str, ...], prediction: "Prediction"
) -> None:
    """A text and its most probable labels."""
    ranked = sorted(prediction.probabilities.items(), key=lambda item: -item[1])[:_TOP]
    named = "  ".join(f"{task.names.get(label, label)} {p:.1%}" for label, p in ranked)
    say(f"{' | '.join(texts)}\n    {named}")


def evaluate(
    run: Path,
    *,
    data: Path | None = None,
    split: Literal["train", "dev", "test"] = "dev",
    json: Switch = False,
) -> None:
    """Measure a trained model on labelled text, by the benchmark's own metric.

    Examples:
        wenlu evaluate runs/tnews --data CLUE/tnews
        wenlu evaluate runs/mine --data new-labelled.csv --json

    Parameters
    ----------
    run
        A run folder.
    data
        Folder with the task's files, or one labelled file; by default the data of the run.
    split
        Which of the folder's files.
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
    scores = result["scores"]
    say(
        f"{result['task']}: accuracy {scores['accuracy']:.4f} "
        f"[{scores['accuracy_low']:.4f}, {scores['accuracy_high']:.4f}], "
        f"macro-F1 {scores['macro_f1']:.4f}, on {result['examples']:,} examples of {result['file']}"
    )


def submit(
    run: Path, *, data: Path | None = None, out: Path | None = None, json: Switch = False
) -> None:
    """Label a benchmark's test set and write the file that is handed in, checked.

    Examples:
        wenlu submit runs/tnews --data CLUE/tnews --out tnews10_predict.json

    Parameters
    ----------
    run
        A run folder.
    data
        Folder with the task's test file, or that file; by default the data of the run.
    out
        The file to write, or a folder; by default the benchmark's own file name, here.
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
