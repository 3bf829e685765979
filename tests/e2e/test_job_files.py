"""kubectl and the API server have the same verdict about a job file as `llmtrain validate`."""

from pathlib import Path

import pytest

from contract.job_file_cases import FILE_CASES, FileCase
from e2e.kube import Kube

FILES = [case for case in FILE_CASES if case.refusal is None or "holds 0 documents" not in case.refusal]
"""All but the empty one, of which kubectl only says that there is nothing to apply."""


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.sentence)
def test_kubectl_accepts_or_rejects_a_file(kube: Kube, case: FileCase, tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_bytes(case.content)
    done = kube.run("apply", "--dry-run=server", "-f", str(file), check=False)
    assert (done.returncode == 0) is (case.refusal is None or case.stricter), done.stderr
