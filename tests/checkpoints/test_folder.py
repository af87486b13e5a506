import errno
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from wenlu.checkpoints.folder import new_folder, write_safetensors
from wenlu.errors import RunError


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    with new_folder(tmp_path / "deep" / "model") as new:
        (new / "config.json").touch()
        assert not (tmp_path / "deep" / "model").exists()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model"]
    assert (tmp_path / "deep" / "model" / "config.json").is_file()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), ValueError("no")])
def test_whatever_ends_it_early_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def interrupted() -> None:
        with new_folder(tmp_path / "model") as new:
            (new / "half").touch()
            raise error

    with pytest.raises(type(error)):
        interrupted()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), SafetensorError("No space left on device")],
)
def test_a_full_disk_is_told(tmp_path: Path, error: Exception) -> None:
    (tmp_path / "model").mkdir()
    with (
        pytest.raises(RunError, match=r"No space left on device\. Nothing was changed"),
        new_folder(tmp_path / "model"),
    ):
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_another_wrote_meanwhile_is_kept(tmp_path: Path) -> None:
    def raced() -> None:
        with new_folder(tmp_path / "model"):
            (tmp_path / "model").mkdir()
            (tmp_path / "model" / "theirs").touch()

    with pytest.raises(RunError, match="cannot write"):
        raced()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model" / "theirs").is_file()


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "model").touch()
    with pytest.raises(RunError, match="exists already"), new_folder(tmp_path / "model"):
        pass
    with pytest.raises(RunError, match="cannot write"), new_folder(tmp_path / "model" / "in"):
        pass


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with new_folder(tmp_path / "link") as new:
        (new / "config.json").touch()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "config.json").is_file()


def test_tensors_that_share_memory_are_written_apart(tmp_path: Path) -> None:
    whole = torch.arange(6.0).reshape(2, 3)
    views = {
        "whole": whole,
        "again": whole,
        "turned": whole.T,
        "row": whole[1],
        "count": whole.int(),
    }
    write_safetensors(tmp_path / "model.safetensors", views)
    read = load_file(tmp_path / "model.safetensors")
    assert read.keys() == views.keys()
    assert all(torch.equal(read[name], views[name]) for name in views)
