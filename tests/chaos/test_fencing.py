"""Two coordinators at once, as when a node is cut off: the newer one's workers train the job, the others stop."""

from pathlib import Path

from llmtrain_api.termination import ExitCode
from support.faults import armed, fault
from support.polling import eventually
from support.training_job import Job, end, make_job


def test_workers_of_an_older_coordinator_stop_and_write_nothing(
    data: Path, tmp_path: Path, dataset: str, undisturbed: Job
) -> None:
    """The older one's worker is slowed from step 20 on for a minute, so that it does not finish before the newer one has started."""
    for name in ("older", "newer"):
        (tmp_path / name).mkdir()
    older = make_job(tmp_path / "older", data)
    newer = make_job(tmp_path / "newer", data)
    newer.run = newer.run.model_copy(update={"job_directory": older.run.job_directory})
    (newer.root / "run.json").write_text(newer.run.model_dump_json(by_alias=True, exclude_none=True))
    try:
        older.coordinator(1, "--term", "1")
        delays = [fault("update", "SLOW", marker=older.root / f"injected-{i}", step=20) for i in range(15)]
        fenced = older.stage("worker", "--dataset", dataset, LLMTRAIN_WORKER="0", **armed(*delays))
        eventually(lambda: older.has_checkpoint(20), "the older one's worker trains")
        newer.coordinator(1, "--term", "2")
        worker = newer.worker(0, dataset)
        assert fenced.ends_with(180) == ExitCode.STOPPED, fenced.text
        assert "another coordinator, of term 2, trains this job now" in fenced.outcome.message
        assert worker.ends_with() == 0, worker.text
        assert newer.last_weights() == undisturbed.last_weights()
    finally:
        end(older)
        end(newer)
