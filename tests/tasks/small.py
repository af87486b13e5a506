"""Small labelled sets, a small model, and what is to be compared of two runs."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from wenlu.corpus import write_jsonl

WORDS = {
    "天气": ("今天天气怎么样", "明天会下雨吗", "外面冷不冷", "周末是晴天吗"),
    "音乐": ("放一首歌", "换下一首", "声音大一点", "来点轻音乐"),
    "订单": ("我的快递到哪了", "怎么还没发货", "帮我取消订单", "想退货"),
}
BEFORE = ("", "请问", "你好，", "麻烦问一下，", "那个")
AFTER = ("", "？", "呢", "啊，谢谢", "，急")


def rows(count: int, seed: int) -> list[dict[str, object]]:
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        label = str(random.choice(list(WORDS)))
        parts = (BEFORE, WORDS[label], AFTER)
        found.append({"text": "".join(str(random.choice(part)) for part in parts), "label": label})
    return found


def pairs(count: int, seed: int) -> list[dict[str, object]]:
    first, second = rows(count, seed), rows(count, seed + 1)
    return [
        {
            "text_a": a["text"],
            "text_b": b["text"],
            "label": "相同" if a["label"] == b["label"] else "不同",
        }
        for a, b in zip(first, second, strict=True)
    ]


def write_sets(folder: Path, made: Any = rows) -> Path:  # noqa: ANN401
    folder.mkdir(parents=True)
    write_jsonl(folder / "train.jsonl", made(90, 1))
    write_jsonl(folder / "dev.jsonl", made(40, 2))
    test = [{k: v for k, v in row.items() if k != "label"} for row in made(20, 3)]
    write_jsonl(folder / "test.jsonl", ({"id": 100 + i, **row} for i, row in enumerate(test)))
    return folder


def metrics(run: Path) -> list[dict[str, Any]]:
    """Without what differs from run to run."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in x.items() if k != "examples_per_second"} for x in lines]


def result(run: Path) -> dict[str, Any]:
    return json.loads((run / "result.json").read_text("utf-8"))


def assert_same_run(run: Path, whole: Path) -> None:
    """Bit for bit, and nothing is left over."""
    files = sorted(p.relative_to(whole) for p in whole.rglob("*"))
    assert sorted(p.relative_to(run) for p in run.rglob("*")) == files
    for file in files:
        same = file.parent.name == "model" or file.name in ("dev.predictions.jsonl", "config.toml")
        assert not same or (run / file).read_bytes() == (whole / file).read_bytes(), file
    for key in ("scores", "best_epoch", "epochs", "steps", "fingerprint"):
        assert result(run)[key] == result(whole)[key], key
    assert metrics(run) == metrics(whole)
    steps = [line["step"] for line in metrics(run) if line["event"] == "step"]
    assert steps == list(range(1, result(run)["steps"] + 1))
    epochs = [line["epoch"] for line in metrics(run) if line["event"] == "epoch"]
    assert epochs == list(range(1, result(run)["epochs"] + 1))
