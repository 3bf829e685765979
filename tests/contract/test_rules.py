"""Every rule accepts and rejects the jobs of its cases."""

from typing import get_args

import pytest
from pydantic import ValidationError

from contract.edit_cases import ALLOWED_EDITS, EDITS
from contract.example_job import OWN, UNSET, Case, Edit, job_with
from contract.rule_cases import RULE_CASES
from contract.schema_cases import SCHEMA_CASES
from llmtrain_api.data import Columns
from llmtrain_api.job import JobSpec, Task
from llmtrain_api.rule import Rule
from llmtrain_api.rules import IMMUTABLE, RULES, torchrun, violations
from llmtrain_api.tasks import COLUMNS

REMEDIES = {"change", "choose", "lower", "raise", "remove", "set", "use"}
"""The first words of the remedies, after the last semicolon of a message."""


def sentence(case: Case) -> str:
    return case.sentence


def messages(case: Case) -> list[str]:
    return list(violations(case.job["metadata"]["name"], JobSpec.model_validate(case.job["spec"])))


@pytest.mark.parametrize("case", RULE_CASES, ids=sentence)
def test_a_job_is_accepted_or_rejected_by_one_rule(case: Case) -> None:
    found = messages(case)
    assert len(found) == (0 if case.refusal is None else 1)
    assert all(case.refusal in message for message in found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.message[:50])
def test_every_rule_rejects_a_case(rule) -> None:
    assert any(rule.message in messages(case) for case in RULE_CASES if case.refusal)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.message[:50])
def test_every_rule_names_its_field(rule) -> None:
    assert rule.field in rule.message or rule.field.rpartition(".")[0] in rule.message


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.message[:50])
def test_every_rule_names_a_remedy(rule: Rule) -> None:
    assert rule.message.rpartition("; ")[2].split()[0] in REMEDIES


def test_a_job_that_violates_several_rules_has_the_message_of_each_in_order() -> None:
    job = job_with({"metadata.name": "2gpt", "spec.workers": {"min": 3, "replicas": 2, "max": 1}})
    found = list(violations(job["metadata"]["name"], JobSpec.model_validate(job["spec"])))
    assert [message.split()[0] for message in found] == ["metadata.name", "spec.workers.min", "spec.workers.replicas"]


@pytest.mark.parametrize(
    ("entrypoint", "expected"),
    [
        pytest.param(None, False, id="no program"),
        pytest.param({"script": "train.py"}, False, id="the default mode"),
        pytest.param({"script": "train.py", "mode": "Torchrun"}, True, id="mode Torchrun"),
    ],
)
def test_only_a_program_in_mode_torchrun_keeps_its_own_state(entrypoint: object, expected: bool) -> None:
    job = job_with({**OWN, "spec.entrypoint": entrypoint or UNSET})
    assert torchrun(JobSpec.model_validate(job["spec"])) is expected


@pytest.mark.parametrize("task", get_args(Task.model_fields["name"].annotation))
def test_a_task_takes_the_columns_that_it_uses_and_no_others(task: str) -> None:
    taken = set()
    for column in Columns.model_fields:
        job = job_with({"spec.task": {"name": task}, "spec.data.columns": {column: "other"}})
        found = violations("job", JobSpec.model_validate(job["spec"]))
        if not any(message.startswith(f"spec.data.columns.{column} has no effect with task") for message in found):
            taken.add(column)
    assert taken == set(COLUMNS[task])


@pytest.mark.parametrize("case", SCHEMA_CASES, ids=sentence)
def test_the_schema_rejects(case: Case) -> None:
    with pytest.raises(ValidationError):
        JobSpec.model_validate(case.job.get("spec"), strict=True)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.field)
def test_an_edit_is_valid_except_for_immutability(edit: Edit) -> None:
    assert edit.field in {part.field for part in IMMUTABLE}
    after = job_with(edit.before or {}, edit.change)
    assert not list(violations(after["metadata"]["name"], JobSpec.model_validate(after["spec"])))


def test_every_immutable_field_has_an_edit() -> None:
    assert {part.field for part in IMMUTABLE} == {edit.field for edit in EDITS} | {"task"}


def test_allowed_edits_change_no_immutable_field() -> None:
    assert not {part.field for part in IMMUTABLE} & {edit.field for edit in ALLOWED_EDITS}
