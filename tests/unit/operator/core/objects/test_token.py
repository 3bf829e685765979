"""The Secret with a job's token."""

import base64
import json
from dataclasses import replace

import pytest

from llmtrain_api.names import TOKEN_FILE
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.coordinator import coordinator_pod
from llmtrain_operator.core.objects.token import token_secret
from llmtrain_operator.core.objects.worker import stage_pod, worker_pod
from unit.operator.builders import TOKEN, job

COORDINATOR = coordinator_pod(job(), term=1, image="operator:1", pull_policy="Always", gang="")
WORKER = worker_pod(job(), 0, dataset="d1", image="trainer:1", pull_policy="Always", gang="")
PREPARE = stage_pod(job(), name="j-prepare", role="prepare", arguments=[], gpus=0, image="t", pull_policy="Always")


@pytest.mark.parametrize("pod", [COORDINATOR, WORKER])
def test_coordinator_and_workers_mount_the_token_as_a_file(pod: Manifest) -> None:
    secret = token_secret(job(), TOKEN)
    (file,) = secret["data"]
    (volume,) = [each for each in pod["spec"]["volumes"] if each["name"] == "token"]
    (mount,) = [each for each in pod["spec"]["containers"][0]["volumeMounts"] if each["name"] == "token"]
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    assert f"{mount['mountPath']}/{file}" == TOKEN_FILE
    assert base64.b64decode(secret["data"][file]).decode() == TOKEN
    assert TOKEN not in json.dumps(pod)


def test_pods_that_do_not_talk_to_the_coordinator_have_no_token() -> None:
    assert "token" not in {volume["name"] for volume in PREPARE["spec"]["volumes"]}


def test_the_secret_of_an_earlier_job_of_the_same_name_is_another_one() -> None:
    earlier = replace(job(), uid="another-uid")
    assert token_secret(earlier, TOKEN)["metadata"]["name"] != token_secret(job(), TOKEN)["metadata"]["name"]
    assert token_secret(job(), TOKEN)["metadata"]["ownerReferences"][0]["uid"] == job().uid
