"""The same kill against stock `torchrun`: one agent with two ranks, and two agents with one rank each."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.polling import eventually
from support.ports import free_port

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
PEER = Path(__file__).with_name("torchrun_peer.py")
GIVE_UP_SECONDS = float(os.environ.get("LLMTRAIN_BENCH_TORCHRUN_SECONDS", "150"))
LINE = re.compile(r"step (\d+) rank (\d+) pid (\d+) time ([\d.]+)")


def agent(folder: Path, number: int, agents: int, port: int) -> "subprocess.Popen[bytes]":
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        f"--nnodes=1:{agents}",
        f"--nproc-per-node={2 // agents}",
        "--rdzv-backend=c10d",
        f"--rdzv-endpoint=127.0.0.1:{port}",
        "--rdzv-id=bench",
        "--max-restarts=3",
        "--local-addr=127.0.0.1",
        str(PEER),
    ]
    with (folder / f"agent-{number}").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def lines(folder: Path, after: float = 0.0) -> list[tuple[int, int, int, float]]:
    """Return (step, rank, pid, time) of every step after an instant, oldest first."""
    found = [LINE.findall(log.read_text(errors="replace")) for log in folder.glob("agent-*")]
    all_lines = [(int(step), int(rank), int(pid), float(at)) for log in found for step, rank, pid, at in log]
    return sorted((line for line in all_lines if line[3] > after), key=lambda line: line[3])


@pytest.mark.parametrize("agents", [1, 2])
@pytest.mark.parametrize("killed", ["rank", "agent"])
def test_a_kill_under_torchrun(tmp_path: Path, agents: int, killed: str) -> None:
    if killed == "agent" and agents == 1:
        pytest.skip("no rank would be left")
    port = free_port()
    running = [agent(tmp_path, number, agents, port) for number in range(agents)]
    try:
        eventually(
            lambda: len({rank for _, rank, _, _ in lines(tmp_path)}) == 2,
            "both ranks train",
            seconds=120,
            details=lambda: "\n".join(log.read_text() for log in tmp_path.glob("agent-*")),
        )
        time.sleep(2)
        victim = max(lines(tmp_path), key=lambda line: line[1])[2]
        at = time.time()
        if killed == "rank":
            os.kill(victim, signal.SIGKILL)
        else:
            os.killpg(running[-1].pid, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        settled = at + 0.2  # a step that was being done ends
        while not lines(tmp_path, settled) and time.time() - at < GIVE_UP_SECONDS:
            time.sleep(0.05)
        after = lines(tmp_path, settled)
        name = f"torchrun_{agents}_agents_killed_{killed}_to_step_seconds"
        lost = max(step for step, *_, when in lines(tmp_path) if when < settled)
        if after:
            print(f"\n{name} {after[0][3] - at:.3f} s (its steps begin again: {lost} lost without a checkpoint)")
        else:
            print(f"\n{name} >{GIVE_UP_SECONDS:.0f} s (given up)")
    finally:
        for each in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.pid, signal.SIGKILL)
            each.wait()
        for pid in {line[2] for line in lines(tmp_path)}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
