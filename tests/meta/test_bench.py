"""The frame of the benches: what a figure means, and what a wrong call gets."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.bench.frame import BENCHES, SIZES, Figure, Printer, at_least, at_most, interleaved
from tests.environment import ROOT


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("arguments", [["--only", "scope,nonsense"], ["--size", "huge"]])
def test_a_bench_or_size_that_does_not_exist_is_one_line_that_names_those_that_do(arguments: list[str]) -> None:
    done = bench(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert ", ".join(BENCHES if "--only" in arguments else SIZES) in done.stderr


def test_both_sides_are_measured_in_turns_and_the_first_round_does_not_count() -> None:
    order: list[str] = []
    given = {"value": iter([99.0, 2, 2, 2, 2, 8]), "baseline": iter([99.0, 4, 4, 4, 4, 1])}

    def side(name: str) -> float:
        order.append(name)
        return next(given[name])

    measured = interleaved(lambda: side("value"), lambda: side("baseline"), rounds=5)
    assert (measured.value, measured.baseline, measured.rounds) == (2, 4, 5)
    assert all(set(order[place : place + 2]) == {"value", "baseline"} for place in range(0, 12, 2))


def test_fewer_than_five_rounds_are_no_measurement() -> None:
    with pytest.raises(ValueError, match="5 rounds"):
        interleaved(lambda: 1.0, lambda: 1.0, rounds=4)


def test_an_aim_is_for_the_ratio_and_without_a_baseline_for_the_value() -> None:
    assert Figure("b", "m", "s", 3.0, 2.0, 5, at_most(1.5)).met is True
    assert Figure("b", "m", "s", 3.1, 2.0, 5, at_most(1.5)).met is False
    assert Figure("b", "m", "1/s", 3.0, 4.0, 5, at_least(0.8)).met is False
    assert Figure("b", "m", "ms", 49.0, None, 5, at_most(50)).met is True
    assert Figure("b", "m", "ms", 49.0, None, 5).met is None


def test_a_figure_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    Printer("small").figure(Figure("scope", "query_vs_bare", "s", 0.00031234, 0.0002, 7, at_most(1.5)))
    shown = capsys.readouterr()
    line = json.loads(shown.out)
    assert shown.out.count("\n") == 1
    assert (line["bench"], line["metric"], line["unit"], line["size"]) == ("scope", "query_vs_bare", "s", "small")
    assert (line["value"], line["baseline"], line["ratio"]) == (0.0003123, 0.0002, 1.562)
    assert (line["aim"], line["met"], line["rounds"]) == ("≤ 1.5", False, 7)
    assert "query_vs_bare" in shown.err


def test_every_bench_has_its_module() -> None:
    assert all((ROOT / f"{module.replace('.', '/')}.py").exists() for module in BENCHES.values())
