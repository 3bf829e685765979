"""Child objects that were edited or deleted are restored."""

from e2e.jobs import ENDLESS, job
from e2e.kube import Kube


def test_edited_child_objects_are_restored(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, steps=ENDLESS))
    kube.wait_for_stage(new_job, "Training")
    service, pod = f"{new_job}-coordinator", f"{new_job}-worker-0"
    uid = kube.get("pod", pod)["metadata"]["uid"]
    kube.run(
        "patch", "service", service, "--type=merge", "-p", '{"spec":{"selector":{"llmtrain.dev/job":"elsewhere"}}}'
    )
    kube.run("label", "pod", pod, "llmtrain.dev/role=imposter", "--overwrite")
    kube.wait(
        "the selector is back",
        lambda: kube.get("service", service)["spec"]["selector"]["llmtrain.dev/job"] == new_job,
    )
    kube.wait("the label is back", lambda: kube.get("pod", pod)["metadata"]["labels"]["llmtrain.dev/role"] == "worker")
    assert kube.get("pod", pod)["metadata"]["uid"] == uid
    assert [event for event in kube.events(new_job) if event["reason"] == "ChildRepaired"]


def test_deleted_children_come_back(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, steps=ENDLESS))
    before = kube.wait_for_step(new_job, 10)
    uids = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in kube.pods(new_job)}
    kube.run("delete", "service,configmap", "-l", f"llmtrain.dev/job={new_job}")
    kube.run("delete", "pod", f"{new_job}-worker-1", "--grace-period=1")
    kube.wait(
        "service and config are back",
        lambda: len(kube.objects("service,configmap", f"llmtrain.dev/job={new_job}")) == 2,
    )
    kube.wait("the worker is back", lambda: {pod["metadata"]["name"] for pod in kube.pods(new_job)} == uids.keys())
    kube.wait_for_step(new_job, before + 20)
    after = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in kube.pods(new_job)}
    assert after.keys() == uids.keys()
    assert {name for name in uids if after[name] != uids[name]} == {f"{new_job}-worker-1"}


def test_a_deleted_job_takes_its_children_along(kube: Kube, new_job: str) -> None:
    kube.apply(job(new_job, steps=ENDLESS))
    kube.wait_for_stage(new_job, "Training")
    kube.run("delete", "ltj", new_job)
    selector = f"llmtrain.dev/job={new_job}"
    kube.wait(
        "no child is left", lambda: not kube.objects("pods,services,configmaps,networkpolicies,podgroups", selector)
    )
