from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from accounts.models import User
from tikdash import demo
from tikdash.env import EMBEDDED
from tikdash.management.commands._base import TikdashCommand


class Command(TikdashCommand):
    help = "Prints the code that the demo's operator is asked for at the log-in, as an authenticator app would."

    def run(self, **options: Any) -> tuple[str, Any]:
        if not EMBEDDED or not User.objects.filter(email=demo.OPS).exists():
            raise CommandError("There is no demo here: only a development machine has one.")
        code = demo.ops_code()
        return f"{code}   (for {demo.OPS}; it changes every 30 seconds)", {"code": code, "for": demo.OPS}
