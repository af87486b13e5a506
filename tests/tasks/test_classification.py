import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wenlu.corpus import write_jsonl
from wenlu.errors import ConfigError, DataError
from wenlu.evaluation.counting import values
from wenlu.models import Classified
from wenlu.tasks import Classification, Example, Prediction
from wenlu.tasks.task import Encoded, Task
from wenlu.text import Tokenizer
from wenlu.training import TextDataset

FREE = Classification(name="free", summary="", text_fields=("text",), name_field="label_name")
SENTIMENT = Classification(
    name="sentiment", summary="", text_fields=("text",), labels=("好评", "差评", "中评")
)
INFERENCE = Classification(
    name="inference",
    summary="",
    text_fields=("sentence1", "sentence2"),
    labels=("entailment", "neutral", "contradiction"),
    unlabelled="-",
)


def test_it_is_a_task() -> None:
    assert isinstance(SENTIMENT, Task)


def written(path: Path, *rows: dict[str, object]) -> Path:
    write_jsonl(path, rows)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "train.jsonl"


# read


def test_examples_in_their_order(file: Path) -> None:
    written(
        file, {"text": "很好", "label": "好评", "id": 7}, {"text": "", "label": "差评", "id": "x"}
    )
    assert SENTIMENT.read(file) == [
        Example("7", ("很好",), "好评"),
        Example("x", ("",), "差评"),
    ]


def test_without_ids_rows_are_counted(file: Path) -> None:
    written(file, *({"text": "好", "label": "好评", "id": None} for _ in range(3)))
    assert [e.id for e in SENTIMENT.read(file)] == ["0", "1", "2"]


def test_numbers_and_booleans_are_labels(file: Path) -> None:
    written(file, {"text": "a", "label": 1}, {"text": "b", "label": True})
    assert [e.label for e in FREE.read(file)] == ["1", "true"]


def test_what_nobody_could_agree_on_is_dropped(file: Path) -> None:
    texts = {"sentence1": "甲", "sentence2": "乙"}
    written(file, *({**texts, "label": label} for label in ("neutral", "-", "entailment")))
    assert [e.label for e in INFERENCE.read(file)] == ["neutral", "entailment"]
    assert [e.label for e in INFERENCE.read(file, labelled=False)] == [None, None, None]
    written(file, {**texts, "label": "-"})
    with pytest.raises(DataError, match="no row has a label other than '-'"):
        INFERENCE.read(file)


def test_a_test_set_has_no_labels(file: Path) -> None:
    written(file, {"id": 3, "text": "好"}, {"id": 4, "text": "坏", "label": 0.5})
    assert SENTIMENT.read(file, labelled=False) == [
        Example("3", ("好",), None),
        Example("4", ("坏",), None),
    ]


@pytest.mark.parametrize(
    ("row", "field", "problem"),
    [
        (
            {"text": "好", "label": "好坪"},
            "label",
            "'好坪' is not a label of sentiment; the closest are 好评",
        ),
        ({"text": "好", "label": ""}, "label", "'' is not a label of sentiment"),
        ({"text": "好"}, "label", "no such field; its fields are 'text'"),
        ({"label": "好评"}, "text", "no such field; its fields are 'label'"),
        ({"text": 3, "label": "好评"}, "text", "must be a string"),
        ({"text": "好", "label": 0.5}, "label", "a label must be a string"),
        ({"text": "好", "label": "好评", "id": "a"}, "id", "'a' is the id of line 1 too"),
        ({"text": "好", "label": "好评", "id": 1.5}, "id", "an id must be"),
        ({"text": "好", "label": "好评", "id": "\ud800"}, "id", "a lone surrogate"),
        ({"text": "好", "label": "\ud800"}, "label", "a lone surrogate"),
        ({"text": "好", "label": "好评", "label_name": "\ud800"}, "label_name", "a lone surrog"),
    ],
)
def test_rows_that_will_not_do(
    row: dict[str, object], field: str, problem: str, file: Path
) -> None:
    written(file, {"text": "好", "label": "好评", "id": "a"}, row)
    with pytest.raises(DataError, match=problem) as caught:
        SENTIMENT.read(file)
    assert (caught.value.file, caught.value.line, caught.value.field) == (file, 2, field)


