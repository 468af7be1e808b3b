"""What all shapes share: types of fields, and reading an object field by field where the strict decode refuses it.

What cannot be used in a field becomes None there, never a zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Annotated, Any, TypeVar, get_args

from msgspec import Meta, Struct
from msgspec.structs import fields

from tikdash.tiklive.errors import BadPayload
from tikdash.tiklive.text import clean_text, loads_tolerant, may_need_cleaning

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_INT64_MAX_TEXT = str(_INT64_MAX)
_LONGEST_ID = len(_INT64_MAX_TEXT)
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,19}\s*", re.ASCII)
#: What the strict decode raises for a body that has to be read field by field.
NOT_STRICT = (ValueError, RecursionError)

Count = Annotated[int, Meta(ge=_INT64_MIN, le=_INT64_MAX)] | None
Duration = Annotated[int, Meta(ge=_INT64_MIN, le=_INT64_MAX)] | str | None
Text = str | None
IdText = Annotated[str, Meta(description="an id as sent, usually digits")] | None
Texts = tuple[str, ...] | None
Flag = bool | None
# The description keeps it apart from Duration: unions of the same types are equal, and would share a coercer.
Identifier = str | Annotated[int, Meta(ge=_INT64_MIN, le=_INT64_MAX, description="an id as sent")] | None
S = TypeVar("S", bound=Struct)


def first_numeric_id(*values: object) -> str | None:
    """The first value that is all digits and fits 64 bits, as text; None when none does."""
    return next((found for value in values if (found := numeric_id(value)) is not None), None)


def numeric_id(value: object) -> str | None:
    """A value that is all digits and fits 64 bits, as text; None for everything else."""
    if type(value) is int:
        value = str(value)
    if not isinstance(value, str) or not value.isdigit() or not value.isascii():
        return None
    # Digits of one length compare as texts as they do as numbers, and a page has many.
    return value if len(value) < _LONGEST_ID or (len(value) == _LONGEST_ID and value <= _INT64_MAX_TEXT) else None


def are_numeric_ids(values: list[Any]) -> bool:
    """True where all `values` are texts of 19 digits that `numeric_id` would return as they are; judged in one go."""
    try:
        digits = "".join(values)
    except TypeError:
        return False
    if not digits.isdigit() or not digits.isascii():
        return False
    return set(map(len, values)) == {_LONGEST_ID} and max(values) <= _INT64_MAX_TEXT


def refuse_control_characters(body: bytes) -> None:
    """ValueError when the texts of `body` may have to be cleaned, which the strict decode does not do."""
    if may_need_cleaning(body):
        raise ValueError("may hold control characters")


def json_object(body: bytes) -> dict[str, Any]:
    """The object in `body`, read with tolerance; BadPayload when it is no JSON or no object."""
    try:
        content = loads_tolerant(body)
    except ValueError as error:
        raise BadPayload(str(error), reason="not_json") from None
    if not isinstance(content, dict):
        raise BadPayload(f"a JSON {type(content).__name__} in place of an object", reason="wrong_shape")
    return content


def lenient(shape: type[S], content: Mapping[str, Any]) -> S:
    """`shape` from a JSON object, field by field; what a field cannot hold becomes None."""
    return shape(**{name: coerce(content.get(key)) for name, key, coerce in _coercers(shape)})


def unwrapped(content: dict[str, Any], *wrappers: str) -> dict[str, Any]:
    """The info object in an answer that is flat, or wrapped once: in a known name, or in the only one there is.

    An object with a numeric id of its own is flat, whatever else it holds.
    """
    if first_numeric_id(content.get("id")) is not None:
        return content
    for name in wrappers:
        if isinstance(content.get(name), dict):
            return dict(content[name])
    inner = next(iter(content.values())) if len(content) == 1 else None
    return inner if isinstance(inner, dict) else content


def int64(value: object) -> int | None:
    """A whole number of 64 bits, also from its text; None for everything else."""
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value):
            return None
        value = int(value)
    return _whole(value)


def flag(value: object) -> bool | None:
    """A truth value, also from 0, 1 and their texts; None for everything else."""
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower())
    return bool(value) if isinstance(value, bool | int) else None


def echoed(value: object) -> str:
    """A cursor digit by digit as it came; empty when there is none."""
    if isinstance(value, str):
        return clean_text(value)
    return str(value) if type(value) is int else ""


@cache
def _coercers(shape: type[Struct]) -> tuple[tuple[str, str, Callable[[Any], Any]], ...]:
    return tuple((f.name, f.encode_name, _coercer(f.type)) for f in fields(shape))


def _coercer(annotation: Any) -> Callable[[Any], Any]:
    if annotation in _COERCERS:
        return _COERCERS[annotation]
    shape = next(part for part in (annotation, *get_args(annotation)) if isinstance(part, type))
    return partial(_nested, shape)


def _nested(shape: type[S], value: object) -> S | None:
    return lenient(shape, value) if isinstance(value, dict) else None


def _whole(value: object) -> int | None:
    return value if type(value) is int and _INT64_MIN <= value <= _INT64_MAX else None


def _text(value: object) -> str | None:
    return clean_text(value) if isinstance(value, str) else None


def _id_text(value: object) -> str | None:
    return first_numeric_id(value) if type(value) is int else _text(value)


def _texts(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(clean_text(item) for item in value if isinstance(item, str))


def _identifier(value: object) -> str | int | None:
    # Cleaned, the id of one thing could become that of another.
    return value if isinstance(value, str) and value == clean_text(value) else _whole(value)


_COERCERS: dict[Any, Callable[[Any], Any]] = {
    Count: int64,
    Duration: int64,
    Text: _text,
    IdText: _id_text,
    Texts: _texts,
    Flag: flag,
    Identifier: _identifier,
}
