import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wenlu.training.toml import to_toml

plain = (
    st.text()
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.lists(st.text() | st.integers(0, 9), max_size=3)
)
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)


@given(st.dictionaries(names, plain))
def test_the_standard_library_reads_it_back(values: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(values)) == values


def test_comments_and_what_is_not_set() -> None:
    written = to_toml({"lr": None, "epochs": 3}, {"epochs": "Times.", "lr": "Rate."})
    assert written == "# Times.\nepochs = 3\n"
