"""What a row of the table is, and what was measured for it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from llmtrain_api.job import JobSpec
from llmtrain_cli.job_file import read_job
from real_data.baselines.baseline import Baseline
from real_data.cache import Cache

JOBS = Path(__file__).parent / "jobs"


@dataclass(frozen=True, kw_only=True)
class Score:
    """A score of a model on its test part."""

    value: float
    low: float | None = None
    """The ends of the 95 % interval; None if the samples of a score cannot be drawn again."""
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A job that has ended: its folders, and how long `llmtrain run` took."""

    spec: JobSpec
    volumes: Path
    model: Path
    loss: float
    """The held-out loss, as published."""
    steps: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Row(ABC):
    """What is judged on a set of `make data`, and what it must reach."""

    name: str
    data: str
    """The set."""
    score: str
    """Name of the score."""
    bound: float
    smaller_is_better: bool = False

    @property
    @abstractmethod
    def task(self) -> str:
        """Return the name of the task."""

    @property
    @abstractmethod
    def model(self) -> str:
        """Return the name of what is judged."""

    @property
    def sets(self) -> list[str]:
        """Return the sets of `make data` that it needs."""
        return [self.data]

    def reached(self, value: float) -> bool:
        """Return whether a value is as good as the bound."""
        return value <= self.bound if self.smaller_is_better else value >= self.bound

    @property
    def sign(self) -> str:
        """Return the sign between score and bound."""
        return "≤" if self.smaller_is_better else "≥"


@dataclass(frozen=True, kw_only=True)
class FileRow(Row):
    """A file of word vectors that is read and not trained."""

    file: str
    """In the folder of the set."""
    judge: Callable[["FileRow", Cache], Score]

    @property
    def task(self) -> str:
        """Return the task whose models are such files."""
        return "word-vectors"

    @property
    def model(self) -> str:
        """Return the name of the file."""
        return self.file


@dataclass(frozen=True, kw_only=True)
class JobRow(Row):
    """A job that is run; its file in `jobs` has the name of the row."""

    write: Callable[[Path, Path], None]
    """Writes the data volume: from the folder of the set to an empty folder."""
    judge: Callable[["JobRow", Finished, Cache], Score]
    baselines: Callable[["JobRow", Finished, Cache], Sequence[Baseline]]
    """Methods without a network, judged on the same test part by the same score."""
    other_sets: Sequence[str] = ()
    """Sets that it needs besides."""

    @property
    def job_file(self) -> Path:
        """Return the path of the job."""
        return JOBS / f"{self.name}.yaml"

    @property
    def spec(self) -> JobSpec:
        """Return the spec of the job."""
        return read_job(self.job_file, "").spec

    @property
    def task(self) -> str:
        """Return the task of the job."""
        return self.spec.task.name

    @property
    def model(self) -> str:
        """Return the name of the model, or of the folder that it is loaded from."""
        source = self.spec.model.source
        return source.path if source else self.spec.model.name

    @property
    def sets(self) -> list[str]:
        """Return the sets of `make data` that it needs."""
        return [self.data, *self.other_sets, *(name for _, name in self.model_sets)]

    @property
    def model_sets(self) -> list[tuple[str, str]]:
        """Return the volumes of the folders that the model is made from, each with the set in the folder of its name."""
        model = self.spec.model
        return [(each.volume, each.path.split("/")[0]) for each in (model.source, model.vectors) if each]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The outcome of a row."""

    row: Row
    score: Score
    baselines: Sequence[Baseline]
    samples: int
    """Samples that were trained on, repeated ones counted again; none of a file."""
    seconds: float
    day: date
    """When it was measured."""

    @property
    def reached(self) -> bool:
        """Return whether the bound is reached."""
        return self.row.reached(self.score.value)

    def __str__(self) -> str:
        """Return one line: the name, the score, the bound and whether it is reached."""
        comparison = "ok" if self.reached else "short"
        return f"task_{self.row.name} {self.score.value:.4f} {self.row.bound:g} {comparison}"
