"""Which weights a training ends with: the last, the best, or the mean of the last ones."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from wenlu.training.state import Progress

Weights = dict[str, Tensor]
Read = Callable[[str], Weights]
"""The name of a part of the newest checkpoint -> its tensors."""


class Last:
    """The last weights, as they are."""

    carried: tuple[str, ...] = ()
    """Parts of a checkpoint that go over into the next one where `parts` does not have them."""

    def resume(self, progress: Progress, module: nn.Module, read: Read) -> None:
        """Called once before the first step; `read` is for what `parts` returned earlier."""

    def after_step(self, progress: Progress, module: nn.Module) -> None:
        """Called after each step."""

    def after_measurement(self, progress: Progress, scores: dict[str, float]) -> bool:
        """Called after each measurement; whether the scores are the best so far."""
        del progress, scores
        return False

    def parts(self, module: nn.Module, *, best: bool) -> Mapping[str, Weights]:
        """What a checkpoint must hold besides the module's weights.

        Args:
            module: as trained so far.
            best: whether it was just measured and is the best so far.
        """
        del module, best
        return {}

    def finish(self, progress: Progress, module: nn.Module, read: Read) -> None:
        """Give the module the weights that are kept; the first process alone calls it."""


Keep = Last
"""Any of the classes here."""


class Best(Last):
    """The weights with the best score, kept in the checkpoint and not in memory.

    Args:
        score: the score that counts; more is better, and of equals the first one stays.
        patience: end after this many measurements without a better score; 0 for never.
    """

    carried = ("best",)

    def __init__(self, score: str, patience: int = 0) -> None:
        self.score, self.patience = score, patience

    def after_measurement(self, progress: Progress, scores: dict[str, float]) -> bool:
        better = progress.best_epoch == 0 or scores[self.score] > progress.best[self.score]
        if better:
            progress.best_epoch, progress.best = progress.epoch, scores
        elif self.patience and progress.epoch - progress.best_epoch >= self.patience:
            progress.end = "early stopping"
        return better

    def parts(self, module: nn.Module, *, best: bool) -> Mapping[str, Weights]:
        return {"best": trained_weights(module)} if best else {}

    def finish(self, progress: Progress, module: nn.Module, read: Read) -> None:
        if progress.best_epoch < progress.epoch:
            set_weights(module, read("best"))


class Average(Last):
    """The mean of the weights after each of the last steps.

    Paper: "Averaging Weights Leads to Wider Optima and Better Generalization".

    Args:
        first: steps after which averaging begins.
    """

    def __init__(self, first: int) -> None:
        self.first, self.count = first, 0
        self.mean: Weights = {}

    def resume(self, progress: Progress, module: nn.Module, read: Read) -> None:
        if progress.step > self.first:
            self.mean = read("average")
            self.count = int(self.mean.pop("count"))
        else:
            self.mean = {k: torch.zeros_like(v) for k, v in trained_weights(module).items()}

    def after_step(self, progress: Progress, module: nn.Module) -> None:
        if progress.step > self.first:
            self.count += 1
            now = trained_weights(module)
            means = list(self.mean.values())
            torch._foreach_lerp_(means, [now[name] for name in self.mean], 1.0 / self.count)

    def parts(self, module: nn.Module, *, best: bool) -> Mapping[str, Weights]:
        del module, best
        if not self.count:
            return {}
        return {"average": {**self.mean, "count": torch.tensor(self.count)}}

    def finish(self, progress: Progress, module: nn.Module, read: Read) -> None:
        del progress, read
        if self.count:
            set_weights(module, self.mean)


def trained_weights(module: nn.Module) -> Weights:
    """The state dict without frozen parameters: these stay as the training found them."""
    frozen = {name for name, parameter in module.named_parameters() if not parameter.requires_grad}
    return {k: v.detach() for k, v in module.state_dict().items() if k not in frozen}


def set_weights(module: nn.Module, weights: Weights) -> None:
    """Give the module what `trained_weights` returned."""
    module.load_state_dict({**module.state_dict(), **weights})
