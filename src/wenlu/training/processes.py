"""One process, or several started by `torchrun`."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from wenlu.errors import ConfigError, RunError, WenluError
from wenlu.training.precision import best_device

_PATIENCE = timedelta(days=1)
"""The others wait so long for the first process, which may read a corpus or measure for hours; one
that ends closes its connections, and is not waited for."""


@dataclass(frozen=True)
class Processes:
    """This process's place among all that train together."""

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and prints."""
        return self.rank == 0

    def micro_batches(self, wanted: int) -> int:
        """Micro-batches per step of all processes, if `wanted` are asked for."""
        if wanted % self.count and wanted != 1:
            raise ConfigError(
                f"gradient_accumulation must be a multiple of the number of processes, "
                f"{self.count}; got {wanted}"
            )
        return max(wanted, self.count)

    def gather(self, own: Tensor) -> Tensor:
        """The rows (n, ...) of all processes, in order; gradients flow into one's own.

        A loss of all rows has its whole gradient at one's own rows, so the gradients of the weights
        are to be summed, not averaged, over the processes.
        """
        if self.count == 1:
            return own
        own = own.float()
        sizes = [torch.zeros(1, dtype=torch.long, device=own.device) for _ in range(self.count)]
        dist.all_gather(sizes, torch.tensor([len(own)], device=own.device))
        padded = own.new_zeros(int(max(sizes)), *own.shape[1:])
        padded[: len(own)] = own.detach()
        parts = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(parts, padded)
        rows = [part[: int(size)] for part, size in zip(parts, sizes, strict=True)]
        rows[self.rank] = own
        return torch.cat(rows)

    def agree(self, value: Any) -> Any:  # noqa: ANN401
        """The first process's value, in every process."""
        if self.count == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def by_first(self, act: Callable[[], None]) -> None:
        """Let the first process act while the others wait; all raise the error that it met."""
        problem: WenluError | None = None
        if self.first:
            try:
                act()
            except WenluError as error:
                problem = error
        problem = self.agree(problem)
        if problem is not None:
            raise problem

    def broadcast(self, module: nn.Module) -> None:
        """Give the others the first process's weights."""
        if self.count > 1:
            for tensor in module.state_dict().values():
                dist.broadcast(tensor, src=0)

    def wait(self) -> None:
        """Go on when all are here."""
        if self.count > 1:
            dist.barrier()


def is_first() -> bool:
    """Whether this is the process that prints, asked outside `join_processes`."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def join_processes() -> Iterator[Processes]:
    """Join the others if `torchrun` started this process, and leave them at the end.

    Raises:
        RunError: another process ended meanwhile.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(rank=0, count=1, device=best_device())
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    device = best_device()
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield Processes(rank=dist.get_rank(), count=count, device=device)
    except RuntimeError as error:
        if not _contact_lost(error):
            raise
        raise RunError(
            "contact to another process was lost; it may have been killed, or have met an error of "
            "its own. The last checkpoint is intact: give the same command with --resume"
        ) from error
    finally:
        dist.destroy_process_group()


def _contact_lost(error: RuntimeError) -> bool:
    """Whether that comes from talking to other processes."""
    # gloo's errors have no class of their own, but each names its source file.
    return isinstance(error, dist.DistError) or "/gloo/" in str(error)
