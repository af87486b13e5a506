import pytest

from wenlu.errors import ConfigError
from wenlu.tasks import TASKS, task_named


def test_every_task_is_found_by_its_name() -> None:
    for name, task in TASKS.items():
        assert task.name == name
        assert task_named(name) is task
        assert task.summary


def test_the_label_sets_of_clue() -> None:
    sizes = {"tnews": 15, "iflytek": 119, "afqmc": 2, "cmnli": 3, "ocnli": 3}
    assert {name: len(TASKS[name].labels) for name in sizes} == sizes
    assert set(TASKS["tnews"].names) == set(TASKS["tnews"].labels)


def test_a_name_that_is_none() -> None:
    message = r"no task 'tnew'; the closest are tnews.*\(all: wenlu tasks\)"
    with pytest.raises(ConfigError, match=message):
        task_named("tnew")
