"""Errors of the trainer. The message of each is one sentence that ends up in the job's status.

    TrainerError
    ├── BadInput                the job's spec can't be satisfied         -> exit code BAD_INPUT, not retried
    ├── StopRequested           SIGTERM, SIGINT or SIGHUP                 -> exit code STOPPED
    │   └── Fenced              a newer coordinator trains this job       -> STOPPED, nothing is written
    ├── GenerationEnded         a peer failed or the membership changed   -> the rank joins the next generation
    ├── CoordinatorUnavailable  the coordinator does not answer           -> the request is repeated
    ├── CheckpointInvalid       a checkpoint is incomplete or corrupt     -> the checkpoint before it is used
    └── UserProgramFailed       the user's program exited with an error   -> exit code FAILURE

Any other exception is a crash: exit code FAILURE, which is retried. `outcomes.py` maps errors to exit codes.
"""


class TrainerError(Exception):
    """Base of all errors of the trainer."""


class BadInput(TrainerError):
    """The job's spec can't be satisfied. The message names the field and the remedy."""


class StopRequested(TrainerError):
    """A stop was requested while the process had nothing to complete."""


class Fenced(StopRequested):
    """A newer coordinator trains this job with other workers, so this process must not write."""


class GenerationEnded(TrainerError):
    """The members of this generation can't continue together."""


class CoordinatorUnavailable(TrainerError):
    """The coordinator did not answer, or answered that it can't process the request now."""


class CheckpointInvalid(TrainerError):
    """A checkpoint does not match its manifest."""


class UserProgramFailed(TrainerError):
    """The user's program exited with a code other than 0, or raised an exception."""

    def __init__(self, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code
