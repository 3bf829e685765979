"""A job that starts from the model of another waits for it, says why, and needs it no more once it has started."""

from dataclasses import replace
from typing import Any

import pytest

from llmtrain_api.conditions import Reason
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.policies.source_job import missing_model, with_model_source
from llmtrain_operator.core.snapshot import Job
from unit.operator.builders import CLUSTER, ago, conditions, job, names, snapshot, started

MODEL = {"volume": "published", "path": "base-12345678/model", "parameters": 3, "loss": "1.5"}
BERT = {"model": {"name": "bert"}, "task": {"name": "masked"}}
PLACE = {"volume": "published", "path": "base-12345678/model"}
CLAIMS = {name: {} for name in ("datasets", "checkpoints", "published")}


def finished(end: str, reason: str = "Completed", message: str = "") -> dict[str, Any]:
    """Return the status of a job that has ended."""
    condition = {"type": end, "status": "True", "reason": reason, "message": message, "lastTransitionTime": ago(10)}
    return {"conditions": [condition], "model": MODEL}


def source(status: dict[str, Any] | None = None, **spec: Any) -> Job:
    """Return the job whose model is needed, which has succeeded if there is no other `status`."""
    return replace(job(finished("Succeeded") if status is None else status, **{**BERT, **spec}), name="base", uid="uid")


def successor(task: str = "classification", status: dict[str, Any] | None = None) -> Job:
    """Return a job that starts from the model of the job "base"."""
    return job(
        status,
        model={"from": {"job": "base"}},
        task={"name": task},
        data={"source": {"volume": "datasets", "path": "records.jsonl"}},
    )


@pytest.mark.parametrize(
    ("source_job", "reason", "text"),
    [
        pytest.param(None, Reason.JOB_NOT_FOUND, "namespace 'ns' has no LLMTrainingJob 'base'; create it", id="absent"),
        pytest.param(source({}), Reason.WAITING, "'base' has not succeeded yet", id="new"),
        pytest.param(source(started(stage="Training")), Reason.WAITING, "'base' has not succeeded yet", id="training"),
        pytest.param(
            replace(source({}), deleting=True), Reason.JOB_NOT_FOUND, "is being deleted before it has", id="deleted"
        ),
        pytest.param(
            source(finished("Failed", "BadInput", "spec.data: empty")),
            Reason.JOB_FAILED,
            "'base' has failed, BadInput: spec.data: empty; create it again",
            id="failed",
        ),
        pytest.param(
            source({**finished("Succeeded"), "model": None}),
            Reason.MODEL_NOT_USABLE,
            "published no model",
            id="no model",
        ),
        pytest.param(
            source(entrypoint={"module": "train"}, model={}, task={}),
            Reason.MODEL_NOT_USABLE,
            "has run a program of its own",
            id="a program",
        ),
        pytest.param(
            source(model={}, task={"name": "recommendation"}),
            Reason.MODEL_NOT_USABLE,
            "whose tokens are items",
            id="a recommender",
        ),
        pytest.param(
            source(model={"name": "lstm"}, task={"name": "classification"}),
            Reason.MODEL_NOT_USABLE,
            "llmtrain's own kind lstm",
            id="a model that transformers does not have",
        ),
    ],
)
def test_a_job_waits_for_a_model_and_says_why(source_job: Job | None, reason: Reason, text: str) -> None:
    the_job = successor()
    blocker = missing_model(the_job, source_job)
    assert blocker is not None
    assert (blocker.reason, text in blocker.message) == (reason, True), blocker.message
    assert blocker.message.startswith("spec.model.from.job: ")
    plan = plan_job(snapshot(the_job, source_job=source_job))
    assert plan.status is not None
    assert (plan.status.stage, plan.status.start_time, plan.apply) == ("Waiting", None, ())  # type: ignore[union-attr]
    scheduled = conditions(plan.status)["Scheduled"]  # type: ignore[arg-type]
    assert (scheduled.status, scheduled.reason, scheduled.message) == ("False", reason, blocker.message)


def test_a_job_that_was_deleted_after_its_end_has_left_its_model() -> None:
    blocker = missing_model(successor(), None)
    assert blocker is not None
    assert "spec.model.from.volume and path instead, 'base-*/model' on the checkpoint volume" in blocker.message


def test_a_job_in_a_cycle_says_so_instead_of_waiting() -> None:
    plan = plan_job(snapshot(successor(), source_job=source({}), source_cycle=("j", "base")))
    assert (plan.status.stage, plan.apply) == ("Waiting", ())  # type: ignore[union-attr]
    scheduled = conditions(plan.status)["Scheduled"]  # type: ignore[arg-type]
    assert scheduled.reason == Reason.DEPENDENCY_CYCLE
    assert "'j' for that of 'base', 'base' for that of 'j'" in scheduled.message
    assert [event.reason for event in plan.events] == [Reason.DEPENDENCY_CYCLE]
    running = successor(status=started(modelSource=PLACE))
    assert missing_model(running, None, cycle=("j", "base")) is None


def test_a_job_that_cannot_be_read_is_named_with_the_cause() -> None:
    blocker = missing_model(successor(), None, "spec.training: missing")
    assert blocker is not None
    assert (blocker.reason, "LLMTrainingJob 'base': spec.training: missing" in blocker.message) == (
        Reason.UNREADABLE,
        True,
    )


