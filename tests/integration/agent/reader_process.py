"""Reads the GPUs as the node agent does, once for each line of standard input, which is the time in seconds."""

import json
import sys
from dataclasses import asdict

from llmtrain_agent.gpu.driver import Driver
from llmtrain_agent.gpu.samples import samples
from llmtrain_api.jsonlog import JsonLog

NODE = "node-a"


class Clock:
    """A clock that stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def write(line: object) -> None:
    """Write one line of JSON for the test."""
    print(json.dumps(line), flush=True)


def main() -> None:
    """Read until standard input ends."""
    clock = Clock()
    driver = Driver(JsonLog(), clock)
    write({"opened": True})
    for line in sys.stdin:
        clock.now = float(line)
        readings = driver.read()
        exported = [(sample.metric.name, sample.labels, sample.value) for sample in samples(readings, NODE)]
        write({"library": driver.library, "readings": [asdict(reading) for reading in readings], "samples": exported})
    driver.close()


main()
