"""SimBERT's joint loss, from groups of similar sentences to a model that finds them."""

from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from wenlu.cli.main import run as command
from wenlu.corpus import TokenCorpus, write_jsonl, write_tokens
from wenlu.errors import ConfigError, DataError, RunError
from wenlu.losses import in_batch_loss
from wenlu.models import FAMILIES, Model, load
from wenlu.training.pretraining import (
    GroupedData,
    MaskingSettings,
    Pretraining,
    PretrainingConfig,
    SimilaritySettings,
    pretrain,
)
from wenlu.training.pretraining import data as data_module
from wenlu.training.pretraining.batch import PretrainingBatch
from wenlu.training.pretraining.evaluate import evaluate
from wenlu.training.pretraining.groups import batch_pairs, plan_pairs
from wenlu.training.pretraining.objectives import (
    Objective,
    Similarity,
    UniLM,
    attention_mask,
    attention_of,
    make_objectives,
    takes_groups,
)
from wenlu.training.pretraining.shortening import Shortening

from .conftest import Configure
from .small import TOKENIZER, WHAT, WHEN, WHO, in_memory

KINDS = [f"{who}{what}" for who in WHO for what in WHAT]
MASK, CLS, SEP = TOKENIZER.mask_id, TOKENIZER.cls_id, TOKENIZER.sep_id


def write_groups(path: Path, kinds: list[str]) -> Path:
    """Sentences of a group tell of the same, at different times."""
    rows = [
        {"texts": [f"{when}{kind}。" for when in WHEN], "source": f"来源{number % 2}"}
        for number, kind in enumerate(kinds)
    ]
    write_jsonl(path, rows)
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("groups")
    order = [KINDS[i] for i in np.random.default_rng(0).permutation(len(KINDS))]
    return (
        write_groups(folder / "train.jsonl", order[16:]),
        write_groups(folder / "heldout.jsonl", order[:16]),
    )


@pytest.fixture(scope="module")
def groups(files: tuple[Path, Path]) -> TokenCorpus:
    folder = files[0].parent / "tokens"
    write_tokens([files[0]], TOKENIZER, folder, groups=True, workers=1)
    return TokenCorpus(folder)


def simbert(**how: float) -> list[Objective]:
    return make_objectives(["simbert"], TOKENIZER, MaskingSettings(), SimilaritySettings(**how))


def make(
    corpus: TokenCorpus, *, batch_tokens: int = 256, seed: int = 1, **how: float
) -> GroupedData:
    return GroupedData(
        corpus, TOKENIZER, simbert(**how), max_length=48, batch_tokens=batch_tokens, seed=seed
    )


def text_of(corpus: TokenCorpus, sentence: int) -> list[int]:
    start, end = corpus.sentences[sentence : sentence + 2]
    return corpus.tokens[start:end].tolist()


def halves(batch: PretrainingBatch) -> list[tuple[list[int], list[int]]]:
    """The two sentences of each row, checked for the special tokens around them."""
    lengths = [batch.ids.shape[1]] * len(batch.ids)
    if batch.lengths is not None:
        lengths = batch.lengths.tolist()
    found = []
    for ids, segments, length in zip(batch.ids, batch.segments, lengths, strict=True):
        first = int((segments[:length] == 0).sum())
        assert segments[first:length].all()
        assert (ids[0], ids[first - 1], ids[length - 1]) == (CLS, SEP, SEP)
        found.append((ids[1 : first - 1].tolist(), ids[first : length - 1].tolist()))
    return found


def epoch(data: GroupedData, number: int) -> list[PretrainingBatch]:
    return [
        data.batch(block, batch)
        for block in range(number * data.blocks, (number + 1) * data.blocks)
        for batch in range(len(data.block(block).batches))
    ]


def test_a_pair_stands_both_ways_round_in_rows_next_to_each_other(groups: TokenCorpus) -> None:
    group_of = {}
    for group in range(len(groups.documents) - 1):
        for sentence in range(*groups.documents[group : group + 2]):
            group_of[tuple(text_of(groups, sentence))] = group
    data = make(groups)
    taken: Counter[int] = Counter()
    for number, batch in enumerate(epoch(data, 0)):
        rows = halves(batch)
        assert len(rows) >= 4
        assert batch.ids.numel() <= 256
        for (a, b), (c, d) in zip(rows[::2], rows[1::2], strict=True):
            assert (a, b) == (d, c)
            assert a != b
            assert group_of[tuple(a)] == group_of[tuple(b)]
            taken[group_of[tuple(a)]] += 1
        sources = [group_of[tuple(a)] for a, _ in rows]
        owner = groups.document_sources[sources]
        assert data.sources(0, number).tolist() == owner.tolist()
    assert max(taken.values()) == 1
    assert len(taken) >= len(groups.documents) - 2  # a single pair may be left over


