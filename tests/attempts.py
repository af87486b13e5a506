"""Runs command lines and programs in processes of their own, which may end violently.

It is a program: it reads a request a line, and answers each with a line. Its processes are forks
of it, so each has Python and PyTorch in memory from the start, and a kill costs no more than the
time until it comes.

A request is an object with
    tokens      the command line after `wenlu`
    program     Python that runs instead of it
    log         file for what the processes print
    after       the system ends the process after so many seconds of computing, wherever it is:
                no handler runs, as with kill -9, and a busy machine makes no difference
    trap        [place, which call, what]: a function that does something else when it is called
    processes   how many processes train together
The answer is the list of their exit codes; those that a signal ended have its negative number.
"""

import importlib
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

# What the forks are to find in memory; nothing may run here that starts threads.
import rich.progress  # noqa: F401
import torch._dynamo
import torch.nn.parallel.distributed  # noqa: F401
from processor import pretend_bfloat16_units

import wenlu.cli.output
import wenlu.cli.pretrain
import wenlu.cli.train
import wenlu.evaluation.report
import wenlu.tasks.train
import wenlu.training.pretraining.run  # noqa: F401
from wenlu.cli.main import main


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def set_trap(place: str, call: int, what: str) -> None:
    """Let the function at `place` do something else on its `call`-th call, counted from 1."""
    home, path = place.split(":")
    owner: Any = importlib.import_module(home)
    *owners, name = path.split(".")
    for each in owners:
        owner = getattr(owner, each)
    function: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def trapped(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        nonlocal calls
        calls += 1
        if calls != call:
            return function(*args, **kwargs)
        if what == "kill before":
            kill()
        if what == "kill half-way through the folder":
            next(path for path in sorted(Path(args[0]).rglob("*")) if path.is_file()).unlink()
            kill()
        if what in ("interrupt", "interrupt twice"):
            interrupt()
            if what == "interrupt twice":
                interrupt()
        done = function(*args, **kwargs)
        if what == "kill half-way through the file":
            with Path(args[1]).open("r+b") as file:
                file.truncate(file.seek(0, os.SEEK_END) // 2)
            kill()
        if what == "kill after":
            kill()
        return done

    setattr(owner, name, trapped)


def start(request: dict[str, Any], environment: dict[str, str]) -> int:
    child = os.fork()
    if child:
        return child
    os.environ.update(environment)
    with Path(request["log"]).open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    if request.get("after"):
        signal.setitimer(signal.ITIMER_PROF, request["after"])
    if request.get("trap"):
        set_trap(*request["trap"])
    try:
        if "program" in request:
            exec(request["program"], {"__name__": "__main__"})
            sys.exit()
        sys.argv = ["wenlu", *request["tokens"]]
        main(request["tokens"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(70)  # main never returns


def free_port() -> int:
    """Below those that the system hands out, of which another program may get the same."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port


def attempt(request: dict[str, Any]) -> list[int]:
    count = request.get("processes", 1)
    environments: list[dict[str, str]] = [{}]
    if count > 1:
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
        environments = [
            {**address, "WORLD_SIZE": str(count), "RANK": str(rank), "LOCAL_RANK": str(rank)}
            for rank in range(count)
        ]
    children = [start(request, environment) for environment in environments]
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


if __name__ == "__main__":
    os.fsync = lambda _: None  # kills are tested here, and not power cuts
    pretend_bfloat16_units()
    for line in sys.stdin:
        print(json.dumps(attempt(json.loads(line))), flush=True)  # noqa: T201
