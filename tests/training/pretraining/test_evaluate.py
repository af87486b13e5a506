from collections import defaultdict

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from wenlu.corpus import TokenCorpus
from wenlu.models import FAMILIES, Model
from wenlu.training.pretraining import data as data_module
from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.evaluate import evaluate
from wenlu.training.pretraining.module import Pretraining
from wenlu.training.pretraining.objectives import make_objectives
from wenlu.training.pretraining.settings import MaskingSettings

from .small import TOKENIZER, in_memory

SIZES = {"vocabulary": len(TOKENIZER), "width": 24, "heads": 3, "layers": 2, "inner_width": 40}


def make(corpus: TokenCorpus, *names: str) -> tuple[Pretraining, PretrainingData]:
    torch.manual_seed(5)
    objectives = make_objectives(names, TOKENIZER, MaskingSettings(mask_rate=0.3))
    heads = {head for one in objectives for head in one.heads}
    module = Pretraining(Model(FAMILIES["roformer"](**SIZES), heads), objectives)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    options = {"max_length": 32, "batch_tokens": 256, "seed": 1}
    return module, PretrainingData(corpus, TOKENIZER, objectives, **options)


@pytest.mark.parametrize("blocks", [1, 3])
def test_it_is_the_mean_over_all_predictions_of_a_source(
    blocks: int, heldout: TokenCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against one prediction at a time, added up by the source of its document."""
    monkeypatch.setattr(data_module, "BLOCK_TOKENS", len(heldout.tokens) // blocks)
    module, data = make(heldout, "mlm", "nsp")
    assert data.blocks == blocks
    module.train()  # which evaluating undoes
    scores = evaluate(module, data, precision="float32")
    assert not module.training

    losses: dict[tuple[str, str], list[float]] = defaultdict(list)
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for block in range(blocks):
        for number, rows in enumerate(data.block(block).batches):
            batch = data.batch(block, number)
            with torch.no_grad():
                found = module(batch)
            for name, labels in batch.labels.items():
                for place, loss, correct in zip(
                    labels.places.tolist(), *(x.tolist() for x in found[name]), strict=True
                ):
                    row = rows[place // batch.ids.shape[1]]
                    document = data.block(block).plan.document[row]
                    source = heldout.sources[heldout.document_sources[document]]
                    for who in (source, "all"):
                        losses[name, who].append(loss)
                        right[name, who].append(correct)
    assert scores.keys() == {"mlm", "nsp"}
    for name, by in scores.items():
        assert list(by) == ["all", *heldout.sources]
        for who, score in by.items():
            assert score["count"] == len(losses[name, who])
            assert score["loss"] == pytest.approx(np.mean(losses[name, who]), rel=1e-5)
            assert score["accuracy"] == pytest.approx(np.mean(right[name, who]))
        assert by["all"]["count"] == sum(by[source]["count"] for source in heldout.sources)


def test_the_same_every_time_whatever_was_drawn_before(heldout: TokenCorpus) -> None:
    module, data = make(heldout, "mlm")
    before = evaluate(module, data)
    torch.manual_seed(99)
    data.block(7)
    assert evaluate(module, data) == before


def test_a_perfect_model() -> None:
    """With one token that is always right, the loss is that of its logits."""
    module, data = make(in_memory([[9, 8], [7, 9]], tokens=[5] * 33), "lm")
    assert module.model.mlm is not None
    with torch.no_grad():
        for parameter in module.model.mlm.parameters():
            parameter.zero_()
        module.model.mlm.bias[5], module.model.mlm.bias[TOKENIZER.sep_id] = 3.0, 2.0
    scores = evaluate(module, data)["lm"]["all"]
    ends = scores["count"] - 33
    assert scores["accuracy"] == pytest.approx(33 / scores["count"])
    logits = module.model.mlm.bias.detach()
    losses = -F.log_softmax(logits, 0)[[5, TOKENIZER.sep_id]]
    assert scores["loss"] == pytest.approx(
        float((33 * losses[0] + ends * losses[1]) / scores["count"]), rel=1e-5
    )


def test_sources_without_predictions_are_left_out() -> None:
    """A single sentence is no pair, so there is nothing to say of its source."""
    corpus = in_memory([[3, 4, 5], [6], [3, 3, 3]], tokens=[7] * 27, sources=[0, 1, 0])
    module, data = make(corpus, "mlm", "nsp")
    scores = evaluate(module, data)
    assert set(scores["nsp"]) == {"all", "source 0"}


def test_nothing_to_predict_at_all() -> None:
    corpus = in_memory([[1, 1]], tokens=[7, 7])
    module, data = make(corpus, "sop")
    batches = data.block(0).batches
    scores = evaluate(module, data)
    pairs = int((data.block(0).plan.relation >= 0).sum())
    assert batches
    assert scores["sop"].get("all", {}).get("count", 0) == pairs
