from decimal import Decimal

import pytest

from llmtrain_api.quantity import parse_quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2", "2"),
        ("0.5", "0.5"),
        ("500m", "0.5"),
        ("250u", "0.00025"),
        ("3n", "0.000000003"),
        ("4k", "4000"),
        ("1.5G", "1500000000"),
        ("2Ki", "2048"),
        ("2Gi", "2147483648"),
        ("1Ei", "1152921504606846976"),
        ("1E", "1000000000000000000"),
        ("1e3", "1000"),
        ("-1", "-1"),
    ],
)
def test_a_quantity_is_read_exactly(text: str, number: str) -> None:
    assert parse_quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "two", "2gi", "2 Gi", "Gi", "1.2.3", "2Mi\n"])
def test_other_text_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="is not a Kubernetes quantity"):
        parse_quantity(text)
