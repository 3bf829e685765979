"""Pods by the UID of their control groups, asked for no more often than needed."""

import json

import pytest

from llmtrain_agent.pods import FRESH_SECONDS, Pod, Pods, parsed

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


def test_a_static_pod_is_named_by_its_configuration() -> None:
    assert parsed(ANSWER) == {"u1": GPT, "u3": Pod(namespace="kube-system", name="etcd", training_job="")}


def test_an_answer_is_believed_for_a_while() -> None:
    now, asked = [0.0], [0]

    def ask() -> bytes:
        asked[0] += 1
        return ANSWER

    pods = Pods(ask, lambda: now[0])
    for now[0] in (0.0, FRESH_SECONDS - 1, FRESH_SECONDS):
        assert pods.by_uid()["u1"] == GPT
    assert asked[0] == 2


def test_without_an_answer_the_last_one_holds() -> None:
    now, answers = [0.0], [ANSWER]

    def ask() -> bytes:
        if not answers:
            raise OSError("connection refused")
        return answers.pop()

    pods = Pods(ask, lambda: now[0])
    pods.by_uid()
    now[0] = FRESH_SECONDS
    assert pods.by_uid()["u1"] == GPT
    answers.append(b'{"items": [')
    now[0] = 2 * FRESH_SECONDS
    assert pods.by_uid()["u1"] == GPT, "one that was cut off is none"
    with pytest.raises(OSError, match="refused"):
        Pods(ask, lambda: now[0]).by_uid()
