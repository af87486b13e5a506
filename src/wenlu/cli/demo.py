"""wenlu demo: train, measure and use a model on a bundled sample set."""

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

_PRETRAINED, _SCRATCH = "wenlu-mini", "scratch-mini"

_NEXT = """
Next: your own texts, in a CSV file with the columns text and label:
    wenlu train classify --data my.csv --out runs/my"""


def demo(
    sample: Literal["intents", "pairs"] = "intents",
    *,
    out: Path = Path("runs/demo"),
    epochs: int = 5,
    resume: Switch = False,
    json: Switch = False,
) -> None:
    """Fine-tune the bundled model on a bundled sample set, measure it and use it.

    A model of the same shape with random initial weights is trained for comparison, to show the
    effect of pretraining. Nothing is downloaded. It takes a few minutes on two CPU cores.

    Examples:
        wenlu demo
        wenlu demo pairs --out runs/pairs

    Parameters
    ----------
    sample
        intents: what does the user want? 18 classes. pairs: do two questions mean the same?
    out
        The run folder to create. An earlier demo there is replaced.
    epochs
        Passes over the training set.
    resume
        Resume a demo that was stopped.
    json
        Print one JSON document and nothing else.
    """
    from wenlu.assets import asset
    from wenlu.models import BUNDLED
    from wenlu.tasks.config import RunConfig
    from wenlu.tasks.result import read_result
    from wenlu.tasks.run import Run
    from wenlu.tasks.train import train
    from wenlu.training.settings import TrainingSettings

    folders = {_PRETRAINED: out, _SCRATCH: out.with_name(f"{out.name}-scratch")}
    done = [m for m, folder in folders.items() if resume and (folder / "result.json").exists()]
    results = {}
    for model, folder in folders.items():
        if model in done and len(done) < len(folders):
            results[model] = read_result(folder)
            continue
        config = RunConfig(
            task=sample,
            data=str(asset("samples", sample)),
            model=model,
            max_length=64,
            training=TrainingSettings(epochs=epochs),
        )
        if not json:
            say(f"training {model} on the bundled sample set {sample!r}, {epochs} epochs")
        results[model] = train(
            config,
            folder,
            resume=resume,
            overwrite=not resume,
            say=None if json else say,
            command=f"wenlu demo {sample}",
        )
    result = results[_PRETRAINED]
    run = Run(out)
    examples = run.typed(_TEXTS[sample])
    found = list(zip(examples, run.predict_examples(examples), strict=True))
    if json:
        records = [run.task.record(e, p) for e, p in found]
        print_json({**result, "predictions": records, "from_scratch": results[_SCRATCH]["scores"]})
        return
    show_result(result)
    main = result["main_metric"]
    ours, scratch = (results[name]["scores"][main] for name in (_PRETRAINED, _SCRATCH))
    say(
        f"Without pretraining, the same shape gets {100 * scratch:.2f} %: pretraining made a "
        f"difference of {100 * (ours - scratch):+.1f} points."
    )
    if known := BUNDLED[_PRETRAINED].scores().get(f"bundled {sample}, mean of three seeds"):
        say(f"Single runs differ by a few points; means of three seeds: {known}.")
    say("")
    for example, prediction in found:
        say(run.task.told(example, prediction))
    say(f"\nrun     {out}\nreport  {out / 'report.html'}")
    say(_NEXT)
