"""Settings of the workers of the bench `pipeline`: the product's, but each tenant has a key of its own."""

from tikdash.settings import *  # noqa: F403
from tikdash.settings import TIKLIVE_PORTS

TIKLIVE_PORTS = TIKLIVE_PORTS | {"KEYS": "tests.bench.crowd_keys.keys"}
