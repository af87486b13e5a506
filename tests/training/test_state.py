import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from wenlu.errors import RunError
from wenlu.training.state import (
    Progress,
    load_state,
    newest_step,
    read_part,
    remove,
    save_state,
    saved_progress,
    sweep,
)

from .toy import ToyData, assert_same_weights, toy


def trained(steps: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    module, data = toy(), ToyData()
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.01, fused=True)
    batch = data.batch(data.targets.nonzero()[:, 0].numpy())
    for _ in range(steps):
        optimizer.zero_grad()
        module(batch).losses.mean().backward()
        optimizer.step()
    return module, optimizer


def test_all_of_it_comes_back(tmp_path: Path) -> None:
    module, optimizer = trained(3)
    progress = Progress(epoch=1, batch=2, step=3, epoch_loss=0.1 + 0.2, best={"accuracy": 1 / 3})
    best = {name: tensor + 1 for name, tensor in module.state_dict().items()}
    states = tmp_path / "states"
    parts = {"model": module.state_dict(), "best": best}
    save_state(states, progress, parts, optimizer, "print")

    other, fresh = trained(0)
    assert load_state(states, other, fresh, "print") == progress
    assert_same_tensors(read_part(states, "best"), best)
    assert_same_weights(module, other)
    theirs, ours = optimizer.state_dict()["state"], fresh.state_dict()["state"]
    assert theirs.keys() == ours.keys()
    for index, slots in theirs.items():
        assert all(torch.equal(slots[name], ours[index][name]) for name in slots)


@pytest.mark.parametrize("links", [True, False])
def test_a_part_that_is_kept_goes_from_state_to_state(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:

        def refuse(*_: object) -> None:
            raise OSError("no such thing here")

        monkeypatch.setattr(Path, "hardlink_to", refuse)
    module, optimizer = trained(1)
    best = {"a": torch.arange(3.0)}
    for step, more in enumerate([{}, {"best": best}, {}, {}]):
        parts = {"model": module.state_dict(), **more}
        carried = ("best", "other")
        save_state(tmp_path, Progress(step=step), parts, optimizer, "print", carried=carried)
        assert len(list(tmp_path.iterdir())) == 1
        assert (tmp_path / f"step-{step:08d}" / "best.safetensors").exists() == (step > 0)
    assert_same_tensors(read_part(tmp_path, "best"), best)


def assert_same_tensors(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_newest_counts_and_the_others_go(tmp_path: Path) -> None:
    module, optimizer = trained(1)
    for step, measured in [(9, 0), (10, 0), (10, 10), (100, 10)]:
        progress = Progress(step=step, measured=measured)
        save_state(tmp_path, progress, {"model": module.state_dict()}, optimizer, "print")
        assert saved_progress(tmp_path, "print") == progress
        assert len(list(tmp_path.iterdir())) == 1


def test_the_same_place_twice_is_saved_once(tmp_path: Path) -> None:
    module, optimizer = trained(1)
    for _ in range(3):
        save_state(tmp_path, Progress(step=4), {"model": module.state_dict()}, optimizer, "print")
        assert saved_progress(tmp_path, "print") == Progress(step=4)


def test_a_state_that_was_half_removed_does_not_count(tmp_path: Path) -> None:
    module, optimizer = trained(1)
    save_state(tmp_path, Progress(step=4), {"model": module.state_dict()}, optimizer, "print")
    shutil.copytree(tmp_path / "step-00000004", tmp_path / "step-00000003")
    (tmp_path / "step-00000003" / "state.json").unlink()
    assert saved_progress(tmp_path, "print") == Progress(step=4)


def test_what_was_half_written_is_swept_away(tmp_path: Path) -> None:
    module, optimizer = trained(1)
    sweep(tmp_path / "nothing")
    save_state(tmp_path, Progress(step=4), {"model": module.state_dict()}, optimizer, "print")
    half = tmp_path / ".step-00000007.0123456789ab.tmp"
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"\0" * 9)
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000004"]


def test_none_yet(tmp_path: Path) -> None:
    module, optimizer = trained(0)
    assert load_state(tmp_path / "states", module, optimizer, "print") is None


def test_another_fingerprint_is_refused(tmp_path: Path) -> None:
    module, optimizer = trained(1)
    save_state(tmp_path, Progress(step=4), {"model": module.state_dict()}, optimizer, "one")
    before = [p.clone() for p in module.parameters()]
    message = "was started with other data, another model or other settings; it cannot be resumed"
    with pytest.raises(RunError, match=message):
        load_state(tmp_path, module, optimizer, "another")
    assert all(map(torch.equal, before, module.parameters()))


def test_remove(tmp_path: Path) -> None:
    states = tmp_path / "checkpoint"
    remove(states)
    for folder in (states, tmp_path / ".checkpoint-finished"):  # as a kill while removing leaves it
        folder.mkdir()
        (folder / "state.json").touch()
    remove(states)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"progress": {"x": 1}, "fingerprint": ""}', "[" * 100_000],
)
def test_a_damaged_state_is_one_plain_error(text: str, tmp_path: Path) -> None:
    module, optimizer = trained(1)
    save_state(tmp_path, Progress(step=1), {"model": module.state_dict()}, optimizer, "print")
    state = tmp_path / "step-00000001"
    (state / "state.json").write_text(text)
    for read in (lambda: newest_step(tmp_path), lambda: saved_progress(tmp_path, "print")):
        with pytest.raises(RunError, match=r"state\.json is damaged or missing.*--overwrite"):
            read()


@pytest.mark.parametrize("keep", [None, 0, 4, 100])
def test_damaged_tensors_are_one_plain_error(keep: int | None, tmp_path: Path) -> None:
    module, optimizer = trained(1)
    save_state(tmp_path, Progress(step=1), {"model": module.state_dict()}, optimizer, "print")
    file = tmp_path / "step-00000001" / "model.safetensors"
    whole = file.read_bytes()
    file.unlink()
    if keep is not None:
        file.write_bytes(whole[:keep])
    with pytest.raises(RunError, match=r"model\.safetensors is damaged or missing"):
        load_state(tmp_path, module, optimizer, "print")
