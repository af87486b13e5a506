"""Losses that are more than a cross-entropy over fixed classes, each usable alone."""

from wenlu.losses.in_batch import in_batch_loss, similarities

__all__ = ["in_batch_loss", "similarities"]
