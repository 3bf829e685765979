"""Reads YAML as kubectl does, so that a file means the same locally and on a cluster.

kubectl converts each document to JSON with go-yaml, whose rules are neither PyYAML's nor those of YAML 1.2: `3e-4` and `1e3`
are numbers, `yes`, `on` and `y` are booleans, `010` is 8, and `1:30` and dates are text. Keys become text. A later `<<` takes
precedence over earlier keys. In one thing this reader is stricter: it refuses a key that is set twice, as the API server does
where it gets to see it.
"""

import codecs
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import yaml

MAX_VALUES = 100_000
"""Values of the largest document, aliases resolved."""
MAX_DEPTH = 100
"""Lists and maps inside each other."""
MAX_DIGITS = 4000
"""Digits of an integer that Python converts. One of more than 20 is too large for kubectl and the API server anyway."""
TAG = "tag:yaml.org,2002:"
PLAIN = "plain"
"""Tag of a scalar that is written without quotes and without a tag."""
_WORDS: dict[str, object] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **{f"{sign}{word}": math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **{f"-{word}": -math.inf for word in (".inf", ".Inf", ".INF")},
}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"([-+]?)(?:0[bB]([01]+)|0[oO]?([0-7]+)|0[xX]([0-9a-fA-F]+)|(0|[1-9][0-9]*))")
_BASES = (2, 8, 16, 10)
"""Bases of the groups of _INTEGER after the sign."""


class InvalidYaml(ValueError):
    """A file that kubectl would not read, or that says something twice; the message has line and remedy."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """One document of a file."""

    line: int
    """The line where it begins."""
    value: dict[str, Any]
    """What it says, in JSON types."""
    written: Mapping[tuple[str | int, ...], str]
    """How each unquoted scalar is written that is not text, by its path."""


def read_documents(content: bytes) -> list[Document]:
    """Return the documents of a file of YAML or JSON without the empty ones. InvalidYaml if kubectl could not read it."""
    text = _decode(content)
    if text.lstrip().startswith("{"):
        try:
            value = json.loads(
                text,
                object_pairs_hook=_unique,
                parse_int=_json_integer,
                parse_float=_json_float,
                parse_constant=_json_float,
            )
        except (json.JSONDecodeError, RecursionError):
            pass  # a flow mapping of YAML
        else:
            return [_document(1, value, {})]
    _check_separators(text)
    try:
        return list(_documents(text))
    except yaml.MarkedYAMLError as error:
        mark, causes = error.problem_mark or error.context_mark, (error.context, error.problem)
        raise InvalidYaml(f"line {mark.line + 1 if mark else 1}: {', '.join(filter(None, causes))}") from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise InvalidYaml(f"line {line}: it has the control character {chr(error.character)!r}; remove it") from None


def plain_value(text: str) -> object:
    """Return the value of a scalar that is written without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] == ".":
        return _float(text)
    return _number(text) if text[0] in "+-0123456789" else text


def _number(text: str) -> object:
    digits = text.replace("_", "")
    if len(digits) <= MAX_DIGITS and (match := _INTEGER.fullmatch(digits)):
        found, base = next((part, base) for part, base in zip(match.groups()[1:], _BASES, strict=True) if part)
        value = -int(found, base) if match[1] == "-" else int(found, base)
        if -(2**63) <= value < (2**63 if match[1] else 2**64):
            return value
    number = _float(digits)
    return text if number == digits else number


def _float(text: str) -> object:
    """Return a number, or the text itself if it is none or too large for a float."""
    value = float(text) if _FLOAT.fullmatch(text) else math.inf
    return text if math.isinf(value) else value


def _json_number(value: object) -> object:
    """Return a value as it is in JSON: a whole number has no fraction there."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    return value


_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""go-yaml is a translation of libyaml, so libyaml reads the same where PyYAML has it, such as tabs after a colon."""


