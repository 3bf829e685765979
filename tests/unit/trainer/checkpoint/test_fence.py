"""The fence lets the newest coordinator's ranks write, and refuses those of an older one."""

from pathlib import Path

import pytest

from llmtrain_trainer.checkpoint.fence import FENCE_FILE, acquire_fence, check_fence
from llmtrain_trainer.errors import Fenced


def test_a_newer_term_acquires_the_fence_and_an_older_one_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "job"
    check_fence(folder, 1)
    acquire_fence(folder, 1)
    acquire_fence(folder, 1)
    acquire_fence(folder, 3)
    check_fence(folder, 3)
    for refused in (acquire_fence, check_fence):
        with pytest.raises(Fenced, match="of term 3, trains this job now; this one has term 2"):
            refused(folder, 2)
    assert [path.name for path in folder.iterdir()] == [FENCE_FILE]


@pytest.mark.parametrize("contents", [b"", b'{"ter', b"[]", b"\xff", b'{"term": null}'])
def test_a_damaged_fence_is_replaced(contents: bytes, tmp_path: Path) -> None:
    """Earlier versions did not flush it, so a node that failed could leave an empty one."""
    (tmp_path / FENCE_FILE).write_bytes(contents)
    acquire_fence(tmp_path, 2)
    assert check_fence(tmp_path, 2) == 2
