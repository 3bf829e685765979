"""Labels and owner of every object of a job."""

from llmtrain_api.names import JOB_LABEL, MANAGED_BY_LABEL, ROLE_LABEL
from llmtrain_operator.core.objects.metadata import child_metadata
from unit.operator.builders import job


def test_an_object_belongs_to_its_job() -> None:
    metadata = child_metadata(job(), "j-x", "x", extra="1")
    assert (metadata["name"], metadata["namespace"]) == ("j-x", "ns")
    assert {JOB_LABEL: "j", ROLE_LABEL: "x", "extra": "1"}.items() <= metadata["labels"].items()
    assert MANAGED_BY_LABEL in metadata["labels"]
    (owner,) = metadata["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("LLMTrainingJob", "j", "uid-of-j")
    assert owner["controller"] is True
