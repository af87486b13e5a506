import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wenlu.atomic import holding, leftovers, remove_leftovers
from wenlu.corpus.temporary import temporary_folder, truncate
from wenlu.errors import RunError

KILLED = """
import os, signal, sys
from pathlib import Path
from wenlu.atomic import atomic_folder, atomic_write
from wenlu.corpus.temporary import temporary_folder
out = Path(sys.argv[1])
with temporary_folder(out), atomic_write(out), atomic_folder(out):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no locks to tell by")
def test_what_was_killed_is_cleared_and_what_lives_is_not(tmp_path: Path) -> None:
    out = tmp_path / "table.tsv"
    done = subprocess.run([sys.executable, "-c", KILLED, out], check=False)
    assert done.returncode == -signal.SIGKILL
    left = list(leftovers(tmp_path, out.name))
    assert len(left) == 3
    assert list(leftovers(tmp_path, "other.tsv")) == []
    others = tmp_path / ".other.tsv.0123456789ab.tmp"
    others.mkdir()
    with holding(left[0]):
        remove_leftovers(tmp_path, out.name)
        assert set(tmp_path.iterdir()) == {left[0], others}
    with temporary_folder(out) as first, temporary_folder(out) as second:
        assert set(tmp_path.iterdir()) == {first, second, others}
    assert list(tmp_path.iterdir()) == [others]
    with pytest.raises(RunError, match=r"there is no folder .*nowhere for temporary files"):
        temporary_folder(out, tmp_path / "nowhere").__enter__()


def test_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a"
    truncate(path, 0)
    path.write_bytes(b"12345")
    truncate(path, 3)
    assert path.read_bytes() == b"123"
    with pytest.raises(RunError, match="has become shorter"):
        truncate(path, 4)
    path.unlink()
    with pytest.raises(RunError, match="has gone"):
        truncate(path, 4)
