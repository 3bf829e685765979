"""Equal parts of objects are stored once."""

import json
import tracemalloc

import pytest

from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.sharing import share


def pod(number: int) -> Manifest:
    """Return a pod of a job, as an API server sends it, with 30 variables in its environment."""
    env = [{"name": f"VARIABLE_{index}", "value": f"value-{index}"} for index in range(30)]
    container = {"name": "worker", "image": "trainer", "env": [*env, {"name": "WORKER", "value": str(number)}]}
    text = {"metadata": {"name": f"j-worker-{number}", "labels": {"a": "b"}}, "spec": {"containers": [container]}}
    return dict(json.loads(json.dumps(text)))


def test_equal_parts_are_the_same_object() -> None:
    first, second = pod(0), pod(1)
    shared = share(second, first)
    assert shared == pod(1)
    assert shared["metadata"]["labels"] is first["metadata"]["labels"]
    assert share(pod(0), first) is first


@pytest.mark.parametrize(
    ("value", "like"),
    [
        ([], {}),
        ([1, 2], [1]),
        ([1], [1, 2]),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": None}, {}),
        ("", 0),
    ],
)
def test_the_result_is_equal(value: object, like: object) -> None:
    shared = share({"key": value}, {"key": like})
    assert repr(shared) == repr({"key": value})


def test_objects_that_are_nested_deeply_are_not_compared_to_their_end() -> None:
    deep: Manifest = {}
    for _ in range(500):
        deep = {"x": deep}
    assert share(deep, deep) is deep


def test_the_pods_of_a_job_take_a_fraction_of_their_memory() -> None:
    def size_bytes(*, shared: bool) -> int:
        first = pod(0)
        tracemalloc.start()
        pods = [share(pod(number), first) if shared else pod(number) for number in range(50)]
        found, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(pods) == 50
        return found

    assert size_bytes(shared=True) < size_bytes(shared=False) / 4
