"""Which servers this process uses: those of the environment, or the embedded ones of this checkout."""

from __future__ import annotations

import json
import os

from tikdash.embedded import Embedded, EmbeddedError
from tikdash.env import VAR
from tikdash.errors import Unavailable

#: Set where a person chose the upstream: then nobody starts a simulator.
REAL_UPSTREAM = "TIKDASH_REAL_UPSTREAM"


def embedded() -> Embedded:
    """The embedded servers of this checkout, not started."""
    return Embedded(VAR, durable=os.environ.get("TIKDASH_FAST_SERVERS") != "1")


def prepare_environment() -> None:
    """Sets DATABASE_URL, REDIS_URL and what belongs to them where they are not set, starting servers if need be.

    Raises Unavailable with one sentence where they cannot be started.
    """
    if "TIKLIVE_BASE_URL" in os.environ:
        os.environ.setdefault(REAL_UPSTREAM, "1")
    if "DATABASE_URL" not in os.environ:
        try:
            addresses = embedded().start()
        except (EmbeddedError, OSError) as error:
            raise Unavailable(str(error)) from None
        os.environ["TIKDASH_EMBEDDED"] = "1"
        os.environ["DATABASE_URL"] = addresses.database_url
        os.environ.setdefault("DATABASE_ADMIN_URL", addresses.admin_url)
        os.environ.setdefault("REDIS_URL", addresses.redis_url)
    if os.environ.get("TIKDASH_EMBEDDED") == "1" and (simulator := running_simulator()):
        os.environ.setdefault("TIKLIVE_BASE_URL", simulator)


def running_simulator() -> str | None:
    """The address that `make run` noted for its simulator."""
    try:
        return str(json.loads((VAR / "run" / "simulator.json").read_text())["base_url"])
    except (OSError, ValueError, KeyError):
        return None


def note_simulator(base_url: str) -> None:
    """So that commands in a second terminal find the simulator of `make run`."""
    (VAR / "run").mkdir(parents=True, exist_ok=True)
    (VAR / "run" / "simulator.json").write_text(json.dumps({"base_url": base_url}))
