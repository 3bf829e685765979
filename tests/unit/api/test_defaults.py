import pytest

from llmtrain_api.data import Columns
from llmtrain_api.defaults import is_default, is_default_cel
from llmtrain_api.job import JobSpec

SPEC = JobSpec.model_validate(
    {
        "data": {"source": {"volume": "datasets"}, "tokenizer": {"vocabSize": 512}, "columns": {"label": "stars"}},
        "training": {"steps": 10, "dropout": "0"},
        "checkpoint": {"volume": "checkpoints"},
    }
)


@pytest.mark.parametrize(
    ("path", "default"),
    [
        pytest.param("data.tokenizer", False, id="an object with another value"),
        pytest.param("model", True, id="an object that is not set"),
        pytest.param("training.dropout", True, id="a field that is set to its default"),
        pytest.param("data.source.bundled", True, id="an optional field that is not set"),
        pytest.param("data.columns.label", False, id="a key with another value"),
        pytest.param("data.columns.text", True, id="a key that is not set"),
    ],
)
def test_a_field_has_its_default_value(path: str, default: bool) -> None:
    assert is_default(SPEC, path) is default


@pytest.mark.parametrize(
    ("columns", "default"),
    [
        pytest.param({}, True, id="no key"),
        pytest.param({"text": "text"}, True, id="a key that is set to its default"),
        pytest.param({"text": "body"}, False, id="a key with another value"),
        pytest.param({"body": "body"}, False, id="a key that the type does not know"),
    ],
)
def test_a_map_has_its_default_value_if_all_keys_have(columns: dict[str, str], default: bool) -> None:
    data = SPEC.data.model_copy(update={"columns": Columns.model_validate(columns)})
    assert is_default(SPEC.model_copy(update={"data": data}), "data.columns") is default


def test_the_cel_expression_of_a_map_allows_keys_that_are_absent() -> None:
    equal = "!('user' in self.data.columns) || self.data.columns['user'] == 'user'"
    assert is_default_cel("data.columns.user") == equal
    known = "self.data.columns.all(k, k in ['text', 'question', 'label', 'user', 'item', 'time']) && "
    assert is_default_cel("data.columns").startswith(known)
    assert f" && ({equal})" in is_default_cel("data.columns")


@pytest.mark.parametrize(
    ("path", "cel"),
    [
        ("training.dropout", "self.training.dropout == '0'"),
        ("data.heldOutPercent", "self.data.heldOutPercent == 5"),
        ("data.source.bundled", "!has(self.data.source.bundled)"),
        ("scheduling", "self.scheduling.gang == 'Auto' && self.scheduling.priorityClassName == ''"),
        (
            "data.tokenizer",
            "self.data.tokenizer.kind == 'bpe' && self.data.tokenizer.vocabSize == 4096"
            " && self.data.tokenizer.minCount == 5 && self.data.tokenizer.sampleBytes == 33554432",
        ),
    ],
)
def test_the_cel_expression_compares_with_the_default(path: str, cel: str) -> None:
    assert is_default_cel(path) == cel
