"""`llmtrain run` with the real coordinator and the real trainer."""

import json
import os
import signal
from typing import Any

from support.local_run import Workspace
from support.polling import eventually


def entries(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the coordinator's log."""
    log = workspace.folder / ".llmtrain" / "logs" / "small" / "coordinator.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()]


def event_names(workspace: Workspace) -> list[str]:
    """Return what happened, in order."""
    return [entry["event"] for entry in entries(workspace)]


def test_a_stopped_run_resumes_from_its_last_step(workspace: Workspace) -> None:
    stopped = workspace.run()
    stopped.until_line("step ")
    stopped.process.send_signal(signal.SIGINT)
    assert stopped.end() == 130, stopped.text
    assert "run the same command again to resume" in stopped.lines[-1]
    assert workspace.processes() == []

    resumed = workspace.run()
    assert resumed.end() == 0, resumed.text
    steps = [int(line.split()[1].split("/")[0]) for line in resumed.lines if line.startswith("step ")]
    assert min(steps) > 1, resumed.text
    assert resumed.lines[-1].startswith("local: small Succeeded steps=300 loss="), resumed.text
    assert any(line.startswith("step 300/300") for line in resumed.lines), resumed.text
    (exported,) = workspace.folder.glob(".llmtrain/volumes/results/small-*/model/model.safetensors")
    history = json.loads((exported.parent / "evaluation.json").read_text())["history"]
    steps = [step for step, _ in history["trainingLoss"]["points"]]
    assert steps == list(range(2, 301, 2)), "those before the stop are in it"
    assert "<svg" in (exported.parent / "evaluation.html").read_text()

    workspace.write_job(seed=1)
    refused = workspace.run()
    assert refused.end() == 2
    assert "spec.training.seed (0 before, 1 now) can't be changed" in refused.text
    assert "--fresh" in refused.text


def test_a_moved_directory_resumes_and_other_text_is_refused(workspace: Workspace) -> None:
    stopped = workspace.run()
    stopped.until_line("step ")
    stopped.process.send_signal(signal.SIGINT)
    assert stopped.end() == 130, stopped.text
    moved = workspace.folder.with_name(f"{workspace.folder.name}-moved")
    workspace.folder.rename(moved)
    workspace.folder = moved

    more = moved / ".llmtrain" / "volumes" / "texts" / "tables" / "more.txt"
    more.write_text("other words, which change the tokenizer\n" * 50)
    refused = workspace.run()
    assert refused.end() == 2, refused.text
    assert "was trained on dataset" in refused.lines[-1], refused.text

    more.unlink()
    resumed = workspace.run()
    assert resumed.end() == 0, resumed.text
    steps = [int(line.split()[1].split("/")[0]) for line in resumed.lines if line.startswith("step ")]
    assert min(steps) > 1, resumed.text


def test_a_killed_worker_is_started_again_and_the_job_finishes(workspace: Workspace) -> None:
    run = workspace.run()
    run.until_line("step ")
    os.kill(workspace.processes("worker")[0], signal.SIGKILL)
    assert run.end() == 0, run.text
    assert "was killed by SIGKILL; restarting it (failure 1 of 10)" in run.text
    assert run.lines[-1].startswith("local: small Succeeded")
    assert workspace.processes() == []


def test_a_killed_coordinator_does_not_disturb_training(workspace: Workspace) -> None:
    workspace.write_job(steps=500)
    run = workspace.run()
    run.until_line("step ")
    os.kill(workspace.processes("llmtrain_coordinator")[0], signal.SIGKILL)
    assert run.end() == 0, run.text
    assert "coordinator was killed by SIGKILL; restarting it" in run.text
    assert event_names(workspace).count("generationStarted") == 1
    assert "generationAdopted" in event_names(workspace)
    assert run.lines[-1].startswith("local: small Succeeded steps=500")


def test_nothing_outlives_a_killed_run(workspace: Workspace) -> None:
    run = workspace.run()
    run.until(lambda: workspace.processes("rank"))
    run.process.send_signal(signal.SIGKILL)
    run.end()
    eventually(lambda: not workspace.processes(), "every process has exited")


def test_a_path_that_is_not_there_is_bad_input(workspace: Workspace) -> None:
    texts = workspace.folder / ".llmtrain" / "volumes" / "texts"
    (texts / "tables").rename(texts / "elsewhere")
    run = workspace.run()
    assert run.end() == 2
    assert "tables" in run.text
    assert "volume texts is the folder .llmtrain/volumes/texts" in run.text
    assert "Traceback" not in run.text


def test_a_finished_run_continues_when_its_steps_are_raised(workspace: Workspace) -> None:
    workspace.write_job(steps=40)
    assert workspace.run().end() == 0
    (model,) = workspace.folder.glob(".llmtrain/volumes/results/small-*/model/model.safetensors")
    before = model.read_bytes()
    workspace.write_job(steps=60)
    longer = workspace.run()
    assert longer.end() == 0, longer.text
    steps = [int(line.split()[1].split("/")[0]) for line in longer.lines if line.startswith("step ")]
    assert min(steps) > 40, longer.text
    assert "Succeeded steps=60" in longer.lines[-1], longer.text
    assert model.read_bytes() != before


def test_a_prepare_that_is_stopped_by_others_is_run_again(workspace: Workspace) -> None:
    run = workspace.run()
    run.until(lambda: workspace.processes("prepare"))
    os.kill(workspace.processes("prepare")[0], signal.SIGTERM)
    assert run.end() == 0, run.text
    assert any(line.startswith("prepare") and "restarting it (failure 1 of 10)" in line for line in run.lines), run.text


def test_a_closed_terminal_stops_the_run_with_a_checkpoint(workspace: Workspace) -> None:
    workspace.write_job(steps=100_000)
    run = workspace.run()
    run.until_line("step ")
    run.process.send_signal(signal.SIGHUP)
    assert run.end() == 130, run.text
    assert list(workspace.folder.glob(".llmtrain/volumes/results/small-*/checkpoints/step-*"))
    assert workspace.processes() == []
