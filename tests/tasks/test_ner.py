"""Sets in several layouts, where they are: what is read, and what was odd."""

from collections import Counter
from pathlib import Path

import pytest

from wenlu.tasks import task_named

DATA = Path(__file__).resolve().parents[2].parent / "shared/data/tasks/ner"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="needs the sets in ../shared")

BEGUN = "I- tags without a B- tag before them, read as B-"
EMPTY = "entities of no characters, left out"
SETS = {  # texts, entities, types, what is odd
    "msra/dev.jsonl.zst": (2_317, 3_819, 3, {}),
    "msra/train.jsonl.zst": (44_246, 65_260, 3, {BEGUN: 6}),
    "resume/train.jsonl.zst": (3_821, 13_440, 8, {BEGUN: 2}),
    "cmeee/train.jsonl.zst": (15_000, 61_794, 9, {EMPTY: 2}),
    "boson/train.jsonl.zst": (2_000, 23_173, 6, {}),
    "people_daily/train_1000.jsonl.zst": (999, 3_617, 4, {}),
    "video_music_book/valid.jsonl": (977, 1_777, 3, {}),
}
LARGE = ("msra/train", "cmeee/train", "boson")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name.startswith(LARGE) else [])
        for name in SETS
    ],
)
def test_what_is_read(name: str) -> None:
    texts, entities, types, odd = SETS[name]
    task, notes = task_named("ner"), Counter[str]()
    examples = task.read(DATA / name, notes=notes)
    assert len(examples) == texts
    assert sum(len(e.label) for e in examples) == entities
    assert notes == odd
    assert len(task.adapt(examples, DATA / name).labels) == types
    for example in examples:
        for start, end, _ in example.label:
            assert 0 <= start < end <= len(example.texts[0])
