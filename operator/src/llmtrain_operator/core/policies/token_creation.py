"""When the Secret with a job's token is created: the operator may create it and not read it, so it does not see whether it exists."""

from collections.abc import Iterable

from llmtrain_operator.core.manifest import Manifest, text_at
from llmtrain_operator.core.pod_view import PodView


def must_create_token(
    secret: Manifest, desired: Iterable[Manifest], pods: tuple[PodView, ...], *, created: bool
) -> bool:
    """Return whether `secret` is created now, to no effect if it exists.

    It is created with the first pods, not with each retry of refused ones, and again if a node reports that a pod cannot mount
    it. `desired` are the objects that must exist; `created` is whether it is known to have been created, which an
    operator that has just started does not know.
    """
    name, existing = secret["metadata"]["name"], {pod.name for pod in pods}
    is_missed = any(pod.starting and name in pod.warning and "not found" in pod.warning for pod in pods)
    needs_pods = any(each["kind"] == "Pod" and text_at(each, "metadata", "name") not in existing for each in desired)
    return is_missed or (needs_pods and not created)
