"""Parameters by the handful, for operations on many tensors at once."""

from collections.abc import Iterable, Iterator

from torch import Tensor


def chunks(tensors: Iterable[Tensor], elements: int | None = None) -> Iterator[list[Tensor]]:
    """The tensors in their order, cut into lists of one device and one type.

    A list has at most `elements` elements, or a single tensor. So what an optimizer makes of a
    list on the way, such as the root of an average, takes little memory beside the parameters. By
    default that is what a processor's cache has room for, and on other devices so much that few
    calls are needed.
    """
    chunk: list[Tensor] = []
    size = 0
    for tensor in tensors:
        most = elements or (2**20 if tensor.device.type == "cpu" else 2**24)
        alike = chunk and (chunk[0].device, chunk[0].dtype) == (tensor.device, tensor.dtype)
        if chunk and (not alike or size + tensor.numel() > most):
            yield chunk
            chunk, size = [], 0
        chunk.append(tensor)
        size += tensor.numel()
    if chunk:
        yield chunk


def gradients(chunk: list[Tensor]) -> list[Tensor]:
    """Those of a list of parameters that all have one."""
    return [parameter.grad for parameter in chunk if parameter.grad is not None]
