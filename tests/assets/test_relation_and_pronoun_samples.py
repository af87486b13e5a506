"""The sample sets of relations and of pronouns keep the properties that their README states."""

from collections import Counter
from itertools import chain, combinations
from typing import Any

import pytest

from wenlu.assets import asset
from wenlu.corpus import read_records

from .overlap import nearly_equal

LABELLED, SPLITS = ("train", "dev"), ("train", "dev", "test")
TASKS = ("relations", "pronouns")
PRONOUNS = {"他", "她", "它", "他们", "它们", "这", "那", "这里", "那里", "那边", "自己"}
Row = dict[str, Any]


def rows(task: str, name: str) -> list[Row]:
    return [record.fields for record in read_records(asset("samples", task, f"{name}.json"))]


def texts(task: str, split: str) -> list[str]:
    return [str(row["text"]) for row in rows(task, split)]


def schema() -> dict[str, tuple[str, dict[str, str]]]:
    """Predicate -> type of its subject, types of its slots."""
    declared = rows("relations", "schema")
    return {row["predicate"]: (row["subject_type"], row["object_type"]) for row in declared}


def triples(split: str) -> list[Row]:
    return [triple for row in rows("relations", split) for triple in row["spo_list"]]


@pytest.mark.parametrize("task", TASKS)
def test_there_is_enough_to_train_on(task: str) -> None:
    train, dev, test = (len(rows(task, split)) for split in SPLITS)
    assert train >= 170
    assert dev >= 55
    assert test >= 25


@pytest.mark.parametrize("task", TASKS)
def test_texts_are_clean(task: str) -> None:
    for text in chain.from_iterable(texts(task, split) for split in SPLITS):
        assert text == text.strip() != ""
        assert text.isprintable()


@pytest.mark.parametrize("task", TASKS)
def test_no_text_is_in_two_splits(task: str) -> None:
    for left, right in combinations(SPLITS, 2):
        assert set(texts(task, left)) & set(texts(task, right)) == set()


@pytest.mark.parametrize("task", TASKS)
def test_no_two_texts_are_nearly_equal(task: str) -> None:
    assert nearly_equal(text for split in SPLITS for text in texts(task, split)) == []


def test_relations_have_the_layout_of_duie() -> None:
    assert all(
        list(row) == ["predicate", "subject_type", "object_type"]
        for row in rows("relations", "schema")
    )
    for split in LABELLED:
        assert all(list(row) == ["text", "spo_list"] for row in rows("relations", split))
    assert all(list(row) == ["text"] for row in rows("relations", "test"))
    assert len(texts("relations", "train")) == len(set(texts("relations", "train")))


def test_triples_follow_the_schema() -> None:
    declared = schema()
    assert len(declared) == len(rows("relations", "schema")) == 10
    assert sum(len(slots) > 1 for _, slots in declared.values()) == 3
    for triple in chain.from_iterable(triples(split) for split in LABELLED):
        subject_type, slots = declared[triple["predicate"]]
        assert list(triple) == ["subject", "subject_type", "predicate", "object", "object_type"]
        assert triple["subject_type"] == subject_type
        assert list(triple["object"]) == list(triple["object_type"])
        assert "@value" in triple["object"]
        assert triple["object_type"].items() <= slots.items()


@pytest.mark.parametrize("split", LABELLED)
def test_subjects_and_objects_are_in_the_text(split: str) -> None:
    for row in rows("relations", split):
        for triple in row["spo_list"]:
            for span in (triple["subject"], *triple["object"].values()):
                assert span == span.strip() != ""
                assert span in str(row["text"])


@pytest.mark.parametrize("split", LABELLED)
def test_no_triple_comes_twice_in_a_text(split: str) -> None:
    for row in rows("relations", split):
        keys = [
            (triple["subject"], triple["predicate"], *sorted(triple["object"].items()))
            for triple in row["spo_list"]
        ]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize(("split", "least"), [("train", 10), ("dev", 2)])
def test_every_predicate_and_every_slot_is_common(split: str, least: int) -> None:
    predicates = Counter(triple["predicate"] for triple in triples(split))
    slots = Counter(
        (triple["predicate"], slot) for triple in triples(split) for slot in triple["object"]
    )
    declared = schema()
    assert predicates.keys() == declared.keys()
    assert slots.keys() == {(name, slot) for name, (_, types) in declared.items() for slot in types}
    assert min(slots.values()) >= least


