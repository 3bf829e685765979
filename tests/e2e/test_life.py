"""A job file applied to the cluster becomes a trained model."""

from datetime import UTC, datetime

import pytest

from e2e.jobs import ENDLESS, job
from e2e.kube import Kube, condition
from support.measurements import RecordMeasurement


def test_apply_becomes_a_model(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, steps=200))
    kube.wait_for_stage(new_job, "Training")
    status = kube.wait_for_stage(new_job, "Succeeded")
    assert condition(status, "Succeeded")["status"] == "True"
    assert status["progress"]["step"] == status["progress"]["steps"] == 200
    assert float(status["progress"]["loss"]) < float(status["progress"]["firstLoss"])
    assert float(status["model"]["perplexity"]) > 1
    assert status["model"]["sample"].startswith("def ")
    last_lines = {log["pod"]: log["lines"][-1] for log in status["logs"]}
    assert last_lines.keys() == {f"{new_job}-{pod}" for pod in ("prepare", "worker-0", "worker-1", "publish")}


def test_pods_that_help_to_prepare_the_data_go_before_training(kube: Kube, new_job: str) -> None:
    """The vocabulary has a size of its own, so that there is something to prepare.

    A helper that ended by itself stays with its log, as the pod that it helped does; one that still runs is deleted.
    """
    data = {
        "source": {"volume": "datasets", "bundled": "python-stdlib"},
        "tokenizer": {"vocabSize": 1777},
        "prepareWorkers": 3,
    }
    kube.apply(job(new_job, steps=ENDLESS, data=data))
    roles = {f"{new_job}-prepare": "prepare", f"{new_job}-helper-1": "helper", f"{new_job}-helper-2": "helper"}
    kube.wait("three pods prepare the data", lambda: roles_of(kube, new_job) == roles)
    kube.wait_for_step(new_job, 1)
    kube.wait("no helper runs", lambda: not running_helpers(kube, new_job))
    status = kube.status(new_job)
    assert status["dataset"]["tokens"] > 0
    recoveries = status.get("recoveries") or {}
    assert (recoveries.get("count", 0), recoveries.get("disruptions", 0)) == (0, 0), "an end in time is no failure"


def running_helpers(kube: Kube, name: str) -> list[str]:
    return [
        pod["metadata"]["name"]
        for pod in kube.pods(name)
        if pod["metadata"]["labels"]["llmtrain.dev/role"] == "helper" and pod["status"]["phase"] != "Succeeded"
    ]


def roles_of(kube: Kube, name: str) -> dict[str, str]:
    return {
        pod["metadata"]["name"]: pod["metadata"]["labels"]["llmtrain.dev/role"]
        for pod in kube.pods(name)
        if pod["metadata"]["labels"]["llmtrain.dev/role"] not in ("worker", "coordinator")
    }


def test_what_is_no_longer_needed_goes_and_data_stays(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, replicas=1))
    kube.wait_for_stage(new_job, "Succeeded")
    kube.wait("pods, service and config are gone", lambda: not kube.pods(new_job) and not leftovers(kube, new_job))
    claims = {claim["metadata"]["name"]: claim["status"]["phase"] for claim in kube.objects("pvc")}
    assert claims == {"datasets": "Bound", "checkpoints": "Bound"}


def test_a_job_created_again_under_the_name_of_a_finished_one_shares_nothing_with_it(kube: Kube, new_job: str) -> None:
    """The kubelets still have the immutable run config of the first one, which had done all of its steps."""
    kube.apply(job(new_job))
    kube.wait_for_stage(new_job, "Succeeded")
    kube.delete_job(new_job)
    kube.apply(job(new_job, steps=ENDLESS))
    kube.wait("both workers train", lambda: kube.job_metrics(new_job).get("llmtrain_job_ranks") == 2)
    kube.wait("both run", lambda: {pod["status"]["phase"] for pod in kube.pods(new_job, "worker")} == {"Running"})


def leftovers(kube: Kube, name: str) -> list[object]:
    return kube.objects("services,configmaps,networkpolicies,podgroups", f"llmtrain.dev/job={name}")


@pytest.mark.serial
def test_the_first_step_comes_soon_after_apply(kube: Kube, new_job: str, record_measurement: RecordMeasurement) -> None:
    warm_up = f"{new_job}-warm"
    kube.apply(job(warm_up, steps=1, replicas=1))  # images are there and data is prepared
    kube.wait_for_stage(warm_up, "Succeeded")
    kube.delete_job(warm_up)
    applied = datetime.now(UTC)
    kube.apply(job(new_job, steps=ENDLESS))
    status = kube.wait("the first step is done", lambda: (s := kube.status(new_job)).get("firstStepTime") and s)
    first_step = datetime.fromisoformat(status["firstStepTime"].replace("Z", "+00:00"))
    seconds = (first_step - applied).total_seconds()
    nodes = {pod["spec"]["nodeName"] for pod in kube.pods(new_job, "worker")}
    assert len(nodes) == 2, f"two workers run on {nodes}, although both nodes have room"
    record_measurement("apply_to_first_step_seconds", seconds, "s")
    assert 0 < seconds < 60


def test_progress_is_in_columns_and_metrics(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, steps=ENDLESS))
    kube.wait("the status has steps", lambda: kube.status(new_job).get("progress", {}).get("step", 0) >= 5)
    header, row = kube.run("get", "ltj", new_job).stdout.splitlines()
    assert header.split() == ["NAME", "STAGE", "STEP", "STEPS", "ETA", "LOSS", "TOKENS/S", "AGE"]
    assert row.split()[1] == "Training"
    assert int(row.split()[2]) >= 5
    series = kube.wait("there are metrics", lambda: kube.job_metrics(new_job))
    assert series["llmtrain_job_steps"] == ENDLESS
    assert series["llmtrain_job_step"] >= 5
    assert series["llmtrain_job_ranks"] == 2


def test_pods_are_restricted_and_carry_no_token(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, steps=ENDLESS))
    kube.wait_for_stage(new_job, "Training")
    for pod in kube.pods(new_job):
        spec = pod["spec"]
        container = spec["containers"][0]
        assert spec["automountServiceAccountToken"] is False
        assert not [mount for mount in container["volumeMounts"] if "serviceaccount" in mount["mountPath"]]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_explain_reads_like_documentation(kube: Kube) -> None:
    text = " ".join(kube.run("explain", "ltj.spec.workers").stdout.split())
    assert "The pods that train, all alike." in text
    assert "scheduled all together or not at all" in text
    assert kube.run("explain", "llmc.spec.storagePools.accessMode").stdout.count("ReadWriteMany") >= 1


def test_a_finished_job_goes_when_its_time_is_over(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, steps=2, replicas=1, ttlSecondsAfterFinished=1))
    kube.wait("the job deleted itself", lambda: kube.get("ltj", new_job) is None, 180)
