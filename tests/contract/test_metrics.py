"""The catalogue of metrics follows Prometheus' naming conventions."""

import re

import pytest

from llmtrain_api.metrics.catalogue import CATALOGUE
from llmtrain_api.metrics.metric import Metric

UNITS = (
    "_seconds",
    "_bytes",
    "_ratio",
    "_nats",
    "_tokens",
    "_per_second",
    "_celsius",
    "_watts",
    "_joules",
    "_hertz",
    "_info",
)
COUNTED = re.compile(
    r"_(step|steps|microbatch|rate|norm|generation|ranks|ranks_desired|jobs|depth|leader|calls|reconciles|members|recoveries|failing|nodes|gpus|allocated|cpus|persistentvolumeclaims|errors|lost|objects|shared|assigned|throttled)$"
)


def test_names_are_unique() -> None:
    names = [metric.name for metric in CATALOGUE]
    assert len(names) == len(set(names)) > 0


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_a_name_has_the_prefix_and_a_unit_or_counts(metric: Metric) -> None:
    base = metric.name.removesuffix("_total")
    assert re.fullmatch(r"llmtrain_[a-z][a-z0-9_]*[a-z0-9]", metric.name)
    assert base.endswith(UNITS) or COUNTED.search(base)
    assert not re.search(r"(milli|micro(?!batch)|nano|kilo|mega|giga|percent)", base)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_total_means_counter(metric: Metric) -> None:
    assert metric.name.endswith("_total") == (metric.kind == "counter")


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_help_is_a_sentence(metric: Metric) -> None:
    assert metric.help.endswith(".")
    assert metric.help[0].isupper() or metric.help[0].isdigit()


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_labels_are_valid_unique_and_few(metric: Metric) -> None:
    assert all(re.fullmatch(r"[a-z][a-z_]*", label) for label in metric.labels)
    assert len(metric.labels) == len(set(metric.labels)) <= 5
