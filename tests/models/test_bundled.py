import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from wenlu.assets import asset
from wenlu.models import BUNDLED, load
from wenlu.nn import Prefix


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


def test_what_is_trained_has_scores_and_a_card() -> None:
    for bundled in BUNDLED.values():
        assert (bundled.scores() != {}) == bundled.trained
        if bundled.trained:
            card = asset("models", bundled.name, "README.md").read_text("utf-8")
            assert card.startswith(f"# {bundled.name}\n")
            assert bundled.licence in card


@torch.inference_mode()
def test_wenlu_gen_foresees_how_texts_go_on() -> None:
    """Second halves of texts that it has not seen: best behind their own first halves."""
    model, tokenizer = load("wenlu-gen")
    model.eval()
    rows = json.loads(asset("samples", "reading", "dev.json").read_text("utf-8"))["data"]
    texts = [part["context"] for article in rows for part in article["paragraphs"]]
    tokens = [tokenizer.encode(text).ids[:100] for text in texts]

    def loss(first: list[int], second: list[int]) -> float:
        row = tokenizer.join(first, second, 128)
        ids, segments = torch.tensor([row.ids]), torch.tensor([row.segments])
        states = model.encoder(ids, segments, Prefix(segments))
        begin = len(first) + 2  # behind the first [SEP]
        logits = model.token_logits(states)[0, begin - 1 : -1]
        return F.cross_entropy(logits, ids[0, begin:]).item()

    halves = [(one[:50], one[50:]) for one in tokens]
    own = [loss(first, second) for first, second in halves]
    others = [loss(halves[k - 1][0], second) for k, (_, second) in enumerate(halves)]
    assert np.mean(own) < 6.0  # all tokens alike: 9.0
    assert np.mean(own) < np.mean(others) - 0.05