@pytest.mark.parametrize("split", LABELLED)
def test_marriage_is_stated_in_both_directions(split: str) -> None:
    for row in rows("relations", split):
        married = {
            (triple["subject"], triple["object"]["@value"])
            for triple in row["spo_list"]
            if triple["predicate"] == "配偶"
        }
        assert married == {(second, first) for first, second in married}


@pytest.mark.parametrize("split", LABELLED)
def test_texts_hold_what_makes_relations_hard(split: str) -> None:
    found: Counter[str] = Counter()
    for row in rows("relations", split):
        told = row["spo_list"]
        objects = Counter((triple["subject"], triple["predicate"]) for triple in told)
        held = {value for triple in told for value in triple["object"].values()}
        optional = [triple for triple in told if len(schema()[triple["predicate"]][1]) > 1]
        found["several triples"] += len(told) > 1
        found["several objects"] += max(objects.values(), default=0) > 1
        found["several subjects"] += len({triple["subject"] for triple in told}) > 1
        found["a subject that is an object"] += any(triple["subject"] in held for triple in told)
        found["a slot left empty"] += any(
            len(triple["object"]) < len(schema()[triple["predicate"]][1]) for triple in optional
        )
        found["several slots"] += any(len(triple["object"]) > 1 for triple in optional)
        found["none"] += not told
    assert found["several triples"] >= 0.5 * len(rows("relations", split))
    assert all(count >= 2 for count in found.values())
    assert len(found) == 7


def test_pronouns_have_the_layout_of_cluewsc() -> None:
    spans = ["span1_index", "span1_text", "span2_index", "span2_text"]
    for split in SPLITS:
        fields = ["target", "id", "text"] if split == "test" else ["target", "idx", "label", "text"]
        for row in rows("pronouns", split):
            assert list(row) == fields
            assert list(row["target"]) == spans
    labelled = [row["idx"] for split in LABELLED for row in rows("pronouns", split)]
    assert labelled == list(range(len(labelled)))
    test = [row["id"] for row in rows("pronouns", "test")]
    assert test == list(range(len(test)))


@pytest.mark.parametrize("split", SPLITS)
def test_spans_are_where_they_say(split: str) -> None:
    for row in rows("pronouns", split):
        target, text = row["target"], str(row["text"])
        bounds = []
        for name in ("span1", "span2"):
            start, span = target[f"{name}_index"], target[f"{name}_text"]
            assert text[start : start + len(span)] == span != ""
            bounds.append((start, start + len(span)))
        (_, first_end), (second_start, _) = sorted(bounds)
        assert first_end <= second_start
        assert target["span2_text"] in PRONOUNS


@pytest.mark.parametrize("split", LABELLED)
def test_labels_are_balanced(split: str) -> None:
    labels = Counter(str(row["label"]) for row in rows("pronouns", split))
    assert labels.keys() == {"true", "false"}
    assert 0.45 <= labels["true"] / labels.total() <= 0.55


@pytest.mark.parametrize("split", LABELLED)
def test_a_pronoun_refers_to_one_candidate_at_most(split: str) -> None:
    told = [(str(row["text"]), row["target"], row["label"]) for row in rows("pronouns", split)]
    pronouns = {(text, target["span2_index"]) for text, target, _ in told}
    assert len(pronouns) == len({text for text, _, _ in told})
    candidates = [(text, target["span1_index"]) for text, target, _ in told]
    assert len(candidates) == len(set(candidates))
    meant = [text for text, _, label in told if label == "true"]
    assert len(meant) == len(set(meant))


@pytest.mark.parametrize("split", LABELLED)
def test_place_alone_does_not_tell_the_noun(split: str) -> None:
    """Neither the first nor the last candidate of a text is the one meant much more often."""
    meant: dict[str, dict[int, bool]] = {}
    for row in rows("pronouns", split):
        target = row["target"]
        meant.setdefault(str(row["text"]), {})[target["span1_index"]] = row["label"] == "true"
    several = [candidates for candidates in meant.values() if len(candidates) > 1]
    first = sum(candidates[min(candidates)] for candidates in several)
    assert 0.4 <= first / len(several) <= 0.6


@pytest.mark.parametrize("split", LABELLED)
def test_some_pronouns_stand_before_the_noun(split: str) -> None:
    targets = [row["target"] for row in rows("pronouns", split)]
    assert sum(target["span2_index"] < target["span1_index"] for target in targets) >= 3
