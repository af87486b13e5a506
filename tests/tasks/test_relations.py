"""Relation extraction as a task: its own parts, and the bundled sample from end to end."""

import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.assets import asset
from wenlu.corpus import write_jsonl
from wenlu.errors import ConfigError, DataError
from wenlu.evaluation.counting import values
from wenlu.models import load
from wenlu.tasks.examples import Example
from wenlu.tasks.predicting import predict_rows
from wenlu.tasks.reassembly import Piece, Relation, flattened, reassembled
from wenlu.tasks.relation_layout import located
from wenlu.tasks.relation_schema import Predicate, Schema
from wenlu.tasks.relations import RELATIONS, FoundRelations, RelationExtraction
from wenlu.tasks.task import Encoded, Notes, Task
from wenlu.text import Tokenizer

SAMPLE = asset("samples", "relations")
SCHEMA = Schema(
    (
        Predicate("作者", "图书作品", (("@value", "人物"),)),
        Predicate("饰演", "娱乐人物", (("@value", "人物"), ("inWork", "影视作品"))),
    )
)
TASK = replace(RELATIONS, schema=SCHEMA)
EndToEnd = Callable[..., dict[str, Any]]


TOKENIZER = load("scratch-2x128").tokenizer


def example(text: str, *spos: tuple[str, str, dict[str, str]], id: str = "0") -> Example[Any]:
    relations = [
        Relation(Piece(subject), predicate, tuple((k, Piece(v)) for k, v in sorted(what.items())))
        for subject, predicate, what in spos
    ]
    return Example(id, (text,), tuple(located(text, relations)))


def encode(examples: Sequence[Example[Any]]) -> Encoded:
    return TASK.encode(examples, TOKENIZER, max_length=64, segments=False)


def gold_rows(encoded: Encoded) -> list[Any]:
    """What a model would find that knows everything."""
    found = []
    for row in range(len(encoded.data.lengths)):
        triples = encoded.data.batch(np.array([row])).triples[0].numpy()
        found.append(triples[triples[:, 0] >= 0])
    return found


def test_it_is_a_task() -> None:
    assert isinstance(TASK, Task)
    assert RELATIONS.labels == ()
    assert TASK.labels == ("作者", "饰演", "饰演_inWork")
    assert TASK.names == {"饰演_inWork": "饰演 · inWork"}
    assert TASK.restored(json.loads(json.dumps(TASK.saved()))) == TASK
    assert RELATIONS.restored(json.loads(json.dumps(RELATIONS.saved()))) == RELATIONS
    assert TASK.unseen([example("活着余华", ("活着", "作者", {"@value": "余华"}))]) == list(
        TASK.labels[1:]
    )


def test_flat_relations_as_the_model_takes_them() -> None:
    text = "葛优在《活着》里演福贵"
    found = encode(
        [
            example(text, ("葛优", "饰演", {"@value": "福贵", "inWork": "活着"})),
            example(text, ("葛优", "饰演", {"@value": "无人"}), id="1"),
            example(text, id="2"),
        ]
    )
    batch = found.data.batch(np.array([0, 1, 2]))
    assert batch.subjects.tolist() == [[[1, 2]], [[1, 2]], [[-1, -1]]]
    assert batch.triples[0].tolist() == [[1, 2, 1, 10, 11], [1, 2, 2, 5, 6]]
    assert batch.triples[1:].max() == -1
    assert len(TOKENIZER.encode(text)) == 11


PIECES = [
    "İst",
    "ﬁlm",
    "한국",
    "e\u0301tude",
    "张 三",
    "😀a",
    "２０",
    "a\u200bb",
    "《活着》",
    "\tX",
]


@given(st.lists(st.sampled_from([*PIECES, "，", " ", "的"]), max_size=14), st.integers(12, 40))
def test_pieces_stand_exactly_where_they_are_said_to(parts: list[str], length: int) -> None:
    """Nasty texts, in windows: what the rows hold comes back with the right places."""
    text = "".join(parts)
    words = [word for word in dict.fromkeys(parts) if word in PIECES]
    spos = [(a, "作者", {"@value": b}) for a in words for b in words]
    given_example, notes = example(text, *spos), Notes()
    encoded = TASK.encode(
        [given_example], TOKENIZER, max_length=length, segments=False, notes=notes
    )
    [found] = TASK.decode(gold_rows(encoded), [given_example], encoded)
    wanted = {(r.subject, r.object[0][1]) for r in given_example.label or ()}
    for relation in found.relations:
        for piece in (relation.subject, relation.object[0][1]):
            assert text[piece.start : piece.end] == piece.text
        assert (relation.subject, relation.object[0][1]) in wanted
    if not notes:
        assert len(found.relations) == len(wanted)


