"""The pods of this node, with the job each belongs to: asked of the API server, metadata alone."""

import http.client
import json
import ssl
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.names import JOB_LABEL

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
ANSWER_SECONDS = 5.0
"""Longer than anybody waits for it (see aside.py); then the connection is given up."""
FRESH_SECONDS = 10.0
"""How long an answer is believed. A pod that is newer is told of a little later."""
MIRROR = "kubernetes.io/config.mirror"
"""A static pod's control group is named by this annotation, not by the UID that the API server gave its mirror."""


@dataclass(frozen=True, kw_only=True)
class Pod:
    """One pod of this node."""

    namespace: str
    name: str
    training_job: str
    """Empty if it is of no job."""


class Pods:
    """Asks again when the last answer is old, and keeps it if no other comes."""

    def __init__(self, ask: Callable[[], bytes], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._clock = ask, clock
        self._asked_at: float | None = None
        self._pods: dict[str, Pod] | None = None

    def by_uid(self) -> dict[str, Pod]:
        """Return the pods by the UID that their control groups have; the last ones known if nobody answers.

        Raises OSError or ValueError if nobody ever answered as expected.
        """
        now = self._clock()
        if self._asked_at is None or now - self._asked_at >= FRESH_SECONDS:
            try:
                self._pods = parsed(self._ask())
            except (OSError, ValueError, KeyError):
                if self._pods is None:
                    raise
            self._asked_at = now
        return self._pods or {}


def parsed(answer: bytes) -> dict[str, Pod]:
    """Return the pods of a list, by UID."""
    found = {}
    for item in json.loads(answer).get("items") or ():
        metadata = item["metadata"]
        uid = (metadata.get("annotations") or {}).get(MIRROR) or metadata["uid"]
        job = (metadata.get("labels") or {}).get(JOB_LABEL, "")
        found[uid] = Pod(namespace=metadata["namespace"], name=metadata["name"], training_job=job)
    return found


def pod_lister(node: str, host: str, port: str, account: Path) -> Callable[[], bytes]:
    """Return what asks the API server for this node's pods, from its cache. The token may be renewed meanwhile."""
    context = ssl.create_default_context(cafile=str(account / "ca.crt"))
    query = urllib.parse.urlencode({"fieldSelector": f"spec.nodeName={node}", "resourceVersion": "0"})
    where = f"[{host}]" if ":" in host else host

    def ask() -> bytes:
        token = (account / "token").read_text()
        request = urllib.request.Request(
            f"https://{where}:{port}/api/v1/pods?{query}",
            headers={"Authorization": f"Bearer {token}", "Accept": METADATA_ONLY},
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS, context=context) as answer:
                text: bytes = answer.read()
                return text
        except http.client.HTTPException as error:
            raise OSError(f"the API server's answer was cut off: {error!r}") from error

    return ask
