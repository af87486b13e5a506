from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from wenlu.models import FAMILIES, Model
from wenlu.models.relation_tagger import (
    RelationBatch,
    RelationTagger,
    draw_subjects,
    nearest_ends,
)

Randomise = Callable[[nn.Module], nn.Module]

SIZES = {"vocabulary": 29, "width": 16, "heads": 2, "layers": 2, "inner_width": 32}
LENGTHS = torch.tensor([9, 6, 4])
RELATIONS = 3
# Subjects and triples of the three rows; the last has none.
SUBJECTS = [[(1, 2), (4, 4)], [(3, 4)], []]
TRIPLES = [
    [(1, 2, 0, 4, 4), (1, 2, 2, 6, 7), (1, 2, 2, 4, 4), (4, 4, 1, 1, 2)],
    [(3, 4, 1, 1, 1)],
    [],
]


def make(family: str, randomised: Randomise, **options: object) -> RelationTagger:
    """One that finds something, and does not drop anything in training."""
    torch.manual_seed(0)  # of some weights the losses by hand, in float32, are not exact enough
    shape = replace(FAMILIES[family](**SIZES), dropout=0.0, attention_dropout=0.0)
    tagger = randomised(RelationTagger(Model(shape), RELATIONS, **options))
    nn.init.constant_(tagger.subject.bias, 1.5)
    nn.init.constant_(tagger.object.bias, 2.0)
    return tagger


def padded(rows: Sequence[Sequence[tuple[int, ...]]], width: int) -> Tensor:
    most = max(map(len, rows))
    return torch.tensor([[*row, *[(-1,) * width] * (most - len(row))] for row in rows])


def batch(*, targets: bool = True) -> RelationBatch:
    ids = torch.randint(29, (3, 9))
    known = (padded(SUBJECTS, 2), padded(TRIPLES, 5)) if targets else (None, None)
    return RelationBatch(ids, LENGTHS, *known)


def alone(given: RelationBatch, row: int) -> RelationBatch:
    ids = given.ids[row : row + 1, : LENGTHS[row]]
    known = [None if x is None else x[row : row + 1] for x in (given.subjects, given.triples)]
    return RelationBatch(ids, None, *known)


def object_probabilities(
    tagger: RelationTagger, ids: Tensor, span: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """By the definitions, of one text: of subjects (s 2), and of objects (s r 2)."""
    entering = tagger.encoder.residual(ids[None])
    states = tagger.encoder(ids[None])
    subject = tagger.subject(states)[0].sigmoid() ** 2
    condition = torch.cat([states[:, span[0]], states[:, span[1]]], 1)
    logits = tagger.object(tagger.object_norm(entering, condition))[0]
    return subject, logits.view(len(ids), RELATIONS, 2).sigmoid() ** 4


@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12), st.integers(1, 4)
)
def test_nearest_ends_are_those_that_a_loop_finds(
    marks: list[tuple[bool, bool]], groups: int
) -> None:
    table = [marks[i:] + marks[:i] for i in range(groups)]  # a group each
    expected = []
    for group, row in enumerate(table):
        for start in range(len(row)):
            ends = [end for end in range(start, len(row)) if row[end][1]]
            if row[start][0] and ends:
                expected.append([group, start, ends[0]])
    marked = torch.tensor(table)
    assert nearest_ends(marked[..., 0], marked[..., 1]).tolist() == expected


@pytest.mark.parametrize("family", ["bert", "roformer", "albert", "gpt2"])
def test_what_is_found_is_what_a_search_by_hand_finds(family: str, randomised: Randomise) -> None:
    """Every subject of every row, and the objects of each, in a padded batch."""
    tagger = make(family, randomised, start_threshold=0.3, end_threshold=0.2)
    given_batch = batch(targets=False)
    found = tagger(given_batch).found
    assert found is not None
    counts = []
    for row, length in enumerate(LENGTHS.tolist()):
        ids, expected = given_batch.ids[row, :length], []
        inner = range(1, length - 1)
        subject, _ = object_probabilities(tagger, ids, (1, 1))
        for a in (i for i in inner if subject[i, 0] > 0.3):
            b = next((i for i in inner if i >= a and subject[i, 1] > 0.2), None)
            if b is None:
                continue
            _, objects = object_probabilities(tagger, ids, (a, b))
            for relation, c in product(range(RELATIONS), inner):
                d = next((i for i in inner if i >= c and objects[i, relation, 1] > 0.2), None)
                if objects[c, relation, 0] > 0.3 and d is not None:
                    expected.append([a, b, relation, c, d])
        assert found[row].tolist() == expected
        counts.append(len(expected))
    assert sum(counts) > 5


def test_many_subjects_are_worked_on_piece_by_piece(
    randomised: Randomise, monkeypatch: pytest.MonkeyPatch
) -> None:
    tagger, given_batch = (
        make("bert", randomised, start_threshold=0.05, end_threshold=0.05),
        batch(),
    )
    whole = tagger(given_batch)
    monkeypatch.setattr("wenlu.models.relation_tagger._CHUNK", 1)
    pieces = tagger(given_batch)
    assert len(np.concatenate(whole.found)) > 10
    for one, other in zip(whole.found, pieces.found, strict=True):
        np.testing.assert_array_equal(one, other)
    torch.testing.assert_close(whole.losses, pieces.losses)


