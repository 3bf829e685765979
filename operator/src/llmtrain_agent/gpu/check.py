"""Compares the agent's GPU readings with nvidia-smi on this machine, while a command puts load on the GPUs.

    python -m llmtrain_agent.gpu.check -- llmtrain run job.yaml

Exits with 0 if all values agree, 1 if one differs or the command never used a GPU, 2 if there is no usable GPU.
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
from llmtrain_api.jsonlog import JsonLog

ROUNDS = 15
ROUND_SECONDS = 1.0
LOAD_TIMEOUT_SECONDS = 300.0
"""How long the command can take to use a GPU: it may have to prepare data first."""
STOP_TIMEOUT_SECONDS = 30.0
"""How long the command has to exit after SIGTERM."""
AGREE, DIFFER, NO_GPU = 0, 1, 2
Round = tuple[tuple[GpuReading, ...], dict[str, Row]]


class NoGpuError(Exception):
    """There is nothing to compare, for the reason in the message."""


class NoLoadError(Exception):
    """The command did not use a GPU; the message describes what it did."""


def main(arguments: Sequence[str]) -> int:
    """Run the comparison and return the exit code."""
    command = list(arguments)[1:] if arguments[:1] == ["--"] else list(arguments)
    try:
        reader = _open_reader()
        with _running(command) as load:
            _await_load(reader, load)
            comparisons = list(compare(_rounds(reader, load)))
        if not comparisons:
            raise NoLoadError("the load ended before a value could be compared")
    except NoGpuError as reason:
        print(f"gpu-check: {reason}, so there is nothing to compare.", file=sys.stderr)
        return NO_GPU
    except NoLoadError as reason:
        print(f"gpu-check: {reason}.", file=sys.stderr)
        return DIFFER
    reader.close()
    for comparison in comparisons:
        print(comparison)
    differing = sum(not comparison.agrees for comparison in comparisons)
    print(f"gpu-check: {len(comparisons)} values compared under load, {differing} differ.")
    return DIFFER if differing else AGREE


def _open_reader() -> NvmlReader:
    try:
        reader = open_gpus(JsonLog())
    except nvml.NVMLError as error:
        raise NoGpuError(f"this machine has no usable NVIDIA GPU: {error}") from error
    if not reader.read():
        raise NoGpuError("NVIDIA's driver is installed but lists no GPU")
    if shutil.which("nvidia-smi") is None:
        raise NoGpuError("nvidia-smi is not on the PATH")
    return reader


@contextmanager
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes] | None]:
    """Run the load in the background, with its output on standard error."""
    load = subprocess.Popen(command, stdout=sys.stderr.fileno(), stdin=subprocess.DEVNULL) if command else None
    try:
        yield load
    finally:
        if load:
            load.terminate()
            try:
                load.wait(timeout=STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                load.kill()
                load.wait()


def _await_load(reader: NvmlReader, load: subprocess.Popen[bytes] | None) -> None:
    """Wait until a GPU is busy. Raises NoLoadError."""
    deadline = time.monotonic() + LOAD_TIMEOUT_SECONDS
    while load and not any(reading.utilization_ratio for reading in reader.read()):
        if load.poll() is not None:
            raise NoLoadError(f"the load ended with {load.returncode} before it used a GPU")
        if time.monotonic() > deadline:
            raise NoLoadError(f"the load used no GPU within {LOAD_TIMEOUT_SECONDS:.0f} s")
        time.sleep(ROUND_SECONDS)


def _rounds(reader: NvmlReader, load: subprocess.Popen[bytes] | None) -> Iterator[Round]:
    """Yield several rounds of both sides. Stops when the load ends, because its last round could be of an idle GPU."""
    for _ in range(ROUNDS):
        values = reader.read(), _nvidia_smi()
        if load and load.poll() is not None:
            return
        yield values
        time.sleep(ROUND_SECONDS)


def _nvidia_smi() -> dict[str, Row]:
    query = ["nvidia-smi", f"--query-gpu={','.join(COLUMNS)}", "--format=csv,noheader,nounits"]
    return parse(subprocess.run(query, check=True, capture_output=True, text=True, timeout=60).stdout)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
