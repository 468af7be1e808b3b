"""`python -m tests.bench --only scope,chart --size small`: JSON lines on stdout, a table on stderr."""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module

from tests.bench.frame import BENCHES, SIZES, Options, Printer


def main() -> int:
    """The exit status: 0 however the figures are, 1 where the servers do not start, 2 for a wrong call."""
    asked = _arguments()
    names = [name for name in asked.only.split(",") if name] or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        return _refuse(f"There is no bench “{unknown[0]}”. Choose from: {', '.join(BENCHES)}.")
    if asked.size not in SIZES:
        return _refuse(f"There is no size “{asked.size}”. Choose from: {', '.join(SIZES)}.")

    from tests.bench import environment
    from tikdash.errors import TikdashError

    printer, began = Printer(asked.size), time.monotonic()
    try:
        environment.prepare()
    except TikdashError as error:
        return _refuse(str(error), status=1)
    printer.begin()
    for name in names:
        for figure in import_module(BENCHES[name]).run(Options(asked.size, asked.fresh)):
            printer.figure(figure)
    printer.say(f"{time.monotonic() - began:.0f} s")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Benchmarks; see docs/performance.md.")
    parser.add_argument("--only", default="", metavar="A,B", help=f"some of: {', '.join(BENCHES)}")
    parser.add_argument("--size", default="small", help=" or ".join(SIZES))
    parser.add_argument("--fresh", action="store_true", help="make the databases anew")
    return parser.parse_args()


def _refuse(sentence: str, status: int = 2) -> int:
    print(sentence, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
