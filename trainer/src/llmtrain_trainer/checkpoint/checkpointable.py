"""The interface of a state that can be saved and restored."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from llmtrain_api.job import Training
from llmtrain_trainer.checkpoint.history import NO_HISTORY, History


class Checkpointable(Protocol):
    """A training state in a few flat buffers, with names for its tensors."""

    @property
    def step(self) -> int:
        """Steps done."""

    @property
    def buffers(self) -> dict[str, Tensor]:
        """The whole state as flat buffers (elements,) of float32, in the order of `state_dict`."""

    @property
    def num_parameters(self) -> int:
        """Number of trained weights."""

    @property
    def spec_field(self) -> str:
        """Field of the job that defines the network, for error messages."""

    @property
    def numerics(self) -> str:
        """What the bits of the state depend on besides the job."""

    @property
    def data_name(self) -> str:
        """Name of the training data: the id of the dataset, or the user's program."""

    @property
    def identity(self) -> Mapping[str, str]:
        """What else the state depends on, by the job's field: see identity.py."""

    @property
    def training(self) -> Training:
        """The settings of the training."""

    @property
    def exact(self) -> bool:
        """Whether training guarantees the same bits, and thus requires the same numerics."""

    def state_dict(self) -> dict[str, Tensor]:
        """Return every tensor of the state, named `buffer/parameter`."""

    @property
    def counters(self) -> dict[str, int]:
        """The numbers of the state besides its tensors and the number of steps done."""

    @property
    def history(self) -> History:
        """Losses and scores by step."""

    def ping_watchdog(self) -> None:
        """Report that this rank makes progress, while the state is read."""

    def mark_incomplete(self) -> None:
        """Declare that the buffers hold no usable state, because one is about to be read into them."""

    def mark_complete(self, step: int, counters: Mapping[str, int], history: History = NO_HISTORY) -> None:
        """Declare that the buffers hold the state after `step` steps, to which `counters` and `history` belong."""

    def reset(self) -> None:
        """Set the state before the first step."""
