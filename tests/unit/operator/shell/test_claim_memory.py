"""What is remembered of refused claims."""

from llmtrain_operator.shell.claim_memory import ClaimMemory

A, B = ("a", "x"), ("b", "x")


def test_refusals_are_kept_until_the_claim_exists() -> None:
    memory = ClaimMemory()
    memory.refused(A, "exceeded quota", is_missing=False)
    memory.refused(B, "not found", is_missing=True)
    assert {key: refusal.message for key, refusal in memory.pending().items()} == {A: "exceeded quota", B: "not found"}
    assert memory.missing_namespaces() == {"b"}
    memory.accepted(B)
    assert list(memory.pending()) == [A]
    assert memory.missing_namespaces() == frozenset()


def test_the_same_refusal_again_changes_nothing() -> None:
    memory = ClaimMemory()
    memory.refused(A, "exceeded quota", is_missing=False)
    assert (memory.changed(), memory.changed()) == (True, False)
    memory.refused(A, "exceeded quota", is_missing=False)
    assert not memory.changed()
    memory.refused(A, "not found", is_missing=True)
    assert memory.changed()


def test_claims_that_are_not_needed_are_forgotten() -> None:
    memory = ClaimMemory()
    memory.refused(A, "no", is_missing=True)
    memory.keep_only(frozenset({A}))
    assert list(memory.pending()) == [A]
    memory.keep_only(frozenset())
    assert (memory.pending(), memory.missing_namespaces()) == ({}, frozenset())
