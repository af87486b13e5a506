import json

from wenlu.models import BUNDLED
from wenlu.tasks import TASKS

from .conftest import Cli


def test_tasks_fit_a_narrow_terminal(cli: Cli) -> None:
    said = cli("tasks")
    assert (said.code, said.err) == (0, "")
    assert max(map(len, said.out.splitlines())) <= 80
    assert all(f"  {name} " in said.out for name in TASKS)


def test_tasks_as_json(cli: Cli) -> None:
    found = json.loads(cli("tasks", "--json").out)
    assert [task["name"] for task in found] == list(TASKS)
    tnews = found[0]
    assert (tnews["labels"], tnews["fields"]) == (15, ["sentence", "label"])
    assert tnews["submission"] == "tnews10_predict.json"


def test_models_fit_a_narrow_terminal(cli: Cli) -> None:
    said = cli("models")
    assert (said.code, said.err) == (0, "")
    assert max(map(len, said.out.splitlines()[:-1])) <= 80
    assert all(f"  {name} " in said.out for name in BUNDLED)


def test_models_as_json(cli: Cli) -> None:
    found = json.loads(cli("models", "--json").out)
    assert [model["name"] for model in found] == list(BUNDLED)
    assert found[0]["parameters"] > 10**6
