"""The messages between a rank and its checkpoint writer: one JSON line in each direction for every checkpoint."""

from llmtrain_api.model import Model
from llmtrain_api.protocol import CheckpointInfo, CheckpointWriteStats
from llmtrain_trainer.checkpoint.manifest import Manifest


class TensorSlice(Model):
    """A tensor's place in the shared memory and in the checkpoint."""

    file: str
    """File of the checkpoint that holds the tensor."""
    name: str
    """Name in that file."""
    offset: int
    """Position in the shared memory, in elements of float32."""
    shape: list[int]


class WriteRequest(Model):
    """Asks the writer to write the contents of the shared memory as a checkpoint."""

    job_directory: str
    term: int
    """Term of the coordinator whose generation took the snapshot."""
    keep_last: int
    keep_best: int
    manifest: Manifest
    """The manifest without `files`, which the writer adds."""
    slices: list[TensorSlice]


class WriteResult(Model):
    """The outcome of a request: a checkpoint or an error."""

    step: int
    seconds: float
    checkpoint: CheckpointInfo | None = None
    stats: CheckpointWriteStats | None = None
    """How the checkpoint was written; None if the volume does not report its size, or it was complete already."""
    error: str = ""
    """Why there is no checkpoint; empty if there is one."""
    fenced: bool = False
    """Whether the request was refused because a newer coordinator trains this job."""
