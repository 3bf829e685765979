"""Two coordinators at once, as when a node is cut off: the newer one's workers train the job, the others stop."""

from pathlib import Path

from llmtrain_api.termination import ExitCode
from support.faults import armed, fault
from support.polling import eventually
from support.training_job import Job, end, make_job


def test_the_older_ones_workers_stop_and_write_nothing(
    data: Path, tmp_path: Path, dataset: str, undisturbed: Job
) -> None:
    """The older one's worker is slow from step 20 on, or it would be through before the other one has begun."""
    for name in ("older", "newer"):
        (tmp_path / name).mkdir()
    older = make_job(tmp_path / "older", data)
    newer = make_job(tmp_path / "newer", data)
    newer.run = newer.run.model_copy(update={"job_directory": older.run.job_directory})
    (newer.root / "run.json").write_text(newer.run.model_dump_json(by_alias=True, exclude_none=True))
    try:
        older.coordinator(1, "--term", "1")
        slowed = armed(*(fault(older, "update", "SLOW", "rank", 20, number) for number in range(6)))
        cut_off = older.stage("worker", "--dataset", dataset, LLMTRAIN_WORKER="0", **slowed)
        eventually(lambda: older.has_checkpoint(20), "the older one's worker trains")
        newer.coordinator(1, "--term", "2")
        worker = newer.worker(0, dataset)
        assert cut_off.ends_with() == ExitCode.STOPPED, cut_off.text
        assert "another coordinator, of term 2, trains this job now" in cut_off.outcome.message
        assert worker.ends_with() == 0, worker.text
        assert newer.last_weights() == undisturbed.last_weights()
    finally:
        end(older)
        end(newer)
