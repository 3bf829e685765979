"""What kopf calls: every change of the two resources people write goes into the store."""

from typing import Any

import kopf

from llmtrain_api.names import CLUSTER_KIND, CLUSTER_PLURAL, GROUP, JOB_KIND, JOB_PLURAL, VERSION
from llmtrain_operator.shell.store import Store


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


def change_of(event: kopf.RawEvent, kind: str) -> tuple[str, dict[str, Any]]:
    """Return a watch event as a change for the store."""
    thing: dict[str, Any] = {**event["object"], "kind": kind, "apiVersion": f"{GROUP}/{VERSION}"}
    thing["metadata"] = {key: value for key, value in thing["metadata"].items() if key != "managedFields"}
    return ("drop" if event["type"] == "DELETED" else "put"), thing
