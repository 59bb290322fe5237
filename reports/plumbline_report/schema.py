"""A small structural validator: the part of JSON Schema that the documents' schemas use, compiled to functions."""

import json
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

# A check takes a value and returns None, or the path inside the value and what was expected there.
Fault = tuple[str, str]
Check = Callable[[Any], Fault | None]

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
KEYWORDS = {
    "$schema",
    "$defs",
    "$ref",
    "title",
    "description",
    "type",
    "enum",
    "required",
    "properties",
    "additionalProperties",
    "items",
    "minimum",
    "maximum",
    "anyOf",
}


@cache
def schema_of(file: str) -> Check:
    """The check of a schema that comes with this package, by its file's name."""
    return compile_schema(json.loads((resources.files(__package__) / "schemas" / file).read_text("utf-8")))


def compile_schema(schema: dict) -> Check:
    """The check of a document. An unknown keyword raises: ignoring it would accept what the schema forbids."""
    return _compile(schema, schema.get("$defs", {}), {})


def _is(value: Any, name: str) -> bool:
    if name in ("integer", "number"):
        return type(value) is int or (name == "number" and type(value) is float)
    return isinstance(value, TYPES[name])


def _type_check(names: list[str]) -> Check:
    exact = {TYPES[name] for name in names if name in TYPES}
    exact |= {int for name in names if name in ("integer", "number")}
    exact |= {float for name in names if name == "number"}
    expected = " or ".join(
        "nothing" if name == "null" else f"{'an' if name[0] in 'aio' else 'a'} {name}" for name in names
    )
    return lambda value: None if type(value) in exact else ("", expected)


def _compile(schema: dict, defs: dict, known: dict[str, Check]) -> Check:
    if unknown := schema.keys() - KEYWORDS:
        raise ValueError(f"the validator does not know {sorted(unknown)}")
    if reference := schema.get("$ref"):
        if reference.endswith(".schema.json"):  # another file of this package
            return schema_of(reference)
        name = reference.removeprefix("#/$defs/")
        if name not in known:
            known[name] = _compile(defs[name], defs, known)
        return known[name]

    checks: list[Check] = []
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        checks.append(_type_check(names))
    if "enum" in schema:
        checks.append(_enum_check(schema["enum"]))
    if "anyOf" in schema:
        checks.append(_any_check([_compile(option, defs, known) for option in schema["anyOf"]]))
    if "minimum" in schema or "maximum" in schema:
        checks.append(_range_check(schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))))
    if "required" in schema or "properties" in schema or "additionalProperties" in schema:
        members = {name: _compile(part, defs, known) for name, part in schema.get("properties", {}).items()}
        extra = schema.get("additionalProperties")
        checks.append(
            _object_check(schema.get("required", []), members, _compile(extra, defs, known) if extra else None)
        )
    if "items" in schema:
        checks.append(_array_check(_compile(schema["items"], defs, known)))
    return checks[0] if len(checks) == 1 else _all_check(checks)  # none: everything is right


def _all_check(checks: list[Check]) -> Check:
    def check(value: Any) -> Fault | None:
        for one in checks:
            if fault := one(value):
                return fault
        return None

    return check


def _any_check(options: list[Check]) -> Check:
    def check(value: Any) -> Fault | None:
        faults = [option(value) for option in options]
        return None if None in faults else faults[0]

    return check


def _enum_check(values: list) -> Check:
    expected = "one of " + ", ".join("nothing" if value is None else repr(value) for value in values)
    # `in` alone would take True for 1
    return lambda value: (
        None if any(type(value) is type(one) and value == one for one in values) else ("", expected)
    )


def _range_check(low: float, high: float) -> Check:
    expected = f"at least {low:g}" if high == float("inf") else f"between {low:g} and {high:g}"

    def check(value: Any) -> Fault | None:
        return ("", expected) if type(value) in (int, float) and not low <= value <= high else None

    return check


def _object_check(required: list[str], members: dict[str, Check], extra: Check | None) -> Check:
    def check(value: Any) -> Fault | None:
        if not isinstance(value, dict):
            return None  # "type" says so where it matters
        for name in required:
            if name not in value:
                return (f".{name}", "to be there")
        for name, part in value.items():
            one = members.get(name, extra)
            if one and (fault := one(part)):
                return (f".{name}{fault[0]}", fault[1])
        return None

    return check


def _array_check(item: Check) -> Check:
    def check(value: Any) -> Fault | None:
        if isinstance(value, list):
            for index, part in enumerate(value):
                if fault := item(part):
                    return (f"[{index}]{fault[0]}", fault[1])
        return None

    return check
