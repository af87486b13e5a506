"""C3's nested files, three parts that share a length, the benchmark's data, the bundled sample."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wenlu.assets import asset
from wenlu.errors import DataError
from wenlu.tasks.choices import Question
from wenlu.tasks.clue import C3
from wenlu.tasks.examples import find_split
from wenlu.tasks.splits import read_all
from wenlu.tasks.task import Notes
from wenlu.text import Tokenizer

EndToEnd = Callable[..., dict[str, Any]]
DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "tasks" / "clue" / "c3"
TOKENIZER = Tokenizer.from_vocab(asset("vocabulary", "vocab.txt"))
ASKED = {"question": "他在做什么？", "choice": ["吃饭", "看书"], "answer": "看书"}


def written(path: Path, *passages: Any) -> Path:  # noqa: ANN401
    path.write_text(json.dumps(passages, indent=1), "utf-8")
    return path


def test_questions_of_passages(tmp_path: Path) -> None:
    path = written(
        tmp_path / "d-train.json",
        [["男：你在做什么？", "女：看书。"], [ASKED, {**ASKED, "answer": "吃饭"}], "25-35"],
        [["没有问题。"], [], "25-36"],
    )
    text, name = "男：你在做什么？||女：看书。", "d-train:25-35"
    assert C3.read(path) == [
        Question(f"{name}-1", (text, "他在做什么？"), 1, ("吃饭", "看书"), text, f"{name}-1"),
        Question(f"{name}-2", (text, "他在做什么？"), 0, ("吃饭", "看书"), text, f"{name}-2"),
    ]


def test_a_test_set_names_its_questions(tmp_path: Path) -> None:
    asked = {"question": "他在做什么？", "choice": ["吃饭", "看书", "睡觉"], "id": 508}
    path = written(tmp_path / "test1.0.json", [["他在看书。"], [asked]])
    [example] = C3.read(path, labelled=False)
    assert (example.id, example.label) == ("508", None)


def test_the_first_of_equal_choices_is_the_answer(tmp_path: Path) -> None:
    notes = Notes()
    asked = {**ASKED, "choice": ["吃饭", "看书", "看书"]}
    [example] = C3.read(written(tmp_path / "m-train.json", [["文"], [asked], "1"]), notes=notes)
    assert example.label == 1
    assert notes == {"questions with a choice twice (the first counts)": 1}


@pytest.mark.parametrize(
    ("changed", "field", "problem"),
    [
        ({"choice": ["看书"]}, "choice", "there must be two choices or more; got 1"),
        ({"choice": ["看书", " "]}, "choice", "a choice is empty"),
        ({"choice": "看书"}, "choice", "'看书' came; this must be a list of strings"),
        ({"choice": ["看书", 1]}, "choice", "this must be a list of strings"),
        ({"answer": "看报"}, "answer", "'看报' is not among the choices; the closest are 看书"),
        ({"answer": 1}, "answer", "1 came; it must be the text of one of the choices"),
        ({"question": None}, "question", "None came; it must be a string"),
        ({"id": "train:7-1"}, "id", "'train:7-1' is the id of a question on passage 1 too"),
    ],
)
def test_questions_that_will_not_do(
    changed: dict[str, Any], field: str, problem: str, tmp_path: Path
) -> None:
    good = [["文"], [ASKED], "7"]
    path = written(tmp_path / "train.json", good, [["文"], [ASKED, {**ASKED, **changed}], "8"])
    with pytest.raises(DataError, match=f"passage 2, question 2: .*{problem}") as caught:
        C3.read(path)
    assert (caught.value.file, caught.value.field) == (path, field)


@pytest.mark.parametrize(
    ("passages", "problem"),
    [
        ({"a": 1}, "there must be an array of passages"),
        ([], "there must be an array of passages"),
        ([{"text": "文"}], r"passage 1 must be \[lines, questions, id\]"),
        ([["文", [ASKED], "1"]], "the lines of passage 1 must be a list of strings"),
        ([[["文", 3], [ASKED], "1"]], "the lines of passage 1 must be a list of strings"),
        ([[["文"], ASKED, "1"]], "the questions of passage 1 must be a list of objects"),
        ([[["文"], [], "1"]], "there is no question"),
        (
            [[["文"], [{"choice": ["\ud800"]}], "1"]],
            r"field '\[0\]\[1\]\[0\].choice\[0\]': a lone s",
        ),
        ([[["文"], [ASKED], "\udc00"]], r"field '\[0\]\[2\]': a lone surrogate, \\udc00"),
    ],
)
def test_files_that_will_not_do(passages: object, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_text(json.dumps(passages), "utf-8")
    with pytest.raises(DataError, match=problem):
        C3.read(path)


def encoded(example: Question, longest: int) -> tuple[list[str], int]:
    rows = C3.encode([example], TOKENIZER, max_length=longest, segments=False)
    batch = rows.data.batch(np.arange(1))
    return ["".join(TOKENIZER.tokens(ids)) for ids in batch.ids.tolist()], rows.cut


def test_the_longest_part_gives_way() -> None:
    example = Question("0", ("文" * 30, "问" * 5), None, ("甲", "乙" * 20), "", "0")
    whole = f"[CLS]{'文' * 30}[SEP]{'问' * 5}[SEP]"
    assert encoded(example, 64) == (
        [f"{whole}甲[SEP]{'[PAD]' * 19}", f"{whole}{'乙' * 20}[SEP]"],
        0,
    )
    first, second = encoded(example, 29)[0]
    assert first == f"[CLS]{'文' * 19}[SEP]{'问' * 5}[SEP]甲[SEP]"
    assert second == f"[CLS]{'文' * 10}[SEP]{'问' * 5}[SEP]{'乙' * 10}[SEP]"
    assert encoded(example, 29)[1] == 1


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the benchmark's data in ../shared")
@pytest.mark.parametrize(
    ("split", "rows", "odd"),
    [
        pytest.param("train", 11_869, 5, marks=pytest.mark.slow),
        pytest.param("dev", 3_816, 1, marks=pytest.mark.slow),
        pytest.param("test1.0", 3_892, 0, marks=pytest.mark.slow),
        ("test1.1", 1_625, 1),
    ],
)
def test_the_benchmark(split: str, rows: int, odd: int) -> None:
    stems = {"train": C3.train_files, "dev": C3.dev_files}.get(split, (split,))
    notes, labelled = Notes(), not split.startswith("test")
    examples = read_all(C3, find_split(DATA, stems), labelled=labelled, notes=notes)
    assert len(examples) == rows
    assert notes.total() == odd
    counts = {len(example.choices) for example in examples}
    assert counts <= ({2, 3, 4} if split != "test1.1" else {3, 4, 5, 7, 8, 9, 10})
    assert len({example.id for example in examples}) == rows
    if labelled:
        assert all(e.label is not None and e.label < len(e.choices) for e in examples)


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the benchmark's data in ../shared")
def test_up_to_ten_choices_become_sequences() -> None:
    [path] = find_split(DATA, ("test1.1",))
    examples = C3.read(path, labelled=False)[640:740]
    data = C3.encode(examples, TOKENIZER, max_length=512, segments=True).data
    for start in range(0, 100, 50):
        rows = np.arange(start, start + 50)
        batch = data.batch(rows)
        assert batch.ids.shape[1] <= 512
        assert batch.real.sum(1).tolist() == [len(examples[row].choices) for row in rows]


def test_the_sample(end_to_end: EndToEnd) -> None:
    found = end_to_end("choices", max_length=48, limit=80)
    assert found["splits"]["train"]["rows"] == 80
    assert not found["splits"]["train"]["notes"]
