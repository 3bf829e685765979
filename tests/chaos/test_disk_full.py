"""A full volume costs checkpoints and nothing else: when there is space again, the next one is saved."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.polling import eventually
from support.training_job import Job, end, make_job


@pytest.fixture
def small_volume(tmp_path: Path) -> Iterator[Path]:
    """The job directory, on a file system of a few MiB."""
    folder = tmp_path / "job-uid"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"needs to mount a file system: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_volume_costs_checkpoints_only(small_volume: Path, data: Path, dataset: str, undisturbed: Job) -> None:
    job = make_job(small_volume.parent, data)
    try:
        job.coordinator()
        workers = [job.worker(number, dataset) for number in range(2)]
        eventually(lambda: job.has_checkpoint(20), "there is a checkpoint")
        fill_volume(small_volume / "filler")
        eventually(lambda: bool(workers[0].events("checkpointFailed")), "a checkpoint fails")
        assert "No space left on device" in str(workers[0].events("checkpointFailed")[0]["message"])
        (small_volume / "filler").unlink()
        assert [worker.ends_with() for worker in workers] == [0, 0], workers[0].text
        assert not workers[0].events("rankFailed")
        assert job.last_weights() == undisturbed.last_weights()
    finally:
        end(job)


def fill_volume(file: Path) -> None:
    """Use up all the space that is left."""
    with file.open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            pass
