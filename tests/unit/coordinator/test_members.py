"""The live processes of a group, by incarnation and by place."""

from llmtrain_coordinator.members import Members, MemberState, Phase
from unit.coordinator.messages import member


def state(incarnation: str, phase: Phase = Phase.JOINED, generation: int = 0) -> MemberState:
    return MemberState(phase=phase, member=member(incarnation), generation=generation)


def members(*incarnations: str) -> Members:
    return Members().updated({incarnation: state(incarnation) for incarnation in incarnations})


def test_a_change_leaves_the_value_before_as_it_is() -> None:
    before = members("a0")
    after = before.updated({"a1": state("a1")})
    assert (list(before), list(after), list(after.without(("a0", "unknown")))) == (["a0"], ["a0", "a1"], ["a1"])
    assert before.count(Phase.JOINED) == 1


def test_members_are_counted_by_phase() -> None:
    both = members("a0", "a1").updated({"a0": state("a0", Phase.ACTIVE)})
    assert {phase: both.count(phase) for phase in Phase} == {Phase.ACTIVE: 1, Phase.JOINED: 1, Phase.REJOINING: 0}
    assert both.without(("a0",)).count(Phase.ACTIVE) == 0


def test_members_are_found_by_their_place() -> None:
    both = members("a0", "b0", "a1")
    assert (both.at((0, 0)), both.at((1, 0)), both.at((2, 0))) == (("a0", "b0"), ("a1",), ())
    assert both.without(("a0",)).at((0, 0)) == ("b0",)
    assert both.without(("a0", "b0")).at((0, 0)) == ()


def test_the_newest_generation_outlives_its_members() -> None:
    assert Members().updated({"a0": state("a0", generation=7)}).without(("a0",)).newest_generation == 7
