"""`llmtrain run` with the real coordinator and the real trainer."""

import json
import os
import signal
import time

from integration.local.conftest import DEADLINE_SECONDS, Workspace


def joined_steps(workspace: Workspace) -> list[int]:
    """Return the steps that trainers had done when they joined, in order."""
    log = workspace.folder / ".llmtrain" / "logs" / "small" / "coordinator.jsonl"
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    return [entry["step"] for entry in entries if entry["event"] == "joined"]


def test_a_stopped_run_goes_on_where_it_was(workspace: Workspace) -> None:
    stopped = workspace.run()
    stopped.until_line("step ")
    stopped.process.send_signal(signal.SIGINT)
    assert stopped.end() == 130, stopped.text
    assert "the same command goes on" in stopped.lines[-1]
    assert workspace.processes() == []

    resumed = workspace.run()
    assert resumed.end() == 0, resumed.text
    assert joined_steps(workspace)[:2] == [0, 0]
    assert min(joined_steps(workspace)[-2:]) > 0
    assert resumed.lines[-1].startswith("local: small Succeeded steps=300 loss="), resumed.text
    assert any(line.startswith("step 300/300") for line in resumed.lines), resumed.text
    exported = workspace.folder.glob(".llmtrain/volumes/results/small-*/model/model.safetensors")
    assert len(list(exported)) == 1

    workspace.write_job(steps=301)
    refused = workspace.run()
    assert refused.end() == 2
    assert "spec.training" in refused.text
    assert "--fresh" in refused.text


def test_a_killed_worker_is_started_again_and_the_job_finishes(workspace: Workspace) -> None:
    run = workspace.run()
    run.until_line("step ")
    os.kill(workspace.processes("worker")[0], signal.SIGKILL)
    assert run.end() == 0, run.text
    assert "was killed by SIGKILL; starting it again (failure 1 of 10)" in run.text
    assert run.lines[-1].startswith("local: small Succeeded")
    assert workspace.processes() == []


def test_nothing_outlives_a_killed_run(workspace: Workspace) -> None:
    run = workspace.run()
    run.until(lambda: workspace.processes("rank"))
    run.process.send_signal(signal.SIGKILL)
    run.end()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while workspace.processes():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_path_that_is_not_there_is_bad_input(workspace: Workspace) -> None:
    texts = workspace.folder / ".llmtrain" / "volumes" / "texts"
    (texts / "tables").rename(texts / "elsewhere")
    run = workspace.run()
    assert run.end() == 2
    assert "tables" in run.text
    assert "volume texts is the folder .llmtrain/volumes/texts" in run.text
    assert "Traceback" not in run.text
