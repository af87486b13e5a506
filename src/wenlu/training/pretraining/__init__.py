"""Pretraining on raw text: one part per file."""

from typing import TYPE_CHECKING

from wenlu.lazy import exports
from wenlu.training.pretraining.config import PretrainingConfig
from wenlu.training.pretraining.settings import (
    MaskingSettings,
    PretrainingSettings,
    SimilaritySettings,
)

if TYPE_CHECKING:
    from wenlu.training.pretraining.data import PretrainingData
    from wenlu.training.pretraining.groups import GroupedData
    from wenlu.training.pretraining.module import Pretraining
    from wenlu.training.pretraining.run import pretrain

__getattr__, __dir__ = exports(
    __name__,
    {
        "GroupedData": "wenlu.training.pretraining.groups",
        "Pretraining": "wenlu.training.pretraining.module",
        "PretrainingData": "wenlu.training.pretraining.data",
        "pretrain": "wenlu.training.pretraining.run",
    },
)

__all__ = [
    "GroupedData",
    "MaskingSettings",
    "Pretraining",
    "PretrainingConfig",
    "PretrainingData",
    "PretrainingSettings",
    "SimilaritySettings",
    "pretrain",
]
