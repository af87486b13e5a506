"""Encoding, windows and decoding held against brute force; a bundled set from end to end."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wenlu.corpus import write_jsonl
from wenlu.errors import ConfigError, DataError
from wenlu.evaluation.counting import values
from wenlu.models.span_tagger import FoundSpans
from wenlu.tasks import task_named
from wenlu.tasks.span_layouts import Span, Spans
from wenlu.tasks.spans import Extraction, MarkedText, SpanExtraction
from wenlu.tasks.task import Encoded
from wenlu.text import Tokenizer, token_span

from ..text.test_tokenizer import UNCASED_TOKENIZER, texts

TASK = SpanExtraction(name="pieces", summary="", labels=("地", "人"))
CHARACTERS = Tokenizer.from_tokens(
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"甲乙丙丁戊己庚辛壬癸"]
)


def example(text: str, *marked: Span, name: str = "0") -> MarkedText:
    return MarkedText(name, (text,), tuple(sorted(marked)))


def encode(examples: list[MarkedText], tokenizer: Tokenizer, max_length: int) -> Encoded:
    return TASK.encode(examples, tokenizer, max_length=max_length, segments=True)


def as_found(encoded: Encoded) -> list[FoundSpans]:
    """The gold spans of every row, as if a model had found them."""
    rows = []
    for row in range(len(encoded.data.lengths)):
        positives = encoded.data.batch(np.array([row])).positives.numpy()
        kinds, first, last = np.ascontiguousarray(positives[:, 1:].T)
        rows.append(FoundSpans(kinds, first, last, np.ones(len(kinds), np.float32)))
    return rows


@st.composite
def marked(draw: st.DrawFn) -> tuple[str, Spans]:
    text = draw(texts)
    ends = st.integers(0, len(text))
    pieces = st.tuples(ends, ends, st.sampled_from("地人")).filter(lambda s: s[0] < s[1])
    found = draw(st.lists(pieces, max_size=6, unique=True)) if text else []
    return text, tuple(sorted(Span(*piece) for piece in found))


@given(st.lists(marked(), min_size=1, max_size=4), st.integers(4, 24))
@settings(max_examples=60)
def test_what_is_encoded_comes_back_at_its_place(
    cases: list[tuple[str, Spans]], max_length: int
) -> None:
    """Exactly the spans that align with tokens and stand whole in a window, each of them once."""
    examples = [example(text, *spans, name=str(i)) for i, (text, spans) in enumerate(cases)]
    notes = Counter[str]()
    encoded = TASK.encode(
        examples, UNCASED_TOKENIZER, max_length=max_length, segments=True, notes=notes
    )
    assert encoded.data.lengths.max() <= max_length
    predictions = TASK.decode(as_found(encoded), examples, encoded)
    room, lost = max_length - 2, 0
    for e, prediction in zip(examples, predictions, strict=True):
        offsets = UNCASED_TOKENIZER.encode(e.texts[0]).offsets or []
        aligned = {s: token_span(offsets, s.start, s.end) for s in e.label or ()}
        expected = {s for s, place in aligned.items() if place is not None}
        assert set(prediction.spans) <= expected
        short = {s for s in expected if aligned[s][1] - aligned[s][0] <= room // 4}
        assert short <= set(prediction.spans)
        if len(offsets) <= room:
            assert set(prediction.spans) == expected
        assert len(set(prediction.spans)) == len(prediction.spans)
        lost += len(e.label or ()) - len(prediction.spans)
        for start, end, _ in prediction.spans:
            assert 0 <= start < end <= len(e.texts[0])
    assert sum(n for what, n in notes.items() if what.endswith("out of reach")) == lost


def test_windows_of_a_long_text() -> None:
    text = "甲乙丙丁戊己庚辛壬癸" * 3
    spans = [Span(i, i + 2, "人") for i in range(29)]
    notes = Counter[str]()
    encoded = TASK.encode(
        [example("甲"), example(text, *spans)],
        CHARACTERS,
        max_length=14,
        segments=True,
        notes=notes,
    )
    assert encoded.data.lengths.tolist() == [3, 14, 14, 14]
    assert notes == {"texts of more than 12 tokens, read in windows": 1}
    assert encoded.cut == 0
    batch = encoded.data.batch(np.array([1, 3]))
    assert CHARACTERS.tokens(batch.ids[1].tolist()) == ["[CLS]", *text[18:30], "[SEP]"]
    found = TASK.decode(as_found(encoded), [example("甲"), example(text)], encoded)
    assert [p.spans for p in found] == [(), tuple(spans)]


def test_a_piece_that_a_window_cuts_off_is_left_to_its_neighbour() -> None:
    """The first window would take 丙丁, at its edge, for the name that goes on behind it."""
    text = "甲乙丙丁戊己庚辛壬癸甲乙丙丁戊己"
    examples = [example(text, Span(10, 13, "人"))]
    encoded = encode(examples, CHARACTERS, 14)
    rows = as_found(encoded)
    assert [len(row.types) for row in rows] == [0, 1]
    one = np.array([1])
    cut = FoundSpans(one, np.array([11]), np.array([12]), np.ones(1, np.float32))  # 甲乙 alone
    [found] = TASK.decode([cut, rows[1]], examples, encoded)
    assert found.spans == (Span(10, 13, "人"),)


def test_pieces_of_a_flat_type_do_not_overlap_in_what_is_found(tmp_path: Path) -> None:
    text = "甲乙丙丁"
    inner, outer, place = Span(0, 2, "人"), Span(0, 4, "人"), Span(1, 4, "地")
    nested = [example(text, inner, outer, place)]
    flat = TASK.adapt([example(text, inner, place)], tmp_path)
    assert flat.flat == ("人", "地")
    assert flat.restored(flat.saved()) == flat
    encoded = encode(nested, CHARACTERS, 14)
    [row] = as_found(encoded)
    sure = FoundSpans(row.types, row.first, row.last, (row.last - row.first).astype(np.float32))
    assert [p.spans for p in flat.decode([sure], nested, encoded)] == [(outer, place)]
    again = flat.adapt(nested, tmp_path)
    assert again.flat == ("地",)
    assert [p.spans for p in again.decode([sure], nested, encoded)] == [(inner, outer, place)]


def test_entities_out_of_reach_are_counted() -> None:
    text = "甲乙" * 20
    notes = Counter[str]()
    long, short = Span(0, 30, "人"), Span(3, 5, "地")
    encoded = TASK.encode(
        [example(text, long, short)], CHARACTERS, max_length=14, segments=True, notes=notes
    )
    assert notes["entities too long for any window, out of reach"] == 1
    [found] = TASK.decode(as_found(encoded), [example(text)], encoded)
    assert found.spans == (short,)


def test_scores() -> None:
    examples = [
        example("甲乙丙甲乙", Span(0, 2, "人"), Span(3, 5, "人"), Span(2, 3, "地")),
        example("丁", Span(0, 1, "地")),
    ]
    found = [
        Extraction("0", (Span(0, 2, "人"), Span(2, 3, "人")), (1.0, 2.0)),
        Extraction("1", (Span(0, 1, "地"),), (1.0,)),
    ]
    scores = values(TASK.score(examples, found))
    # By place, 2 of 3 are right, 4 wanted; by words, each type has 1 right, 1 wrong or missed.
    assert scores["precision"] == pytest.approx(2 / 3)
    assert scores["recall"] == pytest.approx(1 / 2)
    assert scores["f1"] == pytest.approx(4 / 7)
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert TASK.unseen(examples[1:]) == ["人"]
    assert TASK.main_metric == "f1"
    assert task_named("cluener").main_metric == "macro_f1"


def test_reading(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    rows = [
        {"id": 7, "text": "甲乙", "entities": [{"start": 0, "end": 1, "type": "乙类"}]},
        {"text": "丙", "label": {"甲类": {"丙": [[0, 0]]}}},
    ]
    write_jsonl(path, rows)
    task = task_named("ner")
    found = task.read(path)
    assert [(e.id, e.texts, e.label) for e in found] == [
        ("7", ("甲乙",), (Span(0, 1, "乙类"),)),
        ("1", ("丙",), (Span(0, 1, "甲类"),)),
    ]
    adapted = task.adapt(found, path)
    assert adapted.labels == ("乙类", "甲类")
    assert adapted.restored(adapted.with_head("efficient").saved()).head == "efficient"
    assert [e.label for e in task.read(path, labelled=False)] == [None, None]
    known = replace(TASK, labels=("甲类", "丙类"))
    with pytest.raises(
        DataError, match=r"line 1, field 'entities': '乙类' is not a type of pieces"
    ):
        known.read(path)
    with pytest.raises(DataError, match="no row has a labelled span"):
        task.adapt([example("甲")], path)
    with pytest.raises(ConfigError, match="no head 'crf' for ner; there are global, efficient"):
        task.with_head("crf")


def test_what_is_told_and_written() -> None:
    e = replace(example("𠮷甲乙", Span(1, 3, "人")), given_id=5)
    found = Extraction("5", (Span(0, 1, "地"), Span(1, 3, "人")), (1.23456, 3.0))
    told = {"start": 1, "end": 3, "type": "人", "text": "甲乙"}
    assert TASK.record(e, found) == {
        "id": "5",
        "text": "𠮷甲乙",
        "entities": [
            {"start": 0, "end": 1, "type": "地", "text": "𠮷", "score": 1.2346},
            {**told, "score": 3.0},
        ],
    }
    assert TASK.compared(e, found)["gold"] == [told]
    assert TASK.compared(e, found)["predicted"][1] == told
    assert TASK.told(e, found) == "𠮷甲乙\n    地  𠮷  0-1\n    人  甲乙  1-3"
    assert TASK.told(e, Extraction("5", (), ())) == "𠮷甲乙\n    nothing found"


def test_submissions(tmp_path: Path) -> None:
    path = tmp_path / "predict.json"
    examples = [
        replace(example("甲乙甲乙", name="0"), given_id=0, label=None),
        replace(example("丙", name="1"), given_id=1, label=None),
    ]
    found = [
        Extraction("0", (Span(0, 2, "人"), Span(1, 4, "地"), Span(2, 4, "人")), (1.0,) * 3),
        Extraction("1", (), ()),
    ]
    TASK.submission(examples, found, path)
    label = '{"人": {"甲乙": [[0, 1], [2, 3]]}, "地": {"乙甲乙": [[1, 3]]}}'
    first, second = path.read_text("utf-8").splitlines()
    assert first == f'{{"id": 0, "text": "甲乙甲乙", "label": {label}}}'
    assert second == '{"id": 1, "text": "丙", "label": {}}'
    TASK.check_submission(path, examples)

    def broken(old: str, new: str) -> None:
        changed = tmp_path / "changed.json"
        whole = f"{first}\n{second}\n"
        assert old in whole
        changed.write_text(whole.replace(old, new), "utf-8")
        TASK.check_submission(changed, examples)

    with pytest.raises(DataError, match="1 answers for 2 examples"):
        broken(second + "\n", "")
    with pytest.raises(DataError, match=r"line 2.*2 stands where the test file has 1"):
        broken('"id": 1', '"id": 2')
    with pytest.raises(DataError, match=r"line 2.*not the text of the test file"):
        broken('"丙"', '"丁"')
    with pytest.raises(DataError, match=r"line 1.*'物' is not a type of pieces"):
        broken('"地"', '"物"')
    with pytest.raises(DataError, match=r"line 1.*do not stand where their offsets say"):
        broken("[1, 3]", "[0, 2]")
    with pytest.raises(DataError, match=r"line 1.*no field holds the labelled spans"):
        broken('"label": {"人"', '"labels": {"人"')


def test_entities_from_end_to_end(end_to_end: Callable[..., dict[str, Any]]) -> None:
    found = end_to_end("entities", epochs=1)
    assert {"f1", "precision", "recall", "macro_f1"} <= found["scores"].keys()
    assert found["kind"] == "spans"
    assert found["main_metric"] == "f1"
