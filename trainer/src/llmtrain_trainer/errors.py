"""Errors of the trainer. The message of each is one sentence that ends up in the job's status.

    TrainerError
    ├── BadInput                the job's spec can't be satisfied         -> exit code BAD_INPUT, not retried
    ├── Diverged                losses or weights are not finite          -> exit code DIVERGED, not retried
    ├── CommunicationFailed     the ranks can't exchange anything         -> exit code COMMUNICATION, the pod is replaced
    ├── StopRequested           SIGTERM, SIGINT or SIGHUP                 -> exit code STOPPED
    │   └── Fenced              a newer coordinator trains this job       -> STOPPED, nothing is written
    ├── GenerationEnded         a peer failed or the membership changed   -> the rank joins the next generation
    │   └── CollectiveFailed    a collective or a connection failed       -> the same; the cause is kept
    ├── CoordinatorUnavailable  the coordinator does not answer           -> the request is repeated
    ├── CheckpointInvalid       a checkpoint is incomplete or corrupt     -> the checkpoint before it is used
    ├── VolumeUnreadable        the volume answers with errors            -> exit code FAILURE: tried again later
    └── UserProgramFailed       the user's program exited with an error   -> exit code FAILURE

Any other exception is a crash: exit code FAILURE, which is retried. `outcomes.py` maps errors to exit codes.
"""


class TrainerError(Exception):
    """Base of all errors of the trainer."""


class BadInput(TrainerError):
    """The job's spec can't be satisfied. The message names the field and the remedy."""


class Diverged(TrainerError):
    """Steps, or the weights, are not finite, and training would not recover by itself."""


class CommunicationFailed(TrainerError):
    """The same ranks failed to exchange anything several times, although none of them was lost."""


class StopRequested(TrainerError):
    """A stop was requested while the process had nothing to complete."""


class Fenced(StopRequested):
    """A newer coordinator trains this job with other workers, so this process must not write."""


class GenerationEnded(TrainerError):
    """The members of this generation can't continue together."""


class CollectiveFailed(GenerationEnded):
    """A collective, or a connection to a peer, failed. The peer may be lost; the message keeps what was reported."""


class CoordinatorUnavailable(TrainerError):
    """The coordinator did not answer, or answered that it can't process the request now."""


class CheckpointInvalid(TrainerError):
    """A checkpoint does not match its manifest."""


class VolumeUnreadable(TrainerError):
    """The checkpoint volume still answered with errors after the last attempt. What is on it is unknown."""


class UserProgramFailed(TrainerError):
    """The user's program exited with a code other than 0, or raised an exception."""

    def __init__(self, message: str, *, exit_code: int, before_first_step: bool = False) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.before_first_step = before_first_step
        """Whether the program is known not to have completed a step."""
