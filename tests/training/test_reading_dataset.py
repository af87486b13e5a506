import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.text import Tokenizer
from wenlu.training.dataset import StoredDataset
from wenlu.training.reading_dataset import ReadingDataset, ReadingRow

TOKENIZER = Tokenizer.from_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefgh"])
PAD, CLS, SEP = 0, 2, 3
parts = st.lists(st.lists(st.integers(4, 11), max_size=6), min_size=1, max_size=4)


@given(parts, parts, st.data())
def test_rows_are_question_and_window(
    questions: list[list[int]], texts: list[list[int]], data: st.DataObject
) -> None:
    rows = []
    for _ in range(data.draw(st.integers(1, 6))):
        text = data.draw(st.integers(0, len(texts) - 1))
        start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(texts[text]))] * 2)))
        answers = []
        if start < end and data.draw(st.booleans()):
            ends = st.tuples(*[st.integers(start, end - 1)] * 2)
            answers = [tuple(sorted(data.draw(ends))) for _ in range(data.draw(st.integers(1, 3)))]
        question = data.draw(st.integers(0, len(questions) - 1))
        rows.append(ReadingRow(question, text, start, end, tuple(answers)))
    stored = ReadingDataset(questions, texts, rows, TOKENIZER, segments=True, labelled=True)
    assert isinstance(stored, StoredDataset)
    chosen = np.array(data.draw(st.permutations(range(len(rows)))))
    batch = stored.batch(chosen)
    for line, number in enumerate(chosen.tolist()):
        row = rows[number]
        ask, window = questions[row.question], texts[row.text][row.start : row.end]
        wanted = [CLS, *ask, SEP, *window, SEP]
        length, padding = len(wanted), batch.ids.shape[1] - len(wanted)
        assert stored.lengths[number] == length
        assert batch.ids[line].tolist() == wanted + [PAD] * padding
        begin = len(ask) + 2
        assert batch.begins[line] == begin
        assert (
            batch.segments[line].tolist() == [0] * begin + [1] * (len(window) + 1) + [0] * padding
        )
        count = int(batch.answers[line])
        found = batch.targets[line, :count].tolist()
        if not row.answers:
            assert found == [[0, 0]]
            continue
        for target, answer in zip(found, row.answers, strict=True):
            held = batch.ids[line, target[0] : target[1] + 1].tolist()
            assert held == texts[row.text][answer[0] : answer[1] + 1]
    longest = max(map(int, stored.lengths[chosen]))
    assert batch.ids.shape[1] == longest
    assert (batch.lengths is None) == all(stored.lengths[chosen] == longest)


def test_without_segments_and_labels() -> None:
    stored = ReadingDataset(
        [[4]], [[5, 6]], [ReadingRow(0, 0, 0, 2)], TOKENIZER, segments=False, labelled=False
    )
    batch = stored.batch(np.array([0]))
    assert batch.segments is batch.targets is batch.answers is batch.lengths is None
    assert batch.ids.tolist() == [[CLS, 4, SEP, 5, 6, SEP]]


@pytest.mark.parametrize(
    "change",
    [
        {"questions": [[5]]},
        {"texts": [[5, 7]]},
        {"rows": [ReadingRow(0, 0, 0, 1)]},
        {"rows": [ReadingRow(0, 0, 0, 2, ((1, 1),))]},
        {"segments": False},
        {"labelled": False},
    ],
)
def test_the_fingerprint_is_of_all(change: dict[str, object]) -> None:
    given = {
        "questions": [[4]],
        "texts": [[5, 6]],
        "rows": [ReadingRow(0, 0, 0, 2)],
        "tokenizer": TOKENIZER,
        "segments": True,
        "labelled": True,
    }
    same = ReadingDataset(**given).fingerprint()
    assert ReadingDataset(**given).fingerprint() == same
    assert ReadingDataset(**{**given, **change}).fingerprint() != same
