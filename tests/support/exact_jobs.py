"""Jobs that have ended, and what they made: the same bits at any number of workers, and after a kill."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from support.faults import armed, fault
from support.polling import DEADLINE_SECONDS
from support.training_job import Job, end

Result = tuple[bytes, float, dict[str, float], str]
"""The last checkpoint's weights, and loss, scores and hash of what is published."""


class ExactJobs:
    """Trains each job once, and publishes it."""

    def __init__(
        self,
        make: Callable[[Path, str], Job],
        new_folder: Callable[[str], Path],
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        """`make` makes a job in a folder, by its name; `new_folder` makes a folder whose name begins with a word.

        Each process has to end within the deadline.
        """
        self._make, self._new_folder, self._deadline_seconds = make, new_folder, deadline_seconds
        self.jobs: list[Job] = []
        self.last_scores: dict[str, dict[str, float]] = {}
        """Scores of the last evaluation while a job trained, by its name."""
        self._datasets: dict[str, str] = {}

    @cache  # noqa: B019 - lives as long as the module's tests
    def result(self, name: str, workers: int, *, killed: bool = False) -> Result:
        """Return what a job made with a number of workers, of which one loses its rank if one is `killed`."""
        job = self._make(self._new_folder("job"), name)
        self.jobs.append(job)
        dataset = self._datasets[name] = self._datasets.get(name) or self._prepared(job)
        marker = job.root / "killed"
        faults = armed(fault("forward", "SIGKILL", marker=marker, step=7)) if killed else {}
        job.coordinator(workers=workers)
        ranks = [
            job.stage("worker", "--dataset", dataset, LLMTRAIN_WORKER=str(number), **(faults if number == 0 else {}))
            for number in range(workers)
        ]
        assert [rank.ends_with(self._deadline_seconds) for rank in ranks] == [0] * workers, ranks[0].text
        assert marker.exists() == killed
        publish = job.stage("publish", "--dataset", dataset)
        assert publish.ends_with(self._deadline_seconds) == 0, publish.text
        model, steps = publish.outcome.model, job.run.training.steps
        weights = (job.checkpoints / f"step-{steps:08d}" / "weights.safetensors").read_bytes()
        evaluated = [event for rank in ranks for event in rank.events("evaluated")]
        assert evaluated[-1]["step"] == steps
        self.last_scores[name] = dict(evaluated[-1].get("scores") or {})
        return weights, model.loss, model.metrics, model.sha256

    def close(self) -> None:
        """End what still runs."""
        for job in self.jobs:
            end(job)

    def _prepared(self, job: Job) -> str:
        """Run the prepare stage of a job; return the id of its dataset."""
        prepare = job.stage("prepare")
        assert prepare.ends_with(self._deadline_seconds) == 0, prepare.text
        return str(prepare.outcome.dataset.id)
