from decimal import Decimal

import pytest

from llmtrain_api.quantity import MAX_AMOUNT, is_positive, parse_quantity, whole_amount


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


@pytest.mark.parametrize(
    "text", ["", "two", "2gi", "2 Gi", "Gi", "1.2.3", "2Mi\n", "\u0662", "1e999999999", "1" * 65, "1e"]
)
def test_other_text_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="is not a Kubernetes quantity"):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("8", 8),
        ("1k", 1000),
        ("1M", 10**6),
        ("2Ki", 2048),
        ("1500m", 2),
        ("1e3", 1000),
        (8, 8),
        (0.5, 1),
        ("9e99", MAX_AMOUNT),
        ("9" * 64, MAX_AMOUNT),
        (10**5000, MAX_AMOUNT),
        ("-1", None),
        (-(10**5000), None),
        (-0.5, None),
        (float("nan"), None),
        (float("inf"), None),
        ("many", None),
        ("9" * 10**6, None),
        ("1e" + "9" * 50, None),
        (None, None),
        (True, None),
        ([8], None),
        ({}, None),
    ],
    ids=lambda value: repr(value)[:20] if not isinstance(value, int) else "number",
)
def test_an_amount_is_whole_and_bounded_or_unknown(value: object, amount: int | None) -> None:
    assert whole_amount(value) == amount


@pytest.mark.parametrize(
    ("text", "expected"), [("0", False), ("0.000Gi", False), ("00m", False), ("0.001", True), ("1m", True)]
)
def test_only_an_amount_above_zero_is_positive(text: str, expected: bool) -> None:
    assert is_positive(text) is expected
