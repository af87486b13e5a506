import pytest
import torch
import torch.distributed as dist

from wenlu.errors import ConfigError, RunError
from wenlu.training import Processes, join_processes
from wenlu.training.processes import is_first


def test_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with join_processes() as processes:
        assert (processes.rank, processes.count, processes.first) == (0, 1, True)
        assert processes.agree({"a": 1}) == {"a": 1}
        processes.wait()


@pytest.mark.parametrize(("wanted", "count", "found"), [(1, 1, 1), (3, 1, 3), (1, 4, 4), (8, 4, 8)])
def test_micro_batches(wanted: int, count: int, found: int) -> None:
    processes = Processes(rank=0, count=count, device=torch.device("cpu"))
    assert processes.micro_batches(wanted) == found


def test_micro_batches_that_cannot_be_shared() -> None:
    processes = Processes(rank=0, count=4, device=torch.device("cpu"))
    message = "gradient_accumulation must be a multiple of the number of processes, 4; got 6"
    with pytest.raises(ConfigError, match=message):
        processes.micro_batches(6)


def test_who_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    assert is_first()
    monkeypatch.setenv("RANK", "1")
    assert not is_first()


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if another process had been there."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(dist, "init_process_group", lambda *_, **__: None)
    monkeypatch.setattr(dist, "get_rank", lambda: 0)
    monkeypatch.setattr(dist, "destroy_process_group", lambda: None)


@pytest.mark.parametrize(
    "lost",
    [
        RuntimeError("[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:537] Read error"),
        dist.DistBackendError("NCCL error"),
    ],
)
@pytest.mark.usefixtures("joined")
def test_another_process_that_ended(lost: RuntimeError) -> None:
    message = r"contact to another process was lost.*--resume"
    with pytest.raises(RunError, match=message), join_processes():
        raise lost


@pytest.mark.usefixtures("joined")
def test_an_error_of_its_own_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError, match="out of memory"), join_processes():
        raise RuntimeError("out of memory")
