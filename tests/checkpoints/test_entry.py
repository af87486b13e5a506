import torch
from hypothesis import given
from hypothesis import strategies as st

from wenlu.checkpoints.entry import Entry


@given(rows=st.lists(st.integers(1, 4), min_size=1, max_size=3), transposed=st.booleans())
def test_packing_undoes_unpacking(rows: list[int], transposed: bool) -> None:
    shapes = {f"part{number}": (count, 3) for number, count in enumerate(rows)}
    entry = Entry("whole", tuple(shapes), transposed)
    stored = torch.randn(entry.shape(shapes))
    parts = entry.unpack(stored, shapes)
    assert {name: tuple(part.shape) for name, part in parts.items()} == shapes
    assert torch.equal(entry.pack(parts), stored)
    assert entry.shape(shapes) == ((3, sum(rows)) if transposed else (sum(rows), 3))
