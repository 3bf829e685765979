"""Keys are found by the namespaces that they wait for."""

from llmtrain_operator.shell.key_index import KeyIndex
from llmtrain_operator.shell.work_queue import Key

JOB, OTHER, CLUSTER = Key("job", "a", "j"), Key("job", "a", "other"), Key("cluster", "", "default")


def test_a_key_is_found_by_each_of_its_namespaces_until_it_waits_no_more() -> None:
    index: KeyIndex[str] = KeyIndex()
    index.set(JOB, {"a"})
    index.set(OTHER, {"a"})
    index.set(CLUSTER, {"a", "b"})
    assert (index.of("a"), index.of("b"), index.of("c")) == ((JOB, OTHER, CLUSTER), (CLUSTER,), ())
    index.set(CLUSTER, {"b", "c"})
    assert (index.of("a"), index.of("b"), index.of("c")) == ((JOB, OTHER), (CLUSTER,), (CLUSTER,))
    assert (len(index), JOB in index, index.all()) == (3, True, (JOB, OTHER, CLUSTER))
    for key in (JOB, OTHER, CLUSTER, CLUSTER):
        index.set(key, ())
    assert (index.waits_for, index.waiting) == ({}, {})
