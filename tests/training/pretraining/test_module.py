"""The loss of a batch, against transformers on the same weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from wenlu.corpus import TokenCorpus
from wenlu.models import FAMILIES, Model, save
from wenlu.nn import real_tokens
from wenlu.training.pretraining.batch import PretrainingBatch
from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.module import Pretraining
from wenlu.training.pretraining.objectives import make_objectives
from wenlu.training.pretraining.settings import MaskingSettings

from .small import TOKENIZER

SIZES = {"vocabulary": len(TOKENIZER), "width": 24, "heads": 3, "layers": 2, "inner_width": 40}


def make(
    family: str, corpus: TokenCorpus, *names: str, batch_tokens: int = 512
) -> tuple[Pretraining, PretrainingBatch]:
    torch.manual_seed(5)
    objectives = make_objectives(names, TOKENIZER, MaskingSettings())
    heads = {head for one in objectives for head in one.heads} if family != "gpt2" else ()
    model = Model(FAMILIES[family](**SIZES), heads)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    data = PretrainingData(
        corpus, TOKENIZER, objectives, max_length=32, batch_tokens=batch_tokens, seed=1
    )
    batches = (data.batch(*place) for place in data.batches(0, 0))
    batch = next(  # one with padding, and with something of everything to predict
        batch
        for batch in batches
        if batch.lengths is not None and all(len(x.places) > 2 for x in batch.labels.values())
    )
    return Pretraining(model, objectives).eval(), batch


def theirs(module: Pretraining, folder: Path, kind: str) -> Any:  # noqa: ANN401
    save(folder / "model", module.model, TOKENIZER, layout="hf")
    return getattr(transformers, kind).from_pretrained(folder / "model").eval()


def dense(batch: PretrainingBatch, name: str) -> Tensor:
    """Labels as transformers takes them: -100 where nothing is to be predicted."""
    found = torch.full((batch.ids.numel(),), -100)
    found[batch.labels[name].places] = batch.labels[name].targets
    return found.view_as(batch.ids)


def real(batch: PretrainingBatch) -> Tensor:
    assert batch.lengths is not None
    return real_tokens(batch.lengths, batch.ids.shape[1]).long()


def test_mlm_and_nsp_are_those_of_bert_for_pretraining(corpus: TokenCorpus, tmp_path: Path) -> None:
    module, batch = make("bert", corpus, "mlm", "nsp")
    bert = theirs(module, tmp_path, "BertForPreTraining")
    with torch.no_grad():
        found = module(batch)
        next_sentence = dense(batch, "nsp")[:, 0]
        expected = bert(
            batch.ids,
            attention_mask=real(batch),
            token_type_ids=batch.segments,
            labels=dense(batch, "mlm"),
            next_sentence_label=next_sentence,
        )
    assert set(next_sentence.tolist()) >= {0, 1}
    total = sum(one.losses.mean() for one in found.values())
    torch.testing.assert_close(total, expected.loss, rtol=1e-5, atol=1e-5)
    places = batch.labels["mlm"].places
    right = expected.prediction_logits.flatten(0, 1)[places].argmax(-1)
    assert found["mlm"].correct.tolist() == (right == batch.labels["mlm"].targets).tolist()


def test_mlm_is_that_of_roformer(corpus: TokenCorpus, tmp_path: Path) -> None:
    module, batch = make("roformer", corpus, "mlm")
    roformer = theirs(module, tmp_path, "RoFormerForMaskedLM")
    with torch.no_grad():
        found = module(batch)["mlm"].losses.mean()
        options = {"attention_mask": real(batch), "token_type_ids": batch.segments}
        expected = roformer(batch.ids, labels=dense(batch, "mlm"), **options).loss
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_lm_is_that_of_gpt2(corpus: TokenCorpus, tmp_path: Path) -> None:
    module, batch = make("gpt2", corpus, "lm")
    gpt2 = theirs(module, tmp_path, "GPT2LMHeadModel")
    labels = batch.ids.masked_fill(real(batch) == 0, -100)
    with torch.no_grad():
        found = module(batch)["lm"].losses.mean()
        expected = gpt2(batch.ids, attention_mask=real(batch), labels=labels).loss
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_lm_with_a_head_is_that_of_a_causal_bert(corpus: TokenCorpus, tmp_path: Path) -> None:
    module, batch = make("bert", corpus, "lm")
    save(tmp_path / "model", module.model, TOKENIZER, layout="hf")
    bert = transformers.BertLMHeadModel.from_pretrained(tmp_path / "model", is_decoder=True).eval()
    labels = batch.ids.masked_fill(real(batch) == 0, -100)
    options = {"attention_mask": real(batch), "token_type_ids": batch.segments}
    with torch.no_grad():
        found = module(batch)["lm"].losses.mean()
        expected = bert(batch.ids, labels=labels, **options).loss
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_unilm_sees_the_first_text_and_what_came_before(corpus: TokenCorpus) -> None:
    """Changing what is yet to come changes no earlier prediction; changing the source, all."""
    module, batch = make("bert", corpus, "unilm")
    width = batch.ids.shape[1]
    with torch.no_grad():
        before = module(batch)["unilm"].losses
    rows, places = batch.labels["unilm"].places // width, batch.labels["unilm"].places % width
    row = int(rows[0])
    mine = (rows == row).nonzero().flatten()
    third = int(places[mine[2]])
    for place, touched in ((third, mine[2:]), (1, mine)):
        ids = batch.ids.clone()
        ids[row, place] = (ids[row, place] + 1) % len(TOKENIZER)
        with torch.no_grad():
            after = module(batch._replace(ids=ids))["unilm"].losses
        assert (after != before).nonzero().flatten().tolist() == touched.tolist()


@pytest.mark.parametrize("names", [("mlm", "nsp"), ("lm",), ("unilm", "mlm"), ("mlm", "sop")])
def test_padding_and_neighbours_do_not_count(names: tuple[str, ...], corpus: TokenCorpus) -> None:
    """A row alone has the losses that it has in a batch."""
    module, batch = make("roformer", corpus, *names, batch_tokens=256)
    assert batch.lengths is not None
    width = batch.ids.shape[1]
    with torch.no_grad():
        together = module(batch)
        for row, length in enumerate(batch.lengths.tolist()):
            own = {}
            for name, labels in batch.labels.items():
                chosen = labels.places // width == row
                places = labels.places[chosen] - row * width
                own[name] = labels._replace(places=places, targets=labels.targets[chosen])
            part = slice(row, row + 1), slice(length)
            alone = module(PretrainingBatch(batch.ids[part], batch.segments[part], None, own))
            for name, labels in batch.labels.items():
                expected = together[name].losses[labels.places // width == row]
                torch.testing.assert_close(alone[name].losses, expected, rtol=1e-4, atol=1e-5)


def test_a_shape_without_segments(corpus: TokenCorpus) -> None:
    module, batch = make("gpt2", corpus, "lm")
    assert module.model.config.segments == 0
    assert module(batch)["lm"].losses.isfinite().all()


def test_heads_that_are_not_trained_hold_nobody_up(corpus: TokenCorpus) -> None:
    """Processes wait for the gradient of every parameter that has one."""
    objectives = make_objectives(["mlm"], TOKENIZER, MaskingSettings())
    module = Pretraining(Model(FAMILIES["bert"](**SIZES), ("pooler", "mlm", "nsp")), objectives)
    _, batch = make("bert", corpus, "mlm")
    module(batch)["mlm"].losses.sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.requires_grad == (parameter.grad is not None), name
        assert parameter.requires_grad == ("pooler" not in name and "nsp" not in name)