class _Loader(_Parser):  # type: ignore[misc]
    """Marks scalars without quotes and tags instead of resolving them."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0]:
            return PLAIN
        return super().resolve(kind, value, implicit)


class _Converter:
    """Converts the nodes of one document to JSON types."""

    def __init__(self) -> None:
        self.written: dict[tuple[str | int, ...], str] = {}
        self._open: set[int] = set()
        self._values = 0

    def convert(self, node: yaml.Node, path: tuple[str | int, ...] = ()) -> Any:
        self._values += 1
        if self._values > MAX_VALUES:
            raise InvalidYaml(f"it has more than {MAX_VALUES:,} values; use fewer aliases")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open:
            raise InvalidYaml(f"line {_line(node)}: an anchor contains itself; remove the alias")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            return [self.convert(item, (*path, index)) for index, item in enumerate(node.value)]
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode, path: tuple[str | int, ...]) -> object:
        value = _json_number(_scalar_value(node))
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidYaml(f"line {_line(node)}: {node.value} is no number of JSON; write it in quotes")
        if not isinstance(value, str):
            self.written[path] = node.value
        return value

    def _mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if _is_merge(key_node):
                for merged in _merged_nodes(value_node):
                    found.update(self.convert(merged, path))
                continue
            key = _key(key_node)
            if key in lines:
                raise InvalidYaml(
                    f"line {_line(key_node)}: {key} is set twice, first in line {lines[key]}; remove one of them"
                )
            lines[key] = _line(key_node)
            found[key] = self.convert(value_node, (*path, key))
        return found


def _decode(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidYaml(
            f"line {line}: it is not {encoding.removesuffix('-sig').upper()} text; save it as UTF-8"
        ) from None


def _check_separators(text: str) -> None:
    """Raise InvalidYaml for lines that kubectl does not accept between documents."""
    for number, line in enumerate(text.splitlines(), start=1):
        after = line[3:].strip()
        if line.startswith("---") and after and not after.startswith("#"):
            raise InvalidYaml(
                f"line {number}: '---' must have a line of its own; move what follows it to the next line"
            )
        if line.startswith("%"):
            raise InvalidYaml(f"line {number}: kubectl reads no directives such as %YAML; remove the line")


def _check_depth(text: str) -> None:
    """Raise InvalidYaml for a text whose nodes libyaml would overflow the stack with."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise InvalidYaml(f"line {_line(event)}: it is nested more than {MAX_DEPTH} times; flatten it")


def _documents(text: str) -> Iterator[Document]:
    _check_depth(text)
    for node in yaml.compose_all(text, Loader=_Loader):
        converter = _Converter()
        value = converter.convert(node)
        if value is not None:
            yield _document(_line(node), value, converter.written)


def _document(line: int, value: object, written: Mapping[tuple[str | int, ...], str]) -> Document:
    if not isinstance(value, dict):
        raise InvalidYaml(f"line {line}: there is no object; a document has apiVersion, kind, metadata and spec")
    return Document(line=line, value=cast(dict[str, Any], value), written=written)


def _scalar_value(node: yaml.ScalarNode) -> object:
    """Return the value of a scalar; its tag must fit it."""
    if node.tag == PLAIN:
        return plain_value(node.value)
    kinds: dict[str, tuple[type, ...]] = {
        f"{TAG}int": (int,),
        f"{TAG}float": (int, float),
        f"{TAG}bool": (bool,),
        f"{TAG}null": (type(None),),
    }
    if node.tag not in kinds:
        return node.value
    value = plain_value(node.value)
    if not isinstance(value, kinds[node.tag]) or (isinstance(value, bool) and node.tag != f"{TAG}bool"):
        raise InvalidYaml(f"line {_line(node)}: {node.value!r} is no {node.tag.removeprefix(TAG)}; remove the tag")
    return value


def _is_merge(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value == "<<" and node.tag in (PLAIN, f"{TAG}merge")


def _merged_nodes(node: yaml.Node) -> Sequence[yaml.MappingNode]:
    """Return the mappings that a `<<` merges, those that take precedence last."""
    nodes = list(reversed(node.value)) if isinstance(node, yaml.SequenceNode) else [node]
    maps = [each for each in nodes if isinstance(each, yaml.MappingNode)]
    if len(maps) < len(nodes):
        raise InvalidYaml(f"line {_line(node)}: << merges maps alone; give it the alias of a map")
    return maps


def _key(node: yaml.Node) -> str:
    """Return a key as text."""
    value = _scalar_value(node) if isinstance(node, yaml.ScalarNode) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise InvalidYaml(f"line {_line(node)}: a key must be text; write it in quotes")


def _line(node: yaml.Node | yaml.Event) -> int:
    return node.start_mark.line + 1 if node.start_mark else 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON. InvalidYaml if it has a key twice."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InvalidYaml(f"{key} is set twice in one object; remove one of them")
        found[key] = value
    return found


def _json_integer(text: str) -> object:
    return int(text) if len(text) <= MAX_DIGITS else _json_float(text)


def _json_float(text: str) -> object:
    value = float(text)
    if not math.isfinite(value):
        raise InvalidYaml(f"{text[:40]} is no number of JSON; remove it")
    return _json_number(value)
