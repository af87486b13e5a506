"""wenlu demo: the main job on the bundled sample set."""

from pathlib import Path
from typing import Literal

from wenlu.cli.flags import Switch
from wenlu.cli.output import print_json, say
from wenlu.cli.train import show_result

_TEXTS: dict[str, list[tuple[str, ...]]] = {
    "intents": [
        ("上周退的那件外套，钱怎么还没到账呀",),
        ("明早六点半喊我起床，别让我睡过头了",),
        ("屋里有点闷，风开大一点行不",),
    ],
    "pairs": [
        ("我转给他的钱能撤回吗", "他转给我的钱能撤回吗"),
        ("社保卡丢了咋补", "医保卡不见了，要去哪儿补办"),
        ("几点可以入住", "房间最早什么时候能进"),
    ],
}

_NEXT = """
Next, your own texts, in a CSV file with the columns text and label:
    wenlu train classify --data my.csv --out runs/my"""


def demo(
    sample: Literal["intents", "pairs"] = "intents",
    *,
    out: Path = Path("runs/demo"),
    epochs: int = 8,
    resume: Switch = False,
    json: Switch = False,
) -> None:
    """Train a small model from scratch on a bundled sample set, measure it and use it.

    Nothing is downloaded. It takes a few minutes at most on two cores.

    Examples:
        wenlu demo
        wenlu demo pairs --out runs/pairs

    Parameters
    ----------
    sample
        intents: which of 18 things a customer or a speaker wants; pairs: do two questions mean
        the same?
    out
        The run folder to make; a former demo there is replaced.
    epochs
        Times the training set is gone through.
    resume
        Go on with a demo that was stopped.
    json
        Print one JSON document and nothing else.
    """
    from wenlu.assets import asset
    from wenlu.tasks.config import RunConfig
    from wenlu.tasks.run import Run
    from wenlu.tasks.train import train
    from wenlu.training.settings import TrainingSettings

    config = RunConfig(
        task=sample,
        data=str(asset("samples", sample)),
        model="scratch-4x312",
        max_length=64,
        training=TrainingSettings(epochs=epochs),
    )
    if not json:
        say(f"training {config.model} on the bundled sample set {sample!r}, {epochs} epochs")
    result = train(
        config,
        out,
        resume=resume,
        overwrite=not resume,
        say=None if json else say,
        command=f"wenlu demo {sample}",
    )
    run = Run(out)
    examples = run.typed(_TEXTS[sample])
    found = list(zip(examples, run.predict_examples(examples), strict=True))
    if json:
        print_json({**result, "predictions": [run.task.record(e, p) for e, p in found]})
        return
    show_result(result)
    for example, prediction in found:
        say(run.task.told(example, prediction))
    say(f"\nrun     {out}\nreport  {out / 'report.html'}")
    say(_NEXT)
