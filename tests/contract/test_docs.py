"""README and docs hold: links resolve, YAML validates, the glossary and the tutorial are complete."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import llmtrain
from contract.documented import PAGES, ROOT, page_id
from contract.documented_yaml import yaml_faults
from support.markdown import Block, Page
from support.tutorial import FIXTURES, ON_A_CLUSTER, ON_ONE_MACHINE, TUTORIAL, commands_below

BLOCKS = [block for page in PAGES for block in page.blocks]
GLOSSARY = Page(ROOT / "docs" / "glossary.md")
LANGUAGES = {"sh", "yaml", "python", "text", "promql"}


def of_language(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


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


@pytest.mark.parametrize("text", ["metrics: {nothing: 1}", "replicas: many", "agent: {gpus: maybe}", "kind: Nothing"])
def test_the_yaml_rules_reject(text: str) -> None:
    assert yaml_faults(text)


@pytest.mark.parametrize("pools", ["[{name: a}, {name: a}]", "[{name: a}, {name: b}, {name: a, nodes: 2}]"])
def test_the_yaml_rules_reject_pools_of_one_name(pools: str) -> None:
    cluster = f"apiVersion: llmtrain.dev/v1alpha1\nkind: LLMCluster\nspec: {{computePools: {pools}}}"
    assert yaml_faults(cluster)
    assert not yaml_faults(cluster.replace("name: a}, {", "name: z}, {"))


def test_no_example_is_forgotten() -> None:
    named = {Path(name).name for page in PAGES for name in re.findall(r"examples/[\w-]+\.yaml", page.text)}
    assert named == {path.name for path in (ROOT / "examples").glob("*.yaml")}
