"""Parameters of addresses: how each is read, and how the schema describes it, from one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from drf_spectacular.utils import OpenApiParameter

from tikdash.api.errors import Fields
from tikdash.tiklive.text import clean_text

BIGGEST = 2**63 - 1
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)


@dataclass(frozen=True)
class Param:
    """One parameter of a query string. `kind` says how it is read; what is not given is `default`."""

    name: str
    about: str
    kind: str = "text"
    default: Any = None
    choices: Sequence[str] = ()
    least: float | None = None
    most: float | None = None
    example: Any = field(default=None, compare=False)

    def read(self, text: str) -> Any:
        """The value. Raises ValueError with the sentence for people."""
        return getattr(self, f"_{self.kind}")(text)

    def _text(self, text: str) -> str:
        if len(text) > (self.most or 200):
            raise ValueError(f"Use at most {self.most or 200} characters.")
        if "\0" in text:
            raise ValueError("It must not hold a NUL character.")
        return clean_text(text).strip()

    def _choice(self, text: str) -> str:
        if text not in self.choices:
            raise ValueError(f"Choose one of: {', '.join(self.choices)}.")
        return text

    def _choices(self, text: str) -> list[str]:
        chosen = list(dict.fromkeys(text.split(",")))
        if not set(chosen) <= set(self.choices):
            raise ValueError(f"Choose some of, with commas between them: {', '.join(self.choices)}.")
        return chosen

    def _number(self, text: str) -> int:
        least, most = int(self.least or 0), int(self.most or BIGGEST)
        if not (text.isascii() and text.isdecimal() and len(text) < 20 and least <= int(text) <= most):
            raise ValueError(f"Write a whole number from {least} to {most}.")
        return int(text)

    def _share(self, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1e15 or "_" in text:
            raise ValueError("Write a number that is not below 0, such as 0.065.")
        return value

    def _ids(self, text: str) -> list[int]:
        parts = text.split(",")
        most = int(self.most or 100)
        if len(parts) > most:
            raise ValueError(f"Name at most {most}.")
        if not all(part.isascii() and part.isdecimal() and 0 < len(part) < 19 for part in parts):
            raise ValueError("Write ids with commas between them, such as 12,15.")
        return [int(part) for part in parts]

    def _day(self, text: str) -> date:
        try:
            day = date.fromisoformat(text) if len(text) == 10 else None
        except ValueError:
            day = None
        if day is None or not _FIRST_DAY <= day <= _LAST_DAY:
            raise ValueError("Write a day as year, month and day, such as 2026-11-21.")
        return day

    def _flag(self, text: str) -> bool:
        if text not in ("true", "false"):
            raise ValueError("Write true or false.")
        return text == "true"

    @property
    def described(self) -> OpenApiParameter:
        """For the schema."""
        shapes: dict[str, dict[str, Any]] = {
            "text": {"type": "string", "maxLength": int(self.most or 200)},
            "choice": {"type": "string", "enum": list(self.choices)},
            "choices": {"type": "array", "items": {"type": "string", "enum": list(self.choices)}, "minItems": 1},
            "number": {"type": "integer", "minimum": int(self.least or 0), "maximum": int(self.most or BIGGEST)},
            "share": {"type": "number", "minimum": 0, "maximum": 1e15},
            "ids": {
                "type": "array",
                "items": {"type": "integer", "minimum": 0, "maximum": 10**17},
                "minItems": 1,
                "maxItems": int(self.most or 100),
            },
            "day": {"type": "string", "format": "date"},
            "flag": {"type": "boolean"},
        }
        shape = shapes[self.kind]
        if self.default not in (None, ""):
            shape["default"] = self.default
        if self.example is not None:
            shape["examples"] = [self.example]
        listed = self.kind in ("choices", "ids")
        style: dict[str, Any] = {"style": "form", "explode": False} if listed else {}
        return OpenApiParameter(self.name, shape, description=self.about, **style)


def read(params: Mapping[str, Param], query: Any) -> dict[str, Any]:
    """The values of a query string by name. Raises Fields with everything that is wrong with it."""
    values = {name: param.default for name, param in params.items()}
    errors: dict[str, list[str]] = {}
    for name in query:
        param = params.get(name)
        if param is None:
            errors[clean_text(name)[:60] or "?"] = [f"There is no such parameter here. There are: {', '.join(params)}."]
            continue
        given = query.getlist(name)
        if len(given) > 1:
            errors[name] = ["Give it once; several values have commas between them."]
            continue
        try:
            values[name] = param.read(given[0])
        except ValueError as error:
            errors[name] = [str(error)]
    if errors:
        raise Fields(errors)
    return values