def test_other_pairs_in_each_epoch(groups: TokenCorpus) -> None:
    data = make(groups)
    pairs = [
        {tuple(map(tuple, row)) for batch in epoch(data, number) for row in halves(batch)}
        for number in range(2)
    ]
    assert len(pairs[0] & pairs[1]) < len(pairs[0]) / 4  # of 15 pairs of sentences in a group


def test_any_two_sentences_are_drawn_equally_often() -> None:
    corpus = in_memory([[1, 1, 1]])
    drawn: Counter[tuple[int, int]] = Counter()
    random = np.random.default_rng(0)
    for _ in range(300):
        plan, _ = plan_pairs(corpus, [0], Shortening(TOKENIZER, 9), random)
        drawn[int(plan.first[0, 0]), int(plan.second[0, 0])] += 1
    assert set(drawn) == {(a, b) for a in range(3) for b in range(3) if a != b}
    assert min(drawn.values()) > 30


def test_sentences_that_are_the_same_make_no_pair() -> None:
    tokens = [5, 6, 5, 6, 5, 7, 8, 8, 9]
    corpus = in_memory([[2, 2, 2], [1, 1], [1]], tokens=tokens)
    for seed in range(20):
        plan, sentences = plan_pairs(
            corpus, [2, 0, 1], Shortening(TOKENIZER, 9), np.random.default_rng(seed)
        )
        assert plan.document.tolist() == [0, 0]
        texts = [tokens[a:b] for a, b in (plan.first[0], plan.second[0])]
        assert sorted(texts) == [[5, 6], [5, 7]]
        assert len(set(sentences[0].tolist())) == 2


def test_what_is_the_same_is_decided_on_what_is_left_of_a_long_sentence() -> None:
    corpus = in_memory([[4, 5], [4, 1]], tokens=[5, 6, 7, 8, 5, 6, 7, 9, 9, 5, 6, 7, 9, 9])
    plan, sentences = plan_pairs(corpus, [0, 1], Shortening(TOKENIZER, 3), np.random.default_rng(0))
    assert plan.document.tolist() == [1, 1]
    assert plan.lengths.tolist() == [7, 7]
    assert sentences.shape == (1, 2)


@settings(deadline=None)
@given(
    pairs=st.lists(
        st.tuples(st.integers(5, 24), st.integers(0, 12), st.integers(1, 12)), max_size=80
    ),
    tokens=st.integers(100, 400),
    epoch=st.integers(0, 3),
)
def test_no_batch_holds_a_sentence_twice(
    pairs: list[tuple[int, int, int]], tokens: int, epoch: int
) -> None:
    lengths = np.array([length for length, _, _ in pairs], np.int64)
    sentences = np.array([(a, (a + step) % 13) for _, a, step in pairs], np.int64).reshape(-1, 2)
    batches = batch_pairs(lengths, sentences, tokens=tokens, seed=1, epoch=epoch)
    for batch in batches:
        assert len(batch) >= 2
        assert len(set(sentences[batch].ravel().tolist())) == 2 * len(batch)
        assert 2 * len(batch) * lengths[batch].max() <= tokens
    taken = Counter(pair for batch in batches for pair in batch.tolist())
    assert set(taken.values()) <= {1}


@pytest.mark.parametrize("count", [0, 2, 3, 57, 2000])
def test_pairs_without_a_common_sentence_all_find_a_batch(count: int) -> None:
    lengths = np.random.default_rng(0).integers(5, 60, count)
    sentences = np.arange(2 * count).reshape(-1, 2)
    batches = batch_pairs(lengths, sentences, tokens=240, seed=1, epoch=0)
    assert count - 1 <= sum(map(len, batches)) <= count
    if count > 100:
        places = sum(len(batch) * lengths[batch].max() for batch in batches)
        assert sum(lengths[batch].sum() for batch in batches) > 0.85 * places


def test_a_common_sentence_is_spread_over_the_batches() -> None:
    count = 400
    sentences = np.stack([np.zeros(count, int), np.arange(1, count + 1)], 1)
    sentences[::8, 0] = 0
    others = np.flatnonzero(np.arange(count) % 8)
    sentences[others, 0] = count + others
    lengths = np.full(count, 10)
    batches = batch_pairs(lengths, sentences, tokens=100, seed=1, epoch=0)
    # 50 pairs have sentence 0, five pairs make a batch: 80 batches, so none needs to be left out.
    assert sum(map(len, batches)) == count


def test_pairs_that_all_have_a_sentence_in_common_make_no_batch() -> None:
    corpus = in_memory([[1, 1]] * 3, tokens=[5, 6, 5, 7, 8, 5])
    with pytest.raises(DataError, match="of 3 groups no two make a batch"):
        make(corpus).block(0)


