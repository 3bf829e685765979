"""The operator's metrics as Prometheus scrapes them."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.metrics import operator as metrics
from llmtrain_operator.core.fleet_metrics import Claim, FleetSnapshot, JobSample
from llmtrain_operator.shell.metrics import OperatorCollector
from unit.operator.builders import NOW, job, node_view

FLEET = FleetSnapshot(
    jobs=(JobSample(namespace="team", name="a", created=NOW, status=job().status),),
    clusters={"main": ClusterSpec.model_validate({"computePools": [{"name": "h200"}]})},
    nodes=(node_view("n0", allocated=3),),
    claims=(Claim(namespace="team", cluster="main", pool="data", phase="Bound", size_bytes=1),),
)


def scraped(*, is_leader: bool) -> dict[str, float]:
    """Return the first value of each family."""
    registry = CollectorRegistry()
    registry.register(OperatorCollector(lambda: 3, lambda: is_leader, lambda: FLEET))
    found = text_string_to_metric_families(generate_latest(registry).decode())
    return {family.name: family.samples[0].value for family in found}


def test_only_the_leader_exports_the_metrics_of_jobs_pools_and_claims() -> None:
    assert scraped(is_leader=False) == {metrics.QUEUE_DEPTH.name: 3, metrics.LEADER.name: 0}
    counters = {metric for metric in metrics.METRICS if metric.kind == "counter"}
    assert scraped(is_leader=True).keys() == {metric.name for metric in set(metrics.METRICS) - counters}
