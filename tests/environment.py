"""The servers and variables of a test run, set before Django's settings are read: loaded as a plugin of pytest."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Runs side by side, workers of pytest-xdist or TIKDASH_TEST_RUN=3 in a second terminal, have databases of their own.
RUN = int(os.environ.get("PYTEST_XDIST_WORKER", "gw" + os.environ.get("TIKDASH_TEST_RUN", "0")).removeprefix("gw"))
#: Valkey has sixteen databases; the first is nobody's.
MOST_RUNS = 15
if not 0 <= RUN < MOST_RUNS:
    raise SystemExit(f"TIKDASH_TEST_RUN must be between 0 and {MOST_RUNS - 1}.")
DATABASE = f"test_tikdash_{RUN}"

os.environ |= {
    "TIKDASH_VAR": str(ROOT / "var" / "test"),
    "TIKDASH_FAST_SERVERS": "1",
    "PROMETHEUS_MULTIPROC_DIR": str(ROOT / "var" / "test" / "metrics" / str(RUN)),
    # Runs side by side collect their files each for itself: a web that starts meanwhile looks at every one of them.
    "STATIC_ROOT": str(ROOT / "var" / "test" / "static" / str(RUN)),
    "LOG_LEVEL": "ERROR",
    "TIKLIVE_KEY": "sim-shared-key-of-tests",
    "TIKLIVE_BASE_URL": "http://127.0.0.1:9",
    "DATABASE_POOL": "24",
    # Tests of other things must not wait for their turn.
    "TIKLIVE_KEY_PER_MINUTE": "1000000",
    "TIKLIVE_KEY_IN_FLIGHT": "1000",
}
os.environ.pop("DATABASE_URL", None)
os.environ.pop("REDIS_URL", None)
os.environ.pop("SENTRY_DSN", None)
os.environ.pop("METRICS_TOKEN", None)
# What an earlier run counted is not this one's; a child of a test reads this module, too, while the run counts.
if os.environ.get("TIKDASH_TEST_BEGUN") != str(RUN):
    os.environ["TIKDASH_TEST_BEGUN"] = str(RUN)
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)

from tikdash.servers import prepare_environment  # noqa: E402  (it reads what was set above)

prepare_environment()
os.environ["DATABASE_URL"] = os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{DATABASE}"
os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rsplit("/", 1)[0] + f"/{RUN + 1}"
