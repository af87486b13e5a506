from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from wenlu.optim.chunks import chunks, gradients

DTYPES = (torch.float32, torch.float64)
tensors = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(DTYPES))).map(
    lambda kinds: [torch.zeros(size, dtype=dtype) for size, dtype in kinds]
)


@given(tensors=tensors, elements=st.integers(1, 20))
def test_chunks_keep_order_type_and_size(tensors: list[Tensor], elements: int) -> None:
    found = list(chunks(tensors, elements))
    assert [id(tensor) for chunk in found for tensor in chunk] == [id(t) for t in tensors]
    for chunk in found:
        assert len({tensor.dtype for tensor in chunk}) == 1
        assert len(chunk) == 1 or sum(tensor.numel() for tensor in chunk) <= elements
    for chunk, following in pairwise(found):  # no shorter than they must be
        size = sum(tensor.numel() for tensor in [*chunk, following[0]])
        assert size > elements or chunk[0].dtype != following[0].dtype


def test_by_default_small_tensors_stay_together_and_large_ones_alone() -> None:
    small, large = torch.zeros(3), torch.zeros(2**20)
    assert [len(chunk) for chunk in chunks([small, small, large, large, small])] == [2, 1, 1, 1]


def test_gradients_come_in_the_order_of_the_parameters() -> None:
    moving = [torch.nn.Parameter(torch.zeros(2)) for _ in range(3)]
    for number, parameter in enumerate(moving):
        parameter.grad = torch.full((2,), float(number))
    assert [gradient[0].item() for gradient in gradients(list(moving))] == [0.0, 1.0, 2.0]
