import re
from pathlib import Path
from typing import Any

import pytest

from wenlu.models import load

PAGE = Path(__file__).parents[2] / "docs" / "add-a-head.md"


@pytest.mark.skipif(not PAGE.is_file(), reason="the page is not part of this installation")
def test_a_head_is_added_in_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.S | re.M)
    names: dict[str, Any] = {"__name__": "intent_head"}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert len(blocks) == 4
    assert not hasattr(load("intents").model, "intent")
    assert load("vectors").model.heads == set()
