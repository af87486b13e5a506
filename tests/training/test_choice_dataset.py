"""Batches of questions against sequences put together one by one."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.training import ChoiceDataset
from wenlu.training.batching import plan_batches
from wenlu.training.dataset import StoredDataset

CLS, SEP, PAD = 101, 102, 0


@dataclass(frozen=True)
class Questions:
    texts: list[list[int]]
    parts: list[list[list[tuple[int, int]]]]
    """Question, choice, part: which text, and how many of its tokens."""

    def dataset(self, *, targets: list[int] | None = None, segments: bool = True) -> ChoiceDataset:
        return ChoiceDataset(
            [np.array(text, np.int32) for text in self.texts],
            [np.array(question, np.int32) for question in self.parts],
            targets=targets,
            segments=segments,
            cls_id=CLS,
            sep_id=SEP,
            pad_id=PAD,
        )

    def sequence(self, choice: list[tuple[int, int]]) -> list[int]:
        found = [CLS]
        for text, kept in choice:
            found += [*self.texts[text][:kept], SEP]
        return found


@st.composite
def questions(draw: st.DrawFn) -> Questions:
    texts = draw(st.lists(st.lists(st.integers(1, 99), max_size=9), min_size=1, max_size=6))
    parts = draw(st.integers(1, 3))
    found = []
    for _ in range(draw(st.integers(1, 7))):
        choices = []
        for _ in range(draw(st.integers(2, 5))):
            picked = [draw(st.integers(0, len(texts) - 1)) for _ in range(parts)]
            choices.append([(i, draw(st.integers(0, len(texts[i])))) for i in picked])
        found.append(choices)
    return Questions(texts, found)


@given(questions(), st.data())
def test_batches_hold_the_sequences_of_their_questions(
    made: Questions, data: st.DataObject
) -> None:
    targets = [data.draw(st.integers(0, len(q) - 1)) for q in made.parts]
    dataset = made.dataset(targets=targets)
    assert isinstance(dataset, StoredDataset)
    rows = data.draw(st.lists(st.integers(0, len(made.parts) - 1), min_size=1, max_size=6))
    batch = dataset.batch(np.array(rows))
    expected = [(row, choice) for row in rows for choice in made.parts[row]]
    assert len(batch.ids) == len(expected) == int(batch.real.sum())
    assert batch.real.sum(1).tolist() == [len(made.parts[row]) for row in rows]
    for i, row in enumerate(rows):
        assert batch.real[i].tolist()[: len(made.parts[row])] == [True] * len(made.parts[row])
    assert batch.targets is not None
    assert batch.targets.tolist() == [targets[row] for row in rows]
    assert batch.segments is not None
    width = batch.ids.shape[1]
    lengths = [width] * len(expected) if batch.lengths is None else batch.lengths.tolist()
    assert max(lengths) == width
    for (_, choice), ids, segments, length in zip(
        expected, batch.ids.tolist(), batch.segments.tolist(), lengths, strict=True
    ):
        sequence = made.sequence(choice)
        assert ids == sequence + [PAD] * (width - len(sequence))
        assert length == len(sequence)
        first = choice[0][1] + 2
        assert segments == [0] * first + [1] * (length - first) + [0] * (width - length)


@given(questions(), st.integers(1, 300), st.integers(1, 9))
def test_no_batch_of_several_questions_is_over_the_budget(
    made: Questions, tokens: int, most: int
) -> None:
    """Whichever questions meet: few long choices, and many short ones."""
    dataset = made.dataset()
    for rows in plan_batches(dataset.lengths, tokens=tokens, rows=most, seed=1, epoch=0):
        assert len(rows) == 1 or dataset.batch(rows).ids.numel() <= tokens


@given(questions())
def test_lengths_are_exact_where_all_have_equally_many_choices(made: Questions) -> None:
    equal = Questions(made.texts, [question[:2] for question in made.parts])
    dataset = equal.dataset()
    for row in range(len(dataset)):
        assert dataset.batch(np.array([row])).ids.numel() == dataset.lengths[row]


def test_without_targets_and_segments() -> None:
    made = Questions([[5, 6, 7]], [[[(0, 3)], [(0, 1)]], [[(0, 2)], [(0, 2)], [(0, 0)]]])
    batch = made.dataset(segments=False).batch(np.arange(2))
    assert batch.targets is None
    assert batch.segments is None
    assert batch.ids.tolist() == [
        [CLS, 5, 6, 7, SEP],
        [CLS, 5, SEP, PAD, PAD],
        [CLS, 5, 6, SEP, PAD],
        [CLS, 5, 6, SEP, PAD],
        [CLS, SEP, PAD, PAD, PAD],
    ]
    assert batch.lengths is not None
    assert batch.lengths.tolist() == [5, 3, 4, 4, 2]
    assert made.dataset(segments=False).batch(np.array([1])).real.tolist() == [[True] * 3]


def test_nothing() -> None:
    empty = Questions([], []).dataset()
    assert len(empty) == len(empty.lengths) == 0


@pytest.mark.parametrize("what", ["texts", "parts", "targets", "segments"])
def test_fingerprints_differ_where_the_data_do(what: str) -> None:
    made = Questions([[5, 6, 7]], [[[(0, 3)], [(0, 1)]]])
    other = {
        "texts": Questions([[5, 6, 8]], made.parts).dataset(targets=[0]),
        "parts": Questions(made.texts, [[[(0, 3)], [(0, 2)]]]).dataset(targets=[0]),
        "targets": made.dataset(targets=[1]),
        "segments": made.dataset(targets=[0], segments=False),
    }[what]
    same = made.dataset(targets=[0])
    assert same.fingerprint() == made.dataset(targets=[0]).fingerprint() != other.fingerprint()
