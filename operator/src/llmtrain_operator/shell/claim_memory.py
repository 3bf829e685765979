"""What the reconciler remembers of the claims of one LLMCluster that the API server refused."""

import time
from collections.abc import Callable
from datetime import timedelta

from llmtrain_api.conditions import Reason
from llmtrain_operator.core.snapshot import Refusal
from llmtrain_operator.shell.refusals import MISSING_NAMESPACE, REJECTED, TRANSIENT, Facts, Refusals
from llmtrain_operator.shell.retry_pace import RetryPace

ClaimKey = tuple[str, str]
"""Namespace and name of a claim."""


class ClaimMemory:
    """The refusals of the claims of one LLMCluster."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, pace: RetryPace | None = None) -> None:
        self.clock, self.pace = clock, pace
        self.refusals: dict[ClaimKey, Refusals] = {}
        self.missing: set[ClaimKey] = set()
        """Claims that were refused because their namespace does not exist."""
        self.facts: dict[str, Facts] = {}
        """What a refusal may depend on, by namespace, as observed last."""
        self.has_changed = False

    def pending(self) -> dict[ClaimKey, Refusal]:
        """Return the last refusals, with the time until each request is made again."""
        found = {key: refusals.pending(self.facts_in(key[0])) for key, refusals in self.refusals.items()}
        return {key: refusal for key, refusal in found.items() if refusal is not None}

    def facts_in(self, namespace: str) -> Facts:
        """Return what a refusal in a namespace may depend on."""
        return self.facts.get(namespace, frozenset())

    def missing_namespaces(self) -> frozenset[str]:
        """Return the namespaces that did not exist when a claim was created there last."""
        return frozenset(namespace for namespace, _ in self.missing)

    def refused(
        self, key: ClaimKey, message: str, *, is_missing: bool, is_transient: bool = False, retry_after: float = 0
    ) -> None:
        """Remember why a claim was refused; `is_missing` is whether its namespace does not exist.

        `is_transient` is whether the API server has a problem, `retry_after` how many seconds it asks to wait.
        """
        refusals = self.refusals.setdefault(key, Refusals(self.clock, self.pace))
        before = refusals.last.refusal.message if refusals.last else None
        self.has_changed = self.has_changed or before != message or is_missing != (key in self.missing)
        refusal = Refusal(
            key=("PersistentVolumeClaim", key[1]),
            reason=Reason.CLAIMS_REJECTED,
            message=message,
            retry_after=timedelta(seconds=retry_after),
            is_transient=is_transient,
        )
        back_off = MISSING_NAMESPACE if is_missing else TRANSIENT if refusal.is_transient else REJECTED
        refusals.record(refusal, self.facts_in(key[0]), back_off, waiting=len(self.refusals))
        (self.missing.add if is_missing else self.missing.discard)(key)

    def accepted(self, key: ClaimKey) -> None:
        """Forget the refusal of a claim that exists now."""
        if self.refusals.pop(key, None) is not None:
            self.has_changed = True
        self.missing.discard(key)

    def keep_only(self, desired: frozenset[ClaimKey]) -> None:
        """Forget the refusals of claims that are not needed any more."""
        for key in self.refusals.keys() - desired:
            self.accepted(key)

    def changed(self) -> bool:
        """Return whether a refusal is new or gone since this was asked last."""
        has_changed, self.has_changed = self.has_changed, False
        return has_changed
