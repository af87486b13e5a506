import pytest

from wenlu.assets import asset
from wenlu.errors import ConfigError


def test_a_file_and_a_folder_are_found() -> None:
    assert asset("vocabulary", "vocab.txt").is_file()
    assert asset("samples", "intents").is_dir()


def test_an_unknown_file_is_named_with_those_that_are_close() -> None:
    with pytest.raises(ConfigError, match=r"'samples/intents/trains\.json'.*intents/train\.json"):
        asset("samples", "intents", "trains.json")