def test_long_texts_are_read_in_windows() -> None:
    text = "葛优在《活着》里演福贵，" * 3 + "后来的事谁也不知道，" * 4 + "余华写了《兄弟》"
    near = ("兄弟", "作者", {"@value": "余华"})
    notes = Notes()
    examples = [example(text, near, ("活着", "作者", {"@value": "余华"}))]
    encoded = TASK.encode(examples, TOKENIZER, max_length=32, segments=False, notes=notes)
    assert len(encoded.places) > 2
    assert encoded.cut == 0
    assert notes == {
        "texts of more than 30 tokens, read in windows": 1,
        "relations that are too far apart for any window, out of reach": 1,
    }
    [found] = TASK.decode(gold_rows(encoded), examples, encoded)
    start = text.index("兄弟")
    assert [r.subject for r in found.relations] == [Piece("兄弟", start, start + 2)]


def test_what_begins_inside_a_token_is_counted() -> None:
    whole = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "2019", "film", "年"]
    tokenizer, notes = Tokenizer.from_tokens(whole), Notes()
    given_example = example("生于2019年的film", ("film", "作者", {"@value": "19年"}))
    TASK.encode([given_example], tokenizer, max_length=32, segments=False, notes=notes)
    what = "relations with a span that starts or ends inside a token, which cannot be learned"
    assert notes == {what: 1}


def found_in(examples: Sequence[Example[Any]]) -> list[FoundRelations]:
    return [FoundRelations(e.id, tuple(reassembled(flattened(e.label or ())))) for e in examples]


TWO = [
    example("《活着》是余华写的", ("活着", "作者", {"@value": "余华"})),
    example(
        "葛优在《活着》里演福贵", ("葛优", "饰演", {"@value": "福贵", "inWork": "活着"}), id="1"
    ),
]


def test_scores_of_right_wrong_and_empty_predictions() -> None:
    assert set(values(TASK.score(TWO, found_in(TWO))).values()) == {1.0}
    nothing = [FoundRelations(e.id, ()) for e in TWO]
    assert set(values(TASK.score(TWO, nothing)).values()) == {0.0}
    assert values(TASK.score(TWO, [found_in(TWO)[0], nothing[1]])) == {
        "f1": pytest.approx(2 / 3),
        "precision": 1.0,
        "recall": 0.5,
    }


def test_what_programs_and_people_are_told() -> None:
    _, found = found_in(TWO)
    spo = {
        "subject": "葛优",
        "subject_type": "娱乐人物",
        "predicate": "饰演",
        "object": {"@value": "福贵", "inWork": "活着"},
        "object_type": {"@value": "人物", "inWork": "影视作品"},
        "subject_span": [0, 2],
        "object_spans": {"@value": [9, 11], "inWork": [4, 6]},
    }
    assert TASK.record(TWO[1], found) == {"id": "1", "text": TWO[1].texts[0], "spo_list": [spo]}
    compared = TASK.compared(TWO[1], FoundRelations("1", ()))
    assert compared["predicted"] == []
    [gold] = compared["gold"]
    assert gold == {name: value for name, value in spo.items() if "type" not in name}
    absent = example("没有", ("谁", "作者", {"@value": "没有"}))
    assert TASK.compared(absent, found)["gold"][0]["subject_span"] is None
    assert TASK.told(TWO[1], found).endswith("\n    葛优  饰演  福贵（inWork 活着）")
    assert TASK.told(TWO[1], FoundRelations("1", ())).endswith("\n    nothing found")


@pytest.mark.parametrize("name", ["predict.json", "duie.zip"])
def test_submissions(tmp_path: Path, name: str) -> None:
    odd = [*TWO, example("行\u2028分\x85隔", id="2")]
    path, found = tmp_path / name, found_in(odd)
    TASK.submission(odd, found, path)
    TASK.check_submission(path, odd)
    if name.endswith("zip"):
        with zipfile.ZipFile(path) as file:
            assert file.namelist() == ["duie.json"]
            first = json.loads(file.read("duie.json").decode().split("\n")[0])
    else:
        first = json.loads(path.read_text("utf-8").split("\n")[0])
    assert first == {
        "text": "《活着》是余华写的",
        "spo_list": [
            {
                "subject": "活着",
                "subject_type": "图书作品",
                "predicate": "作者",
                "object": {"@value": "余华"},
                "object_type": {"@value": "人物"},
            }
        ],
    }
    again = tmp_path / f"again-{name}"
    TASK.submission(odd, found, again)
    if name.endswith("json"):
        assert again.read_bytes() == path.read_bytes()
    with pytest.raises(DataError, match="3 answers for 2 examples"):
        TASK.check_submission(path, TWO)
    with pytest.raises(DataError, match="field 'text': it is not the text of the test file"):
        TASK.check_submission(path, [odd[1], odd[0], odd[2]])


