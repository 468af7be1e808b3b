"""The capacity planner: from tenants, features and tables to credits, bytes and workers, and to what breaks first.

Pure: inputs in (`inputs`), six sheets out (`assess`), and what to decide once a quarter (`review`).
"""

from __future__ import annotations

from billing.capacity.assess import assess
from billing.capacity.inputs import Feature, Inputs, Limits, Problem, Table, Tier, Workers, problems
from billing.capacity.review import Decision, decisions
from billing.capacity.sheets import Assessment

__all__ = [
    "Assessment",
    "Decision",
    "Feature",
    "Inputs",
    "Limits",
    "Problem",
    "Table",
    "Tier",
    "Workers",
    "assess",
    "decisions",
    "problems",
]
