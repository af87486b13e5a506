"""The tasks, by the name that stands on the command line."""

from wenlu.errors import ConfigError, closest
from wenlu.tasks.choice import CHOICE
from wenlu.tasks.classify import CLASSIFY
from wenlu.tasks.clue import (
    AFQMC,
    C3,
    CHID,
    CLUENER,
    CMNLI,
    CMRC2018,
    CSL,
    IFLYTEK,
    OCNLI,
    TNEWS,
    WSC,
)
from wenlu.tasks.events import EVENTS
from wenlu.tasks.lic2020 import DUEE
from wenlu.tasks.lic2020.reading import DUREADER_ROBUST
from wenlu.tasks.lic2020.relations import DUIE
from wenlu.tasks.match import MATCH
from wenlu.tasks.ner import NER
from wenlu.tasks.qa import QA
from wenlu.tasks.relations import RELATIONS
from wenlu.tasks.samples import (
    CHOICES,
    ENTITIES,
    IDIOMS,
    INTENTS,
    KEYWORDS,
    PAIRS,
    PRONOUNS,
    READING,
)
from wenlu.tasks.task import Task

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        *(TNEWS, IFLYTEK, AFQMC, CMNLI, OCNLI, WSC, CSL, CMRC2018, C3, CHID, CLUENER),
        *(DUREADER_ROBUST, DUIE, DUEE),
        *(CLASSIFY, MATCH, QA, CHOICE, EVENTS, NER, RELATIONS),
        *(INTENTS, PAIRS, PRONOUNS, KEYWORDS, READING, CHOICES, IDIOMS, ENTITIES),
    )
}


def task_named(name: str) -> Task:
    """The task of that name."""
    if name not in TASKS:
        raise ConfigError(
            f"no task {name!r}; the closest are {closest(name, TASKS)} (all: wenlu tasks)"
        )
    return TASKS[name]
