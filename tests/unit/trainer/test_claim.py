"""The newest coordinator's generations own the job's folder; an older one's are refused."""

from pathlib import Path

import pytest

from llmtrain_trainer.checkpoint.claim import CLAIM_FILE, check, claim
from llmtrain_trainer.errors import Superseded


def test_a_newer_term_takes_over_and_an_older_one_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "job"
    check(folder, 1)
    claim(folder, 1)
    claim(folder, 1)
    claim(folder, 3)
    check(folder, 3)
    for refused in (claim, check):
        with pytest.raises(Superseded, match="of term 3, trains this job now; this one has term 2"):
            refused(folder, 2)
    assert [path.name for path in folder.iterdir()] == [CLAIM_FILE]