@pytest.mark.parametrize(
    ("model", "task", "is_usable"),
    [
        ({"name": "bert"}, "tagging", True),
        ({"name": "bert"}, "masked", True),
        ({"name": "bert"}, "translation", False),
        ({"name": "gpt"}, "classification", True),
        ({"name": "gpt"}, "masked", False),
        ({"name": "t5"}, "summarization", True),
        ({"name": "t5"}, "masked", False),
        ({"name": "skipgram"}, "classification", False),
        ({"from": {"volume": "models", "path": "any"}}, "translation", True),
    ],
    ids=str,
)
def test_an_architecture_that_cannot_learn_the_task_is_refused(
    model: dict[str, Any], task: str, is_usable: bool
) -> None:
    blocker = missing_model(successor(task), source(model=model, task={}))
    assert (blocker is None) == is_usable
    assert blocker is None or blocker.reason == Reason.MODEL_NOT_USABLE


def reader(status: dict[str, Any] | None = None) -> Job:
    """Return a job that begins with the word vectors of the job "base"."""
    return job(
        status,
        model={"name": "lstm", "vectors": {"job": "base"}},
        task={"name": "classification"},
        data={"source": {"volume": "datasets", "path": "records.jsonl"}, "tokenizer": {"kind": "words"}},
    )


def vectors(status: dict[str, Any] | None = None) -> Job:
    """Return the job that publishes them."""
    return source(status, model={"name": "skipgram"}, task={"name": "word-vectors"})


@pytest.mark.parametrize(
    ("source_job", "reason", "text"),
    [
        pytest.param(None, Reason.JOB_NOT_FOUND, "namespace 'ns' has no LLMTrainingJob 'base'; create it", id="absent"),
        pytest.param(vectors({}), Reason.WAITING, "has not succeeded yet; this job starts from its word", id="new"),
        pytest.param(
            vectors(finished("Failed", "BadInput", "spec.data: empty")), Reason.JOB_FAILED, "has failed", id="failed"
        ),
        *(
            pytest.param(
                source(status), Reason.MODEL_NOT_USABLE, "publishes no word vectors; name a job with task", id=name
            )
            for name, status in (("another task", None), ("another task that is not at its end", {}))
        ),
        pytest.param(
            source(entrypoint={"module": "train"}, model={}, task={"name": "word-vectors"}),
            Reason.MODEL_NOT_USABLE,
            "publishes no word vectors",
            id="a program",
        ),
    ],
)
def test_a_job_waits_for_word_vectors_and_says_why(source_job: Job | None, reason: Reason, text: str) -> None:
    blocker = missing_model(reader(), source_job)
    assert blocker is not None
    assert (blocker.reason, text in blocker.message) == (reason, True), blocker.message
    assert blocker.message.startswith("spec.model.vectors.job: ")
    plan = plan_job(snapshot(reader(), source_job=source_job))
    assert (plan.status.stage, plan.apply) == ("Waiting", ())  # type: ignore[union-attr]


def volumes_of(plan: Plan) -> dict[str, bool]:
    """Return the claims that the pod of a plan mounts, and whether they are read-only."""
    (pod,) = (manifest for manifest in plan.apply if manifest["kind"] == "Pod")
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    mounts = pod["spec"]["containers"][0]["volumeMounts"]
    return {claims[mount["name"]]: mount.get("readOnly", False) for mount in mounts if mount["name"] in claims}


def test_a_job_starts_from_the_published_model_and_keeps_its_place() -> None:
    plan = plan_job(snapshot(successor(), source_job=source(), claims=CLAIMS))
    assert plan.status is not None
    assert plan.status.model_source.document() == PLACE  # type: ignore[union-attr]
    assert volumes_of(plan) == {"datasets": False, "checkpoints": False, "published": True}
    (run,) = (manifest for manifest in plan.apply if manifest["kind"] == "ConfigMap")
    assert '"modelDirectory":"/volumes/published/base-12345678/model"' in run["data"]["run.json"]

    running = successor(status=started(modelSource=PLACE))
    later = plan_job(snapshot(running, source_job=None, claims=CLAIMS))
    assert volumes_of(later) == volumes_of(plan)
    assert "Pod j-prepare" in names(later.apply)


def test_a_job_begins_with_the_published_word_vectors_and_keeps_their_place() -> None:
    plan = plan_job(snapshot(reader(), source_job=vectors(), claims=CLAIMS))
    assert plan.status.model_source.document() == PLACE  # type: ignore[union-attr]
    assert volumes_of(plan) == {"datasets": False, "checkpoints": False, "published": True}
    (run,) = (manifest for manifest in plan.apply if manifest["kind"] == "ConfigMap")
    assert '"vectorsPath":"/volumes/published/base-12345678/model"' in run["data"]["run.json"]
    assert "modelDirectory" not in run["data"]["run.json"]
    later = plan_job(snapshot(reader(started(modelSource=PLACE)), source_job=None, claims=CLAIMS))
    assert volumes_of(later) == volumes_of(plan)


def test_a_volume_that_is_gone_is_named_once_the_job_has_published() -> None:
    blocked = plan_job(snapshot(successor(status={}), source_job=source(), claims={}, cluster=CLUSTER))
    assert "Pod j-prepare" not in names(blocked.apply)
    scheduled = conditions(blocked.status)["Scheduled"]  # type: ignore[arg-type]
    assert scheduled.reason == Reason.VOLUME_NOT_FOUND
    assert scheduled.message.startswith("spec.model.from.job: namespace 'ns' has no PersistentVolumeClaim 'published'")


def test_a_place_in_the_status_replaces_no_folder_in_the_spec() -> None:
    named = job(
        {"modelSource": {"volume": "other", "path": "../x"}}, model={"from": {"volume": "published", "path": "m"}}
    )
    found = with_model_source(named, named.status.model_source)
    assert found.spec.model.source is not None
    assert (found.spec.model.source.volume, found.spec.model.source.path) == ("published", "m")
