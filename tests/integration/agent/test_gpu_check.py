"""`make gpu-check` compares a fake NVML with a script named nvidia-smi."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SMI = "GPU-00000000-0000-4000-8000-000000000000, 87, 42, 38147, 81559, {celsius}, 512.35, 700.00, 1980, 2619, 0, 0"
SCRIPT = """- gpus 1
- driver 580.65.06
* name H100
* memory_total 85520809984
* memory_used 40000000000
* utilization 87
* memory_utilization 42
* temperature 61
* power 512345
* power_limit 700000
* clock_sm 1980
* clock_memory 2619
* ecc_corrected 0
* ecc_uncorrected 0
"""
Check = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return a function that runs the check with short rounds, on the library in a directory.

    `during` is a command in sh that the fake nvidia-smi runs before it prints its values.
    """
    (tmp_path / "script").write_text(SCRIPT)

    def run(
        library: Path | None, *command: str, celsius: int = 61, during: str = ":"
    ) -> subprocess.CompletedProcess[str]:
        smi = tmp_path / "nvidia-smi"
        smi.write_text(f"#!/bin/sh\n{during}\necho '{SMI.format(celsius=celsius)}'\n")
        smi.chmod(0o755)
        fast = "import sys, llmtrain_agent.gpu.check as c; c.ROUND_SECONDS = 0.01; sys.exit(c.main(sys.argv[1:]))"
        return subprocess.run(
            [sys.executable, "-c", fast, "--", *command],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "PATH": f"{tmp_path}:{os.environ['PATH']}",
                "LLMTRAIN_FAKE_NVML": str(tmp_path / "script"),
                "LD_LIBRARY_PATH": str(library or ""),
            },
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_equal_values_are_printed_and_pass(check: Check, library: Path) -> None:
    done = check(library, "sleep", "60")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "gpu 0 temperature_celsius agent=61 nvidia-smi=61 tolerance=3 ok" in lines
    assert lines[-1] == "gpu-check: 11 values compared under load, 0 differ."


def test_a_value_that_differs_fails(check: Check, library: Path) -> None:
    done = check(library, "sleep", "60", celsius=80)
    assert done.returncode == 1
    assert "gpu 0 temperature_celsius agent=61 nvidia-smi=80 tolerance=3 DIFFERS" in done.stdout


def test_a_load_that_uses_no_gpu_fails(check: Check, library: Path, tmp_path: Path) -> None:
    (tmp_path / "script").write_text(SCRIPT.replace("utilization 87", "utilization 0"))
    done = check(library, "false")
    assert done.returncode == 1
    assert done.stderr.strip() == "gpu-check: the load ended with 1 before it used a GPU."


def test_a_load_that_ends_before_a_comparison_fails(check: Check, library: Path, tmp_path: Path) -> None:
    """The first nvidia-smi ends the load, and waits until it has exited."""
    pid = tmp_path / "pid"
    end_load = (
        f"until [ -s {pid} ]; do sleep 0.01; done; kill -9 $(cat {pid}); "
        f"until grep -q ') Z ' /proc/$(cat {pid})/stat; do sleep 0.01; done"
    )
    done = check(library, "sh", "-c", f"echo $$ > {pid}; exec sleep 60", during=end_load)
    assert done.returncode == 1
    assert done.stderr.strip() == "gpu-check: the load ended before a value could be compared."


def test_without_a_gpu_the_reason_is_printed(check: Check) -> None:
    done = check(None, "sleep", "60")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "gpu-check: this machine has no usable NVIDIA GPU: NVML Shared Library Not Found, "
        "so there is nothing to compare."
    ]
