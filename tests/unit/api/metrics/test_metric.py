from dataclasses import dataclass, field

import pytest

from llmtrain_api.metrics import job, node, operator
from llmtrain_api.metrics.metric import JOB_LABELS, Metric, Sample, counter, families, gauge


@dataclass
class RecordedFamily:
    name: str
    help: str
    labels: tuple[str, ...]
    kind: str = "gauge"
    values: list[tuple[tuple[str, ...], float]] = field(default_factory=list)

    def add_metric(self, labels: tuple[str, ...], value: float) -> None:
        self.values.append((labels, value))


def recorded_counter(name: str, help: str, labels: tuple[str, ...]) -> RecordedFamily:
    return RecordedFamily(name, help, labels, kind="counter")


def test_metrics_have_the_labels_of_a_job_unless_others_are_named() -> None:
    assert gauge("llmtrain_x", "X.").labels == JOB_LABELS
    assert gauge("llmtrain_x", "X.", labels=()).labels == ()


def test_a_counter_and_a_gauge_differ_in_kind() -> None:
    assert (gauge("llmtrain_x", "X.").kind, counter("llmtrain_x_total", "X.").kind) == ("gauge", "counter")


def test_samples_are_grouped_into_one_family_per_metric() -> None:
    depth = gauge("llmtrain_depth", "Depth.", labels=("queue",))
    calls = counter("llmtrain_calls_total", "Calls.", labels=())
    samples = [Sample(depth, ("a",), 1.0), Sample(calls, (), 5.0), Sample(depth, ("b",), 2.0)]
    grouped = list(families(samples, gauge_family=RecordedFamily, counter_family=recorded_counter))
    assert [(family.name, family.kind, family.values) for family in grouped] == [
        ("llmtrain_depth", "gauge", [(("a",), 1.0), (("b",), 2.0)]),
        ("llmtrain_calls_total", "counter", [((), 5.0)]),
    ]


@pytest.mark.parametrize("module", [job, node, operator])
def test_every_declared_metric_is_in_its_modules_list(module: object) -> None:
    declared = [value for value in vars(module).values() if isinstance(value, Metric)]
    assert declared == list(module.METRICS)  # type: ignore[attr-defined]
