"""The interface of a state that can be saved and restored."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor


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
    def exact(self) -> bool:
        """Whether training guarantees the same bits, and thus requires the same numerics."""

    def state_dict(self) -> dict[str, Tensor]:
        """Return every tensor of the state, named `buffer/parameter`."""

    @property
    def counters(self) -> dict[str, int]:
        """The numbers of the state besides its tensors and the number of steps done."""

    def load_state_dict(self, state_dict: Mapping[str, Tensor], step: int, counters: Mapping[str, int]) -> None:
        """Copy the state after `step` steps from `state_dict` and `counters`."""

    def reset(self) -> None:
        """Set the state before the first step."""
