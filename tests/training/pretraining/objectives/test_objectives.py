import re
from itertools import permutations

import pytest

from wenlu.errors import ConfigError
from wenlu.text import Tokenizer
from wenlu.training.pretraining.objectives import (
    MaskedLanguageModel,
    Objective,
    attention_of,
    layout_of,
    make_objectives,
)
from wenlu.training.pretraining.settings import MaskingSettings

from ..small import SPECIAL, TOKENIZER


def make(*names: str, **masking: object) -> list[Objective]:
    return make_objectives(names, TOKENIZER, MaskingSettings(**masking))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "layout", "attention"),
    [
        (("mlm",), "single", "full"),
        (("nsp",), "next", "full"),
        (("mlm", "nsp"), "next", "full"),
        (("mlm", "sop"), "swap", "full"),
        (("lm",), "single", "causal"),
        (("unilm",), "consecutive", "unilm"),
        (("mlm", "unilm"), "consecutive", "unilm"),
    ],
)
def test_what_goes_together(names: tuple[str, ...], layout: str, attention: str) -> None:
    for order in permutations(names):
        found = make(*order)
        assert tuple(one.name for one in found) == order
        assert layout_of(found) == layout
        assert attention_of(found) == attention
        assert all(isinstance(one, Objective) for one in found)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("mlm", "lm"), "mlm and lm cannot be trained together: lm goes alone"),
        (
            ("nsp", "sop"),
            "nsp and sop cannot be trained together: they need different layouts",
        ),
        (
            ("unilm", "nsp"),
            "unilm and nsp cannot be trained together: they need different layouts",
        ),
        (("lm", "sop"), "lm and sop cannot be trained together: they need different layouts"),
        (("mlm", "mlm"), "objective mlm is given twice"),
        (("mml",), "no objective 'mml'; the closest are "),
        ((), "no objective given; an encoder learns from mlm, or from mlm and nsp"),
    ],
)
def test_what_does_not(names: tuple[str, ...], message: str) -> None:
    for order in (names, names[::-1]):
        with pytest.raises(ConfigError) as caught:
            make(*order)
        words = set(re.findall(r"\w+", message))
        assert words <= set(re.findall(r"\w+", str(caught.value)))
    with pytest.raises(ConfigError, match=re.escape(message)):
        make(*names)


def test_masking_is_passed_on() -> None:
    found = make("mlm", mask_rate=0.3, mask_unit="word", whole_words=False)[0]
    assert found == MaskedLanguageModel(
        4, len(TOKENIZER), rate=0.3, unit="word", whole_words=False, source_only=False
    )
    beside = make("unilm", "mlm")[1]
    assert isinstance(beside, MaskedLanguageModel)
    assert beside.source_only


def test_a_vocabulary_without_mask() -> None:
    bare = Tokenizer.from_tokens([*SPECIAL[:4], "的"])
    with pytest.raises(ConfigError, match=re.escape("has no token '[MASK]'")):
        make_objectives(["mlm"], bare, MaskingSettings())
    assert make_objectives(["lm"], bare, MaskingSettings())
