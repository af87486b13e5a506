"""Pretraining objectives, one file each."""

from collections.abc import Sequence

from wenlu.errors import ConfigError, closest
from wenlu.text import Tokenizer
from wenlu.training.pretraining.objectives.lm import LanguageModel
from wenlu.training.pretraining.objectives.mlm import MaskedLanguageModel
from wenlu.training.pretraining.objectives.nsp import NextSentence
from wenlu.training.pretraining.objectives.objective import (
    Comparing,
    Objective,
    Scored,
    attention_mask,
)
from wenlu.training.pretraining.objectives.similarity import Similarity
from wenlu.training.pretraining.objectives.sop import SentenceOrder
from wenlu.training.pretraining.objectives.source_masking import SourceMasking
from wenlu.training.pretraining.objectives.unilm import UniLM
from wenlu.training.pretraining.settings import MaskingSettings, SimilaritySettings

OBJECTIVES = ("mlm", "nsp", "sop", "lm", "unilm", "simbert")


def make_objectives(
    names: Sequence[str],
    tokenizer: Tokenizer,
    masking: MaskingSettings,
    similarity: SimilaritySettings | None = None,
) -> list[Objective]:
    """The objectives of those names, to be trained together; simbert stands for two of them.

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
            found.append(_mlm(tokenizer, masking, source_only="unilm" in names))
        elif name == "simbert":
            if len(names) > 1:
                together = " and ".join(names)
                raise ConfigError(f"{together} cannot be trained together: simbert goes alone")
            found += _simbert(tokenizer, masking, similarity or SimilaritySettings())
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


def _mlm(
    tokenizer: Tokenizer, masking: MaskingSettings, *, source_only: bool
) -> MaskedLanguageModel:
    [mask_id] = tokenizer.ids(["[MASK]"])
    return MaskedLanguageModel(
        mask_id,
        len(tokenizer),
        rate=masking.mask_rate,
        unit=masking.mask_unit,
        whole_words=masking.whole_words,
        source_only=source_only,
    )


def _simbert(
    tokenizer: Tokenizer, masking: MaskingSettings, similarity: SimilaritySettings
) -> list[Objective]:
    """SimBERT's joint loss: to write a similar sentence, and to find it among others."""
    damage = None
    if similarity.mask_sources:
        words = _mlm(tokenizer, masking, source_only=True)
        damage = SourceMasking(words, similarity.mask_sources)
    return [UniLM("groups", damage), Similarity(similarity.similarity_scale)]


def layout_of(objectives: Sequence[Objective]) -> str:
    """The layout of rows that all of them can use: one of `Layout`, or "groups"."""
    return _common(objectives, "layout", "single")


def takes_groups(objectives: Sequence[Objective]) -> bool:
    """Whether they learn from groups of similar sentences, and not from running text."""
    return layout_of(objectives) == "groups"


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
    "Comparing",
    "LanguageModel",
    "MaskedLanguageModel",
    "NextSentence",
    "Objective",
    "Scored",
    "SentenceOrder",
    "Similarity",
    "SourceMasking",
    "UniLM",
    "attention_mask",
    "attention_of",
    "layout_of",
    "make_objectives",
    "takes_groups",
]
