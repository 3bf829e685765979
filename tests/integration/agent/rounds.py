"""Reads the GPUs as the node agent does, once for each line of standard input, which says the time in seconds."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict

from llmtrain_agent.gpu.driver import Driver
from llmtrain_agent.gpu.samples import samples

NODE = "node-a"


class Clock:
    """Shows the time that it was set to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def say(line: object) -> None:
    print(json.dumps(line), flush=True)


def log(event: str, facts: Mapping[str, object], *, level: str = "info") -> None:
    say({"event": event, "level": level, **facts})


def serve(gpus: Driver, clock: Clock) -> None:
    for line in sys.stdin:
        clock.now = float(line)
        readings = gpus.read()
        told = [(metric.name, value, labels) for metric, value, labels in samples(readings, NODE)]
        say({"library": gpus.library, "readings": [asdict(reading) for reading in readings], "samples": told})


def main() -> None:
    clock = Clock()
    gpus = Driver(log, clock)
    say({"opened": True})
    serve(gpus, clock)
    gpus.close()


main()
