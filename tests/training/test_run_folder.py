"""One process at a time writes to a run folder."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wenlu.errors import RunError
from wenlu.training.run_folder import locked, make_room


def test_a_second_process_is_refused_at_once(tmp_path: Path) -> None:
    out = tmp_path / "run"
    message = f"another process is writing to {out}; wait until it ends, or give another --out"
    with locked(out):
        with pytest.raises(RunError, match=message), locked(out):
            pass
        (out / "config.toml").touch()
    with locked(out):  # free again, and nothing of the lock is left
        assert [path.name for path in out.iterdir()] == ["config.toml"]


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    out = tmp_path / "run"
    code = (
        "import sys, time; from pathlib import Path; from wenlu.training.run_folder import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(out)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunError, match="another process is writing"), locked(out):
            pass
        os.kill(other.pid, signal.SIGKILL)
    with locked(out):
        pass


def test_a_folder_that_stays_empty_goes(tmp_path: Path) -> None:
    with locked(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    with locked(tmp_path / "mine"):
        pass
    assert (tmp_path / "mine").is_dir()


def test_what_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="it is a file"), locked(tmp_path / "file"):
        pass
    with pytest.raises(RunError, match="cannot make the folder"), locked(tmp_path / "file" / "run"):
        pass


def test_room_is_made_in_the_same_folder(tmp_path: Path) -> None:
    """The lock is on the folder, so it must stay."""
    before = tmp_path.stat().st_ino
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").touch()
    (tmp_path / "link").symlink_to(tmp_path.parent)
    (tmp_path / "config.toml").touch()
    make_room(tmp_path, resume=True)
    assert len(list(tmp_path.iterdir())) == 3
    make_room(tmp_path, resume=False)
    assert list(tmp_path.iterdir()) == []
    assert tmp_path.stat().st_ino == before
    assert tmp_path.parent.is_dir()


def test_a_folder_that_was_emptied_half_way_is_still_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs of several seeds have no configuration of their own at the top."""
    seed = tmp_path / "seed-1"
    seed.mkdir()
    (seed / "config.toml").touch()

    def killed(path: Path) -> None:
        (path / "config.toml").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("wenlu.training.run_folder.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            make_room(tmp_path, resume=False)
    assert (tmp_path / "config.toml").exists()
    make_room(tmp_path, resume=False)
    assert list(tmp_path.iterdir()) == []
