from __future__ import annotations

from typing import Any

from tikdash.api import schema
from tikdash.env import ROOT
from tikdash.management.commands._base import TikdashCommand


class Command(TikdashCommand):
    help = "Writes docs/openapi.yaml anew from the code."

    def run(self, **options: Any) -> tuple[str, Any]:
        path = ROOT / "docs" / "openapi.yaml"
        path.write_text(schema.as_yaml(), encoding="utf-8")
        return "docs/openapi.yaml is written.", {
            "path": "docs/openapi.yaml",
            "addresses": len(schema.schema()["paths"]),
        }
