"""The state of one job's group: a frozen value that transitions.py and generations.py turn into the next one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from llmtrain_api.protocol import CoordinatorStatus, CurrentGeneration, JoinPending, Member, Membership, Progress
from llmtrain_coordinator.members import Members, MemberState, Phase, WorkerRank, worker_rank_of


@dataclass(frozen=True, kw_only=True)
class GroupState:
    """Everything that the transitions depend on. Processes are keyed by incarnation."""

    workers: int
    ranks_per_worker: int
    term: int = 0
    """Term of this coordinator: newer coordinators of the job have greater ones."""
    min_workers: int = 1
    """Smallest number of workers that can train."""
    generation: int = 0
    """Newest generation begun, by this coordinator or a previous one."""
    running: bool = False
    """Whether that generation has not ended."""
    broken: bool = False
    """Whether the newest generation ended without one of its members."""
    last_call_since_seconds: float | None = None
    """When enough ranks had joined the first generation, so that the last call for the others began."""
    adopted_ranks: int = 0
    """Number of members of an adopted generation, according to its members."""
    adopted_at_seconds: float | None = None
    """When the running generation was adopted from a previous coordinator; None if it began under this one."""
    adopted_step: int = -1
    """Newest step that a member of an adopted generation has reported; -1 before the first."""
    adopted_until_seconds: float = 0.0
    """Until when all members of an adopted generation count as alive."""
    members: Members = field(default_factory=Members)
    """Live processes in any phase."""
    finished: Mapping[str, WorkerRank] = field(default_factory=lambda: MappingProxyType({}))
    """Processes that have trained to the end: the rendezvous does not wait for them."""
    replaced: frozenset[str] = frozenset()
    """Processes whose place another one has taken. One that is still alive is not admitted again."""
    lost_members: int = 0
    """Members lost to failures so far."""
    progress: Progress | None = None
    first_loss: float | None = None
    """Training loss of the first step seen, in nats per token, or the task's loss per sample."""
    first_step_time: str | None = None
    """When that step was reported, RFC 3339."""

    @property
    def desired_ranks(self) -> int:
        """Return the desired number of ranks."""
        return self.workers * self.ranks_per_worker

    @property
    def has_enough_members(self) -> bool:
        """Return whether the joined processes can train: every live process has rejoined, and they are not too few."""
        joined, rejoining = self.members.count(Phase.JOINED), self.members.count(Phase.REJOINING)
        min_ranks = min(self.min_workers, self.workers) * self.ranks_per_worker
        return joined > 0 and not rejoining and joined + len(self.finished) >= min_ranks

    @property
    def is_complete(self) -> bool:
        """Return whether every desired rank has joined or finished."""
        return self.members.count(Phase.JOINED) + len(self.finished) >= self.desired_ranks

    @property
    def next_generation(self) -> int:
        """Return the number of the next generation: greater than any that a member has been in."""
        return max(self.generation, self.members.newest_generation) + 1

    def current_generation(self) -> CurrentGeneration:
        """Return the running generation, or the one to join next."""
        if self.running:
            return CurrentGeneration(generation=self.generation)
        return CurrentGeneration(generation=self.next_generation, broken=self.broken)

    def members_in(self, phase: Phase) -> dict[str, MemberState]:
        """Return the members in `phase`, by incarnation."""
        return {incarnation: state for incarnation, state in self.members.items() if state.phase is phase}

    def ranked_members(self) -> list[Member]:
        """Return the live members of the newest generation in rank order."""
        members = (state.member for state in self.members.values() if state.phase is not Phase.JOINED)
        return sorted(members, key=worker_rank_of)

    def membership(self) -> Membership:
        """Return the running generation, which must have begun under this coordinator."""
        return Membership(term=self.term, generation=self.generation, members=self.ranked_members())

    def join_pending(self) -> JoinPending:
        """Return how many ranks have joined the next generation."""
        return JoinPending(joined=self.members.count(Phase.JOINED), desired=self.desired_ranks)

    def is_desired(self, member: Member) -> bool:
        """Return whether the job's size includes the member's worker and local rank."""
        return member.worker < self.workers and member.local_rank < self.ranks_per_worker

    def status(self) -> CoordinatorStatus:
        """Return what the operator and local mode poll."""
        training = self.running or self.members.count(Phase.REJOINING) > 0
        finished = len(self.finished) >= self.desired_ranks
        return CoordinatorStatus(
            state="Training" if training else "Finished" if finished else "Waiting",
            generation=self.generation,
            desired=self.desired_ranks,
            joined=len(self.members) - self.members.count(Phase.JOINED)
            if training
            else self.members.count(Phase.JOINED),
            members=self.ranked_members(),
            progress=self.progress,
            first_loss=self.first_loss,
            first_step_time=self.first_step_time,
        )