def test_an_empty_label_where_any_will_do(file: Path) -> None:
    written(file, {"text": "好", "label": " "})
    with pytest.raises(DataError, match="the label is empty"):
        FREE.read(file)


def test_counted_and_given_ids_do_not_meet(file: Path) -> None:
    row = {"text": "好", "label": "好评"}
    written(file, {**row, "id": 1}, row)
    with pytest.raises(DataError, match="there is none, and its number 1 is the id of line 1"):
        SENTIMENT.read(file)


# labels


def test_labels_are_sorted_as_people_count(file: Path) -> None:
    labels = ["b", "10", "9", "a", "100", "甲"]
    examples = [Example(str(i), ("x",), label) for i, label in enumerate(labels)]
    assert FREE.with_labels_of(examples, file).labels == ("9", "10", "100", "a", "b", "甲")
    assert SENTIMENT.with_labels_of(examples, file) is SENTIMENT


def test_one_label_is_none(file: Path) -> None:
    with pytest.raises(DataError, match="all rows have the label '1'"):
        FREE.with_labels_of([Example("0", ("x",), "1")], file)


def test_names_come_with_the_data(file: Path) -> None:
    written(
        file,
        {"text": "x", "label": 1, "label_name": "一"},
        {"text": "x", "label": 2, "label_name": None},
        {"text": "x", "label": 1, "label_name": "壹"},
        {"text": "x", "label": 3},
    )
    assert dict(FREE.with_names_of(file).names) == {"1": "一"}
    assert SENTIMENT.with_names_of(file) is SENTIMENT


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text_fields": ()}, r"free needs one text field or two; got \(\)"),
        ({"text_fields": ("a", "b", "c")}, "free needs one text field or two"),
        ({"labels": ("a",)}, "free needs two or more different labels"),
        ({"labels": ("a", "b", "a")}, "free needs two or more different labels"),
    ],
)
def test_tasks_that_cannot_be(change: dict[str, tuple[str, ...]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(FREE, **change)


# encode


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"甲乙丙"])


def test_encoding_pairs(tokenizer: Tokenizer) -> None:
    examples = [
        Example("0", ("甲乙", "丙"), "neutral"),
        Example("1", ("甲甲甲甲甲甲", "乙乙丁"), "entailment"),
    ]
    encoded = INFERENCE.encode(examples, tokenizer, max_length=9, segments=True)
    batch = encoded.data.batch(encoded.data.lengths.argsort())
    assert tokenizer.tokens(batch.ids[0].tolist())[:6] == [
        "[CLS]",
        "甲",
        "乙",
        "[SEP]",
        "丙",
        "[SEP]",
    ]
    assert encoded.data.lengths.tolist() == [6, 9]
    assert batch.segments is not None
    assert batch.segments[0, :6].tolist() == [0, 0, 0, 0, 1, 1]
    assert batch.targets is not None
    assert batch.targets.tolist() == [1, 0]
    assert encoded.cut == 1
    assert encoded.unknown_share == pytest.approx(1 / 12)
    plain = INFERENCE.encode(examples, tokenizer, max_length=9, segments=False)
    assert plain.data.batch(encoded.data.lengths.argsort()).segments is None


def test_encoding_without_labels(tokenizer: Tokenizer) -> None:
    encoded = SENTIMENT.encode(
        [Example("0", ("甲",), None)], tokenizer, max_length=9, segments=True
    )
    batch = encoded.data.batch(encoded.data.lengths - 3)
    assert (batch.targets, batch.segments) == (None, None)


# decode, score


