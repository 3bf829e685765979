"""README and docs are correct: links resolve, YAML validates, commands and names exist."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import llmtrain
from contract.documented import ROOT, Undocumented
from contract.documented_commands import RULES, chart_value, check_command
from contract.documented_kubectl import field_schema
from contract.documented_yaml import yaml_faults
from llmtrain_api.alerting import dcgm
from llmtrain_api.alerting.recording import RECORDINGS
from llmtrain_api.metrics.catalogue import CATALOGUE
from support.markdown import Block, Page
from support.tutorial import FIXTURES, ON_A_CLUSTER, ON_ONE_MACHINE, TUTORIAL, commands_below

README = Page(ROOT / "README.md")
CHANGELOG = ROOT / "CHANGELOG.md"
"""Names what a release removed, too."""
PAGES = [Page(path) for pattern in ("*.md", "docs/**/*.md") for path in sorted(ROOT.glob(pattern)) if path != CHANGELOG]
BLOCKS = [block for page in PAGES for block in page.blocks]
GLOSSARY = Page(ROOT / "docs" / "glossary.md")
SOURCE = "\n".join(path.read_text() for path in sorted(ROOT.glob("*/src/**/*.py")))
LANGUAGES = {"sh", "yaml", "python", "text", "promql"}
PACKAGES = {path.name for path in ROOT.glob("*/src/llmtrain*")}
METRICS = {metric.name for metric in CATALOGUE} | {rule.record for rule in (*RECORDINGS, *dcgm.RECORDINGS)}
VALUE_ROOTS = ("agent.", "crds.", "dashboards.", "defaultCluster.", "metrics.", "networkPolicy.")


def of_language(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


def page_id(page: Page) -> str:
    return str(page.path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_and_anchors_resolve(page: Page) -> None:
    for link in page.links:
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        path = (page.path.parent / target).resolve() if target else page.path
        assert path.exists(), f"{page.path.name} links to {target}"
        assert not anchor or anchor in Page(path).anchors, f"{page.path.name} links to {link}"


def test_the_index_links_to_every_page() -> None:
    docs = ROOT / "docs"
    linked = {
        (page.path.parent / link.partition("#")[0]).resolve()
        for page in (Page(docs / "index.md"), Page(docs / "decisions" / "index.md"))
        for link in page.links
    }
    pages = set(docs.glob("**/*.md"))
    assert pages - linked == {docs / "index.md"}


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_names_its_language(block: Block) -> None:
    assert block.language in LANGUAGES


@pytest.mark.parametrize("block", of_language("yaml"), ids=str)
def test_yaml_is_valid(block: Block) -> None:
    assert not yaml_faults(block.text)


@pytest.mark.parametrize("block", of_language("python"), ids=str)
def test_python_calls_the_train_api_as_it_is(block: Block) -> None:
    tree = ast.parse(block.text)
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "llmtrain.train"
    ]
    assert calls
    for call in calls:
        arguments = {keyword.arg: None for keyword in call.keywords if keyword.arg}
        inspect.signature(llmtrain.train).bind(*call.args, **arguments)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_are_covered(page: Page) -> None:
    for block in page.blocks:
        for command in block.commands if block.language == "sh" else ():
            check_command(command, page)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_in_prose_are_covered(page: Page) -> None:
    for code in page.inline_code:
        if code.split()[0] in RULES and not code.startswith("."):
            check_command(code, page)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_metrics_exist(page: Page) -> None:
    for code in page.inline_code:
        for name in re.findall(r"\b(?:\w+:)?llmtrain_\w+(?::\w+)?(?!\w*[*/])", code):
            assert name in METRICS | PACKAGES or name.rpartition("_")[0] in METRICS, f"{page.path.name}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_fields_and_values_exist(page: Page) -> None:
    for code in page.inline_code:
        name = code.partition(":")[0].partition("=")[0].strip()
        if re.fullmatch(r"(spec|status)(\.\w+)+", name):
            assert _is_field(name), f"{page.path.name}: no resource has {name}"
        elif name.startswith(VALUE_ROOTS) and not name.endswith(".md"):
            chart_value(name)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_environment_variables_are_used_by_the_source(page: Page) -> None:
    for code in page.inline_code:
        for name in re.findall(r"LLMTRAIN_[A-Z_]+[A-Z]", code):
            assert name in SOURCE, f"{page.path.name}: {name}"


def test_the_glossary_is_alphabetic_and_each_term_has_a_module() -> None:
    for section in GLOSSARY.text.split("\n## ")[1:]:
        entries = section.strip().splitlines()[2:]
        terms = [re.match(r"- \*\*(.+?)\*\*: .+ \(\[.+\]\(.+\)\)$", entry) for entry in entries]
        assert all(terms), [entry for entry, term in zip(entries, terms, strict=True) if term is None]
        names = [term[1].lower() for term in terms if term]
        assert names == sorted(set(names))


def test_every_step_of_the_tutorial_is_run_by_a_test() -> None:
    documented = [command for block in TUTORIAL.blocks if block.language == "sh" for command in block.commands]
    run = [command for section in (*ON_ONE_MACHINE, *ON_A_CLUSTER) for command in commands_below(*section)]
    assert sorted(documented) == sorted([*commands_below("Install"), *run])
    assert set(FIXTURES) <= set(run)


def _is_field(path: str) -> bool:
    for resource in ("ltj", "llmc"):
        try:
            field_schema(resource, path)
        except Undocumented:
            continue
        return True
    return False


WRONG = [
    pytest.param("curl http://example.org", id="a program without a rule"),
    pytest.param("make nothing", id="a target that does not exist"),
    pytest.param("llmtrain run examples/gpt-stdlib.yaml --nothing", id="an option that does not exist"),
    pytest.param("llmtrain validate nothing.yaml", id="a file that no page saves"),
    pytest.param("llmtrain validate README.md", id="a file that is no job"),
    pytest.param(
        "helm upgrade --install llmtrain charts/llmtrain --set image.nothing=1", id="a value that does not exist"
    ),
    pytest.param("kubectl explain ltj.spec.nothing", id="a field that does not exist"),
    pytest.param("kubectl get ltj x -o jsonpath='{.status.nothing}'", id="a status field that does not exist"),
    pytest.param("kubectl get nothing", id="a resource that does not exist"),
    pytest.param("kubectl wait ltj/x --for=condition=Nothing", id="a condition that does not exist"),
    pytest.param('kubectl patch ltj x -p \'{"spec":{"nothing":1}}\'', id="a patch of a field that does not exist"),
    pytest.param("kubectl -n llmtrain-system logs deployment/nothing", id="a deployment that the chart does not have"),
    pytest.param("kubectl frobnicate", id="a verb that kubectl does not have"),
    pytest.param("docker build -f images/operator/Dockerfile -t R/llmtrain/operator:9.9 .", id="another version"),
    pytest.param("pip install '.[nothing]'", id="an extra that does not exist"),
    pytest.param("python3 -m llmtrain_kind nothing", id="a verb that llmtrain_kind does not have"),
    pytest.param("make demo && make nothing", id="the second of two commands"),
]


@pytest.mark.parametrize("command", WRONG)
def test_the_rules_reject(command: str) -> None:
    with pytest.raises(Undocumented):
        check_command(command, README)


@pytest.mark.parametrize("text", ["metrics: {nothing: 1}", "replicas: many", "agent: {gpus: maybe}", "kind: Nothing"])
def test_the_yaml_rules_reject(text: str) -> None:
    assert yaml_faults(text)


def test_no_example_is_forgotten() -> None:
    named = {Path(name).name for page in PAGES for name in re.findall(r"examples/[\w-]+\.yaml", page.text)}
    assert named == {path.name for path in (ROOT / "examples").glob("*.yaml")}
