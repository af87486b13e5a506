from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from wenlu.errors import CheckpointError, ConfigError
from wenlu.models import FAMILIES, POOLINGS, Classifier, Model, TextBatch

SIZES = {"vocabulary": 29, "width": 16, "heads": 2, "layers": 2, "inner_width": 32}
LENGTHS = [7, 3, 5]


def make(family: str, pooling: str, randomised: Callable[[nn.Module], nn.Module]) -> Classifier:
    model = Model(FAMILIES[family](**SIZES), {"pooler"})
    return randomised(Classifier(model, 3, pooling=pooling))


def batch() -> TextBatch:
    segments = (torch.arange(7) > 2).long().expand(3, 7).contiguous()
    return TextBatch(torch.randint(29, (3, 7)), segments, torch.tensor(LENGTHS))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_padded_batch_is_its_texts_alone(
    family: str, pooling: str, randomised: Callable[[nn.Module], nn.Module]
) -> None:
    classifier, given = make(family, pooling, randomised).double(), batch()
    logits = classifier(given).logits
    assert logits.shape == (3, 3)
    for row, length in enumerate(LENGTHS):
        part = slice(row, row + 1), slice(length)
        alone = classifier(TextBatch(given.ids[part], given.segments[part], None)).logits
        torch.testing.assert_close(logits[row], alone[0])


def test_losses_are_cross_entropies_of_the_rows(
    randomised: Callable[[nn.Module], nn.Module],
) -> None:
    classifier, given = make("bert", "first", randomised), batch()
    assert classifier(given).losses is None
    targets = torch.tensor([2, 0, 1])
    logits, losses = classifier(given._replace(targets=targets))
    assert losses.shape == (3,)
    torch.testing.assert_close(losses.mean(), F.cross_entropy(logits, targets))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_it_is_the_pooled_states_through_one_layer(
    pooling: str, randomised: Callable[[nn.Module], nn.Module]
) -> None:
    """Whatever rows of the last block are worked out."""
    classifier, given = make("roformer", pooling, randomised), batch()
    whole = TextBatch(given.ids, None, None)
    vector = POOLINGS[pooling][0](classifier.encoder(whole.ids), None)
    if pooling == "pooler":
        vector = classifier.pooler(vector)
    torch.testing.assert_close(classifier(whole).logits, classifier.classifier(vector))


def test_the_pooled_vector_is_dropped_in_training_only() -> None:
    bare = FAMILIES["albert"](**SIZES)  # itself without dropout
    classifier = Classifier(Model(bare), 3, dropout=0.5)
    ids = torch.randint(29, (3, 7))
    first, second = (classifier(TextBatch(ids, None, None)).logits for _ in range(2))
    assert not torch.equal(first, second)
    classifier.eval()
    first, second = (classifier(TextBatch(ids, None, None)).logits for _ in range(2))
    assert torch.equal(first, second)


def test_a_pooler_that_is_not_there_is_refused() -> None:
    model = Model(FAMILIES["bert"](**SIZES))
    message = "pooling 'pooler' needs a checkpoint that has a pooler.*use pooling 'first' or 'mean'"
    with pytest.raises(CheckpointError, match=message):
        Classifier(model, 2, pooling="pooler")


def test_an_unknown_pooling_is_refused() -> None:
    model = Model(FAMILIES["bert"](**SIZES))
    with pytest.raises(ConfigError, match="no pooling 'firstly'; the closest are first"):
        Classifier(model, 2, pooling="firstly")


def test_the_pretraining_heads_are_left_behind() -> None:
    model = Model(FAMILIES["bert"](**SIZES), {"pooler", "mlm", "nsp"})
    names = {name.split(".")[0] for name in Classifier(model, 2).state_dict()}
    assert names == {"encoder", "classifier"}
    names = {name.split(".")[0] for name in Classifier(model, 2, pooling="pooler").state_dict()}
    assert names == {"encoder", "pooler", "classifier"}
