"""The pods of this node and their training jobs, from the API server: metadata only."""

import http.client
import json
import ssl
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.listening import url_host
from llmtrain_api.names import JOB_LABEL

SERVICE_ACCOUNT_DIR = Path("/var/run/secrets/kubernetes.io/serviceaccount")
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
TIMEOUT_SECONDS = 5.0
"""Timeout of the connection: longer than a scrape waits for the answer (see background_call.py)."""
MAX_AGE_SECONDS = 10.0
"""How long a list of pods is used. A newer pod appears up to this much later."""
MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
"""Its value names a static pod's control group; the UID in the API is that of its mirror pod."""


@dataclass(frozen=True, kw_only=True)
class Pod:
    """One pod of this node."""

    namespace: str
    name: str
    training_job: str
    """The job that it belongs to; empty if none."""


class Pods:
    """Lists the pods when the previous list is old, and keeps that one if the API server does not answer."""

    def __init__(self, list_pods: Callable[[], bytes], clock: Callable[[], float] = time.monotonic) -> None:
        self._list_pods, self._clock = list_pods, clock
        self._listed_at_seconds: float | None = None
        self._pods: dict[str, Pod] | None = None

    def by_uid(self) -> dict[str, Pod]:
        """Return the pods by the UID in the names of their control groups; the last known ones if a request fails.

        Raises OSError, ValueError or KeyError if no request has succeeded yet.
        """
        now = self._clock()
        if self._listed_at_seconds is None or now - self._listed_at_seconds >= MAX_AGE_SECONDS:
            try:
                self._pods = parse_pods(self._list_pods())
            except (OSError, ValueError, KeyError):
                if self._pods is None:
                    raise
            self._listed_at_seconds = now
        return self._pods or {}


def parse_pods(answer: bytes) -> dict[str, Pod]:
    """Return the pods of a JSON list by UID."""
    pods = {}
    for item in json.loads(answer).get("items") or ():
        metadata = item["metadata"]
        uid = (metadata.get("annotations") or {}).get(MIRROR_ANNOTATION) or metadata["uid"]
        job = (metadata.get("labels") or {}).get(JOB_LABEL, "")
        pods[uid] = Pod(namespace=metadata["namespace"], name=metadata["name"], training_job=job)
    return pods


def pod_lister(node: str, host: str, port: str, service_account_dir: Path) -> Callable[[], bytes]:
    """Return a function that requests this node's pods from the API server's cache.

    It reads the token at each call, because the kubelet renews it.
    """
    context = ssl.create_default_context(cafile=str(service_account_dir / "ca.crt"))
    query = urllib.parse.urlencode({"fieldSelector": f"spec.nodeName={node}", "resourceVersion": "0"})

    def list_pods() -> bytes:
        token = (service_account_dir / "token").read_text()
        request = urllib.request.Request(
            f"https://{url_host(host)}:{port}/api/v1/pods?{query}",
            headers={"Authorization": f"Bearer {token}", "Accept": METADATA_ONLY},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=context) as answer:
                text: bytes = answer.read()
                return text
        except http.client.HTTPException as error:
            raise OSError(f"the API server's answer was cut off: {error!r}") from error

    return list_pods
