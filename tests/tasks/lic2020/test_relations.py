"""The real data of DuIE 2.0 and of LIC2019, where they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wenlu.evaluation.counting import values
from wenlu.models import load
from wenlu.tasks import task_named
from wenlu.tasks.reassembly import Relation, flattened, reassembled
from wenlu.tasks.task import Notes

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "tasks" / "ie"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="needs the data of DuIE in ../shared")

ALIGNMENT = "relations with a span that starts or ends inside a token, which cannot be learned"
SETS = [
    # folder, file, rows, relations of predicates with one slot and with several, those of either
    # that come back from flat ones, flat ones that no tokens can say
    pytest.param(
        "duie2.0", "train.jsonl.zst", 8398, (14208, 1007), (14208, 969), 5, marks=pytest.mark.slow
    ),
    ("duie2.0", "dev.jsonl.zst", 2000, (3440, 215), (3440, 211), 3),
    # In one row of this the subject of all six relations is not in the text.
    ("lic2019_ie_sample", "train_demo.jsonl", 151, (285, 0), (279, 0), 0),
    ("lic2019_ie_sample", "dev_demo.jsonl", 79, (171, 0), (171, 0), 0),
]


def plain(relations: Sequence[Relation]) -> set[Any]:
    return {(r.subject.text, r.predicate, r.object) for r in relations}


@pytest.mark.parametrize(("folder", "file", "rows", "counts", "back", "unaligned"), SETS)
def test_gold_relations_come_back_from_the_rows_of_the_model(
    folder: str,
    file: str,
    rows: int,
    counts: tuple[int, int],
    back: tuple[int, int],
    unaligned: int,
) -> None:
    """All of them for predicates of one slot; of the others, where the rule can tell."""
    path, notes = DATA / folder / file, Notes()
    examples = task_named("duie").read(path, notes=notes)
    assert len(examples) == rows
    task = task_named("duie").adapt(examples, path)
    several = {p.name for p in task.schema.predicates if len(p.slots) > 1}
    found, returned = [0, 0], [0, 0]
    for example in examples:
        reached = [r for r in example.label if r.subject.start is not None]
        again = plain(reassembled(flattened(reached)))
        for relation in plain(example.label):
            found[relation[1] in several] += 1
            returned[relation[1] in several] += relation in again
    assert (tuple(found), tuple(returned)) == (counts, back)

    encoded = task.encode(
        examples, load("scratch-2x128").tokenizer, max_length=256, segments=False, notes=notes
    )
    assert notes[ALIGNMENT] == unaligned
    known = []
    for row in range(len(encoded.data.lengths)):
        triples = encoded.data.batch(np.array([row])).triples[0].numpy()
        known.append(triples[triples[:, 0] >= 0])
    predictions = task.decode(known, examples, encoded)
    for example, prediction in zip(examples, predictions, strict=True):
        for relation in prediction.relations:
            for piece in (relation.subject, *(piece for _, piece in relation.object)):
                assert example.texts[0][piece.start : piece.end] == piece.text
    assert values(task.score(examples, predictions))["f1"] > 0.989


def test_the_schemas_beside_the_data() -> None:
    duie = task_named("duie").with_schema(str(DATA / "duie2.0" / "schema_observed.jsonl"))
    assert len(duie.schema.predicates) == 47
    assert len(duie.labels) == 54
    older = task_named("duie").with_schema(str(DATA / "lic2019_ie_sample/all_50_schemas.jsonl"))
    assert older.schema.plain
    assert len(older.schema.predicates) == 49  # 成立日期 has two types of subjects


def test_unlabelled_test_sets() -> None:
    duie = task_named("duie")
    assert len(duie.read(DATA / "duie2.0" / "test_unlabeled.jsonl.zst", labelled=False)) == 5000
    assert len(duie.read(DATA / "lic2019_ie_sample" / "test_demo.jsonl", labelled=False)) == 50
