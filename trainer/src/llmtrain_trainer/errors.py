"""What can go wrong in the trainer. Every error is one sentence for the person who reads the status.

    TrainerError
    ├── BadInput           the job asks for what can't be had     -> exit code BAD_INPUT, not tried again
    ├── StopRequested      SIGTERM or SIGINT                      -> exit code STOPPED
    │   └── Superseded     another coordinator trains this job    -> the same, and nothing is written
    ├── GenerationEnded    a peer died or the membership changed  -> join the next generation
    ├── Unreachable        the coordinator doesn't answer         -> asked again
    ├── CheckpointRefused  torn or corrupt                        -> the checkpoint before it is used
    └── OwnCodeFailed      the user's program ended badly         -> exit code FAILURE; its own is in the outcome

Anything else is a crash: exit code FAILURE, worth another try.
"""


class TrainerError(Exception):
    """The base of all errors of the trainer."""


class BadInput(TrainerError):
    """The job asks for something that can't be had; the sentence names the field and the remedy."""


class StopRequested(TrainerError):
    """The process was asked to stop while it had nothing to finish."""


class Fenced(StopRequested):
    """A newer coordinator trains this job with other workers."""


class GenerationEnded(TrainerError):
    """The members of this generation can't go on together."""


class CoordinatorUnavailable(TrainerError):
    """The coordinator didn't answer, or answered that it can't now."""


class CheckpointInvalid(TrainerError):
    """A checkpoint isn't what its manifest says."""


class UserProgramFailed(TrainerError):
    """The user's program ended with an exit code other than 0, or with an exception."""

    def __init__(self, sentence: str, *, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
