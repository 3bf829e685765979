"""Patterns of one's own for personal data: what can't be used is named with its index and the cause."""

import sys

import pytest

from llmtrain_api.personal_patterns import compile_pattern, pattern_errors


@pytest.mark.parametrize(
    ("pattern", "cause"),
    [
        ("A=a(b", "missing )"),
        ("A=(?=a)b", "invalid perl operator: (?="),
        (r"A=(a)\1", r"invalid escape sequence: \1"),
        ("A=x{1001}", "invalid repetition size: {1001}"),
        ("A=[0-9]*", "it matches the empty text"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_named_with_its_index(pattern: str, cause: str) -> None:
    (error,) = pattern_errors(["CUSTOMER=KD-[0-9]{6}", pattern])
    assert error.startswith("spec.data.personalPatterns[1]: the regular expression of 'A' can't be used: ")
    assert cause in error
    assert error.endswith("; correct it in the syntax of RE2, which has no look-around and no references to groups")


def test_a_package_that_is_missing_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    assert list(pattern_errors([])) == []
    (error,) = pattern_errors(["A=a", "B=b"])
    assert error.endswith("is not installed; run `pip install google-re2`")


def test_a_name_is_in_lower_case_and_the_expression_may_have_equals_signs() -> None:
    kind, regex = compile_pattern("Token=key=[a-z]+")
    assert (kind, regex.search("my key=abc").span()) == ("token", (3, 10))
