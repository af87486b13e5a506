"""Events: from rows to pieces and back, with both kinds of head; the real data; whole runs."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wenlu.assets import asset
from wenlu.corpus import read_records, write_jsonl
from wenlu.errors import ConfigError, DataError
from wenlu.evaluation.counting import values
from wenlu.models import Model, load
from wenlu.models.roformer import roformer
from wenlu.models.sequence_tagger import Tagged
from wenlu.models.span_tagger import FoundSpans
from wenlu.tasks import Run, RunConfig, task_named
from wenlu.tasks.event_layout import EventArgument, read_schema
from wenlu.tasks.events import EVENTS, EventExtraction, EventsFound, EventText, FoundArgument
from wenlu.tasks.examples import Example
from wenlu.tasks.lic2020 import DUEE
from wenlu.tasks.task import Encoded, Notes, Task
from wenlu.tasks.train import train
from wenlu.text import Tokenizer
from wenlu.text.tags import from_tags
from wenlu.training import TrainingSettings

SAMPLE = asset("samples", "events")
REAL = Path(__file__).resolve().parents[2].parent / "shared/data/tasks/ie/duee1.0"
needs_duee = pytest.mark.skipif(not REAL.is_dir(), reason="needs DuEE 1.0 in ../shared")
OVERLAP = "arguments that overlap one as long or longer, lost to one tag a token"
INSIDE = "arguments that begin or end inside a token, out of reach"

MARRIED, SEEN = "人生-结婚", "组织关系-加盟"
ROLES = ((MARRIED, "时间"), (MARRIED, "双方"), (SEEN, "时间"))
TASK = replace(EVENTS, roles=ROLES)
TEXT = "上周李四和王五在İstanbul结婚"
ARGUMENTS = (
    EventArgument(MARRIED, "时间", ("上周",), (0, 2)),
    EventArgument(MARRIED, "双方", ("李四和王五",), (2, 7)),
    EventArgument(MARRIED, "双方", ("王五",), (5, 7)),
    EventArgument(SEEN, "时间", ("上周",), (0, 2)),
    EventArgument(SEEN, "时间", ("去年",), None),
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return load("scratch-2x128").tokenizer


def example(text: str, *arguments: EventArgument, name: str = "0") -> EventText:
    return EventText(name, (text,), arguments)


def gold_pieces(task: EventExtraction, encoded: Encoded) -> list[FoundSpans]:
    """What a model that makes no mistake would find in each row."""
    found = []
    for row in range(len(encoded.data.lengths)):
        batch = encoded.data.batch(np.array([row]))
        if task.head == "crf":
            pieces = from_tags(batch.tags[0].tolist())
        else:
            pieces = [tuple(piece[1:]) for piece in batch.positives.tolist()]
        types, first, last = np.array(pieces, np.int64).reshape(-1, 3).T
        found.append(FoundSpans(types, first, last, np.ones(len(types), np.float32)))
    return found


def without_mistakes(
    task: EventExtraction,
    examples: Sequence[Example[Any]],
    tokenizer: Tokenizer,
    *,
    max_length: int = 128,
) -> tuple[list[EventsFound], Notes]:
    notes = Notes()
    encoded = task.encode(
        examples, tokenizer, max_length=max_length, segments=True, training=True, notes=notes
    )
    return task.decode(gold_pieces(task, encoded), examples, encoded), notes


def test_they_are_tasks() -> None:
    assert isinstance(EVENTS, Task)
    assert isinstance(DUEE, Task)
    assert task_named("events") is EVENTS
    assert task_named("duee") is DUEE


def test_with_a_score_for_every_piece_nothing_is_lost(tokenizer: Tokenizer) -> None:
    (found,), notes = without_mistakes(TASK, [example(TEXT, *ARGUMENTS)], tokenizer)
    assert {(a.type, a.role, TEXT[a.start : a.end]) for a in found.arguments} == {
        (a.type, a.role, a.mentions[0]) for a in ARGUMENTS if a.place
    }
    assert not notes


def test_arguments_overlap_only_where_they_do_in_the_training_data(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    both = [example(TEXT, *ARGUMENTS)]
    nested = TASK.adapt(both, tmp_path)
    assert nested.flat == (f"{MARRIED} · 时间", f"{SEEN} · 时间")
    flat = TASK.adapt([example(TEXT, *ARGUMENTS[:2])], tmp_path)
    for task, expected in ((nested, {"李四和王五", "王五"}), (flat, {"李四和王五"})):
        (found,), _ = without_mistakes(task, both, tokenizer)
        told = {TEXT[a.start : a.end] for a in found.arguments if a.role == "双方"}
        assert told == expected


def test_with_one_tag_a_token_the_longest_is_found_and_the_others_are_counted(
    tokenizer: Tokenizer,
) -> None:
    (found,), notes = without_mistakes(
        TASK.with_head("crf"), [example(TEXT, *ARGUMENTS)], tokenizer
    )
    assert [tuple(a[:4]) for a in found.arguments] == [
        (0, 2, MARRIED, "时间"),
        (2, 7, MARRIED, "双方"),
    ]
    assert notes == {OVERLAP: 2}


def test_arguments_inside_a_token_are_counted() -> None:
    tokenizer = Tokenizer.from_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "2010", "年"])
    inside = EventArgument(MARRIED, "时间", ("010",), (1, 4))
    for head in ("global", "crf"):
        (found,), notes = without_mistakes(
            TASK.with_head(head), [example("2010年", inside)], tokenizer
        )
        assert not found.arguments
        assert notes == {INSIDE: 1}


Drawn = tuple[str, list[tuple[tuple[str, str], list[int]]]]
"""A text, and in it pieces with their roles."""


@st.composite
def texts_with_pieces(draw: st.DrawFn) -> Drawn:
    text = draw(st.text("甲乙ab1 İé\u0301\u200b한ﬁ👩‍🔬，。\t", min_size=1, max_size=40))
    places = st.tuples(st.integers(0, len(text) - 1), st.integers(1, len(text))).map(sorted)
    return text, draw(st.lists(st.tuples(st.sampled_from(ROLES), places), max_size=6))


def marked(drawn: Drawn) -> EventText:
    text, pieces = drawn
    return example(
        text,
        *(
            EventArgument(*role, (text[start:end],), (start, end))
            for role, (start, end) in pieces
            if start < end
        ),
    )


@settings(max_examples=50)
@given(st.lists(texts_with_pieces(), min_size=1, max_size=3), st.sampled_from([10, 128]))
def test_what_is_found_is_a_piece_of_the_original_text(
    tokenizer: Tokenizer, drawn: list[Drawn], max_length: int
) -> None:
    examples = [marked(each) for each in drawn]
    for head in ("global", "crf"):
        predictions, _ = without_mistakes(
            TASK.with_head(head), examples, tokenizer, max_length=max_length
        )
        for given_text, prediction in zip(examples, predictions, strict=True):
            gold = {(*a.place, a.type, a.role) for a in given_text.label or () if a.place}
            assert {tuple(a[:4]) for a in prediction.arguments} <= gold
            record = TASK.record(given_text, prediction)
            for event in record["event_list"]:
                for argument in event["arguments"]:
                    piece = record["text"][argument["start"] : argument["end"]]
                    assert piece == argument["argument"]


def found(*arguments: tuple[int, int, str, str]) -> EventsFound:
    return EventsFound("0", tuple(FoundArgument(*a, 1.5) for a in sorted(arguments)))


def test_events_of_one_type_are_one_event_and_each_wording_counts_once() -> None:
    text = "今天甲队，甲队和乙队"
    prediction = found(
        (0, 2, SEEN, "时间"), (2, 4, SEEN, "方"), (5, 7, SEEN, "方"), (0, 2, MARRIED, "时间")
    )
    assert prediction.events(text) == [
        {"event_type": MARRIED, "arguments": [{"role": "时间", "argument": "今天"}]},
        {
            "event_type": SEEN,
            "arguments": [{"role": "时间", "argument": "今天"}, {"role": "方", "argument": "甲队"}],
        },
    ]
    placed = prediction.events(text, places=True)
    assert [a["start"] for a in placed[1]["arguments"]] == [0, 2, 5]
    assert placed[0]["arguments"][0] == {
        "role": "时间",
        "argument": "今天",
        "start": 0,
        "end": 2,
        "score": 1.5,
    }
    assert found().events(text) == []


def test_the_score_is_that_of_what_is_handed_in() -> None:
    gold = example(
        "今天甲队，甲队和乙队",
        EventArgument(SEEN, "时间", ("今天上午",), None),
        EventArgument(SEEN, "方", ("甲队",), (2, 4)),
    )
    both_mentions = found((2, 4, SEEN, "方"), (5, 7, SEEN, "方"), (0, 2, SEEN, "时间"))
    scores = values(TASK.score([gold], [both_mentions]))
    value = 1 + 2 * 2 / 6
    assert scores == pytest.approx({"precision": value / 2, "recall": value / 2, "f1": value / 2})
    assert values(TASK.score([gold], [found()])) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}


def test_lines_for_people_programs_and_the_report() -> None:
    gold = example(TEXT, *ARGUMENTS)
    prediction = found((0, 2, MARRIED, "时间"))
    assert TASK.told(gold, prediction) == f"{TEXT}\n    {MARRIED}\n        时间  上周  0-2"
    assert TASK.told(gold, found()) == f"{TEXT}\n    nothing found"
    compared = TASK.compared(gold, prediction)
    assert compared["predicted"] == [
        {"start": 0, "end": 2, "type": MARRIED, "role": "时间", "score": 1.5, "text": "上周"}
    ]
    assert compared["gold"][1] == {
        "type": MARRIED,
        "role": "双方",
        "text": "李四和王五",
        "start": 2,
        "end": 7,
    }
    assert compared["gold"][4] == {"type": SEEN, "role": "时间", "text": "去年"}
    assert TASK.compared(TASK.typed([(TEXT,)])[0], prediction)["gold"] is None
    json.dumps(compared)


def row(name: object, *arguments: dict[str, object], kind: str = MARRIED) -> dict[str, object]:
    events = [{"event_type": kind, "arguments": list(arguments)}]
    return {"id": name, "text": TEXT, "event_list": events}


TIME = {"role": "时间", "argument": "上周", "argument_start_index": 0}


def write(folder: Path, *rows: dict[str, object], name: str = "train.json") -> Path:
    write_jsonl(folder / name, rows)
    return folder / name


def test_the_schema_comes_from_the_data_if_there_is_no_file(tmp_path: Path) -> None:
    path = write(tmp_path, row(1, TIME), row(2, {**TIME, "role": "双方"}))
    examples = EVENTS.read(path)
    task = EVENTS.adapt(examples, path)
    assert task.roles == ((MARRIED, "双方"), (MARRIED, "时间"))
    assert task.labels == (f"{MARRIED} · 双方", f"{MARRIED} · 时间")
    assert task.unseen(examples[:1]) == [f"{MARRIED} · 双方"]
    assert EVENTS.restored(json.loads(json.dumps(task.with_head("crf").saved()))) == replace(
        task, head="crf"
    )
    empty = write(tmp_path, {"text": TEXT, "event_list": []}, name="empty.json")
    with pytest.raises(DataError, match="no row has an argument, so there is nothing to learn"):
        EVENTS.adapt(EVENTS.read(empty), empty)


def test_what_is_outside_the_schema_is_named_with_its_line(tmp_path: Path) -> None:
    given_schema = {"event_type": MARRIED, "role_list": [{"role": "时间"}, {"role": "双方"}]}
    write(tmp_path, given_schema, {"event_type": "灾害", "role_list": []}, name="schema.json")
    for bad, problem in (
        (
            row(2, {**TIME, "role": "地点"}),
            "'地点' is no role of '人生-结婚' in the schema",
        ),
        (row(2, TIME, kind="人生-离婚"), "'人生-离婚' is no event type of the schema; the closest"),
        (row(2, kind="人生-离婚"), "'人生-离婚' is no event type of the schema; the closest"),
        (row(2, TIME, kind="灾害"), "'时间' is no role of '灾害' in the schema; it has none"),
    ):
        path = write(tmp_path, row(1, TIME), bad)
        with pytest.raises(DataError, match=problem) as caught:
            EVENTS.adapt(EVENTS.read(path), path)
        assert (caught.value.line, caught.value.field) == (2, "event_list")
        with pytest.raises(DataError, match=problem):
            EVENTS.with_schema(str(tmp_path / "schema.json")).read(path)
    path = write(tmp_path, row(1, TIME), row(2, kind="灾害"))
    task = EVENTS.adapt(EVENTS.read(path), path)
    assert (task.types, task.roles) == read_schema(tmp_path / "schema.json")
    assert EVENTS.restored(json.loads(json.dumps(task.saved()))) == task
    write(tmp_path, row("a", kind="人生-离婚"), name="predict.json")
    with pytest.raises(DataError, match="'人生-离婚' is no event type of the schema"):
        task.check_submission(tmp_path / "predict.json", [EventText("a", (TEXT,), None)])


def test_without_a_schema_nothing_says_which_types_have_no_arguments(tmp_path: Path) -> None:
    path = write(tmp_path, row(1, TIME), row(2, kind="灾害"))
    task = EVENTS.adapt(EVENTS.read(path), path)
    assert task.roles == ((MARRIED, "时间"),)
    assert [e.label for e in task.read(path)][1] == ()
    path = write(tmp_path, row(1, TIME, kind="人生-离婚"))
    with pytest.raises(DataError, match=r"'人生-离婚' is no event type .* are 人生-结婚"):
        task.read(path)


def test_runs_of_before_have_no_types() -> None:
    saved = {"roles": [[MARRIED, "时间"]], "flat": [], "head": "crf"}
    assert EVENTS.restored(saved) == replace(EVENTS, roles=((MARRIED, "时间"),), head="crf")


def test_roles_that_read_the_same_are_named_with_their_file(tmp_path: Path) -> None:
    problem = "events has a role twice, or two that read the same: 甲 · 乙 · 丙"
    role = {**TIME, "role": "丙"}
    path = write(
        tmp_path, row(1, role, kind="甲 · 乙"), row(2, {**TIME, "role": "乙 · 丙"}, kind="甲")
    )
    with pytest.raises(DataError, match=rf"train\.json: {problem}$"):
        EVENTS.adapt(EVENTS.read(path), path)
    kinds = (("甲 · 乙", "丙"), ("甲", "乙 · 丙"))
    rows = [{"event_type": kind, "role_list": [{"role": role}]} for kind, role in kinds]
    write(tmp_path, *rows, name="schema.json")
    with pytest.raises(DataError, match=rf"schema\.json: {problem}$"):
        EVENTS.read(path)


def test_heads_and_roles_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match="no head 'lstm' for events; there are global, "):
        EVENTS.with_head("lstm")
    with pytest.raises(ConfigError, match="has a role twice"):
        replace(EVENTS, roles=(("结婚", "时间"), ("结婚", "时间")))


def test_a_submission_is_checked(tmp_path: Path) -> None:
    tests = [EventText("7", (TEXT,), None, 7), EventText("b", ("无",), None, "b")]
    predictions = [found((0, 2, MARRIED, "时间")), found()]
    path = tmp_path / "duee.json"
    TASK.submission(tests, predictions, path)
    TASK.check_submission(path, tests)
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert rows == [
        {
            "id": 7,
            "event_list": [
                {"event_type": MARRIED, "arguments": [{"role": "时间", "argument": "上周"}]}
            ],
        },
        {"id": "b", "event_list": []},
    ]

    def refused(problem: str, *changed: dict[str, object]) -> None:
        with pytest.raises(DataError, match=problem):
            TASK.check_submission(write(tmp_path, *changed, name="bad.json"), tests)

    argument = {"role": "时间", "argument": "上周"}
    refused("1 answers for 2 examples", rows[0])
    refused("'b' stands where the test file has 7", *rows[::-1])
    refused("'地点' is no role of", {**row(7, {**argument, "role": "地点"})}, rows[1])
    refused(
        "'下周' does not occur in its text", {**row(7, {**argument, "argument": "下周"})}, rows[1]
    )
    refused("there is no such field", {"id": 7}, rows[1])


def test_tags_of_the_ends_are_in_no_piece() -> None:
    """Whatever the model says of [CLS] and [SEP]."""
    task = TASK.with_head("crf")
    (found,) = task.collect(Tagged([np.array([0, 1, 2, 2])], None))
    assert (found.types.tolist(), found.first.tolist(), found.last.tolist()) == ([0], [1], [2])


@pytest.mark.parametrize("head", ["global", "efficient", "crf"])
def test_a_model_learns_by_heart_what_its_head_can_say(head: str) -> None:
    characters = sorted({*TEXT, *"今天加盟队"})
    tokenizer = Tokenizer.from_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *characters])
    examples = [
        example("上周李四和王五结婚", *ARGUMENTS[:4]),
        example("今天王五加盟队", EventArgument(SEEN, "时间", ("今天",), (0, 2))),
        example("李四加盟队"),
    ]
    task = TASK.with_head(head)
    torch.manual_seed(0)
    shape = roformer(
        vocabulary=len(tokenizer), width=32, layers=1, heads=2, inner_width=64, max_length=32
    )
    module = task.build(Model(shape), pooling="first").train()
    encoded = task.encode(examples, tokenizer, max_length=32, segments=True, training=True)
    batch = encoded.data.batch(np.arange(3))
    optimizer = torch.optim.Adam(module.parameters(), lr=5e-3)
    for _ in range(120):
        optimizer.zero_grad()
        module(batch).losses.sum().backward()
        optimizer.step()
    with torch.inference_mode():
        predictions = task.decode(task.collect(module.eval()(batch)), examples, encoded)
    assert [len(p.arguments) for p in predictions] == [2 if head == "crf" else 4, 1, 0]
    assert values(task.score(examples, predictions))["precision"] == 1.0


@needs_duee
def test_duee_as_it_is(tokenizer: Tokenizer) -> None:
    """All of the official dev set: what there is, what of it can be found, and how it scores."""
    notes = Notes()
    task = DUEE.with_schema(str(REAL / "event_schema.jsonl"))
    examples = task.read(REAL / "dev.jsonl.zst", notes=notes)
    assert len({kind for kind, _ in task.roles}) == 65
    assert len(examples) == 1498
    arguments = [(e.texts[0], a) for e in examples for a in e.label or ()]
    for text, argument in arguments:
        assert argument.place is not None
        assert text[slice(*argument.place)] == argument.mentions[0].strip()
    assert notes == {
        "events without arguments, nothing to find": 60,
        "arguments with blanks at their ends, marked without them": 12,
    }
    # An argument of several events of one type is annotated with each and found once: 157 of them.
    for head, lost, f1 in (("global", 0, 0.9754), ("crf", 256, 0.9379)):
        predictions, counted = without_mistakes(task.with_head(head), examples, tokenizer)
        assert counted[OVERLAP] == lost
        assert counted[INSIDE] == 0
        assert sum(len(p.arguments) for p in predictions) == 3539 - lost
        assert values(task.score(examples, predictions))["f1"] == pytest.approx(f1, abs=5e-5)
        for given_text, prediction in zip(examples, predictions, strict=True):
            gold = {(*a.place, a.type, a.role) for a in given_text.label or () if a.place}
            assert {tuple(a[:4]) for a in prediction.arguments} <= gold


@pytest.mark.parametrize("head", ["efficient", "crf"])
def test_end_to_end(head: str, tmp_path: Path) -> None:
    """On the bundled sample: train, measure, predict, hand in."""
    config = RunConfig(
        task="events",
        data=str(SAMPLE),
        model="scratch-2x128",
        head=head,
        limit=48,
        training=TrainingSettings(epochs=1, precision="float32"),
    )
    result = train(config, tmp_path / "run")
    assert result["kind"] == "spans"
    assert len(result["labels"]) == 32
    lost = result["splits"]["train"]["notes"].get(OVERLAP, 0)
    assert (lost > 0) == (head == "crf")
    run = Run(tmp_path / "run")
    assert run.evaluate()["scores"].items() <= result["scores"].items()
    (prediction,) = run.predict(["今天李四加盟松原队。"])
    assert run.task.record(run.typed(["今天"])[0], prediction)["text"] == "今天"
    path = run.submit(out=tmp_path)
    assert path.name == "predict.json"
    run.task.check_submission(path, run.task.read(SAMPLE / "test.json", labelled=False))


@needs_duee
@pytest.mark.slow
@pytest.mark.parametrize("head", ["efficient", "crf"])
def test_end_to_end_with_all_the_roles_of_duee(head: str, tmp_path: Path) -> None:
    """On rows of the official dev set; the schema stands beside them, under its own name."""
    rows = [record.fields for record in islice(read_records(REAL / "dev.jsonl.zst"), 150)]
    write(tmp_path, *rows[:100], name="duee_train.json")
    write(tmp_path, *rows[100:], name="duee_dev.json")
    write(tmp_path, *({"id": r["id"], "text": r["text"]} for r in rows), name="duee_test2.json")
    schema = (record.fields for record in read_records(REAL / "event_schema.jsonl"))
    write(tmp_path, *schema, name="duee_event_schema.json")
    config = RunConfig(
        task="duee",
        data=str(tmp_path),
        model="scratch-2x128",
        head=head,
        training=TrainingSettings(epochs=1, precision="float32"),
    )
    assert len(train(config, tmp_path / "run")["labels"]) == 217
    path = Run(tmp_path / "run").submit(out=tmp_path)
    assert path.name == "duee.json"
    assert len(path.read_text("utf-8").splitlines()) == 150
