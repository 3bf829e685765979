"""The live processes of a group, by incarnation, with what each join asks of them: who is where, and how many wait.

A change costs the same for each member that changes, apart from copying the indexes, so that thousands of ranks can join
within a second.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Self

from llmtrain_api.protocol import Member

WorkerRank = tuple[int, int]
"""Where a rank runs: (worker, local rank)."""


class Phase(Enum):
    """Phase of a live process in the rendezvous."""

    ACTIVE = "active"
    """It is a member of the running generation."""
    REJOINING = "rejoining"
    """Its generation has ended: it has yet to join the next one."""
    JOINED = "joined"
    """It has joined the next generation and waits for the others."""


@dataclass(frozen=True, kw_only=True)
class MemberState:
    """One live process and its phase."""

    phase: Phase
    member: Member
    generation: int = 0
    """Newest generation it has been a member of, as the process reports it."""

    @property
    def worker_rank(self) -> WorkerRank:
        """Return where it runs."""
        return worker_rank_of(self.member)


class Members(Mapping[str, MemberState]):
    """Live processes by incarnation: a value that is never changed."""

    def __init__(self) -> None:
        self._states: dict[str, MemberState] = {}
        self._at: dict[WorkerRank, tuple[str, ...]] = {}
        self._counts = dict.fromkeys(Phase, 0)
        self.newest_generation = 0
        """Newest generation that any of them, or of those before, has been a member of."""

    def __getitem__(self, incarnation: str) -> MemberState:
        return self._states[incarnation]

    def __iter__(self) -> Iterator[str]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)

    def count(self, phase: Phase) -> int:
        """Return the number of members in `phase`."""
        return self._counts[phase]

    def at(self, worker_rank: WorkerRank) -> tuple[str, ...]:
        """Return the processes at a place: more than one if a process is alive whose successor was adopted."""
        return self._at.get(worker_rank, ())

    def updated(self, changes: Mapping[str, MemberState]) -> Self:
        """Return these members with some added or changed."""
        after = self._copy()
        for incarnation, state in changes.items():
            after._remove(incarnation)
            after._states[incarnation] = state
            after._at[state.worker_rank] = (*after.at(state.worker_rank), incarnation)
            after._counts[state.phase] += 1
            after.newest_generation = max(after.newest_generation, state.generation)
        return after

    def without(self, incarnations: Iterable[str]) -> Self:
        """Return these members without some, which need not be among them."""
        after = self._copy()
        for incarnation in incarnations:
            after._remove(incarnation)
        return after

    def _copy(self) -> Self:
        copy = type(self)()
        copy._states, copy._at, copy._counts = self._states.copy(), self._at.copy(), self._counts.copy()
        copy.newest_generation = self.newest_generation
        return copy

    def _remove(self, incarnation: str) -> None:
        state = self._states.pop(incarnation, None)
        if state is None:
            return
        self._counts[state.phase] -= 1
        others = tuple(other for other in self.at(state.worker_rank) if other != incarnation)
        if others:
            self._at[state.worker_rank] = others
        else:
            del self._at[state.worker_rank]


def worker_rank_of(member: Member) -> WorkerRank:
    """Return where a member runs."""
    return member.worker, member.local_rank
