"""All metrics, by the program that exports them."""

from llmtrain_api.metrics import job, node, operator
from llmtrain_api.metrics.metric import Metric

EXPORTERS: dict[str, tuple[Metric, ...]] = {
    "coordinator": job.METRICS,
    "operator": operator.METRICS,
    "agent": node.METRICS,
}
CATALOGUE: tuple[Metric, ...] = tuple(metric for metrics in EXPORTERS.values() for metric in metrics)
