"""Documents of a file are read by the rules of kubectl's parser. The values are those that kubectl 1.37 prints."""

import random
import string

import pytest

from llmtrain_cli.kubernetes_yaml import MAX_VALUES, InvalidYaml, plain_value, read_documents

TEXT = [
    "1:30",
    "2001-01-01",
    "2001-1-1T1:2:3Z",
    "1e400",
    "0x",
    "0o8",
    "0b12",
    "._5",
    "+.inf5",
    "oFF",
    "tRue",
    "-x",
    ".",
]
VALUES = {
    **{text: text for text in TEXT},
    "3e-4": 0.0003,
    "1E3": 1000,
    "12e03": 12000,
    "1.": 1,
    ".5": 0.5,
    "+.5": 0.5,
    "-.5": -0.5,
    "1_0.5": 10.5,
    "300.0": 300,
    "1e20": 10**20,
    "1.5e300": 1.5e300,
    "-0.0": 0,
    "010": 8,
    "08": 8,
    "-010": -8,
    "0777_7": 4095,
    "0o17": 15,
    "0O7": 7,
    "0x1F": 31,
    "+0X1f": 31,
    "0b11": 3,
    "-0B11": -3,
    "1_000": 1000,
    "0_": 0,
    "+1": 1,
    "yes": True,
    "Y": True,
    "On": True,
    "TRUE": True,
    "n": False,
    "off": False,
    "~": None,
    "NULL": None,
    "": None,
    "!!str 5": "5",
    "!!float 5": 5,
    "!!int '5'": 5,
    "!!bool yes": True,
    "!other 5": "5",
    "'5'": "5",
}


@pytest.mark.parametrize(("written", "value"), VALUES.items())
def test_a_scalar_has_the_value_that_kubectl_reads(written: str, value: object) -> None:
    (document,) = read_documents(f"key: {written}\n".encode())
    assert document.value == {"key": value}
    assert type(document.value["key"]) is type(value)


def test_every_short_scalar_has_a_value() -> None:
    source, letters = random.Random(5), "+-.0123456789_eExXoObB:" + string.ascii_letters[:3]
    for _ in range(5000):
        text = "".join(source.choices(letters, k=source.randrange(7)))
        assert isinstance(plain_value(text), str | int | float | None), text


def test_keys_are_text() -> None:
    (document,) = read_documents(b"{1: a, yes: b, 0x10: c, '2': d}")
    assert document.value == {"1": "a", "true": "b", "16": "c", "2": "d"}


@pytest.mark.parametrize(
    ("written", "merged"),
    [
        pytest.param("{<<: *one, a: 9}", {"a": 9, "b": 1}, id="a later key takes precedence"),
        pytest.param("{a: 9, <<: *one}", {"a": 1, "b": 1}, id="an earlier key does not"),
        pytest.param("{<<: [*one, *two]}", {"a": 1, "b": 1, "c": 2}, id="the first of a list takes precedence"),
        pytest.param("{'<<': 5}", {"<<": 5}, id="in quotes it is a key"),
    ],
)
def test_maps_are_merged_in_the_order_of_the_keys(written: str, merged: object) -> None:
    (document,) = read_documents(f"maps: [&one {{a: 1, b: 1}}, &two {{a: 2, c: 2}}]\nhere: {written}\n".encode())
    assert document.value["here"] == merged


def test_documents_have_their_line_and_scalars_their_spelling() -> None:
    first, second = read_documents(b"a: [0x10, text]\n---\n# empty\n---\nb: {c: yes}\n")
    assert (first.line, second.line) == (1, 5)
    assert (first.written, second.written) == ({("a", 0): "0x10"}, {("b", "c"): "yes"})


def test_numbers_of_json_are_those_of_kubectl() -> None:
    (document,) = read_documents(b'{"a": [1.0, 1e2, 0.5], "b": 1.0}')
    assert document.value == {"a": [1, 100, 0.5], "b": 1}
    assert type(document.value["b"]) is int


def test_an_integer_that_python_does_not_convert_is_text_or_refused() -> None:
    digits = "1" * 5000
    assert plain_value(digits) == digits
    with pytest.raises(InvalidYaml, match="1 is no number of JSON; remove it"):
        read_documents(f'{{"a": {digits}}}'.encode())


def test_aliases_cannot_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(InvalidYaml, match=f"more than {MAX_VALUES:,} values"):
        read_documents("\n".join(lines).encode())


@pytest.mark.parametrize("content", [b"{" * 20_000, b'{"a":' * 20_000, b"- " * 20_000, b"a: !!int x", b"a: .nan"])
def test_an_odd_file_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidYaml):
        read_documents(content)
