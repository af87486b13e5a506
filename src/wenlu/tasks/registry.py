"""The tasks, by the name that stands on the command line."""

from wenlu.errors import ConfigError, closest
from wenlu.tasks.classify import CLASSIFY
from wenlu.tasks.clue import AFQMC, CMNLI, IFLYTEK, OCNLI, TNEWS
from wenlu.tasks.match import MATCH
from wenlu.tasks.samples import INTENTS, PAIRS
from wenlu.tasks.task import Task

TASKS: dict[str, Task] = {
    task.name: task
    for task in (TNEWS, IFLYTEK, AFQMC, CMNLI, OCNLI, CLASSIFY, MATCH, INTENTS, PAIRS)
}


def task_named(name: str) -> Task:
    """The task of that name."""
    if name not in TASKS:
        raise ConfigError(
            f"no task {name!r}; the closest are {closest(name, TASKS)} (all: wenlu tasks)"
        )
    return TASKS[name]
