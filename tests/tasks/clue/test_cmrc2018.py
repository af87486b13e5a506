"""All of CMRC2018, where it is: every question is read, and every answer comes back."""

import json
from collections import Counter
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from wenlu.corpus import read_document
from wenlu.evaluation.counting import values
from wenlu.models import load
from wenlu.tasks import Run, RunConfig
from wenlu.tasks.clue import CMRC2018
from wenlu.tasks.reading import Found, Prediction
from wenlu.tasks.reading_layouts import ABSENT, MOVED, Question
from wenlu.tasks.task import Encoded
from wenlu.tasks.train import train
from wenlu.training import TrainingSettings

DATA = Path(__file__).resolve().parents[3].parent / "shared/data/tasks/clue/cmrc2018"
pytestmark = [
    pytest.mark.skipif(not DATA.is_dir(), reason="needs the benchmark's data in ../shared"),
    pytest.mark.slow,
]
COUNTS = {"train": (10_142, 10_142), "dev": (3_219, 9_657)}
NOTES = {"train": {MOVED: 21}, "dev": {ABSENT: 193, MOVED: 7}}
splits = pytest.mark.parametrize("split", ["train", "dev"])


@cache
def questions(split: str) -> tuple[list[Question], Counter[str]]:
    notes: Counter[str] = Counter()
    return CMRC2018.read(DATA / f"{split}.json.zst", notes=notes), notes


@cache
def lessons(split: str) -> Encoded:
    notes: Counter[str] = Counter()
    tokenizer = load("scratch-2x128").tokenizer
    encoded = CMRC2018.encode(
        questions(split)[0], tokenizer, max_length=512, segments=True, training=True, notes=notes
    )
    assert not notes
    assert not encoded.cut
    return encoded


@splits
def test_every_question_is_read_and_every_answer_located(split: str) -> None:
    examples, notes = questions(split)
    assert (len(examples), sum(len(e.label or ()) for e in examples)) == COUNTS[split]
    assert notes == NOTES[split]
    for example in examples:
        assert any(answer.start is not None for answer in example.label or ())
        for answer in example.label or ():
            assert answer.start is None or example.context.startswith(answer.text, answer.start)


@splits
def test_every_answer_comes_back_from_its_tokens(split: str) -> None:
    """From the rows as the model gets them, through the offsets, to the original text."""
    examples, encoded = questions(split)[0], lessons(split)
    found: list[set[tuple[int, str]]] = [set() for _ in examples]
    count = len(encoded.places)
    for begin in range(0, count, 2000):
        numbers = np.arange(begin, min(begin + 2000, count))
        batch = encoded.data.batch(numbers)
        assert batch.targets is not None
        for place, (first, last) in zip(
            encoded.places[begin : begin + 2000], batch.targets[:, 0].tolist(), strict=True
        ):
            if last:
                start = place.offsets[first - place.shift][0]
                text = examples[place.example].context[start : place.offsets[last - place.shift][1]]
                found[place.example].add((start, text))
    for example, pieces in zip(examples, found, strict=True):
        located = [answer for answer in example.label or () if answer.start is not None]
        assert pieces == {
            (answer.start + len(answer.text) - len(answer.text.lstrip()), answer.text.strip())
            for answer in located
            if answer.start is not None
        }


@splits
def test_rows_fit_and_windows_cover(split: str) -> None:
    examples, encoded = questions(split)[0], lessons(split)
    assert encoded.data.lengths.max() == 512
    covered: dict[int, int] = {}
    for place, length, begin in zip(
        encoded.places,
        encoded.data.lengths.tolist(),
        encoded.data.text_begins.tolist(),  # type: ignore[attr-defined]
        strict=True,
    ):
        start, end = begin - place.shift, length - 1 - place.shift
        assert start % 128 == 0
        assert start <= covered.get(place.example, 0) or start == 0
        covered[place.example] = end
        assert end <= len(place.offsets)
    assert covered.keys() == set(range(len(examples)))
    ends = {place.example: len(place.offsets) for place in encoded.places}
    assert covered == ends


def test_the_references_themselves_are_right() -> None:
    examples, _ = questions("dev")
    first = [
        Prediction(e.id, tuple(Found(a.text, 0, 0, 0.0) for a in e.label[:1]))
        for e in examples
        if e.label
    ]
    scores = values(CMRC2018.score(examples, first))
    assert scores["exact_match"] == scores["f1"] == 1


def test_end_to_end(tmp_path: Path) -> None:
    """Train on a few passages, measure, hand in."""
    data = tmp_path / "data"
    data.mkdir()
    for split, count in {"train": 6, "dev": 3, "test": 2}.items():
        document = read_document(DATA / f"{'dev' if split == 'test' else split}.json.zst")
        assert isinstance(document, dict)
        small = {"version": "v1.0", "data": list(islice(document["data"], count))}
        (data / f"{split}.json").write_text(json.dumps(small), "utf-8")
    config = RunConfig(
        task="cmrc2018",
        data=str(data),
        model="scratch-2x128",
        max_length=512,
        training=TrainingSettings(epochs=1, precision="float32"),
    )
    found = train(config, tmp_path / "run")
    run = Run(tmp_path / "run")
    assert run.evaluate()["scores"].items() <= found["scores"].items()
    path = run.submit(out=tmp_path)
    assert path.name == "cmrc2018_predict.json"
    test = run.task.read(data / "test.json", labelled=False)
    assert json.loads(path.read_text("utf-8")).keys() == {example.id for example in test}
