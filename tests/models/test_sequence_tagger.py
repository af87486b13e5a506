from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from wenlu.models import Model, load_trained, save
from wenlu.models.roformer import roformer
from wenlu.models.sequence_tagger import SequenceTagger, TagBatch
from wenlu.text import Tokenizer

LENGTHS = [7, 3, 5]
TAGS = 5


def tagger(vocabulary: int = 29) -> SequenceTagger:
    shape = roformer(vocabulary=vocabulary, width=16, heads=2, layers=2, inner_width=32)
    return SequenceTagger(Model(shape), TAGS)


def batch() -> TagBatch:
    tags = torch.randint(TAGS, (3, 7))
    tags[:, 0] = 0
    return TagBatch(torch.randint(29, (3, 7)), torch.tensor(LENGTHS), tags)


def test_a_padded_batch_is_its_texts_alone(randomised: Callable[[nn.Module], nn.Module]) -> None:
    module, given = randomised(tagger()), batch()
    together = module(given)
    for row, length in enumerate(LENGTHS):
        part = slice(row, row + 1), slice(length)
        alone = module(TagBatch(given.ids[part], None, given.tags[part]))
        np.testing.assert_array_equal(together.found[row], alone.found[0])
        torch.testing.assert_close(together.losses[row], alone.losses[0], rtol=1e-5, atol=1e-5)


def test_every_token_has_a_tag_and_the_first_is_outside(
    randomised: Callable[[nn.Module], nn.Module],
) -> None:
    module, given = randomised(tagger()), batch()
    found = module(given._replace(tags=None))
    assert found.losses is None
    assert [len(row) for row in found.found] == LENGTHS
    assert [row[0] for row in found.found] == [0, 0, 0]
    assert len({int(tag) for row in found.found for tag in row}) > 2
    assert module.train()(given).found is None


def test_it_learns_tags_by_heart() -> None:
    module, given = tagger().train(), batch()
    optimizer = torch.optim.Adam(module.parameters(), lr=5e-3)
    for _ in range(40):
        optimizer.zero_grad()
        module(given).losses.sum().backward()
        optimizer.step()
    found = module.eval()(given).found
    for row, length in enumerate(LENGTHS):
        assert found[row].tolist() == given.tags[row, :length].tolist()


def test_saved_and_loaded(
    tmp_path: Path, tokenizer: Tokenizer, randomised: Callable[[nn.Module], nn.Module]
) -> None:
    module, given = randomised(tagger(len(tokenizer))), batch()
    save(tmp_path / "model", module, tokenizer, extra={"task": "events"})
    again = load_trained(
        tmp_path / "model", lambda model, _pooling, _saved: SequenceTagger(model, TAGS)
    ).module
    torch.testing.assert_close(again(given).losses, module(given).losses, rtol=0, atol=0)
