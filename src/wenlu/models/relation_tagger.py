"""Relations by half pointers and half tags: first the subjects, then the objects of each.

Source: "Lightweight information extraction model (half-pointer, half-tagging)" and "bert4keras in
hand: Baidu LIC2020".

Axes: b batch, s position, m model width, r relation, u subject of a row, t triple of a row,
k subject to find objects for (any number of them in a row), g group, p pair.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from wenlu.losses import power_sigmoid, power_sigmoid_loss
from wenlu.models.model import Model
from wenlu.nn import ConditionalLayerNorm, Padding, initialise, real_tokens

_SUBJECT_POWER, _OBJECT_POWER = 2, 4
_CHUNK = 8192
"""Tokens that are worked on at once while the objects of many subjects are looked for."""
_PRIOR = -3.0
"""What both taggers' biases begin with. Nearly no token starts or ends anything: on 1,500 texts of
DuIE four epochs from 0 bring an F1 of 24 per cent, and from here 33."""


class RelationBatch(NamedTuple):
    """Texts of similar length, padded to one width, each as [CLS] text [SEP]."""

    ids: Int[Tensor, "b s"]
    lengths: Int[Tensor, " b"] | None
    """Real tokens of each row; None if no row is padded."""
    subjects: Int[Tensor, "b u 2"] | None = None
    """First and last token of each different subject; -1 fills up. None if they are not known."""
    triples: Int[Tensor, "b t 5"] | None = None
    """First and last token of the subject, relation, first and last token of the object."""


class RelationsFound(NamedTuple):
    """What a relation tagger makes of a batch."""

    found: list[NDArray[np.int64]] | None
    """The triples of each row, laid out as in `RelationBatch`; None while training."""
    losses: Float[Tensor, " b"] | None
    """Of each row, where triples were given."""


class _Texts(NamedTuple):
    """A batch on its way through the last norm."""

    entering: Float[Tensor, "b s m"]
    """What the last norm is applied to."""
    states: Float[Tensor, "b s m"]
    """What comes out of it."""
    real: Bool[Tensor, "b s"]


class RelationTagger(nn.Module):
    """Encoder, a tagger of subjects, and a tagger of the objects of one subject.

    Subjects: σ(dense(h))² says of each token whether a subject starts or ends there. Objects: the
    last norm of the encoder is replaced by a conditional one, on the states of the subject's first
    and last token; σ(dense)⁴ says whether an object starts or ends there, for each relation.

    The loss of a row is the mean over its tokens of both: for subjects the mean over start and end,
    for objects that mean summed over the relations. In training the objects of one subject, drawn
    with torch's generator, are learned in each step; elsewhere the loss is the mean over all
    subjects. A row without triples teaches that it has no subject.

    Args:
        model: whose encoder becomes part of this.
        relations: how many relations r there are.
        start_threshold: a subject or object starts where its probability is more.
        end_threshold: and ends where that is more.
        independent: draw the start of a subject from all starts and its end from all ends that do
            not stand before it, as the source does: a pair that is no subject has no objects, which
            is to be learned too. Otherwise draw one of the subjects.
    """

    def __init__(
        self,
        model: Model,
        relations: int,
        *,
        start_threshold: float = 0.4,
        end_threshold: float = 0.4,
        independent: bool = True,
    ) -> None:
        super().__init__()
        self.config, self.encoder = model.config, model.encoder
        self.relations, self.independent = relations, independent
        self.thresholds = (start_threshold, end_threshold)
        width, std = model.config.width, model.config.initial_std
        self.subject = nn.Linear(width, 2)
        self.object_norm = ConditionalLayerNorm(model.encoder.last_norm, 2 * width)
        self.object = nn.Linear(width, 2 * relations)
        for ends in (self.subject, self.object):
            initialise(ends, std)
            nn.init.constant_(ends.bias, _PRIOR)

    def forward(self, batch: RelationBatch) -> RelationsFound:
        real, mask = None, None
        if batch.lengths is not None:
            real = real_tokens(batch.lengths, batch.ids.shape[1])
            mask = Padding(real)
        entering = self.encoder.residual(batch.ids, None, mask)  # (b s m)
        states = self.encoder.last_norm(entering)
        real = torch.ones_like(batch.ids, dtype=torch.bool) if real is None else real
        texts = _Texts(entering, states, real)
        logits = self.subject(states).float()  # (b s 2)
        losses = None
        if batch.subjects is not None and batch.triples is not None:
            losses = subject_losses(logits, real, batch.subjects)
            losses = losses + self._object_losses(texts, batch.subjects, batch.triples)
        return RelationsFound(None if self.training else self._decode(texts, logits), losses)

    def _object_losses(
        self, texts: "_Texts", subjects: Int[Tensor, "b u 2"], triples: Int[Tensor, "b t 5"]
    ) -> Float[Tensor, " b"]:
        """Of one subject of each row while training, else the mean over all of them."""
        some = subjects[:, :, 0] >= 0  # (b u)
        if self.training:
            spans = draw_subjects(subjects, independent=self.independent)
            rows = torch.arange(len(spans), device=spans.device)
            logits = self._object_logits(texts, rows, spans.clamp(min=0))
            losses = object_losses(logits, texts.real, triples, spans)
            return losses * some.any(1)  # rows without a subject
        rows, which = some.nonzero(as_tuple=True)
        total = texts.states.new_zeros(len(some), dtype=torch.float32)
        for row, span in self._chunks(texts, rows, subjects[rows, which]):
            logits = self._object_logits(texts, row, span)
            total.index_add_(0, row, object_losses(logits, texts.real[row], triples[row], span))
        return total / some.sum(1).clamp(min=1)

    def _object_logits(
        self, texts: "_Texts", rows: Int[Tensor, " k"], spans: Int[Tensor, "k 2"]
    ) -> Float[Tensor, "k s r 2"]:
        """Of the objects of the subjects at `spans` of the rows `rows`."""
        condition = texts.states[rows[:, None], spans].flatten(1)  # (k 2m)
        normed = self.object_norm(texts.entering[rows], condition)
        return self.object(normed).float().unflatten(-1, (self.relations, 2))

    def _decode(self, texts: "_Texts", logits: Float[Tensor, "b s 2"]) -> list[NDArray[np.int64]]:
        """The triples of each row: all subjects, and the objects of each of them."""
        inner = texts.real.clone()  # neither [CLS] nor [SEP]
        inner[:, 0] = False
        inner.scatter_(1, texts.real.sum(1, keepdim=True) - 1, False)
        starts, ends = self._over(power_sigmoid(logits, _SUBJECT_POWER))
        subjects = nearest_ends(starts & inner, ends & inner)  # (p 3)
        parts = [np.zeros((0, 6), np.int64)]
        for row, span in self._chunks(texts, subjects[:, 0], subjects[:, 1:]):
            logits = self._object_logits(texts, row, span)
            starts, ends = self._over(power_sigmoid(logits, _OBJECT_POWER))  # (k s r)
            held = inner[row][:, :, None]
            pairs = nearest_ends(
                (starts & held).transpose(1, 2).flatten(0, 1),
                (ends & held).transpose(1, 2).flatten(0, 1),
            )
            which, relation = pairs[:, 0] // self.relations, pairs[:, 0] % self.relations
            found = [row[which, None], span[which], relation[:, None], pairs[:, 1:]]
            parts.append(torch.cat(found, 1).cpu().numpy())
        triples = np.concatenate(parts)
        return [triples[triples[:, 0] == row, 1:] for row in range(len(inner))]

    def _over(self, probabilities: Float[Tensor, "*s 2"]) -> tuple[Tensor, Tensor]:
        start, end = self.thresholds
        return probabilities[..., 0] > start, probabilities[..., 1] > end

    def _chunks(
        self, texts: "_Texts", rows: Int[Tensor, " k"], spans: Int[Tensor, "k 2"]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        size = max(1, _CHUNK // texts.real.shape[1])
        return zip(rows.split(size), spans.split(size), strict=True)


def draw_subjects(subjects: Int[Tensor, "b u 2"], *, independent: bool) -> Int[Tensor, "b 2"]:
    """A subject for each row, from torch's generator; (-1, -1) for rows that have none.

    Args:
        subjects: different ones; -1 fills up.
        independent: draw among all starts, then among all ends that do not stand before it.
    """
    rows = torch.arange(len(subjects), device=subjects.device)
    starts, ends = subjects.unbind(-1)  # (b u)
    some = starts >= 0
    drawn = _draw(some)
    if not independent:
        return subjects[rows, drawn]
    start = starts[rows, drawn]
    end = ends[rows, _draw(some & (ends >= start[:, None]))]
    return torch.stack([start, end], 1)


def _draw(allowed: Bool[Tensor, "b u"]) -> Int[Tensor, " b"]:
    """One of the allowed places of each row, all with the same chance."""
    return torch.rand(allowed.shape, device=allowed.device).masked_fill(~allowed, -1.0).argmax(1)


def nearest_ends(starts: Bool[Tensor, "g s"], ends: Bool[Tensor, "g s"]) -> Int[Tensor, "p 3"]:
    """Each start with the nearest end of its group that does not stand before it.

    Returns:
        Group, start and end of each pair, in order of groups and starts; a start after which its
        group has no end gives none.
    """
    groups, width = starts.shape
    first, last = starts.flatten().nonzero()[:, 0], ends.flatten().nonzero()[:, 0]
    last = torch.cat([last, last.new_tensor([groups * width])])  # of no group
    end = last[torch.searchsorted(last, first)]
    pairs = torch.stack([first // width, first % width, end % width], 1)
    return pairs[end // width == first // width]


def subject_losses(
    logits: Float[Tensor, "b s 2"], real: Bool[Tensor, "b s"], subjects: Int[Tensor, "b u 2"]
) -> Float[Tensor, " b"]:
    """Of telling where subjects start and end: the mean over both and over a row's tokens."""
    rows, which = (subjects[:, :, 0] >= 0).nonzero(as_tuple=True)
    labels = torch.zeros_like(logits)
    for side in (0, 1):
        labels[rows, subjects[rows, which, side], side] = 1.0
    losses = power_sigmoid_loss(logits, labels, _SUBJECT_POWER).mean(-1)  # (b s)
    return (losses * real).sum(1) / real.sum(1)


def object_losses(
    logits: Float[Tensor, "k s r 2"],
    real: Bool[Tensor, "k s"],
    triples: Int[Tensor, "k t 5"],
    spans: Int[Tensor, "k 2"],
) -> Float[Tensor, " k"]:
    """Of telling where the objects of one subject start and end, for each relation.

    The mean over both, summed over the relations, as a mean over the row's tokens.
    """
    own = (triples[:, :, :2] == spans[:, None]).all(-1) & (triples[:, :, 0] >= 0)  # (k t)
    rows, which = own.nonzero(as_tuple=True)
    labels = torch.zeros_like(logits)
    for side in (0, 1):
        triple = triples[rows, which]
        labels[rows, triple[:, 3 + side], triple[:, 2], side] = 1.0
    losses = power_sigmoid_loss(logits, labels, _OBJECT_POWER).mean(-1).sum(-1)  # (k s)
    return (losses * real).sum(1) / real.sum(1)
