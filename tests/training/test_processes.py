import pytest
import torch

from wenlu.errors import ConfigError
from wenlu.training import Processes, join_processes
from wenlu.training.processes import is_first


def test_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with join_processes() as processes:
        assert (processes.rank, processes.count, processes.first) == (0, 1, True)
        assert processes.agree({"a": 1}) == {"a": 1}
        processes.wait()


@pytest.mark.parametrize(
    ("wanted", "count", "pieces"), [(1, 1, 1), (3, 1, 3), (1, 4, 4), (8, 4, 8)]
)
def test_pieces(wanted: int, count: int, pieces: int) -> None:
    assert Processes(rank=0, count=count, device=torch.device("cpu")).pieces(wanted) == pieces


def test_pieces_that_cannot_be_shared() -> None:
    processes = Processes(rank=0, count=4, device=torch.device("cpu"))
    message = "pieces must be a multiple of the number of processes, 4; got 6"
    with pytest.raises(ConfigError, match=message):
        processes.pieces(6)


def test_who_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    assert is_first()
    monkeypatch.setenv("RANK", "1")
    assert not is_first()
