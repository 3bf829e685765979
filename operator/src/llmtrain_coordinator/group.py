"""What the coordinator knows of one job: a frozen value that generation.py turns into the next one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from llmtrain_api.protocol import CoordinatorStatus, CurrentGeneration, JoinPending, Member, Membership, Progress

WorkerRank = tuple[int, int]
"""Where a rank runs: (worker, local rank)."""


class Phase(Enum):
    """Where a living process stands."""

    ACTIVE = "training"
    """It is a member of the running generation."""
    REJOINING = "summoned"
    """Its generation has ended: it has yet to join the next one."""
    JOINED = "waiting"
    """It has joined and waits for the others."""


@dataclass(frozen=True, kw_only=True)
class MemberState:
    """One living process."""

    phase: Phase
    member: Member
    generation: int = 0
    """Newest generation it says it has been in."""

    @property
    def place(self) -> WorkerRank:
        """Return where it runs."""
        return place_of(self.member)


@dataclass(frozen=True, kw_only=True)
class GroupState:
    """Everything the coordinator knows. Seats are by incarnation."""

    workers: int
    ranks_per_worker: int
    term: int = 0
    """Which of the job's coordinators this is."""
    min_workers: int = 1
    """Fewest workers that may train."""
    number: int = 0
    """Newest generation begun, here or under a former coordinator."""
    running: bool = False
    """Whether that generation still holds."""
    broken: bool = False
    """Whether the newest generation ended without one of its members."""
    enough_since_seconds: float | None = None
    """Since when those who wait for the first generation are enough."""
    adopted_ranks: int = 0
    """Members of an adopted generation, as its members say."""
    adopted_at_seconds: float | None = None
    """When the running generation was taken over from a former coordinator; None if it began here."""
    seats: Mapping[str, MemberState] = field(default_factory=lambda: MappingProxyType({}))
    finished: Mapping[str, WorkerRank] = field(default_factory=lambda: MappingProxyType({}))
    """Processes that have trained to the end: nobody waits for them any more."""
    replaced: frozenset[str] = frozenset()
    """Processes another one has taken the place of. If one is still alive, it must not take it back."""
    lost_members: int = 0
    progress: Progress | None = None
    first_loss: float | None = None
    first_step_time: str | None = None

    @property
    def wanted(self) -> int:
        """Return the number of ranks wanted."""
        return self.workers * self.ranks_per_worker

    @property
    def enough(self) -> bool:
        """Return whether those who wait may train: all that live have joined again, and are not too few."""
        waiting = len(self.members_in(Phase.JOINED))
        fewest = min(self.min_workers, self.workers) * self.ranks_per_worker
        return waiting > 0 and not self.members_in(Phase.REJOINING) and waiting + len(self.finished) >= fewest

    @property
    def complete(self) -> bool:
        """Return whether nobody who is wanted is missing."""
        return len(self.members_in(Phase.JOINED)) + len(self.finished) >= self.wanted

    @property
    def next_generation(self) -> int:
        """Return the number of the next generation: greater than any that anyone here has been in."""
        return max(self.number, *(seat.generation for seat in self.seats.values()), 0) + 1

    def generation(self) -> CurrentGeneration:
        """Return the generation that a member of any other one shall make for."""
        if self.running:
            return CurrentGeneration(generation=self.number)
        return CurrentGeneration(generation=self.next_generation, broken=self.broken)

    def members_in(self, phase: Phase) -> dict[str, MemberState]:
        """Return the seats of all processes that stand at `phase`."""
        return {incarnation: seat for incarnation, seat in self.seats.items() if seat.phase is phase}

    def members(self) -> list[Member]:
        """Return the living members of the newest generation in the order of their ranks."""
        training = (seat.member for seat in self.seats.values() if seat.phase is not Phase.JOINED)
        return sorted(training, key=place_of)

    def membership(self) -> Membership:
        """Return the running generation. It must have begun here."""
        return Membership(term=self.term, generation=self.number, members=self.members())

    def waiting(self) -> JoinPending:
        """Return how many have joined the next generation."""
        return JoinPending(joined=len(self.members_in(Phase.JOINED)), desired=self.wanted)

    def has_place_for(self, member: Member) -> bool:
        """Return whether the job wants a rank at the member's place."""
        return member.worker < self.workers and member.local_rank < self.ranks_per_worker

    def status(self) -> CoordinatorStatus:
        """Return what the operator and local mode ask for."""
        regrouping = bool(self.members_in(Phase.REJOINING))
        training = [seat for seat in self.seats.values() if seat.phase is not Phase.JOINED]
        return CoordinatorStatus(
            state="Training"
            if self.running or regrouping
            else "Finished"
            if len(self.finished) >= self.wanted
            else "Waiting",
            generation=self.number,
            desired=self.wanted,
            joined=len(training) if self.running or regrouping else len(self.members_in(Phase.JOINED)),
            members=self.members(),
            progress=self.progress,
            first_loss=self.first_loss,
            first_step_time=self.first_step_time,
        )


def place_of(member: Member) -> WorkerRank:
    """Return where a member runs."""
    return member.worker, member.local_rank
