"""Reading tasks: rows, answers, hand-in, on small texts and on all of the bundled set."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.assets import asset
from wenlu.corpus import write_jsonl
from wenlu.errors import ConfigError, DataError
from wenlu.evaluation.counting import values
from wenlu.models import load
from wenlu.tasks import Run, RunConfig, task_named
from wenlu.tasks.clue import CMRC2018
from wenlu.tasks.lic2020.reading import DUREADER_ROBUST
from wenlu.tasks.qa import QA
from wenlu.tasks.reading import Found, Prediction, Reading, answer_tokens
from wenlu.tasks.reading_layouts import Answer, Question
from wenlu.tasks.task import Encoded, Task
from wenlu.tasks.train import train
from wenlu.text import Tokenizer
from wenlu.text.strides import strides
from wenlu.training import TrainingSettings

TOKENIZER = load("scratch-2x128").tokenizer
NASTY = "文炉火的abAB12 ，。\u3000\t\u200b\ufeffÉéßİ한각ﬁ𠮷👍🏽\x00\ufffd\u0301"
contexts = st.text(NASTY, min_size=1, max_size=60).filter(str.strip)
long = st.text(NASTY, min_size=30, max_size=90).filter(str.strip)


def question(context: str, *answers: str, ask: str = "哪里？", id: str = "q") -> Question:
    found = tuple(Answer(a, context.find(a) if a in context else None) for a in answers)
    return Question(id, (ask, context), found)


def encode(
    task: Reading,
    *examples: Question,
    max_length: int = 40,
    training: bool = False,
    tokenizer: Tokenizer = TOKENIZER,
) -> tuple[Encoded, Counter[str]]:
    notes: Counter[str] = Counter()
    encoded = task.encode(
        examples, tokenizer, max_length=max_length, segments=True, training=training, notes=notes
    )
    return encoded, notes


def rows(encoded: Encoded) -> list[list[int]]:
    """The ids of each row, without padding."""
    import numpy as np

    return [encoded.data.batch(np.array([k])).ids[0].tolist() for k in range(len(encoded.places))]


def lessons(encoded: Encoded, examples: list[Question]) -> list[set[str]]:
    """The text of every right answer of each row; empty for "not here"."""
    import numpy as np

    found = []
    for number, place in enumerate(encoded.places):
        batch = encoded.data.batch(np.array([number]))
        texts = set()
        for first, last in batch.targets[0, : int(batch.answers[0])].tolist():
            if (first, last) != (0, 0):
                start = place.offsets[first - place.shift][0]
                end = place.offsets[last - place.shift][1]
                texts.add(examples[place.example].context[start:end])
        found.append(texts)
    return found


@pytest.mark.parametrize("task", [CMRC2018, DUREADER_ROBUST, QA, task_named("reading")])
def test_a_task_is_a_task(task: Reading) -> None:
    assert isinstance(task, Task)
    assert task.kind == "answers"
    assert task.restored(task.saved()) == task
    assert task.with_head("pointers").head == "pointers"
    with pytest.raises(ConfigError, match="no head 'crf'"):
        task.with_head("crf")


@given(contexts, st.data())
def test_every_answer_comes_back_from_its_tokens(context: str, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(context))] * 2)))
    answer = Answer(context[start:end], start)
    offsets = TOKENIZER.encode(context).offsets
    assert offsets is not None
    span = answer_tokens(answer, offsets)
    if span is not None:
        assert context[offsets[span[0]][0] : offsets[span[1]][1]] == answer.text.strip()
    elif answer.text.strip():  # it starts or ends inside a token, or at what tokens leave out
        inside = [o for o in offsets if o[0] < end and start < o[1]]
        bare = answer.start + len(answer.text) - len(answer.text.lstrip())
        assert not inside or (inside[0][0], inside[-1][1]) != (
            bare,
            bare + len(answer.text.strip()),
        )


@given(
    contexts | long,
    st.data(),
    st.sampled_from(["global", "pointers"]),
    st.sampled_from([0, 3, 128]),
)
def test_windows_hold_the_text_and_its_answers(
    context: str, data: st.DataObject, head: str, stride: int
) -> None:
    starts = st.integers(0, len(context) - 1)
    answers = []
    for start in data.draw(st.lists(starts, min_size=1, max_size=3)):
        end = data.draw(st.integers(start + 1, min(len(context), start + 4)))
        answers.append(Answer(context[start:end], start))
    example = Question("q", ("哪里？", context), tuple(answers))
    task = replace(QA, stride=stride).with_head(head)
    max_length = 24
    encoded, _ = encode(task, example, max_length=max_length)
    ids = TOKENIZER.encode(context).ids
    seen, stretches = {}, []
    for row, place in zip(rows(encoded), encoded.places, strict=True):
        assert len(row) <= max_length
        assert row[:5] == [2, *TOKENIZER.encode("哪里？").ids, 3]
        begin = 5 - place.shift
        assert row[5:-1] == ids[begin : begin + len(row) - 6]
        seen.update({begin + k: i for k, i in enumerate(row[5:-1])})
        stretches.append((begin, begin + len(row) - 6))
    if stride:
        assert stretches == strides(len(ids), 18, 18 - min(stride, 6))
        assert [seen[k] for k in range(len(ids))] == ids
    offsets = TOKENIZER.encode(context).offsets or []
    learnable = [answer for answer in answers if answer_tokens(answer, offsets)]
    if not learnable:
        with pytest.raises(DataError, match="no question with an answer"):
            encode(task, example, max_length=max_length, training=True)
        return
    if not stride:
        return
    taught, _ = encode(task, example, max_length=max_length, training=True)
    found = lessons(taught, [example])
    # With a quarter of 24 from window to window, all that has up to 18 - 6 + 1 - 3 tokens is held.
    assert set().union(*found) == {answer.text.strip() for answer in learnable}
    windows = strides(len(ids), 18, min(stride, 6))
    assert len(found) == len(windows) * (1 if head == "pointers" else len(learnable))


def test_the_rows_of_several_answers() -> None:
    context = "炉" * 3 + "火" + "炉" * 60 + "文章"
    example = question(context, "火", "文章")
    each, _ = encode(QA, example, training=True)
    assert lessons(each, [example]).count({"火"}) == 1
    assert lessons(each, [example]).count({"文章"}) >= 1
    assert not any(len(found) > 1 for found in lessons(each, [example]))
    together, _ = encode(QA.with_head("pointers"), example, max_length=100, training=True)
    assert lessons(together, [example]) == [{"火", "文章"}]


def test_what_cannot_be_learned_is_counted() -> None:
    examples = [
        question("他生于1999年", "1999", id="a"),
        question("他生于1999年", "99", id="b"),
        question("他生于1999年", "二月", id="c"),
        question("炉" * 80 + "火", "火", id="d"),
    ]
    words = Tokenizer.from_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "1999", *"他生于年炉火"])
    _, notes = encode(QA, *examples, training=True, tokenizer=words)
    assert notes == {
        "answers start or end inside a token and are not learned": 1,
        "questions have no answer to learn and are left out": 2,
    }
    encoded, notes = encode(DUREADER_ROBUST, *examples, training=True, tokenizer=words)
    assert notes == {
        "answers start or end inside a token and are not learned": 1,
        "answers stand behind what fits into a row and are not learned": 1,
        "questions have no answer to learn and are left out": 3,
    }
    assert len(encoded.places) == 1
    assert encoded.cut == 1


def test_a_question_longer_than_the_window() -> None:
    example = question("炉火不熄" * 20, "火", ask="为什么" * 100)
    encoded, notes = encode(QA, example, max_length=40)
    assert notes == {"questions are too long and lose their ends": 1}
    assert encoded.cut == 1
    assert all(len(row) <= 40 for row in rows(encoded))
    assert encoded.places[1].shift == encoded.places[0].shift - 10  # steps of a quarter
    assert encoded.places[0].shift == 40 - 3 - 2 * 10 + 2
    encoded, _ = encode(DUREADER_ROBUST, example, max_length=256)
    assert encoded.places[0].shift == 64 + 2


def test_the_best_answer_over_all_windows() -> None:
    context = "０１２３４５６７８９" * 6
    task, examples = QA, [question(context), question(" \u200b", "炉", id="empty")]
    encoded, _ = encode(task, *examples)
    count = sum(place.example == 0 for place in encoded.places)
    assert count > 2
    low, nothing = float("-inf"), [(0, 0, float("-inf"))]
    found: list[Any] = [[(6, 7, 1.0), (6, 6, low)]] * (count - 1) + [[(6, 9, 2.0), (6, 7, 0.5)]]
    prediction, empty = task.decode([*found, nothing], examples, encoded)
    best = prediction.answers[0]
    assert best.score == 2.0
    assert context[best.start : best.end] == best.text
    assert best.start == encoded.places[count - 1].offsets[6 - encoded.places[count - 1].shift][0]
    scores = [one.score for one in prediction.answers]
    assert scores == ([2.0] + [1.0] * (count - 1) + [0.5])[:5]
    assert len({(one.start, one.end) for one in prediction.answers}) == len(scores)
    assert empty == Prediction("empty", ())
    assert empty.text == ""
    assert task.told(examples[1], empty).endswith("no answer: the text is empty")
    json.dumps(task.compared(examples[1], empty), allow_nan=False)


def test_scores() -> None:
    context = "文炉是一座炉，炉火不熄。"
    example = question(context, "一座炉", "炉")

    def scored(*spans: tuple[int, int]) -> dict[str, float]:
        found = tuple(Found(context[a:b], a, b, 0.0) for a, b in spans)
        return values(QA.score([example], [Prediction("q", found)]))

    assert scored((3, 6)) == {"exact_match": 1, "f1": 1, "span_match": 1}
    assert scored((3, 7)) == {"exact_match": 1, "f1": 1, "span_match": 0}
    assert scored((5, 6)) == {"exact_match": 1, "f1": 1, "span_match": 0}
    assert scored((4, 6)) == {"exact_match": 0, "f1": pytest.approx(0.8), "span_match": 0}
    assert scored() == {"exact_match": 0, "f1": 0, "span_match": 0}
    both = values(
        QA.score(
            [example, example],
            [Prediction("q", (Found("一座炉", 3, 6, 0.0),)), Prediction("q", ())],
        )
    )
    assert both["exact_match"] == 0.5


def test_submissions(tmp_path: Path) -> None:
    examples = [question("炉火", id="b"), question("文章", id="a")]
    predictions = [Prediction("b", (Found("火", 1, 2, 0.5),)), Prediction("a", ())]
    path = tmp_path / CMRC2018.submission_file
    assert path.name == "cmrc2018_predict.json"
    CMRC2018.submission(examples, predictions, path)
    assert json.loads(path.read_text("utf-8")) == {"b": "火", "a": ""}
    CMRC2018.check_submission(path, examples)
    for content, message in [
        ({"b": "火"}, "question 'a' has no answer"),
        ({"b": "火", "a": "", "c": ""}, "question 'c' is answered but not asked"),
        ({"b": "煤", "a": ""}, "field 'b': '煤' does not occur in the text"),
        ({"b": 3, "a": ""}, "field 'b': 3 does not occur in the text"),
        (["火"], "an object"),
    ]:
        path.write_text(json.dumps(content), "utf-8")
        with pytest.raises(DataError, match=message):
            CMRC2018.check_submission(path, examples)


@pytest.mark.parametrize("head", ["", "pointers"])
def test_end_to_end(tmp_path: Path, head: str) -> None:
    """Train on a part of the bundled set, measure, predict, hand in."""
    data = tmp_path / "data"
    data.mkdir()
    for split, count in {"train": 10, "dev": 4, "test": 3}.items():
        document = json.loads(asset("samples", "reading", f"{split}.json").read_text("utf-8"))
        document["data"] = document["data"][:count]
        (data / f"{split}.json").write_text(json.dumps(document), "utf-8")
    config = RunConfig(
        task="reading",
        data=str(data),
        model="scratch-2x128",
        max_length=256,
        head=head,
        training=TrainingSettings(epochs=1, precision="float32"),
    )
    found = train(config, tmp_path / "run")
    assert found["main_metric"] == "exact_match"
    assert found["kind"] == "answers"
    run = Run(tmp_path / "run")
    assert run.task.saved() == {"head": head or "global"}
    assert run.evaluate()["scores"].items() <= found["scores"].items()
    lines = (tmp_path / "run" / "dev.predictions.jsonl").read_text("utf-8").splitlines()
    for line in map(json.loads, lines):
        said = line["predicted"]
        assert line["context"][said["start"] : said["end"]] == said["text"]
        assert set(line["scores"]) == {"exact_match", "f1"}
    path = run.submit(out=tmp_path)
    test = run.task.read(data / "test.json", labelled=False)
    assert json.loads(path.read_text("utf-8")).keys() == {example.id for example in test}
    context = "İstanbul 有一座 ﬁne 的炉子。\u200b"
    (prediction,) = run.predict([("哪里有炉子？", context)])
    assert prediction.answers
    for answer in prediction.answers:
        assert context[answer.start : answer.end] == answer.text
    record = run.task.record(run.task.typed([("哪里有炉子？", context)])[0], prediction)
    json.dumps(record, allow_nan=False)
    assert record["answer"] == prediction.text


def test_own_rows(tmp_path: Path) -> None:
    """A folder of JSON lines; a tenth of the texts is held out, all their questions together."""
    lines = [
        {
            "question": ask,
            "context": f"第{n}炉火不熄，文章不断。",
            "answers": [f"第{n}炉火", answer],
        }
        for n in range(20)
        for ask, answer in (("什么不熄？", "炉火"), ("什么不断？", "文章"))
    ]
    write_jsonl(tmp_path / "mine.jsonl", lines)
    config = RunConfig(
        task="qa",
        data=str(tmp_path / "mine.jsonl"),
        model="scratch-2x128",
        max_length=64,
        training=TrainingSettings(epochs=1, precision="float32"),
    )
    found = train(config, tmp_path / "run")
    assert found["splits"]["dev"]["rows"] == 4
    assert found["splits"]["dev"]["also_in_train"] == 0
    run = Run(tmp_path / "run")
    assert run.predict([("什么不熄？", "")])[0].text == ""


def test_nothing_to_learn(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "train.jsonl",
        [{"question": "？", "context": f"炉火{n}", "answers": ["煤"]} for n in range(20)],
    )
    config = RunConfig(task="qa", data=str(tmp_path / "train.jsonl"), model="scratch-2x128")
    with pytest.raises(DataError, match=r"train\.jsonl: no answer stands in its text, so there is"):
        train(config, tmp_path / "run")


def test_nothing_to_learn_where_answers_begin_inside_a_token() -> None:
    words = Tokenizer.from_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "2010", "年"])
    with pytest.raises(DataError, match="no question with an answer that can be learned from"):
        encode(QA, question("2010年", "010"), training=True, tokenizer=words)


def test_a_tokenizer_is_only_asked_once_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    whole = Tokenizer.encode_batch

    def counted(self: Tokenizer, texts: Any, **rest: Any) -> Any:  # noqa: ANN401
        asked.extend(texts)
        return whole(self, texts, **rest)

    monkeypatch.setattr(Tokenizer, "encode_batch", counted)
    encode(QA, *(question("炉火不熄" * 50, id=str(n)) for n in range(5)))
    assert sorted(asked) == ["哪里？", "炉火不熄" * 50]
