"""What optimizers that accumulate gradients in their momentum have in common: the clock.

Counts: k micro-steps are a group, and end in an update. The state of a parameter holds the number
of micro-steps of the groups that it took part in, and nothing else is kept, so that the optimizer
goes on from its `state_dict` alone, in the middle of a group too.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer

from wenlu.errors import ConfigError
from wenlu.optim.averaging import moving_average
from wenlu.optim.checks import check_gradient, check_rates
from wenlu.optim.chunks import chunks


class Accumulating(Optimizer, ABC):
    """An optimizer whose `step` is called after every micro-batch, and moves on each k-th call.

        for batch in micro_batches:
            optimizer.zero_grad()
            loss(model(batch)).backward()
            optimizer.step()
            if optimizer.moved:
                schedule.step()

    An update is made with the mean of the group's gradients. Learning rate and weight decay are
    read when it is made; schedules are to count updates. Gradients can only be clipped one
    micro-batch at a time, before `step`: the mean of the group is nowhere to be seen.

    A parameter that has no gradient on some micro-steps of a group is taken to have a gradient of
    zero there; one that has none in the whole group stays as it is. A call of `step` when no
    parameter at all has a gradient does not count.

    Accumulation does not make larger what couples the samples of a batch, such as a softmax over
    the other sentences in it: each micro-batch is still a batch of its own. And the mean is one of
    micro-batches, not of samples: they should be of the same size.
    """

    @property
    def accumulate(self) -> int:
        """Micro-steps in a group, k."""
        return self.param_groups[0]["accumulate"]

    @property
    def updates(self) -> int:
        """How often parameters have been moved."""
        return max(self._counts(), default=0) // self.accumulate

    @property
    def moved(self) -> bool:
        """Whether the last micro-step ended a group and so moved parameters."""
        return self._place() == 0 and any(self._counts())

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        try:
            self._check(group)
        except ConfigError:
            del self.param_groups[-1]
            raise

    def _check(self, group: dict[str, Any]) -> None:
        """Raise ConfigError where the settings of a group make no sense."""
        count = group["accumulate"]
        if not isinstance(count, int) or count < 1:
            raise ConfigError(f"accumulate is a number of micro-steps, 1 or more; got {count!r}")
        if count != self.accumulate:
            raise ConfigError(
                f"all parameters must move together; one group has accumulate={self.accumulate}, "
                f"another {count}"
            )
        check_rates(group)
        moving_average(group["averaging"], 0.0, count)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take up the gradients of a micro-batch; move the parameters if it ends a group."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if all(p.grad is None for group in self.param_groups for p in group["params"]):
            return loss
        place = self._place() + 1  # of this micro-step in its group, from 1
        work = [(group, self._alike(group, place)) for group in self.param_groups]
        for group, alike in work:
            for (before, given), parameters in alike.items():
                after = before - before % self.accumulate + place
                for chunk in chunks(parameters):
                    self._gather(group, chunk, before, after, given=given)
                    if place == self.accumulate:
                        self._move(group, chunk, after)
                    for parameter in chunk:
                        self.state[parameter]["step"].fill_(after)
        return loss

    def _alike(self, group: dict[str, Any], place: int) -> dict[tuple[int, bool], list[Tensor]]:
        """Parameters with something to do, by their count and whether they have a gradient."""
        alike: dict[tuple[int, bool], list[Tensor]] = {}
        for parameter in group["params"]:
            given = parameter.grad is not None
            if given:
                check_gradient(parameter.grad, self)
                if not self.state[parameter]:
                    self.state[parameter] = {
                        "step": torch.zeros((), dtype=torch.int32),
                        **self._averages(parameter),
                    }
            elif place < self.accumulate or parameter not in self.state:
                continue
            count = int(self.state[parameter]["step"])
            if given or count % self.accumulate:  # it took part in this group
                alike.setdefault((count, given), []).append(parameter)
        return alike

    def _counts(self) -> list[int]:
        return [int(state["step"]) for state in self.state.values() if state]

    def _place(self) -> int:
        """Micro-steps of the current group that are done; 0 after an update."""
        return max((count % self.accumulate for count in self._counts()), default=0)

    @abstractmethod
    def _averages(self, parameter: Tensor) -> dict[str, Tensor]:
        """What is kept for a parameter, at the beginning."""

    @abstractmethod
    def _gather(
        self, group: dict[str, Any], chunk: list[Tensor], before: int, after: int, *, given: bool
    ) -> None:
        """Bring the averages from micro-step `before` to `after`, with a gradient if `given`."""

    @abstractmethod
    def _move(self, group: dict[str, Any], chunk: list[Tensor], steps: int) -> None:
        """Move the parameters, after `steps` micro-steps."""
