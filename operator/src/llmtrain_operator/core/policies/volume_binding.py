"""Volume binding: why a claim that pods wait for is not bound, in the words of its provisioner.

The scheduler only says that it waits for the claim, or nothing while the provisioner tries.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from llmtrain_api.conditions import Reason
from llmtrain_operator.core.stage_plan import StagePlan, with_cause

RECHECK = timedelta(seconds=30)
"""How often it is checked whether a provisioner has reported something."""


def report_unbound_claims(stage: StagePlan, claims: Mapping[str, str]) -> StagePlan:
    """Return `stage` with the first claim in its conditions that cannot be provisioned, to be reconciled again.

    `claims` are the unbound claims of pods without a node, with the newest warning about each; empty without one.
    """
    if not claims:
        return stage
    delays = (RECHECK, *([stage.requeue_after] if stage.requeue_after is not None else []))
    stage = replace(stage, requeue_after=min(delays))
    warned = next(((name, warning) for name, warning in sorted(claims.items()) if warning), None)
    if warned is None:
        return stage
    text = unbound_message(*warned)
    conditions = tuple(with_cause(condition, Reason.VOLUME_PENDING, text) for condition in stage.conditions)
    return replace(stage, conditions=conditions)


def unbound_message(name: str, warning: str) -> str:
    """Return which claim is not bound, why, and the remedy."""
    return (
        f"PersistentVolumeClaim {name} is not bound: {warning[:768]}; correct its StorageClass, access mode or size in the "
        "storage pool of the LLMCluster, or repair the provisioner"
    )
