"""Commands in README, docs, help texts and the chart's notes name what exists."""

import pytest

from contract.documented import CURRENT_PAGES, PAGES, ROOT, Undocumented, page_id
from contract.documented_commands import check_command, is_command
from contract.documented_texts import commands_elsewhere
from support.markdown import Page

README = Page(ROOT / "README.md")
TUTORIAL = Page(ROOT / "docs" / "tutorial.md")
CLI = Page(ROOT / "docs" / "reference" / "cli.md")
ELSEWHERE = [
    pytest.param(command, id=f"{place}: {command}") for place, command in commands_elsewhere() if is_command(command)
]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_are_covered(page: Page) -> None:
    for block in page.blocks:
        for command in block.commands if block.language == "sh" else ():
            check_command(command, page)


@pytest.mark.parametrize("page", CURRENT_PAGES, ids=page_id)
def test_commands_in_prose_are_covered(page: Page) -> None:
    for code in page.inline_code:
        if is_command(code):
            check_command(code, page)


@pytest.mark.parametrize("command", ELSEWHERE)
def test_commands_outside_of_pages_are_covered(command: str) -> None:
    check_command(command, CLI)


def test_commands_are_found_in_each_text() -> None:
    places = {place for place, command in commands_elsewhere() if is_command(command)}
    assert {
        "NOTES.txt",
        "help of llmtrain",
        "help of llmtrain top",
        "help of python -m llmtrain_kind",
        "bug.yml",
    } <= places


WRONG = [
    pytest.param("wget http://example.org", id="a program without a rule"),
    pytest.param("make nothing", id="a target that does not exist"),
    pytest.param("make test HELM=3", id="a variable that the target does not use"),
    pytest.param("make chart-test HELM=nothing", id="a value that a variable cannot have"),
    pytest.param("llmtrain run examples/gpt-stdlib.yaml --nothing", id="an option that does not exist"),
    pytest.param("llmtrain validate nothing.yaml", id="a file that no page saves"),
    pytest.param("llmtrain validate README.md", id="a file that is no job"),
    pytest.param("llmtrain logs .llmtrain/nothing", id="a log that no process writes"),
    pytest.param("llmtrain logs .llmtrain/logs/nothing/worker-0.jsonl", id="the log of a job that no page has"),
    pytest.param("llmtrain top nothing", id="a job that no page has"),
    pytest.param("tensorboard --logdir /nothing", id="a folder that is no volume"),
    pytest.param(
        "helm upgrade --install llmtrain charts/llmtrain --set image.nothing=1", id="a value that does not exist"
    ),
    pytest.param("kubectl explain ltj.spec.nothing", id="a field that does not exist"),
    pytest.param("kubectl get ltj first -o jsonpath='{.status.nothing}'", id="a status field that does not exist"),
    pytest.param("kubectl get nothing", id="a resource that does not exist"),
    pytest.param("kubectl get llmcluster nothing", id="a cluster that the chart does not create"),
    pytest.param("kubectl -n nothing get ltj", id="a namespace that no page uses"),
    pytest.param("kubectl wait ltj/first --for=condition=Nothing --timeout=1m", id="a condition that does not exist"),
    pytest.param("kubectl wait ltj/first --for=condition=Succeeded --timeout=abc", id="a timeout that is no duration"),
    pytest.param("kubectl wait ltj/nothing --for=condition=Succeeded --timeout=1m", id="a wait for an unknown job"),
    pytest.param('kubectl patch ltj first -p \'{"spec":{"nothing":1}}\'', id="a patch of a field that does not exist"),
    pytest.param("kubectl scale ltj/first --replicas=abc", id="a number of replicas that is none"),
    pytest.param("kubectl scale ltj/nothing --replicas=3", id="a job to scale that no page has"),
    pytest.param("kubectl logs nothing", id="a name that no pod has"),
    pytest.param("kubectl logs nothing-worker-0", id="a pod of a job that no page has"),
    pytest.param("kubectl -n llmtrain-system logs deployment/nothing", id="a deployment that the chart does not have"),
    pytest.param("kubectl delete pod nothing", id="a pod that the page does not create"),
    pytest.param("kubectl cp docs copy:/nothing/docs", id="a path that the pod does not mount"),
    pytest.param("kubectl frobnicate", id="a verb that kubectl does not have"),
    pytest.param("docker build -f images/operator/Dockerfile -t R/llmtrain/operator:9.9 .", id="another version"),
    pytest.param("pip install '.[nothing]'", id="an extra that does not exist"),
    pytest.param("pipx install nothing", id="a tool that this repository does not configure"),
    pytest.param("pre-commit nothing", id="a verb of pre-commit that developers do not need"),
    pytest.param("python3 -m llmtrain_kind nothing", id="a verb that llmtrain_kind does not have"),
    pytest.param("python -m llmtrain_agent --nothing", id="an option that the agent does not have"),
    pytest.param(".venv/bin/python -m pytest tests/nothing -q", id="a test that does not exist"),
    pytest.param("curl http://localhost:1/metrics", id="a port that nothing serves"),
    pytest.param("make demo && make nothing", id="the second of two commands"),
]


@pytest.mark.parametrize("command", WRONG)
def test_the_rules_reject(command: str) -> None:
    with pytest.raises(Undocumented):
        check_command(command, TUTORIAL)


@pytest.mark.parametrize("code", ["wget x", "nvidia-smi -q", "git push"])
def test_a_program_without_a_rule_is_a_command(code: str) -> None:
    assert is_command(code)
    with pytest.raises(Undocumented):
        check_command(code, README)