def test_a_batch_must_have_room_for_two_pairs(groups: TokenCorpus) -> None:
    make(groups, batch_tokens=4 * 48)
    with pytest.raises(ConfigError, match="may take 4 x 48 tokens, and a batch has room for 191"):
        make(groups, batch_tokens=191)


def test_long_sentences_are_cut_to_half_a_row() -> None:
    hanzi = TOKENIZER.ids("上海人老师们研究生小狗")
    corpus = in_memory([[40, 30], [23, 25]], tokens=[hanzi[i % 11] for i in range(118)])
    plan = make(corpus, batch_tokens=512).block(0).plan
    assert plan.lengths.tolist() == [2 * 22 + 3] * 4  # of 48


def tensors(batch: PretrainingBatch) -> list[Any]:
    flat = [batch.ids, batch.segments, batch.lengths]
    for name in sorted(batch.labels):
        flat += batch.labels[name]
    return [x if x is None else x.tolist() for x in flat]


def test_all_is_a_pure_function_of_seed_and_place(
    groups: TokenCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_module, "BLOCK_TOKENS", len(groups.tokens) // 3)
    one, other = (make(groups, mask_sources=0.5) for _ in range(2))
    assert one.blocks == 3
    places = list(islice(one.batches(0, 0), 40))
    assert places[-1][0] >= 3  # into the second epoch
    for place in np.random.default_rng(0).permutation(places).tolist():
        assert tensors(one.batch(*place)) == tensors(other.batch(*place))
    another = make(groups, mask_sources=0.5, seed=2)
    assert tensors(one.batch(0, 0)) != tensors(another.batch(0, 0))


def test_labels(groups: TokenCorpus) -> None:
    batch = make(groups).batch(0, 0)
    count, width = batch.ids.shape
    labels = batch.labels["similarity"]
    assert labels.places.tolist() == [width * row for row in range(count)]
    assert labels.targets.tolist() == [row ^ 1 for row in range(count)]
    tokens = batch.labels["unilm"]
    expected = [token for _, b in halves(batch) for token in (*b, SEP)]
    assert tokens.targets.tolist() == expected
    assert set(batch.labels) == {"similarity", "unilm"}


def test_sources_are_masked_in_a_share_of_the_rows(groups: TokenCorpus) -> None:
    plain, damaged = make(groups), make(groups, mask_sources=0.5)
    changed = rows = masked = 0
    for number in range(6):
        for one, other in zip(epoch(plain, number), epoch(damaged, number), strict=True):
            assert torch.equal(one.segments, other.segments)
            different = one.ids != other.ids
            assert not different[one.segments == 1].any()
            for name, labels in one.labels.items():
                assert torch.equal(labels.places, other.labels[name].places)
                assert torch.equal(labels.targets, other.labels[name].targets)
            rows += len(one.ids)
            changed += int(different.any(1).sum())
            masked += int((other.ids == MASK).sum())
    # Some five words a sentence: 0.5 (1 - 0.85 ** 5) of the rows, in nearly all of which one shows.
    assert 0.2 < changed / rows < 0.35
    assert masked > changed


def small_model() -> Model:
    torch.manual_seed(0)
    shape = FAMILIES["roformer"](
        vocabulary=len(TOKENIZER), width=16, heads=2, layers=2, inner_width=32, max_length=64
    )
    return Model(shape, {"mlm", "pooler"}).double().eval()


def vectors(model: Model, batch: PretrainingBatch) -> Tensor:
    states = model.encoder(batch.ids, batch.segments, attention_mask("unilm", batch))
    return model.pooled(states, linear=True)


def test_a_vector_is_of_the_first_sentence_alone(groups: TokenCorpus) -> None:
    model = small_model()
    batch = make(groups).batch(0, 0)
    found = vectors(model, batch)
    for vector, (a, _) in zip(found, halves(batch), strict=True):
        ids = torch.tensor([[CLS, *a, SEP]])
        states = model.encoder(ids, torch.zeros_like(ids), None)
        assert model.pooler is not None
        torch.testing.assert_close(vector, model.pooler.dense(states[0, 0]))


def test_the_terms(groups: TokenCorpus) -> None:
    model = small_model()
    batch = make(groups).batch(0, 0)
    module = Pretraining(model, simbert(similarity_scale=30))
    found = module.scored(batch)
    assert set(found) == {"unilm", "similarity"}
    expected = in_batch_loss(vectors(model, batch), scale=30)
    torch.testing.assert_close(
        found["similarity"].losses.mean().double(), expected, rtol=1e-5, atol=0
    )
    cosines = torch.nn.functional.normalize(vectors(model, batch))
    cosines = (cosines @ cosines.T).fill_diagonal_(-2)
    nearest = cosines.argmax(1) == torch.arange(len(cosines)) ^ 1
    assert torch.equal(found["similarity"].correct, nearest)
    assert len(found["unilm"].losses) == len(batch.labels["unilm"].targets)


def test_simbert_is_two_objectives_and_goes_alone() -> None:
    found = simbert(similarity_scale=30)
    assert found == [UniLM("groups"), Similarity(30)]
    assert all(isinstance(one, Objective) for one in found)
    assert takes_groups(found)
    assert attention_of(found) == "unilm"
    for names in (["simbert", "mlm"], ["unilm", "simbert"]):
        with pytest.raises(ConfigError, match=r"cannot be trained together: simbert goes alone"):
            make_objectives(names, TOKENIZER, MaskingSettings())
    assert not takes_groups(make_objectives(["unilm", "mlm"], TOKENIZER, MaskingSettings()))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("similarity_scale", 0.0, "similarity_scale must be above 0; got 0.0"),
        ("similarity_scale", float("nan"), "similarity_scale must be above 0; got nan"),
        ("mask_sources", 1.5, r"mask_sources is a share of the rows, in \[0, 1\]; got 1.5"),
    ],
)
def test_settings_that_will_not_do(name: str, value: float, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SimilaritySettings(**{name: value})


@pytest.fixture(scope="module")
def config(configure: Configure, files: tuple[Path, Path]) -> PretrainingConfig:
    return configure(
        objective=("simbert",),
        corpus=(str(files[0]),),
        heldout=(str(files[1]),),
        batch_tokens=480,
        max_length=48,
        steps=60,
        evaluate_steps=20,
        checkpoint_steps=0,
    )


def test_from_groups_to_a_model(config: PretrainingConfig, tmp_path: Path) -> None:
    lines: list[str] = []
    result = pretrain(config, tmp_path / "run", say=lines.append)
    assert "corpus: 48 documents, 288 sentences" in lines[0]
    assert result["objectives"] == ["unilm", "similarity"]
    scores = result["scores"]
    assert scores["unilm"]["all"]["accuracy"] > 0.4
    assert scores["similarity"]["all"]["accuracy"] > 0.7  # of some twenty rows
    assert scores["similarity"]["all"]["count"] >= 30
    assert set(scores["similarity"]) == {"all", "来源0", "来源1"}
    first = pretrain(replace(config, training=replace(config.training, steps=1)), tmp_path / "one")
    assert first["scores"]["similarity"]["all"]["accuracy"] < 0.55
    loaded = load(tmp_path / "run" / "model")
    assert loaded.model.heads == {"mlm", "pooler"}
    again = pretrain(config, tmp_path / "again")
    for name in ("scores", "fingerprint", "epochs"):
        assert again[name] == result[name]
    other = load(tmp_path / "again" / "model").model.state_dict()
    for name, tensor in loaded.model.state_dict().items():
        assert torch.equal(tensor, other[name]), name


def test_measuring_is_of_the_loss_that_is_trained(groups: TokenCorpus) -> None:
    data = make(groups)
    module = Pretraining(small_model(), data.objectives)
    scores = evaluate(module, data, precision="float32")
    batches = epoch(data, 0)
    losses = torch.cat([module.scored(batch)["similarity"].losses for batch in batches])
    assert scores["similarity"]["all"]["loss"] == pytest.approx(losses.mean().item(), rel=1e-5)
    assert scores["similarity"]["all"]["count"] == len(losses)


def test_a_folder_of_the_wrong_kind_is_refused(
    config: PretrainingConfig, corpus: TokenCorpus, groups: TokenCorpus, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="was made of text, and the objective learns from groups"):
        pretrain(replace(config, corpus=(str(corpus.folder),)), tmp_path / "a")
    mixed = replace(config, corpus=(str(groups.folder),), objective=("unilm",), heldout=())
    with pytest.raises(RunError, match="was made of groups of similar sentences, and the obj"):
        pretrain(mixed, tmp_path / "b")
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


def test_the_command(config: PretrainingConfig, tmp_path: Path) -> None:
    tokens = ["pretrain", "--objective", "simbert", "--corpus", *config.corpus]
    tokens += ["--config", config.config, "--vocab", str(config.vocab), "--out"]
    tokens += [str(tmp_path / "run"), "--steps", "2", "--batch-tokens", "300", "--json"]
    tokens += ["--max-length", "48", "--similarity-scale", "30", "--mask-sources", "0.5"]
    assert command(tokens) == 0
    told = PretrainingConfig.from_toml(tmp_path / "run" / "config.toml")
    assert told.similarity == SimilaritySettings(similarity_scale=30, mask_sources=0.5)
    assert (tmp_path / "run" / "model" / "config.json").exists()
