import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wenlu.checkpoints.crc32c import crc32c

from .tf_bundle import masked_crc32c


def of(content: bytes) -> int:
    return crc32c(np.frombuffer(content, np.uint8))


@pytest.mark.parametrize(
    ("content", "expected"),
    [  # the examples of RFC 3720, and the usual check value
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_known_checksums(content: bytes, expected: int) -> None:
    assert of(content) == expected


@given(st.binary(max_size=10), st.integers(0, 5), st.integers(0, 2100))
@settings(max_examples=20, deadline=None)
def test_lanes_change_nothing(start: bytes, repeats: int, more: int) -> None:
    content = (start or b"x") * 500 * repeats + bytes(more)
    expected = of_slowly(content)
    assert of(content) == expected


def of_slowly(content: bytes) -> int:
    masked = masked_crc32c(content) - 0xA282EAD8 & 0xFFFFFFFF
    return (masked >> 17 | masked << 15) & 0xFFFFFFFF
