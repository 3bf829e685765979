"""What a rank and its writer say to each other: one JSON line each way for every checkpoint."""

from llmtrain_api.model import Model
from llmtrain_api.protocol import CheckpointInfo, CheckpointWriteStats
from llmtrain_trainer.checkpoint.manifest import Manifest


class TensorSlice(Model):
    """Where a tensor of float32 is in the shared memory."""

    file: str
    """File of the checkpoint it goes to."""
    name: str
    offset: int
    """In elements."""
    shape: list[int]


class WriteRequest(Model):
    """Write what is in the shared memory now. `manifest` lacks the files, which are still to be written."""

    job_directory: str
    term: int
    """Of the coordinator whose generation this is from."""
    keep_last: int
    keep_best: int
    manifest: Manifest
    places: list[TensorSlice]


class WriteResult(Model):
    """What became of an order: a checkpoint, or the reason why there is none."""

    step: int
    seconds: float
    checkpoint: CheckpointInfo | None = None
    written: CheckpointWriteStats | None = None
    """How a checkpoint was written."""
    error: str = ""
    superseded: bool = False
    """Whether it was refused because a newer coordinator trains this job."""