@given(st.lists(st.lists(st.floats(-30, 30, width=32), min_size=3, max_size=3), max_size=5))
def test_probabilities(rows: list[list[float]]) -> None:
    examples = [Example(f"n{i}", ("x",), None) for i in range(len(rows))]
    logits = torch.tensor(rows).view(-1, 3)
    encoded = Encoded(TextDataset([], first_parts=None, targets=None, pad_id=0), 0, 0.0)
    found = SENTIMENT.decode(SENTIMENT.collect(Classified(logits, None)), examples, encoded)
    for prediction, row in zip(found, rows, strict=True):
        assert tuple(prediction.probabilities) == SENTIMENT.labels
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
        assert prediction.probabilities[prediction.label] == max(prediction.probabilities.values())
        assert row[SENTIMENT.labels.index(prediction.label)] == pytest.approx(max(row))


def predictions(*labels: str) -> list[Prediction]:
    return [Prediction(str(i), label, {}) for i, label in enumerate(labels)]


def test_scores() -> None:
    examples = [Example(str(i), ("x",), gold) for i, gold in enumerate(["好评", "好评", "差评"])]
    scores = values(SENTIMENT.score(examples, predictions("好评", "差评", "差评")))
    assert scores == {"accuracy": pytest.approx(2 / 3), "macro_f1": pytest.approx(2 / 3)}


# submission


TEST_SET = [Example(id, ("x",), None) for id in ("0", "1", "2")]


def submitted(path: Path, *labels: str, ids: Sequence[str] = ("0", "1", "2")) -> Path:
    found = [Prediction(id, label, {}) for id, label in zip(ids, labels, strict=True)]
    SENTIMENT.submission(TEST_SET, found, path)
    return path


def test_a_submission_is_what_the_benchmark_wants(tmp_path: Path) -> None:
    path = submitted(tmp_path / "predict.json", "好评", "差评", "中评")
    assert path.read_text("utf-8") == (
        '{"id": "0", "label": "好评"}\n{"id": "1", "label": "差评"}\n{"id": "2", "label": "中评"}\n'
    )
    SENTIMENT.check_submission(path, TEST_SET)


@pytest.mark.parametrize(
    ("labels", "ids", "line", "field", "problem"),
    [
        (["好评"] * 2, ["0", "1"], None, None, "2 answers for 3 examples"),
        (["好评"] * 4, ["0", "1", "2", "3"], None, None, "4 answers for 3 examples"),
        (["好评"] * 3, ["0", "2", "1"], 2, "id", "'2' stands where the test file has '1'"),
        (["好评"] * 3, ["0", "1", "1"], 3, "id", "'1' stands where the test file has '2'"),
        (["好评", "好", "差评"], ["0", "1", "2"], 2, "label", "'好' is not a label of sentiment"),
    ],
)
def test_submissions_that_will_not_do(
    labels: list[str],
    ids: list[str],
    line: int | None,
    field: str | None,
    problem: str,
    tmp_path: Path,
) -> None:
    path = submitted(tmp_path / "predict.json", *labels, ids=ids)
    with pytest.raises(DataError, match=problem) as caught:
        SENTIMENT.check_submission(path, TEST_SET)
    assert (caught.value.line, caught.value.field) == (line, field)


@pytest.mark.parametrize("text", ['{"id": "0", "lab', "[]", "0"])
def test_submissions_that_are_no_objects(text: str, tmp_path: Path) -> None:
    path = tmp_path / "predict.json"
    path.write_text(text + "\n")
    with pytest.raises(DataError, match="not a JSON object") as caught:
        SENTIMENT.check_submission(path, TEST_SET)
    assert caught.value.line == 1


@given(st.lists(st.text(min_size=1), min_size=2, max_size=6, unique=True))
def test_any_label_and_any_id_can_be_submitted(
    tmp_path_factory: pytest.TempPathFactory, labels: list[str]
) -> None:
    path = tmp_path_factory.mktemp("submission") / "predict.json"
    task = replace(FREE, labels=tuple(labels))
    examples = [Example(label, ("x",), None) for label in labels]
    task.submission(examples, [Prediction(label, label, {}) for label in labels], path)
    task.check_submission(path, examples)
    assert [json.loads(line)["id"] for line in path.read_bytes().splitlines()] == labels
