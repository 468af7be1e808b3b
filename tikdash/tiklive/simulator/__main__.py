"""`python -m tikdash.tiklive.simulator`."""

from __future__ import annotations

import argparse

from .options import add_arguments, read_options
from .server import serve


def main() -> None:
    """Read the command line and serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="simulator", description="A stand-in for TikLiveAPI, for demo, tests and benchmarks."
    )
    add_arguments(parser)
    serve(read_options(vars(parser.parse_args())))


if __name__ == "__main__":
    main()
