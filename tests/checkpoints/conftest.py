"""transformers is quiet while it serves as the model to compare with."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    transformers = pytest.importorskip("transformers")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