def test_submissions_that_are_not_well_formed(tmp_path: Path) -> None:
    path, [one, _] = tmp_path / "predict.json", TWO
    TASK.submission([one], found_in([one]), path)
    row = json.loads(path.read_text("utf-8"))

    def refused(message: str, **changes: object) -> None:
        [spo] = row["spo_list"]
        write_jsonl(path, [{**row, "spo_list": [{**spo, **changes}]}])
        with pytest.raises(DataError, match=message):
            TASK.check_submission(path, [one])

    refused("there are subjects and objects that are not in their text", subject="兄弟")
    refused("'作著' is not a predicate of the schema", predicate="作著")
    refused("'inWork' is not a slot of '作者'", object={"@value": "余华", "inWork": "活着"})
    refused("types or objects are not as the schema has them", subject_type="影视作品")
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"bad\.zip: not a zip archive of one file in UTF-8"):
        TASK.check_submission(tmp_path / "bad.zip", [one])


def test_the_older_layout_is_handed_in_as_it_came(tmp_path: Path) -> None:
    rows = [{"predicate": "作者", "subject_type": "图书作品", "object_type": "人物"}]
    write_jsonl(tmp_path / "all_50_schemas.jsonl", rows)
    task = RELATIONS.with_schema(str(tmp_path / "all_50_schemas.jsonl"))
    task.submission(TWO[:1], found_in(TWO[:1]), tmp_path / "out.json")
    [spo] = json.loads((tmp_path / "out.json").read_text("utf-8"))["spo_list"]
    assert (spo["object"], spo["object_type"]) == ("余华", "人物")
    task.check_submission(tmp_path / "out.json", TWO[:1])


def test_the_schema_is_that_of_a_file_or_beside_the_data_or_of_the_data(tmp_path: Path) -> None:
    rows = [
        {
            "text": "余华写活着",
            "spo_list": [{"subject": "活着", "predicate": "写", "object": "余华"}],
        }
    ]
    data = tmp_path / "train.json"
    write_jsonl(data, rows)
    derived = RELATIONS.adapt(RELATIONS.read(data), data)
    assert derived.labels == ("写",)
    notes = Notes()
    write_jsonl(
        tmp_path / "dev.json",
        [{**rows[0], "spo_list": [{**rows[0]["spo_list"][0], "predicate": "x"}]}],
    )
    assert len(derived.read(tmp_path / "dev.json", notes=notes)) == 1
    assert notes == {"relations whose predicate is not in the training data, out of reach": 1}
    write_jsonl(
        tmp_path / "my_schema.json", [{"predicate": "作者", "object_type": {"@value": "人"}}]
    )
    with pytest.raises(
        DataError, match=r"train\.json, line 1, .*'写' is not a predicate of the sc"
    ):
        RELATIONS.read(data)
    chosen = TASK.with_schema(str(SAMPLE / "schema.json"))
    assert len(chosen.labels) == 14
    with pytest.raises(DataError, match=r"train\.json, line 1, field 'predicate': this is no sch"):
        RELATIONS.with_schema(str(data))


def test_thresholds_are_probabilities() -> None:
    with pytest.raises(ConfigError, match=r"start_threshold is a probability; got 1\.5"):
        RelationExtraction(name="x", summary="", start_threshold=1.5)
    tagger = replace(TASK, start_threshold=0.5).build(load("scratch-2x128").model, pooling="first")
    assert tagger.thresholds == (0.5, 0.4)


def test_the_bundled_sample_end_to_end(end_to_end: EndToEnd) -> None:
    found = end_to_end("relations", epochs=1)
    assert found["kind"] == "relations"
    assert len(found["labels"]) == 14
    assert found["splits"]["train"]["notes"] == {}


def test_all_that_a_model_finds_stands_where_it_says() -> None:
    """Thresholds of 0: an untrained model finds every token."""
    task = replace(TASK, start_threshold=0.0, end_threshold=0.0)
    texts = [("《活着》是余华",), ("İst 的ﬁlm한\u200b国",), ("",), ("\t 😀\x00e\u0301",)]
    examples = task.typed(texts)
    encoded = task.encode(examples, TOKENIZER, max_length=16, segments=False)
    module = task.build(load("scratch-2x128").model, pooling="first")
    predictions = predict_rows(task, module, examples, encoded, precision="float32")
    counts = []
    for given_example, prediction in zip(examples, predictions, strict=True):
        record = task.record(given_example, prediction)
        for spo in record["spo_list"]:
            spans = [(spo["subject"], spo["subject_span"])]
            spans += [(piece, spo["object_spans"][slot]) for slot, piece in spo["object"].items()]
            for piece, (start, end) in spans:
                assert record["text"][start:end] == piece != ""
        counts.append(len(record["spo_list"]))
    # Every token is a subject, and with each predicate every token is an object. Of the works, the
    # first and the second are nearest to the first part, so it makes two relations.
    assert counts[0] == 7 * 7 + 7 * (7 + 1)
    assert counts[2] == 0
    assert min(counts[1], counts[3]) > 0
