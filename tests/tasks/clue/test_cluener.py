"""The real data, where they are: every offset, there and back."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from wenlu.assets import asset
from wenlu.evaluation.counting import values
from wenlu.models.span_tagger import FoundSpans
from wenlu.tasks.clue import CLUENER
from wenlu.tasks.spans import Extraction
from wenlu.text import Tokenizer

DATA = Path(__file__).resolve().parents[3].parent / "shared/data/tasks/clue/cluener2020"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs CLUENER in ../shared")

PIECES = {"train": (10_748, 23_971, 8), "dev": (1_343, 3_072, 0)}
"""Texts, entities, and those of which a token has only a part."""


def test_the_ten_types() -> None:
    assert len(CLUENER.labels) == len(set(CLUENER.labels)) == len(CLUENER.names) == 10
    assert CLUENER.main_metric == "macro_f1"
    assert CLUENER.max_length == 256


@needs_data
@pytest.mark.parametrize("split", [pytest.param("train", marks=pytest.mark.slow), "dev"])
def test_every_entity_comes_back_at_its_place(split: str) -> None:
    [path] = DATA.glob(f"{split}.jsonl*")
    notes = Counter[str]()
    examples = CLUENER.read(path, notes=notes)
    texts, entities, apart = PIECES[split]
    assert len(examples) == texts
    assert sum(len(e.label or ()) for e in examples) == entities
    assert not notes
    assert CLUENER.unseen(examples) == []
    tokenizer = Tokenizer.from_vocab(asset("vocabulary", "vocab.txt"))
    encoded = CLUENER.encode(examples, tokenizer, max_length=256, segments=True, notes=notes)
    what = "entities that begin or end inside a token, out of reach"
    assert notes == ({what: apart} if apart else {})
    found = []
    for row in range(len(examples)):
        positives = encoded.data.batch(np.array([row])).positives.numpy()
        types, first, last = np.ascontiguousarray(positives[:, 1:].T)
        found.append(FoundSpans(types, first, last, np.ones(len(types), np.float32)))
    predictions = CLUENER.decode(found, examples, encoded)
    for example, prediction in zip(examples, predictions, strict=True):
        assert set(prediction.spans) <= set(example.label or ())
    assert sum(len(p.spans) for p in predictions) == entities - apart
    scores = values(CLUENER.score(examples, predictions))
    assert scores["recall"] == pytest.approx(1 - apart / entities)
    if not apart:
        assert scores["f1"] == scores["macro_f1"] == 1


@needs_data
def test_a_submission_has_the_ids_as_they_are(tmp_path: Path) -> None:
    examples = CLUENER.read(DATA / "test.jsonl", labelled=False)
    assert len(examples) == 1_345
    nothing = [Extraction(e.id, (), ()) for e in examples]
    path = tmp_path / CLUENER.submission_file
    CLUENER.submission(examples, nothing, path)
    assert path.read_text("utf-8").startswith('{"id": 0, "text": "四川敦煌学')
    CLUENER.check_submission(path, examples)
