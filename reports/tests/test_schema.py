"""The structural validator, and that the schema files use nothing that it does not know."""

import json
from importlib import resources

import pytest

from plumbline_report.kinds import KINDS
from plumbline_report.schema import compile_schema


@pytest.mark.parametrize("name", [*KINDS, "machine", "report"])
def test_schema_files_compile(name):
    text = (resources.files("plumbline_report") / "schemas" / f"{name}.schema.json").read_text("utf-8")
    compile_schema(json.loads(text))


def test_unknown_keywords_are_refused():
    with pytest.raises(ValueError, match="maxLength"):
        compile_schema({"properties": {"a": {"type": "string", "maxLength": 3}}})


@pytest.mark.parametrize(
    "schema, good, bad",
    [
        ({"type": "integer"}, [0, -3], [1.0, True, "1", None]),
        ({"type": "number"}, [0, 1.5], [False, "1", None, []]),
        ({"type": ["string", "null"]}, ["", None], [0, {}]),
        ({"enum": ["a", 1, None]}, ["a", 1, None], ["b", True, 0]),
        ({"type": "integer", "minimum": 0, "maximum": 5}, [0, 5], [-1, 6]),
        ({"type": "array", "items": {"type": "string"}}, [[], ["a"]], [["a", 1], {}]),
        ({"type": "object", "required": ["a"]}, [{"a": None}], [{}, []]),
        ({"type": "object", "additionalProperties": {"type": "string"}}, [{}, {"x": "y"}], [{"x": 1}]),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, ["", None], [3]),
        ({"$defs": {"n": {"type": "null"}}, "items": {"$ref": "#/$defs/n"}, "type": "array"}, [[None]], [[0]]),
    ],
)
def test_keywords(schema, good, bad):
    check = compile_schema(schema)
    assert all(check(value) is None for value in good)
    assert all(check(value) is not None for value in bad)


def test_a_fault_names_its_place():
    check = compile_schema({"properties": {"a": {"items": {"required": ["b"]}}}})
    assert check({"a": [{"b": 1}, {}]}) == (".a[1].b", "to be there")
