from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from accounts.selectors import tenant_by_id
from accounts.services.tokens import FoundToken, find_tokens, revoke_token
from tikdash.errors import NotFound
from tikdash.management.commands._base import TikdashCommand


class Command(TikdashCommand):
    help = "Says whose API tokens stand in a text that leaked (an argument, or standard input), and revokes them."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("text", nargs="?", default="-", help="tkd_… or a text with it; - reads standard input")
        parser.add_argument("--revoke", action="store_true", help="refuse them from now on")
        parser.add_argument("--reason", default="Found in public.", help="the customer reads it")

    def run(self, *, text: str, revoke: bool, reason: str, **options: Any) -> tuple[str, Any]:
        found = find_tokens(sys.stdin.read() if text == "-" else text)
        if not found:
            raise NotFound("No token of ours stands in this text.")
        if revoke:
            for token in found:
                revoke_token(tenant=tenant_by_id(token.tenant_id), token_id=token.id, reason=reason)
        return "\n".join(_line(token, revoke) for token in found), [
            {
                "tenant": token.tenant,
                "name": token.name,
                "key": token.key,
                "whole": token.is_whole,
                "state": "revoked" if revoke else token.state,
            }
            for token in found
        ]


def _line(token: FoundToken, revoked: bool) -> str:
    used = f"{token.last_used_at:%Y-%m-%d %H:%M} UTC" if token.last_used_at else "never"
    what = "whole token" if token.is_whole else "key only, or a wrong secret"
    state = "revoked now" if revoked else token.state
    return f"tkd_{token.key}: {token.tenant}, “{token.name}”, {what}, {state}, last used {used}"
