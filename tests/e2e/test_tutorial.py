"""The tutorial's steps on a cluster, as written in docs/tutorial.md."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.kube import Kube, installed_image
from support.tutorial import FIXTURES, ON_A_CLUSTER, commands_below, save_files

JOBS = ("first", "docs", "wave")
TIMEOUT_SECONDS = 390


class Reader:
    """A reader of the tutorial: runs its commands in a folder, in the namespace of these tests."""

    def __init__(self, kube: Kube, folder: Path) -> None:
        self._kube, self._folder = kube, folder
        save_files(folder)
        copy = folder / "copy.yaml"  # an image that is on the nodes already, as no registry may be reachable
        copy.write_text(copy.read_text().replace("image: busybox", f"image: {installed_image(kube)}"))

    def types(self, commands: list[str]) -> str:
        """Return what commands print; they stop at the first that fails."""
        mine = [command for command in commands if command not in FIXTURES]
        prelude = f'kubectl() {{ command kubectl -n {self._kube.namespace} "$@"; }}'
        done = subprocess.run(
            ["bash", "-e", "-c", "\n".join([prelude, *mine])],
            cwd=self._folder,
            env=self._kube.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{self._kube.picture()}"
        return done.stdout


@pytest.fixture(scope="module")
def reader(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """The reader; jobs and the pod are deleted afterwards."""
    yield Reader(kube, tmp_path_factory.mktemp("tutorial"))
    kube.run("delete", "pod", "copy", "--ignore-not-found", "--wait=false")
    for job in JOBS:
        kube.delete_job(job)


def test_the_first_job_trains_on_the_cluster(reader: Reader) -> None:
    output = reader.types(commands_below(*ON_A_CLUSTER[0]))
    assert '"sha256"' in output
    assert "Succeeded" in output


def test_a_job_trains_on_text_that_was_copied_to_the_volume(reader: Reader, kube: Kube) -> None:
    reader.types(commands_below(*ON_A_CLUSTER[1]))
    assert kube.status("docs")["model"]["perplexity"]


def test_a_job_runs_a_program_that_was_copied_to_the_volume(reader: Reader) -> None:
    assert "saved wave.pt" in reader.types(commands_below(*ON_A_CLUSTER[2]))


def test_cleaning_up_leaves_no_job_of_the_tutorial(reader: Reader, kube: Kube) -> None:
    reader.types(commands_below(*ON_A_CLUSTER[3]))
    assert not [job for job in JOBS if kube.get("ltj", job)]
