"""What a model is pretrained to do, a file each."""

from collections.abc import Sequence
from typing import cast

from wenlu.errors import ConfigError, closest
from wenlu.text import Tokenizer
from wenlu.training.pretraining.objectives.lm import LanguageModel
from wenlu.training.pretraining.objectives.mlm import MaskedLanguageModel
from wenlu.training.pretraining.objectives.nsp import NextSentence
from wenlu.training.pretraining.objectives.objective import Objective, Scored, attention_mask
from wenlu.training.pretraining.objectives.sop import SentenceOrder
from wenlu.training.pretraining.objectives.unilm import UniLM
from wenlu.training.pretraining.rows import Layout
from wenlu.training.pretraining.settings import MaskingSettings

OBJECTIVES = ("mlm", "nsp", "sop", "lm", "unilm")


def make_objectives(
    names: Sequence[str], tokenizer: Tokenizer, masking: MaskingSettings
) -> list[Objective]:
    """The objectives of those names, to be trained together.

    Raises:
        ConfigError: there is none of that name, one comes twice, or they do not go together.
    """
    found: list[Objective] = []
    for name in names:
        if name not in OBJECTIVES:
            raise ConfigError(f"no objective {name!r}; the closest are {closest(name, OBJECTIVES)}")
        if names.count(name) > 1:
            raise ConfigError(f"objective {name} is given twice")
        if name == "mlm":
            [mask_id] = tokenizer.ids(["[MASK]"])
            found.append(
                MaskedLanguageModel(
                    mask_id,
                    len(tokenizer),
                    rate=masking.mask_rate,
                    unit=masking.mask_unit,
                    whole_words=masking.whole_words,
                    source_only="unilm" in names,
                )
            )
        else:
            simple = {
                "nsp": NextSentence,
                "sop": SentenceOrder,
                "lm": LanguageModel,
                "unilm": UniLM,
            }
            found.append(simple[name]())
    if not found:
        raise ConfigError("no objective given; an encoder learns from mlm, or from mlm and nsp")
    layout_of(found)
    attention_of(found)
    return found


def layout_of(objectives: Sequence[Objective]) -> Layout:
    """The layout of rows that all of them can use."""
    return cast(Layout, _common(objectives, "layout", "single"))


def attention_of(objectives: Sequence[Objective]) -> str:
    """The kind of attention that all of them can use."""
    kind = _common(objectives, "attention", "full")
    if kind == "causal" and len(objectives) > 1:
        names = " and ".join(one.name for one in objectives)
        raise ConfigError(f"{names} cannot be trained together: lm goes alone")
    return kind


def _common(objectives: Sequence[Objective], what: str, default: str) -> str:
    wanted = {getattr(one, what): one.name for one in objectives if getattr(one, what) is not None}
    if len(wanted) > 1:
        names = " and ".join(wanted.values())
        raise ConfigError(f"{names} cannot be trained together: they need different {what}s")
    return next(iter(wanted), default)


__all__ = [
    "OBJECTIVES",
    "LanguageModel",
    "MaskedLanguageModel",
    "NextSentence",
    "Objective",
    "Scored",
    "SentenceOrder",
    "UniLM",
    "attention_mask",
    "attention_of",
    "layout_of",
    "make_objectives",
]
