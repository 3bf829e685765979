"""Compares what the agent tells of this machine's GPUs with nvidia-smi, while a command loads them.

    python -m llmtrain_agent.gpu.check -- llmtrain run job.yaml

Exits with 0 if all values agree, 1 if one differs or the command never used a GPU, 2 if there is no GPU to ask.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pynvml as nvml

from llmtrain_agent.gpu.comparison import COLUMNS, Row, compare, parse
from llmtrain_agent.gpu.reader import NvmlReader, open_gpus
from llmtrain_agent.gpu.reading import GpuReading
from llmtrain_agent.log import write

ROUNDS = 15
ROUND_SECONDS = 1.0
LOAD_SECONDS = 300.0
"""How long the command may take until it uses a GPU: it may have to prepare data first."""
STOP_SECONDS = 30.0
AGREE, DIFFER, NO_GPU = 0, 1, 2
Round = tuple[tuple[GpuReading, ...], dict[str, Row]]


class NoGpu(Exception):
    """There is nothing to compare, and why."""


class NoLoad(Exception):
    """The command did not use a GPU, and what it did."""


def main(arguments: Sequence[str]) -> int:
    """Compare; return the exit code."""
    command = list(arguments)[1:] if arguments[:1] == ["--"] else list(arguments)
    try:
        gpus = _gpus()
        with _running(command) as load:
            _await_load(gpus, load)
            comparisons = list(compare(_rounds(gpus, load)))
        if not comparisons:
            raise NoLoad("the load ended before a value could be compared")
    except NoGpu as reason:
        print(f"gpu-check: {reason}, so there is nothing to compare.", file=sys.stderr)
        return NO_GPU
    except NoLoad as reason:
        print(f"gpu-check: {reason}.", file=sys.stderr)
        return DIFFER
    gpus.close()
    for comparison in comparisons:
        print(comparison)
    differing = sum(not comparison.agrees for comparison in comparisons)
    print(f"gpu-check: {len(comparisons)} values compared under load, {differing} differ.")
    return DIFFER if differing else AGREE


def _gpus() -> NvmlReader:
    try:
        gpus = open_gpus(write)
    except nvml.NVMLError as error:
        raise NoGpu(f"this machine has no NVIDIA GPU that answers: {error}") from error
    if not gpus.read():
        raise NoGpu("NVIDIA's driver is here and lists no GPU")
    if shutil.which("nvidia-smi") is None:
        raise NoGpu("there is no nvidia-smi on the PATH")
    return gpus


@contextmanager
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes] | None]:
    """Run the load beside; what it prints goes to standard error."""
    load = subprocess.Popen(command, stdout=sys.stderr.fileno(), stdin=subprocess.DEVNULL) if command else None
    try:
        yield load
    finally:
        if load:
            load.terminate()
            try:
                load.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                load.kill()
                load.wait()


def _await_load(gpus: NvmlReader, load: subprocess.Popen[bytes] | None) -> None:
    """Wait until a GPU works. Raises NoLoad."""
    deadline = time.monotonic() + LOAD_SECONDS
    while load and not any(reading.utilization_ratio for reading in gpus.read()):
        if load.poll() is not None:
            raise NoLoad(f"the load ended with {load.returncode} before it used a GPU")
        if time.monotonic() > deadline:
            raise NoLoad(f"the load used no GPU within {LOAD_SECONDS:.0f} s")
        time.sleep(ROUND_SECONDS)


def _rounds(gpus: NvmlReader, load: subprocess.Popen[bytes] | None) -> Iterator[Round]:
    """Yield what both say, several times. Ends early with the load, whose last round may be of an idle GPU."""
    for _ in range(ROUNDS):
        looked = gpus.read(), _smi()
        if load and load.poll() is not None:
            return
        yield looked
        time.sleep(ROUND_SECONDS)


def _smi() -> dict[str, Row]:
    query = ["nvidia-smi", f"--query-gpu={','.join(COLUMNS)}", "--format=csv,noheader,nounits"]
    return parse(subprocess.run(query, check=True, capture_output=True, text=True, timeout=60).stdout)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
