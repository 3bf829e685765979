"""Slow objects of a job: pods that their nodes do not start, and claims that are not bound, whose events say why."""

from datetime import datetime, timedelta

from llmtrain_api.timestamps import try_parse_rfc3339
from llmtrain_operator.core.manifest import Manifest, items_at, text_at
from llmtrain_operator.core.objects.ownership import owned
from llmtrain_operator.core.policies.container_errors import START_SECONDS, is_slow
from llmtrain_operator.shell.object_index import uid_of
from llmtrain_operator.shell.relevance import JobKey, node_of
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.warning_events import SlowObject


def slow_objects(store: Store, key: JobKey, uid: str, now: datetime) -> tuple[SlowObject, ...]:
    """Return the slow objects of the job with this uid."""
    pods = owned(store.pods_of.get(key, {}), uid).values()
    claims = unbound_claims(store, key, uid).values()
    slow = [
        *(uid_of(pod) for pod in pods if phase_of(pod) in ("", "Pending") and is_slow(store.pod_views.of(pod), now)),
        *(uid_of(claim) for claim in claims if is_old(claim, now)),
    ]
    return tuple(SlowObject(key[0], found) for found in slow)


def unbound_claims(store: Store, key: JobKey, uid: str) -> dict[str, Manifest]:
    """Return the claims, by name, that are not bound and that pods of the job with this uid wait for."""
    waiting = [pod for pod in owned(store.pods_of.get(key, {}), uid).values() if not node_of(pod)]
    volumes = [volume for pod in waiting for volume in items_at(pod, "spec", "volumes")]
    names = {text_at(volume, "persistentVolumeClaim", "claimName") for volume in volumes}
    claims = store.claims.get(key[0], {})
    return {name: claims[name] for name in names if name in claims and phase_of(claims[name]) == "Pending"}


def phase_of(obj: Manifest) -> str:
    """Return the phase of a pod or a claim; empty before it has one."""
    return text_at(obj, "status", "phase")


def is_old(claim: Manifest, now: datetime) -> bool:
    """Return whether a claim exists for so long that it should be bound."""
    created = try_parse_rfc3339(text_at(claim, "metadata", "creationTimestamp"))
    return created is not None and now - created >= timedelta(seconds=START_SECONDS)
