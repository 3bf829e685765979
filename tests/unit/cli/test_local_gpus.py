"""Each worker of a local run sees GPUs of its own, or the run is refused."""

import os
from pathlib import Path

import pytest

from llmtrain_api.workers import Workers
from llmtrain_cli.errors import BadInput
from llmtrain_cli.local_gpus import gpus_of_workers, visible_gpus

FAKE_TORCH = """
import os
class cuda:
    def device_count():
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        known = ["0", "1", "2", "GPU-aaaa", "GPU-bbbb", "MIG-cccc"]
        if visible is None:
            return 3
        names = [name.strip() for name in visible.split(",")]
        return next((at for at, name in enumerate(names) if name not in known), len(names))
"""
"""Counts GPUs as PyTorch does."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with three GPUs."""
    (tmp_path / "torch.py").write_text(FAKE_TORCH)
    others = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    return {**others, "PYTHONPATH": str(tmp_path)}


@pytest.mark.parametrize(
    ("variable", "visible"),
    [
        pytest.param(None, ["0", "1", "2"], id="all"),
        pytest.param("2,0", ["2", "0"], id="those that are listed, in their order"),
        pytest.param("GPU-bbbb, GPU-aaaa", ["GPU-bbbb", "GPU-aaaa"], id="UUIDs"),
        pytest.param("1,7,0", ["1"], id="those before one that is not there"),
        pytest.param("MIG-cccc,MIG-dddd", ["MIG-cccc", "MIG-dddd"], id="instances, of which a process sees one"),
        pytest.param("", [], id="none"),
        pytest.param("-1", [], id="none by a negative number"),
    ],
)
def test_visible_gpus_are_those_of_cuda(environment: dict[str, str], variable: str | None, visible: list[str]) -> None:
    assert visible_gpus(environment | ({} if variable is None else {"CUDA_VISIBLE_DEVICES": variable})) == visible


def test_a_broken_pytorch_is_bad_input_with_its_error(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libcudart.so is missing')")
    with pytest.raises(BadInput, match=r"spec\.workers\.gpus: .*libcudart\.so is missing"):
        visible_gpus(environment)


@pytest.mark.parametrize(
    ("replicas", "gpus", "slices"),
    [(1, 1, ["2"]), (2, 1, ["2", "0"]), (1, 3, ["2,0,GPU-aaaa"]), (3, 1, ["2", "0", "GPU-aaaa"])],
)
def test_workers_get_gpus_of_their_own(replicas: int, gpus: int, slices: list[str]) -> None:
    found = gpus_of_workers(Workers(replicas=replicas, gpus=gpus), ["2", "0", "GPU-aaaa"])
    assert [variables["CUDA_VISIBLE_DEVICES"] for variables in found] == slices


def test_too_few_gpus_are_refused_with_their_number() -> None:
    with pytest.raises(BadInput, match=r"2 x 2 GPUs are needed .* this machine has 3 .*; lower workers\.replicas"):
        gpus_of_workers(Workers(replicas=2, gpus=2), ["0", "1", "2"])
