"""Tasks: one file each, and how they are trained, measured and used."""

from typing import TYPE_CHECKING

from wenlu.lazy import exports
from wenlu.tasks.config import RunConfig

if TYPE_CHECKING:
    from wenlu.tasks.classification import Classification, Prediction
    from wenlu.tasks.examples import Example
    from wenlu.tasks.registry import TASKS, task_named
    from wenlu.tasks.run import Run
    from wenlu.tasks.task import Encoded, Notes, Task

__getattr__, __dir__ = exports(
    __name__,
    {
        "TASKS": "wenlu.tasks.registry",
        "Classification": "wenlu.tasks.classification",
        "Example": "wenlu.tasks.examples",
        "Prediction": "wenlu.tasks.classification",
        "Encoded": "wenlu.tasks.task",
        "Notes": "wenlu.tasks.task",
        "Run": "wenlu.tasks.run",
        "Task": "wenlu.tasks.task",
        "task_named": "wenlu.tasks.registry",
    },
)

__all__ = [
    "TASKS",
    "Classification",
    "Encoded",
    "Example",
    "Notes",
    "Prediction",
    "Run",
    "RunConfig",
    "Task",
    "task_named",
]
