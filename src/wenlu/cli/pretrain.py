"""wenlu pretrain."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from wenlu.cli.flags import Switch
from wenlu.cli.output import people, print_json, say
from wenlu.training.pretraining.config import PretrainingConfig
from wenlu.training.pretraining.settings import (
    MaskingSettings,
    PretrainingSettings,
    SimilaritySettings,
)

_DEFAULTS = PretrainingConfig(objective=("mlm",), corpus=("",))
_Several = Parameter(consume_multiple=True)


def pretrain(
    *,
    objective: Annotated[list[str], _Several],
    corpus: Annotated[list[Path], _Several],
    out: Path,
    heldout: Annotated[list[Path] | None, _Several] = None,
    config: str = _DEFAULTS.config,
    vocab: Path | None = None,
    model: str | None = None,
    seed: int = _DEFAULTS.seed,
    masking: Annotated[MaskingSettings | None, Parameter(name="*")] = None,
    similarity: Annotated[SimilaritySettings | None, Parameter(name="*")] = None,
    settings: Annotated[PretrainingSettings | None, Parameter(name="*")] = None,
    resume: Switch = False,
    overwrite: Switch = False,
    json: Switch = False,
) -> None:
    """Pretrain a model on raw text, and leave a run folder with it.

    The text is cut into tokens once; which sentences make a row, what is masked and in what order
    rows come is decided while they are read, so it differs in every epoch. A run that is stopped in
    any way goes on with --resume, to the same weights to the last bit. One that has ended goes on
    with --resume and more --steps, from before its learning rate fell.

    Examples:
        wenlu pretrain --objective mlm nsp --corpus news.jsonl.zst --out runs/mini
        wenlu pretrain --objective mlm nsp --corpus part-*.txt --heldout held.txt
            --config shape.toml --vocab vocab.txt --steps 100000 --accumulate 8 --out runs/mini
        wenlu pretrain --objective unilm --corpus news.txt --model runs/mini/model --out runs/gen
        wenlu pretrain --objective simbert --corpus pairs.jsonl --model runs/mini/model
            --max-length 64 --lr 1e-4 --out runs/sim
        torchrun --nproc-per-node 8 -m wenlu pretrain --objective mlm --corpus ... --out runs/big

    Parameters
    ----------
    objective
        One or more that go together: mlm, nsp, sop, lm, unilm; or simbert, which goes alone.
    corpus
        JSONL files, an object a line with its text in the field "text" (and, if it likes, where it
        is from in "source"), or TXT files, with blank lines between documents; also with .gz or
        .zst after it. Or one folder of tokens, such as the one that an earlier run has made. For
        simbert, JSONL files of groups of similar sentences: two of them in the fields "a" and "b",
        or any number as a list in "texts".
    out
        The run folder to make.
    heldout
        Text that is not trained on, to measure on; files or a folder, as for the corpus.
    config
        The shape: a name from `wenlu models`, or a TOML file with lines such as width = 256.
    vocab
        A vocab.txt, or a folder with a tokenizer; by default the bundled vocabulary.
    model
        Begin with the weights (and the vocabulary) of this model instead of random ones: a name
        from `wenlu models`, a folder, or owner/name on the Hugging Face hub.
    seed
        Decides initial weights, data order, masks and dropout.
    masking
        How words are masked.
    similarity
        How simbert learns from groups.
    settings
        How to train.
    resume
        Go on with the run at --out.
    overwrite
        Replace the run folder that stands at --out; any other folder is left alone.
    json
        Print the result as one JSON document and nothing else.
    """
    from wenlu.training.pretraining.run import pretrain as run
    from wenlu.training.processes import is_first

    result = run(
        PretrainingConfig(
            objective=tuple(objective),
            corpus=tuple(map(str, corpus)),
            heldout=tuple(map(str, heldout or ())),
            config=config,
            vocab=None if vocab is None else str(vocab),
            model=model,
            seed=seed,
            masking=masking or MaskingSettings(),
            similarity=similarity or SimilaritySettings(),
            training=settings or PretrainingSettings(),
        ),
        out,
        resume=resume,
        overwrite=overwrite,
        say=None if json else say,
    )
    if not is_first():
        return
    if json:
        print_json(result)
        return
    show_scores(result["scores"])
    say(f"{result['tokens_per_second']:,.0f} tokens/s\nmodel  {out / 'model'}")


def show_scores(scores: dict[str, Any]) -> None:
    """A table: held-out loss and accuracy, source by source."""
    from rich.table import Table

    for objective, by in scores.items():
        table = Table(title=f"{objective} on the held-out text", box=None, title_justify="left")
        table.add_column("source")
        for column in ("loss", "accuracy", "predicted"):
            table.add_column(column, justify="right")
        for source, found in by.items():
            table.add_row(
                source or "(no source given)",
                f"{found['loss']:.4f}",
                f"{found['accuracy']:.2%}",
                f"{found['count']:,}",
            )
        people.print(table)
