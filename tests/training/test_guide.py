"""The page that adds a loss is run."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "add-a-loss.md"


@pytest.mark.skipif(not PAGE.is_file(), reason="the page is not part of this installation")
def test_what_the_page_shows_runs() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.S | re.M)
    assert len(blocks) == 3
    exec(compile("\n".join(blocks), str(PAGE), "exec"), {"__name__": "page"})
