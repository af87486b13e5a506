"""Both layouts of ChID, the benchmark's data, the bundled sample."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wenlu.assets import asset
from wenlu.corpus import write_jsonl
from wenlu.errors import DataError
from wenlu.tasks.blanks import mark_token
from wenlu.tasks.clue import CHID
from wenlu.tasks.task import Notes
from wenlu.text import Tokenizer

EndToEnd = Callable[..., dict[str, Any]]
CHID_DATA = (
    Path(__file__).resolve().parents[3].parent / "shared" / "data" / "tasks" / "clue" / "chid"
)
needs_data = pytest.mark.skipif(
    not CHID_DATA.is_dir(), reason="needs the benchmark's data in ../shared"
)
IDIOMS = ["画蛇添足", "雪中送炭", "草木皆兵"]


def clue(folder: Path, rows: list[dict[str, Any]], answers: object, name: str = "train") -> Path:
    path = folder / f"{name}.json"
    write_jsonl(path, rows)
    if answers is not None:
        (folder / f"{name}_answer.json").write_text(json.dumps(answers), "utf-8")
    return path


ROWS: list[dict[str, Any]] = [
    {"content": ["他#idiom000001#，她#idiom000002#。", "#idiom000003#"], "candidates": IDIOMS},
    {"content": ["我#idiom000004#"], "candidates": IDIOMS[:2]},
]
ANSWERS = {"#idiom000001#": 2, "#idiom000002#": 0, "#idiom000003#": 1, "#idiom000004#": 1}


def test_clue_has_several_blanks_and_a_file_of_answers(tmp_path: Path) -> None:
    notes = Notes()
    examples = CHID.read(clue(tmp_path, ROWS, ANSWERS), notes=notes)
    assert not notes
    assert [e.id for e in examples] == list(ANSWERS)
    assert [e.label for e in examples] == list(ANSWERS.values())
    assert [e.texts for e in examples] == [
        ("他#idiom#，她#idiom000002#。",),
        ("他#idiom000001#，她#idiom#。",),
        ("#idiom#",),
        ("我#idiom#",),
    ]
    assert [e.choices for e in examples] == [tuple(IDIOMS)] * 3 + [tuple(IDIOMS[:2])]
    assert [e.sample for e in examples] == ["#idiom000001#"] * 3 + ["#idiom000004#"]
    assert len({e.group for e in examples}) == 2


def test_a_test_set_needs_no_answers(tmp_path: Path) -> None:
    examples = CHID.read(clue(tmp_path, ROWS, None), labelled=False)
    assert [e.label for e in examples] == [None] * 4


def test_the_other_layout(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    row = {"id": 7, "content": "他#idiom#。", "candidates": IDIOMS, "answer": 1}
    write_jsonl(path, [row])
    [example] = CHID.read(path)
    assert (example.id, example.texts, example.label) == ("7", ("他#idiom#。",), 1)
    [bare] = CHID.read(path, labelled=False)
    assert bare.label is None


def test_what_is_odd_is_counted(tmp_path: Path) -> None:
    rows = [
        {"content": [f"#idiom{i:06}#" for i in range(3)], "candidates": IDIOMS[:2]},
        {"content": ["没有空"], "candidates": IDIOMS},
        {"content": ["#idiom000003##idiom000004#"], "candidates": [*IDIOMS, IDIOMS[0]]},
    ]
    answers = {f"#idiom{i:06}#": 0 for i in range(7)}
    notes = Notes()
    examples = CHID.read(clue(tmp_path, rows, answers), notes=notes)
    assert len(examples) == 5
    assert notes == {
        "samples with more blanks than candidates, each answered by itself": 1,
        "samples without a blank": 1,
        "questions with a choice twice (the first counts)": 1,
        "samples where one idiom is the answer to several blanks": 1,
        "answers to blanks that are nowhere in the texts": 2,
    }


def test_the_first_of_equal_candidates_is_the_answer(tmp_path: Path) -> None:
    candidates = [IDIOMS[0], IDIOMS[0], IDIOMS[1]]
    rows = [{**ROWS[0], "candidates": candidates}]
    answers = {"#idiom000001#": 1, "#idiom000002#": 0, "#idiom000003#": 2}
    notes = Notes()
    assert [e.label for e in CHID.read(clue(tmp_path, rows, answers), notes=notes)] == [0, 0, 2]
    assert notes == {
        "questions with a choice twice (the first counts)": 1,
        "samples where one idiom is the answer to several blanks": 1,
    }


@pytest.mark.parametrize(
    ("changed", "field", "problem"),
    [
        ({"candidates": ["画蛇添足"]}, "candidates", "there must be two choices or more; got 1"),
        ({"candidates": "画蛇添足"}, "candidates", "there must be a list of idioms"),
        ({"candidates": ["画蛇添足", 3]}, "candidates", "the number 3 came; it must be a string"),
        ({"candidates": ["画蛇添足", ""]}, "candidates", "a choice is empty"),
        ({"content": ["#idiom000009#"]}, "answer", "#idiom000009# has no answer in the file of"),
        ({"content": ["#idiom000001#"]}, "content", "blank #idiom000001# stands on line 1 too"),
        ({"content": ["#idiom4##idiom4#"]}, "content", "#idiom4# stands on the same line too"),
        ({"content": ["#idiom##idiom#"]}, "content", "2 blanks came; there must be one #idiom#"),
        ({"content": "我#idiom#"}, "answer", "the blank #idiom# has no answer"),
        ({"content": "我#idiom#", "answer": 2}, "answer", "is 2; it must be the number of a cand"),
        ({"content": "我#idiom#", "answer": "1"}, "answer", "is '1'; it must be the number"),
        ({"content": "我#idiom#", "answer": True}, "answer", "is True; it must be the number"),
        ({"content": 5}, "content", "the number 5 came; it must be a string"),
        ({"content": [None]}, "content", "null came; it must be a string"),
        ({"candidates": ["画蛇添足", "\ud800"]}, "candidates[1]", "a lone surrogate"),
    ],
)
def test_rows_that_will_not_do(
    changed: dict[str, Any], field: str, problem: str, tmp_path: Path
) -> None:
    path = clue(tmp_path, [ROWS[0], {**ROWS[1], **changed}], ANSWERS)
    with pytest.raises(DataError, match=problem) as caught:
        CHID.read(path)
    assert (caught.value.file, caught.value.line, caught.value.field) == (path, 2, field)


def test_files_that_will_not_do(tmp_path: Path) -> None:
    path = clue(tmp_path, ROWS, None)
    with pytest.raises(DataError, match=r"must stand beside it in train_answer\.json"):
        CHID.read(path)
    with pytest.raises(DataError, match=r"train_answer\.json: there must be one object"):
        CHID.read(clue(tmp_path, ROWS, [1, 2]))
    with pytest.raises(DataError, match="no text has a blank"):
        CHID.read(clue(tmp_path, [{**ROWS[0], "content": ["没有"]}], {}))


@needs_data
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("train.jsonl", 202),
        ("dev.jsonl", 202),
        ("clue_layout/train.jsonl", 202),
        ("clue_layout/dev.jsonl", 202),
        pytest.param("test.jsonl.zst", 2000, marks=pytest.mark.slow),
        pytest.param("unlabeled.jsonl.zst", 7585, marks=pytest.mark.slow),
    ],
)
def test_the_benchmark(name: str, rows: int) -> None:
    """Every blank is read; the mark is in every sequence, and none has more than 64 tokens."""
    notes, labelled = Notes(), not name.startswith(("test", "unlabeled"))
    examples = CHID.read(CHID_DATA / name, labelled=labelled, notes=notes)
    assert len(examples) == rows
    assert not notes
    tokenizer = Tokenizer.from_vocab(asset("vocabulary", "vocab.txt"))
    data = CHID.encode(examples, tokenizer, max_length=64, segments=False).data
    mark = mark_token(tokenizer)
    for start in range(0, rows, 500):
        ids = data.batch(np.arange(start, min(start + 500, rows))).ids
        assert ids.shape[1] <= 64
        assert bool(((ids == mark).sum(1) == 1).all())


@needs_data
def test_both_layouts_say_the_same() -> None:
    one = CHID.read(CHID_DATA / "train.jsonl")
    other = CHID.read(CHID_DATA / "clue_layout" / "train.jsonl")
    said = [[(e.texts, e.choices, e.label) for e in examples] for examples in (one, other)]
    assert said[0] == said[1]


def test_the_sample(end_to_end: EndToEnd) -> None:
    found = end_to_end("idioms", max_length=48, limit=80)
    assert found["splits"]["train"]["rows"] == 80
    assert "accuracy_alone" in found["scores"]
    assert "accuracy_low" in found["scores"]
