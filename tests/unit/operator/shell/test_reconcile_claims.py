"""What keeps a tenant from its claims is reported, tried again, and keeps no other tenant from theirs."""

import pytest

from llmtrain_api.names import JOB_KIND
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.errors import ApiError, NotFound, RequestRejected
from llmtrain_operator.shell.reconcile import Reconciler
from llmtrain_operator.shell.work_queue import Key
from unit.operator.builders import SPEC
from unit.operator.shell.echoing_api import (
    CLUSTER_SPEC,
    PROBLEMS,
    QUOTA_CONFLICT,
    EchoingApi,
    advance,
    manifest,
    reconcile_all,
    reconciler,
    reject,
)


async def test_a_missing_tenant_namespace_is_tried_when_it_appears_and_else_seldom() -> None:
    cluster = {**CLUSTER_SPEC, "tenants": [{"namespace": "gone"}, {"namespace": "ok"}]}
    waiting = [manifest(JOB_KIND, f"w{number}", {**SPEC, "cluster": "nowhere"}, namespace="ns") for number in range(5)]
    found = await reconciler(api := EchoingApi(), *waiting, cluster=cluster)
    gone = NotFound('namespaces "gone" not found', 404)
    tried: list[str] = []

    async def create(obj: Manifest) -> Manifest:
        tried.append(obj["metadata"]["namespace"])
        if obj["metadata"]["namespace"] == "gone" and len(tried) < 5:
            raise gone
        return await EchoingApi.create(api, obj)

    api.create = create  # type: ignore[method-assign]
    await reconcile_all(found)
    assert tried.count("gone") == 1, "the other claims of the namespace are not tried"
    assert phases(found) == {"gone": "Missing", "ok": "Pending"}
    writes = api.counts()["status"]
    for _ in range(29):
        advance(found, 1)
        await reconcile_all(found)
    assert (tried.count("gone"), api.counts()["status"]) == (1, writes)
    advance(found, 1)
    await reconcile_all(found)
    assert (tried.count("gone"), api.counts()["status"]) == (2, writes), "and the status does not change to and fro"
    advance(found, 10)
    await reconcile_all(found)
    assert tried.count("gone") == 2
    found.store.namespace_changed("upsert", {"metadata": {"name": "gone", "uid": "u"}})
    assert len(found.queue) == 1, "only the LLMCluster waits for it"
    await reconcile_all(found)
    assert tried.count("gone") == 4
    assert phases(found) == {"gone": "Pending", "ok": "Pending"}
    assert len(found.store.refused) == 0


def phases(found: Reconciler) -> dict[str, str]:
    return {claim["namespace"]: claim["phase"] for claim in found.store.clusters["default"]["status"]["claims"]}


@pytest.mark.parametrize("error", [*PROBLEMS.values(), QUOTA_CONFLICT, RequestRejected("exceeded quota", 403)])
async def test_whatever_keeps_a_tenant_from_its_claims_keeps_no_other_and_is_reported(error: ApiError) -> None:
    cluster = {**CLUSTER_SPEC, "tenants": [{"namespace": name} for name in ("a", "b", "c")]}
    found = await reconciler(api := EchoingApi(), cluster=cluster)
    tried: list[str] = []

    async def create(obj: Manifest) -> Manifest:
        tried.append(obj["metadata"]["namespace"])
        if obj["metadata"]["namespace"] == "a" and is_broken:
            raise error
        return await EchoingApi.create(api, obj)

    api.create, is_broken = create, True  # type: ignore[method-assign]
    await reconcile_all(found)
    claims = [namespace for kind, namespace, _ in api.objects if kind == "PersistentVolumeClaim"]
    assert [claims.count(namespace) for namespace in ("b", "c")] == [2, 2]
    for _ in range(20):
        advance(found, 60)
        await reconcile_all(found)
    (ready,) = found.store.clusters["default"]["status"]["conditions"]
    assert (ready["status"], ready["reason"]) == ("False", "ClaimsRejected")
    assert error.message in ready["message"]
    assert tried.count("a") <= 2 * 24, "at most every minute in the end"
    is_broken = False
    for _ in range(6):
        advance(found, 60)
        await reconcile_all(found)
    (ready,) = found.store.clusters["default"]["status"]["conditions"]
    assert ready["status"] == "True"


async def test_a_claim_that_is_refused_again_in_the_same_words_is_tried_again_without_any_other_event() -> None:
    found = await reconciler(api := EchoingApi(), cluster={**CLUSTER_SPEC, "tenants": [{"namespace": "a"}]})
    reject(api, RequestRejected("exceeded quota", 403), "create", kinds=("PersistentVolumeClaim",))
    key = Key("cluster", "", "default")
    for _ in range(3):
        await reconcile_all(found)
        assert key in found.queue.timers
        found.now += 60 * 10  # type: ignore[attr-defined]
        found.queue.add(key)


async def test_a_tenants_refusal_keeps_no_other_tenant_from_its_claims() -> None:
    cluster = {**CLUSTER_SPEC, "tenants": [{"namespace": name} for name in ("a", "b", "c")]}
    found = await reconciler(api := EchoingApi(), cluster=cluster)

    async def create(obj: Manifest) -> Manifest:
        if obj["metadata"]["namespace"] == "a":
            raise RequestRejected("exceeded quota: storage", 403)
        return await EchoingApi.create(api, obj)

    api.create = create  # type: ignore[method-assign]
    await reconcile_all(found)
    claims = [key for key in api.objects if key[0] == "PersistentVolumeClaim"]
    assert {namespace for _, namespace, _ in claims} >= {"b", "c"}
    (ready,) = found.store.clusters["default"]["status"]["conditions"]
    assert (ready["status"], ready["reason"]) == ("False", "ClaimsRejected")
    assert "in namespace a: exceeded quota: storage" in ready["message"]
