"""Losses that are more than a cross-entropy over fixed classes, each usable alone."""

from wenlu.losses.in_batch import in_batch_loss, similarities
from wenlu.losses.multilabel import multilabel_loss, sparse_multilabel_loss
from wenlu.losses.power_sigmoid import power_sigmoid, power_sigmoid_loss

__all__ = [
    "in_batch_loss",
    "multilabel_loss",
    "power_sigmoid",
    "power_sigmoid_loss",
    "similarities",
    "sparse_multilabel_loss",
]
