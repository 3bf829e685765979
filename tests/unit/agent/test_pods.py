"""Pods are listed by the UID of their control groups, no more often than needed."""

import json

import pytest

from llmtrain_agent.pods import MAX_AGE_SECONDS, Pod, Pods, parse_pods

ANSWER = json.dumps(
    {
        "items": [
            {
                "metadata": {
                    "uid": "u1",
                    "namespace": "team",
                    "name": "gpt-worker-0",
                    "labels": {"llmtrain.dev/job": "gpt"},
                }
            },
            {
                "metadata": {
                    "uid": "u2",
                    "namespace": "kube-system",
                    "name": "etcd",
                    "annotations": {"kubernetes.io/config.mirror": "u3"},
                }
            },
        ]
    }
).encode()
GPT = Pod(namespace="team", name="gpt-worker-0", training_job="gpt")


def test_a_static_pod_is_identified_by_its_mirror_annotation() -> None:
    assert parse_pods(ANSWER) == {"u1": GPT, "u3": Pod(namespace="kube-system", name="etcd", training_job="")}


def test_a_list_is_used_until_it_is_too_old() -> None:
    now, requests = [0.0], [0]

    def list_pods() -> bytes:
        requests[0] += 1
        return ANSWER

    pods = Pods(list_pods, lambda: now[0])
    for now[0] in (0.0, MAX_AGE_SECONDS - 1, MAX_AGE_SECONDS):
        assert pods.by_uid()["u1"] == GPT
    assert requests[0] == 2


def test_the_last_list_is_kept_when_a_request_fails() -> None:
    now, answers = [0.0], [ANSWER]

    def list_pods() -> bytes:
        if not answers:
            raise OSError("connection refused")
        return answers.pop()

    pods = Pods(list_pods, lambda: now[0])
    pods.by_uid()
    now[0] = MAX_AGE_SECONDS
    assert pods.by_uid()["u1"] == GPT
    answers.append(b'{"items": [')
    now[0] = 2 * MAX_AGE_SECONDS
    assert pods.by_uid()["u1"] == GPT, "a truncated answer is a failure"
    with pytest.raises(OSError, match="refused"):
        Pods(list_pods, lambda: now[0]).by_uid()
