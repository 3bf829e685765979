import pytest

from llmtrain_api.defaults import is_default, is_default_cel
from llmtrain_api.job import JobSpec

SPEC = JobSpec.model_validate(
    {
        "data": {"source": {"volume": "datasets"}, "tokenizer": {"vocabSize": 512}},
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
    ],
)
def test_a_field_has_its_default_value(path: str, default: bool) -> None:
    assert is_default(SPEC, path) is default


@pytest.mark.parametrize(
    ("path", "cel"),
    [
        ("training.dropout", "self.training.dropout == '0'"),
        ("data.heldOutPercent", "self.data.heldOutPercent == 5"),
        ("data.source.bundled", "!has(self.data.source.bundled)"),
        ("data.columns", "self.data.columns.text == 'text'"),
        (
            "data.tokenizer",
            "self.data.tokenizer.kind == 'bpe' && self.data.tokenizer.vocabSize == 4096"
            " && self.data.tokenizer.sampleBytes == 33554432",
        ),
    ],
)
def test_the_cel_expression_compares_with_the_default(path: str, cel: str) -> None:
    assert is_default_cel(path) == cel