def losses_by_hand(tagger: RelationTagger, ids: Tensor, row: int) -> tuple[Tensor, dict]:
    """The loss of the subjects, and of the objects of each subject, by the definitions."""
    length = int(LENGTHS[row])
    labels = torch.zeros(length, 2)
    for a, b in SUBJECTS[row]:
        labels[a, 0] = labels[b, 1] = 1
    subject, _ = object_probabilities(tagger, ids, (0, 0))
    first = F.binary_cross_entropy(subject, labels)
    rest = {}
    for span in {*SUBJECTS[row], (1, 4)} if row == 0 else SUBJECTS[row]:
        labels = torch.zeros(length, RELATIONS, 2)
        for a, b, relation, c, d in TRIPLES[row]:
            if (a, b) == span:
                labels[c, relation, 0] = labels[d, relation, 1] = 1
        _, objects = object_probabilities(tagger, ids, span)
        losses = F.binary_cross_entropy(objects, labels, reduction="none")
        rest[span] = losses.mean(2).sum(1).mean()
    return first, rest


def test_losses_elsewhere_than_in_training_are_means_over_all_subjects(
    randomised: Randomise,
) -> None:
    tagger, given_batch = make("roformer", randomised), batch()
    losses = tagger(given_batch).losses
    for row in range(3):
        first, rest = losses_by_hand(tagger, given_batch.ids[row, : LENGTHS[row]], row)
        objects = [rest[span] for span in SUBJECTS[row]]
        expected = first + (sum(objects) / len(objects) if objects else 0)
        torch.testing.assert_close(losses[row], expected)
        torch.testing.assert_close(tagger(alone(given_batch, row)).losses[0], expected)


def test_a_training_step_learns_the_objects_of_one_drawn_subject(randomised: Randomise) -> None:
    tagger, given_batch = make("gpt2", randomised), batch()
    first, rest = losses_by_hand(tagger, given_batch.ids[0], 0)
    tagger.train()
    seen = set()
    for seed in range(30):
        torch.manual_seed(seed)
        outputs = tagger(given_batch)
        assert outputs.found is None
        span = tuple(drawn(seed).tolist())
        torch.testing.assert_close(outputs.losses[0], first + rest[span], rtol=1e-4, atol=0)
        seen.add(span)
    assert seen == {(1, 2), (4, 4), (1, 4)}  # the last is no subject, and has no objects
    outputs.losses.sum().backward()
    assert all(p.grad is not None for name, p in tagger.named_parameters() if "object" in name)


def drawn(seed: int) -> Tensor:
    torch.manual_seed(seed)
    return draw_subjects(padded(SUBJECTS, 2), independent=True)[0]


def test_draws_have_the_chances_that_they_should() -> None:
    torch.manual_seed(3)
    subjects = padded([[(1, 2), (4, 4), (4, 7)], []], 2).repeat(3000, 1, 1)
    found = draw_subjects(subjects, independent=True)
    assert set(map(tuple, found[1::2].tolist())) == {(-1, -1)}
    counts = Counter(map(tuple, found[::2].tolist()))
    # The start is 1 with 1/3, and then the end one of all three; else it is 4, and the end 4 or 7.
    chances = {(1, 2): 1 / 9, (1, 4): 1 / 9, (1, 7): 1 / 9, (4, 4): 1 / 3, (4, 7): 1 / 3}
    assert counts.keys() == chances.keys()
    for span, chance in chances.items():
        assert counts[span] / 3000 == pytest.approx(chance, abs=0.03)
    found = draw_subjects(subjects, independent=False)
    counts = Counter(map(tuple, found[::2].tolist()))
    assert counts.keys() == {(1, 2), (4, 4), (4, 7)}
    assert all(count / 3000 == pytest.approx(1 / 3, abs=0.03) for count in counts.values())


def test_it_learns_three_sentences() -> None:
    torch.manual_seed(1)
    shape = replace(FAMILIES["roformer"](**SIZES), layers=1, dropout=0.0, attention_dropout=0.0)
    tagger, given_batch = RelationTagger(Model(shape), RELATIONS), batch()
    optimizer = torch.optim.Adam(tagger.parameters(), lr=2e-2)
    tagger.train()
    for _ in range(80):
        optimizer.zero_grad()
        tagger(given_batch).losses.sum().backward()
        optimizer.step()
    found = tagger.eval()(given_batch).found
    assert [sorted(map(tuple, row.tolist())) for row in found] == [sorted(row) for row in TRIPLES]


def test_a_text_without_tokens_has_no_relations(randomised: Randomise) -> None:
    tagger = make("bert", randomised, start_threshold=0.0, end_threshold=0.0)
    given_batch = RelationBatch(torch.tensor([[2, 3, 0], [2, 5, 3]]), torch.tensor([2, 3]))
    found = tagger(given_batch).found
    assert found[0].shape == (0, 5)
    assert found[1].tolist() == [[1, 1, r, 1, 1] for r in range(RELATIONS)]
