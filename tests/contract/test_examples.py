"""The examples are valid: they match the types and violate no rule."""

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
def test_an_example_is_valid(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text()):
        assert document["apiVersion"] == API_VERSION
        if document["kind"] == CLUSTER_KIND:
            ClusterSpec.model_validate(document["spec"], strict=True)
        else:
            assert document["kind"] == JOB_KIND
            spec = JobSpec.model_validate(document["spec"], strict=True)
            assert not list(violations(document["metadata"]["name"], spec))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_begins_with_a_comment_that_explains_it(path: Path) -> None:
    assert path.read_text().startswith("# ")
