"""Edits by hand are noticed; defaults and other ways to write an amount are not edits."""

import pytest

from llmtrain_operator.core.objects.drift import contains, enforced_fields, needs_apply

CASES = [
    ("defaults of the API server are no drift", {"a": 1, "b": 2}, {"a": 1}, True),
    ("a changed value is drift", {"a": 2}, {"a": 1}, False),
    ("a missing field is drift", {}, {"a": 1}, False),
    ("lists are compared item by item", [{"name": "x", "more": 1}], [{"name": "x"}], True),
    ("a longer list is drift", [1, 2], [1], False),
    ("amounts may be written differently", {"cpu": "1"}, {"cpu": "1000m"}, True),
    ("other amounts are drift", {"cpu": "2"}, {"cpu": "1"}, False),
    ("an empty wish is no wish", {}, {"nodeSelector": {}}, True),
]


@pytest.mark.parametrize(("sentence", "live", "wanted", "same"), CASES, ids=[case[0] for case in CASES])
def test_says(sentence, live, wanted, same) -> None:
    assert contains(live, wanted) is same


def test_of_a_pod_only_labels_owner_and_image_last() -> None:
    manifest = {
        "kind": "Pod",
        "metadata": {"name": "p", "labels": {"a": "b"}, "ownerReferences": []},
        "spec": {"containers": [{"image": "i", "args": ["x"]}], "terminationGracePeriodSeconds": 5},
    }
    assert enforced_fields(manifest)["spec"] == {"containers": [{"image": "i"}]}
    other = {**manifest, "spec": {"containers": [{"image": "i", "args": ["y"]}]}}
    assert not needs_apply(manifest, other)
    assert needs_apply(manifest, {**other, "metadata": {"labels": {"a": "c"}}})
