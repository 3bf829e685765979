"""The examples run as they stand: they fit the types and break no rule."""

from pathlib import Path

import pytest
import yaml

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.job import JobSpec
from llmtrain_api.names import API_VERSION, CLUSTER_KIND, JOB_KIND
from llmtrain_api.rules import violations

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("**/*.yaml"))


def test_there_are_examples() -> None:
    assert EXAMPLES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_is_valid(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text()):
        assert document["apiVersion"] == API_VERSION
        if document["kind"] == CLUSTER_KIND:
            ClusterSpec.model_validate(document["spec"], strict=True)
        else:
            assert document["kind"] == JOB_KIND
            spec = JobSpec.model_validate(document["spec"], strict=True)
            assert not list(violations(document["metadata"]["name"], spec))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_says_what_it_is(path: Path) -> None:
    assert path.read_text().startswith("# ")
