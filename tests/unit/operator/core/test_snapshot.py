"""A snapshot of a job indexes every object that exists."""

from unit.operator.builders import pod, snapshot


def test_pods_claims_and_objects_are_found_by_kind_and_name() -> None:
    service, claim, worker = {"kind": "Service"}, {"kind": "PersistentVolumeClaim"}, pod("j-worker-0")
    live = snapshot(
        pods=(worker,), claims={"datasets": claim}, objects={("Service", "j-coordinator"): service}
    ).live_objects
    assert live == {
        ("Pod", "j-worker-0"): worker.manifest,
        ("PersistentVolumeClaim", "datasets"): claim,
        ("Service", "j-coordinator"): service,
    }
