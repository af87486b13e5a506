import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "transformer.md"


@pytest.mark.skipif(not GUIDE.is_file(), reason="the guide is not part of this installation")
def test_what_the_guide_shows_runs() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text("utf-8"), re.S | re.M)
    assert len(blocks) == 1
    exec(compile(blocks[0], str(GUIDE), "exec"), {"__name__": "guide"})
