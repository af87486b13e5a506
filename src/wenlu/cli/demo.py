"""wenlu demo: the main job on the bundled sample set."""

from pathlib import Path
from typing import Literal

from wenlu.cli.output import say
from wenlu.cli.train import show_result
from wenlu.cli.use import show_prediction

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


def demo(
    sample: Literal["intents", "pairs"] = "intents",
    *,
    out: Path = Path("runs/demo"),
    epochs: int = 12,
) -> None:
    """Train a small model from scratch on a bundled sample set, measure it and use it.

    Parameters
    ----------
    sample
        intents: which of 18 things a customer or a speaker wants; pairs: do two questions mean
        the same?
    out
        The run folder to make; a former demo there is replaced.
    epochs
        Times the training set is gone through.
    """
    from wenlu.assets import asset
    from wenlu.tasks.config import RunConfig
    from wenlu.tasks.run import Run
    from wenlu.tasks.train import train
    from wenlu.training.settings import TrainingSettings

    say(f"training scratch-4x312 on the bundled sample set {sample!r}")
    config = RunConfig(
        task=sample,
        data=str(asset("samples", sample)),
        model="scratch-4x312",
        max_length=64,
        training=TrainingSettings(epochs=epochs),
    )
    result = train(config, out, overwrite=True, say=say, command="wenlu demo")
    run, examples = Run(out), _TEXTS[sample]
    for texts, prediction in zip(examples, run.predict(examples), strict=True):
        show_prediction(run.task, texts, prediction)
    show_result(result, out)
