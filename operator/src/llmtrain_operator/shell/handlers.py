"""What kopf calls: every change of a job or an LLMCluster updates the store."""

from typing import Any

import kopf

from llmtrain_api.names import CLUSTER_KIND, CLUSTER_PLURAL, GROUP, JOB_KIND, JOB_PLURAL, VERSION
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.store import Change, Store


def registry(store: Store) -> kopf.OperatorRegistry:
    """Return the handlers, bound to `store`."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

    @kopf.on.startup(registry=handlers)
    def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.peering.standalone = True
        settings.networking.connect_timeout = 10
        settings.watching.server_timeout = 240
        settings.watching.inactivity_timeout = 90

    @kopf.on.event(GROUP, VERSION, JOB_PLURAL, registry=handlers)
    def job_event(event: kopf.RawEvent, **_: Any) -> None:
        store.job_changed(*change_of(event, JOB_KIND))

    @kopf.on.event(GROUP, VERSION, CLUSTER_PLURAL, registry=handlers)
    def cluster_event(event: kopf.RawEvent, **_: Any) -> None:
        store.cluster_changed(*change_of(event, CLUSTER_KIND))

    return handlers


def change_of(event: kopf.RawEvent, kind: str) -> tuple[Change, Manifest]:
    """Return a watch event as a change for the store; `kind` is that of the object."""
    obj: Manifest = {**event["object"], "kind": kind, "apiVersion": f"{GROUP}/{VERSION}"}
    obj["metadata"] = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return ("delete" if event["type"] == "DELETED" else "upsert"), obj
