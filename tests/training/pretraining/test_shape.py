import re
from pathlib import Path
from typing import Any

import pytest
import torch

from wenlu.assets import asset
from wenlu.errors import CheckpointError, ConfigError
from wenlu.models import FAMILIES, Model, save
from wenlu.nn import Rotary
from wenlu.text import Tokenizer
from wenlu.training.pretraining.objectives import make_objectives
from wenlu.training.pretraining.shape import (
    check_shape,
    check_vocabulary,
    first_model,
    open_tokenizer,
    read_shape,
)

from .conftest import Configure
from .small import SPECIAL, TOKENIZER, write_shape, write_vocabulary

COUNT = len(TOKENIZER)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A BERT with all heads and a vocabulary of its own."""
    torch.manual_seed(8)
    tokenizer = Tokenizer.from_tokens([*SPECIAL, "的", "一"])
    shape = FAMILIES["bert"](vocabulary=7, width=16, layers=2, heads=2, max_length=40)
    return save(tmp_path / "saved", Model(shape, ("pooler", "mlm", "nsp")), tokenizer)


# Vocabularies


def test_vocabularies(configure: Configure, saved: Path, tmp_path: Path) -> None:
    bundled = Tokenizer.from_vocab(asset("vocabulary", "vocab.txt"))
    assert open_tokenizer(configure(vocab=None)).vocabulary == bundled.vocabulary
    assert open_tokenizer(configure()).vocabulary == TOKENIZER.vocabulary
    TOKENIZER.save(tmp_path / "tokenizer")
    folder = str(tmp_path / "tokenizer")
    assert open_tokenizer(configure(vocab=folder)).vocabulary == TOKENIZER.vocabulary
    assert open_tokenizer(configure(vocab=None, model=str(saved))).vocabulary[-1] == "一"


def test_a_model_brings_its_own(configure: Configure, saved: Path) -> None:
    with pytest.raises(ConfigError, match="brings its own vocabulary; give no other beside it"):
        open_tokenizer(configure(model=str(saved)))


def test_a_vocabulary_that_is_not_there(configure: Configure, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"cannot read .*nowhere\.txt: No such file"):
        open_tokenizer(configure(vocab=str(tmp_path / "nowhere.txt")))


def test_special_tokens_that_are_missing(configure: Configure, tmp_path: Path) -> None:
    path = write_vocabulary(tmp_path / "vocab.txt", ["[PAD]", "[UNK]", "[SEP]", "的"])
    with pytest.raises(CheckpointError, match=re.escape(f"{path} lacks [CLS]")):
        open_tokenizer(configure(vocab=str(path)))
    path = write_vocabulary(tmp_path / "vocab.txt", [*SPECIAL[:4], "的"])
    bare = open_tokenizer(configure(vocab=str(path)))
    message = f"{path} has no [MASK], which the objective mlm puts in place of words; add it to"
    with pytest.raises(ConfigError, match=re.escape(message)):
        check_vocabulary(bare, ("mlm", "nsp"))
    check_vocabulary(bare, ("lm",))


# Shapes


def test_bundled_shapes() -> None:
    shape = read_shape("scratch-2x128", COUNT)
    assert (shape.layers, shape.width, shape.vocabulary) == (2, 128, COUNT)


def test_a_file(tmp_path: Path) -> None:
    shape = read_shape(str(write_shape(tmp_path / "shape.toml", "dropout = 0.2\n")), COUNT)
    assert (shape.layers, shape.width, shape.vocabulary) == (2, 16, COUNT)
    assert (shape.position, shape.dropout, shape.attention_dropout) == (Rotary(), 0.2, 0.1)
    path = write_shape(tmp_path / "more.toml", "vocabulary = 100\n")
    assert read_shape(str(path), COUNT).vocabulary == 100


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("width = 16", "{path} lacks layers, heads, inner_width"),
        ("widht = 16", "{path} has no field 'widht'; the closest are width"),
        ("width = 16.5", "{path}: width must be a whole number; got 16.5"),
        ("width = ", "{path} is not TOML"),
        (
            "width = 10\nlayers = 1\nheads = 4\ninner_width = 8",
            "{path}: width 10 cannot be shared evenly among 4 heads; choose another number",
        ),
        (
            "width = 8\nlayers = 0\nheads = 4\ninner_width = 8",
            "{path}: layers must be from 1 to 10000",
        ),
        (
            'width = 8\nlayers = 1\nheads = 4\ninner_width = 8\nactivation = "gelo"',
            "{path}: no activation 'gelo'; ",
        ),
        (
            "width = 8\nlayers = 1\nheads = 4\ninner_width = 8\nvocabulary = 5",
            f"{{path}}: vocabulary is 5, but there are {COUNT} tokens; leave it out, or give at",
        ),
    ],
)
def test_files_that_do_not_fit(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "shape.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="^" + re.escape(message.format(path=path))):
        read_shape(str(path), COUNT)


def test_odd_rotary_heads_name_the_file(configure: Configure, tmp_path: Path) -> None:
    path = tmp_path / "shape.toml"
    path.write_text('position = "rotary"\nwidth = 9\nlayers = 1\nheads = 3\ninner_width = 8\n')
    message = f"{path}: rotary positions turn pairs; key_size 3 is odd"
    with pytest.raises(ConfigError, match=re.escape(message)):
        first_model(configure(config=str(path)), TOKENIZER, ["mlm"])


def test_a_shape_that_is_not_there() -> None:
    message = "no shape 'scratch-4x321': it is neither a TOML file nor one of wenlu-mini, wenlu-"
    with pytest.raises(ConfigError, match=message) as caught:
        read_shape("scratch-4x321", COUNT)
    assert "the closest of those are scratch-4x312" in str(caught.value)


# Models


def test_the_seed_decides_the_first_weights(configure: Configure) -> None:
    def weights(seed: int) -> torch.Tensor:
        torch.rand(seed)  # whatever was drawn before
        return first_model(configure(seed=seed), TOKENIZER, ["mlm"]).encoder.embeddings.token.weight

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_dropout_is_the_settings_while_training_and_the_shapes_afterwards(
    configure: Configure,
) -> None:
    model = first_model(configure(dropout=0.25), TOKENIZER, ["mlm"])
    for config in (model.config, model.encoder.config):
        assert (config.dropout, config.attention_dropout) == (0.1, 0.1)
    block = model.encoder.blocks[0]
    assert (block.dropout.rate, block.attention.dropout) == (0.25, 0.25)  # type: ignore[union-attr]


def test_the_heads_that_are_needed(configure: Configure) -> None:
    assert first_model(configure(), TOKENIZER, ["mlm"]).heads == {"mlm"}
    assert first_model(configure(), TOKENIZER, ["pooler", "nsp"]).heads == {"pooler", "nsp"}


def test_another_models_weights_and_heads(configure: Configure, saved: Path) -> None:
    from wenlu.models import load

    old, tokenizer = load(saved)
    model = first_model(configure(model=str(saved), vocab=None), tokenizer, ["mlm"])
    assert model.heads == {"pooler", "mlm", "nsp"}
    assert model.config == old.config
    for name, tensor in old.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name


def test_heads_that_the_other_model_lacks_are_drawn(configure: Configure, tmp_path: Path) -> None:
    torch.manual_seed(8)
    old = Model(FAMILIES["bert"](vocabulary=COUNT, width=16, layers=1, heads=2))
    folder = save(tmp_path / "old", old, TOKENIZER)
    config = configure(model=str(folder), vocab=None)
    model = first_model(config, TOKENIZER, ["mlm"])
    assert model.heads == {"mlm"}
    assert model.mlm is not None
    assert float(model.mlm.dense.weight.detach().abs().sum()) > 0
    again = first_model(config, TOKENIZER, ["mlm"])
    assert again.mlm is not None
    assert torch.equal(model.mlm.dense.weight, again.mlm.dense.weight)


def test_a_causal_model_has_its_head_in_its_embeddings(
    configure: Configure, tmp_path: Path
) -> None:
    path = write_shape(tmp_path / "shape.toml", "causal = true\n")
    assert first_model(configure(config=str(path)), TOKENIZER, ["mlm"]).heads == set()


@pytest.mark.parametrize(
    ("more", "names", "changes", "message"),
    [
        (
            "",
            ("mlm",),
            {"max_length": 65},
            "max_length 65 is more than the 64 positions of {path}; give at most that",
        ),
        (
            "segments = 1\n",
            ("mlm", "nsp"),
            {},
            "{path} has one segment, and pairs of texts take two; give segments = 2",
        ),
        (
            "causal = true\n",
            ("mlm", "nsp"),
            {},
            "{path} sees only what comes before, so it cannot learn mlm and nsp; give a shape "
            "that is not causal, or the objective lm",
        ),
    ],
)
def test_shapes_that_cannot_learn_it(
    more: str,
    names: tuple[str, ...],
    changes: dict[str, Any],
    message: str,
    configure: Configure,
    tmp_path: Path,
) -> None:
    path = write_shape(tmp_path / "shape.toml", more)
    config = configure(config=str(path), **changes)
    objectives = make_objectives(names, TOKENIZER, config.masking)
    with pytest.raises(ConfigError, match=re.escape(message.format(path=path))):
        check_shape(config, read_shape(str(path), COUNT), objectives)


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ("segments = 0\n", ("mlm", "nsp")),
        ("segments = 1\n", ("mlm",)),
        ("causal = true\n", ("lm",)),
    ],
)
def test_shapes_that_can(
    more: str, names: tuple[str, ...], configure: Configure, tmp_path: Path
) -> None:
    path = write_shape(tmp_path / "shape.toml", more)
    config = configure(config=str(path), max_length=64)
    objectives = make_objectives(names, TOKENIZER, config.masking)
    check_shape(config, read_shape(str(path), COUNT), objectives)
