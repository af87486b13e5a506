import re
from pathlib import Path

import pytest
import torch

from wenlu import load
from wenlu.errors import WenluError

DOCS = Path(__file__).parents[2] / "docs"
FORM = "add-an-attention-form.md"

pytestmark = pytest.mark.skipif(
    not DOCS.is_dir(), reason="the pages are not part of this installation"
)


def run(page: str) -> dict[str, object]:
    """Run the Python blocks of a page in turn, and return the names that they define."""
    blocks = re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text("utf-8"), re.S | re.M)
    assert blocks
    names: dict[str, object] = {"__name__": page.partition(".")[0]}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
    return names


def test_what_the_guide_shows_runs() -> None:
    run("transformer.md")


def test_a_form_is_added_in_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run(FORM)
    model = names["model"]
    mixing = model.encoder.blocks[0].attention.form.mixing  # type: ignore[attr-defined]
    assert mixing.detach().sub(torch.eye(4)).abs().max() > 0
    with pytest.raises(
        WenluError, match=r"import 'TalkingHeads' from 'add-an-.*pass the class: pa"
    ):
        load(tmp_path / "talking")
