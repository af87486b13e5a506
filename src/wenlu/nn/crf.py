"""Scores of whole sequences of tags: a linear-chain conditional random field.

A sequence y scores the sum of its tags' scores and of a transition for each pair of neighbours,
s_1[y_1] + T[y_1, y_2] + s_2[y_2] + ..., and its probability is exp(score) / Z, with Z the sum of
exp(score) over all k^n sequences. ("A concise introduction to conditional random fields"; paper
"Conditional Random Fields: Probabilistic Models for Segmenting and Labeling Sequence Data".)

Axes: b batch, s position, k tag (i the one before, j the one after), c candidate.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from wenlu.nn.masks import real_tokens

TagScores = Float[Tensor, "b s k"]
Tags = Int[Tensor, "b s"]
Lengths = Int[Tensor, " b"] | None
"""Real positions of each row, at least one; None if all are. The others count for nothing."""


class LinearChainCRF(nn.Module):
    """Transitions between tags, the loss of a right sequence, and the best sequence.

    Args:
        tags: number of tags k.
        speed: how much faster than other parameters the transitions learn: what is stored is the
            transitions divided by it, so that an optimizer whose steps have a fixed size moves them
            that much further ("Your CRF layer's learning rate may not be large enough").
    """

    def __init__(self, tags: int, *, speed: float = 1.0) -> None:
        super().__init__()
        self.tags, self.speed = tags, speed
        self.slow = nn.Parameter(torch.zeros(tags, tags))

    @property
    def transitions(self) -> Float[Tensor, "i j"]:
        """From each tag to each, in the precision of the scores' sums: at least float32."""
        return _precise(self.slow) * self.speed

    def losses(self, scores: TagScores, tags: Tags, lengths: Lengths = None) -> Float[Tensor, " b"]:
        """-log of the probability of each row's tags."""
        return self.log_partition(scores, lengths) - self.score(scores, tags, lengths)

    def score(self, scores: TagScores, tags: Tags, lengths: Lengths = None) -> Float[Tensor, " b"]:
        """What a sequence of tags scores in each row."""
        steps = self.transitions[tags[:, :-1], tags[:, 1:]]  # (b s-1)
        chosen = _precise(scores).gather(2, tags[:, :, None])[:, :, 0]  # (b s)
        if lengths is not None:
            real = real_tokens(lengths, scores.shape[1])
            chosen, steps = chosen.where(real, 0.0), steps.where(real[:, 1:], 0.0)
        return chosen.sum(1) + steps.sum(1)

    def log_partition(self, scores: TagScores, lengths: Lengths = None) -> Float[Tensor, " b"]:
        """The log of Z of each row, by the forward algorithm.

        A step of it is a sum over all pairs of tags. It is done as a product of matrices, which
        takes k times less memory. That holds as long as no sum is so small that its terms are lost;
        where one is, in scores that lie more than some 70 apart, all is done again term by term.
        """
        scores = _precise(scores)
        with torch.autocast(scores.device.type, enabled=False):
            found, smallest = self._forward_by_products(scores, lengths)
            limits = torch.finfo(found.dtype)
            if smallest < limits.tiny / limits.eps:
                found = self._forward_by_terms(scores, lengths)
        return found.logsumexp(1)

    def _forward_by_products(
        self, scores: TagScores, lengths: Lengths
    ) -> tuple[Float[Tensor, "b k"], float]:
        """Sums over all beginnings that end in a tag, and the smallest product on the way."""
        transitions = self.transitions
        most = transitions.detach().amax(0)  # (j)
        factors = (transitions - most).exp()  # (i j), a 1 in every column
        ends, smallest = scores[:, 0], torch.tensor(torch.inf, device=scores.device)
        for place in range(1, scores.shape[1]):
            top = ends.detach().amax(1, keepdim=True)
            sums = (ends - top).exp() @ factors
            smallest = torch.minimum(smallest, sums.detach().amin())
            longer = sums.log() + top + most + scores[:, place]
            ends = _unless_over(longer, ends, place, lengths)
        return ends, float(smallest)

    def _forward_by_terms(self, scores: TagScores, lengths: Lengths) -> Float[Tensor, "b k"]:
        transitions, ends = self.transitions, scores[:, 0]
        for place in range(1, scores.shape[1]):
            # The terms (b i j) are worked out again in the backward pass and not kept.
            sums = checkpoint(_sum_of_terms, ends, transitions, use_reentrant=False)
            ends = _unless_over(sums + scores[:, place], ends, place, lengths)
        return ends

    @torch.no_grad()
    def decode(
        self, scores: TagScores, lengths: Lengths = None, *, first: int | None = None
    ) -> Tags:
        """The best sequence of each row, by Viterbi's algorithm; 0 where a row has no position.

        Args:
            scores: of all tags everywhere.
            lengths: of the rows.
            first: the tag that every sequence begins with; None if it may be any.
        """
        scores, transitions = _precise(scores), self.transitions
        # A beginning that is so far behind the best that no transition can make up for it is no
        # candidate. In a trained model few are left, so that a step is not b·k·k.
        reach = (transitions.amax(0) - transitions.amin(0)).amax()
        ends = scores[:, 0]
        if first is not None:
            others = torch.arange(self.tags, device=scores.device) != first
            ends = ends.masked_fill(others, -torch.inf)
        before, stay = [], torch.arange(self.tags, device=scores.device).expand_as(ends)
        for place in range(1, scores.shape[1]):
            near = ends >= ends.amax(1, keepdim=True) - reach
            candidates = (
                ends.topk(max(1, int(near.sum(1).amax())), 1).indices.sort(1).values
            )  # (b c)
            sums = ends.gather(1, candidates)[:, :, None] + transitions[candidates]  # (b c j)
            best, which = sums.max(1)
            came = candidates.gather(1, which)
            before.append(_unless_over(came, stay, place, lengths))
            ends = _unless_over(best + scores[:, place], ends, place, lengths)
        tags = [ends.argmax(1, keepdim=True)]
        for step in reversed(before):
            tags.append(step.gather(1, tags[-1]))
        found = torch.cat(tags[::-1], 1)  # (b s)
        if lengths is None:
            return found
        return found.where(real_tokens(lengths, scores.shape[1]), 0)

    def extra_repr(self) -> str:
        return f"tags={self.tags}, speed={self.speed}"


def _precise(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _sum_of_terms(
    ends: Float[Tensor, "b i"], transitions: Float[Tensor, "i j"]
) -> Float[Tensor, "b j"]:
    return (ends[:, :, None] + transitions).logsumexp(1)


def _unless_over(longer: Tensor, shorter: Tensor, place: int, lengths: Lengths) -> Tensor:
    """What holds after `place`: in rows that end before it, what held already."""
    if lengths is None:
        return longer
    return longer.where((place < lengths)[:, None], shorter)
