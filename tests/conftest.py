"""Fixtures of several layers of tests, and the report at the end of a run: measurements, and passed tests per layer."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fake_nvml import compiled
from support.measurements import RecordMeasurement, measurements_of, recorder
from support.training_job import Job, end, make_job

TESTS = Path(__file__).parent
WHERE = {"e2e": "on a real cluster"}


def pytest_configure(config: pytest.Config) -> None:
    """Handle SIGHUP by default under nohup too: what the tests start inherits it."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def record_measurement(request: pytest.FixtureRequest) -> RecordMeasurement:
    """Records a name, a value and a unit, which are printed at the end of the run."""
    return recorder(request.node)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the fake libnvidia-ml.so.1."""
    return compiled(tmp_path_factory.mktemp("nvml"))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data volume with a few of the standard library's modules as text."""
    root = tmp_path_factory.mktemp("data")
    (root / "text").mkdir()
    for name in ("argparse", "ast", "csv", "inspect", "pathlib", "shutil", "socket", "tarfile", "textwrap", "typing"):
        (root / "text" / f"{name}.py").write_text(Path(os.__file__).with_name(f"{name}.py").read_text())
    return root


@pytest.fixture(scope="session")
def dataset(data: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The prepared dataset's id."""
    job = make_job(tmp_path_factory.mktemp("prepare"), data)
    prepare = job.stage("prepare")
    assert prepare.ends_with() == 0, prepare.text
    assert prepare.outcome.dataset is not None
    return prepare.outcome.dataset.id


@pytest.fixture(scope="session")
def undisturbed(data: Path, dataset: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """A job that two workers trained to the end without any disturbance."""
    job = make_job(tmp_path_factory.mktemp("undisturbed"), data)
    job.coordinator()
    workers = [job.worker(number, dataset) for number in range(2)]
    assert [worker.ends_with() for worker in workers] == [0, 0], workers[0].text + workers[1].text
    yield job
    end(job)


@pytest.fixture
def job(data: Path, tmp_path: Path) -> Iterator[Job]:
    """A job that has not started. Its processes end with the test."""
    job = make_job(tmp_path, data)
    yield job
    end(job)


def layer(report: pytest.TestReport) -> str:
    """Return the folder below tests/ that a report's test is in."""
    return report.nodeid.removeprefix("tests/").split("/")[0]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the measurements, and a line such as `passed: 120 unit, 14 integration, 23 e2e (on a real cluster)`."""
    reports = [
        each for found in terminalreporter.stats.values() for each in found if isinstance(each, pytest.TestReport)
    ]
    for line in measurements_of(reports):
        terminalreporter.write_line(line)
    passed = Counter(layer(report) for report in terminalreporter.getreports("passed") if report.when == "call")
    counts = [f"{count} {name}" + (f" ({WHERE[name]})" if name in WHERE else "") for name, count in passed.items()]
    if counts:
        terminalreporter.write_line(f"passed: {', '.join(counts)}")
