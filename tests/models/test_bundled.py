import pytest
import torch

from wenlu.models import BUNDLED, load


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_name_gives_a_model_and_its_tokenizer(name: str) -> None:
    bundled = BUNDLED[name]
    assert (bundled.name, bundled.summary != "") == (name, True)
    with torch.device("meta"):
        model, tokenizer = load(name)
    assert model.config == bundled.shape(len(tokenizer))
    assert len(model.encoder.embeddings.token.weight) == len(tokenizer)


def test_a_shape_to_train_is_drawn_by_the_seed() -> None:
    name = min(BUNDLED, key=lambda name: BUNDLED[name].shape(10).width)
    assert not BUNDLED[name].trained
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(load(name).model.encoder.blocks[0].attention.query.weight)
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
