"""Scenarios of the capacity planner: their rows as inputs, the example to start with, and what is kept of a quarter."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from datetime import date
from typing import Any

import msgspec
from django.db import transaction

from billing.capacity import Assessment, Feature, Inputs, Limits, Table, Tier, Workers, assess, problems
from billing.models import CapacityFeature, CapacityScenario, CapacityTable, CapacityTier, QuarterPlan
from billing.workbook import workbook_of
from tikdash import clock
from tikdash.errors import BadInput, NotFound

#: Fields of a scenario's row that have another name in the inputs.
RENAMED = {"tenants": "most_tenants", "accounts": "most_accounts"}


def scenario_by_id(scenario_id: int) -> CapacityScenario:
    """Raises NotFound."""
    scenario = CapacityScenario.objects.filter(pk=scenario_id).first()
    if scenario is None:
        raise NotFound("There is no such scenario.")
    return scenario


def inputs_of(scenario: CapacityScenario) -> Inputs:
    """The scenario's rows as the planner's inputs."""
    return replace(
        inputs_of_new(scenario),
        tiers=tuple(_rows(Tier, scenario.tiers.all())),  # type: ignore[attr-defined]
        features=tuple(_rows(Feature, scenario.features.all())),  # type: ignore[attr-defined]
        tables=tuple(_rows(Table, scenario.tables.all())),  # type: ignore[attr-defined]
    )


def inputs_of_new(scenario: CapacityScenario) -> Inputs:
    """The inputs of a scenario that has no rows behind it yet."""
    return Inputs(
        tiers=(),
        features=(),
        tables=(),
        workers=Workers(**{field.name: getattr(scenario, field.name) for field in fields(Workers)}),
        limits=Limits(
            **{field.name: getattr(scenario, RENAMED.get(field.name, field.name)) for field in fields(Limits)}
        ),
    )


def sheets_of(scenario: CapacityScenario) -> Assessment:
    """The six sheets. Raises BadInput with what to mend where the scenario is not sound."""
    inputs = inputs_of(scenario)
    if found := problems(inputs):
        raise BadInput(" ".join(dict.fromkeys(problem.sentence for problem in found)))
    return assess(inputs)


def spreadsheet_of(scenario: CapacityScenario) -> bytes:
    """The six sheets as XLSX. Raises BadInput as `sheets_of` does."""
    sheets_of(scenario)
    return workbook_of(inputs_of(scenario))


@transaction.atomic
def write_inputs(scenario: CapacityScenario, inputs: Inputs) -> None:
    """Puts inputs into the scenario's rows, in place of what was there. Raises BadInput for unsound ones."""
    if found := problems(inputs):
        raise BadInput(" ".join(dict.fromkeys(problem.sentence for problem in found)))
    for name, value in asdict(inputs.workers).items():
        setattr(scenario, name, value)
    for name, value in asdict(inputs.limits).items():
        setattr(scenario, RENAMED.get(name, name), value)
    scenario.save()
    kinds: list[tuple[Any, tuple[Any, ...]]] = [
        (CapacityTier, inputs.tiers),
        (CapacityFeature, inputs.features),
        (CapacityTable, inputs.tables),
    ]
    for model, rows in kinds:
        model.objects.filter(scenario=scenario).delete()
        model.objects.bulk_create([model(scenario=scenario, **asdict(row)) for row in rows])


@transaction.atomic
def adopt(scenario: CapacityScenario, quarter: date) -> QuarterPlan:
    """Keeps the scenario, as it is now, as the plan of a quarter; the review of that quarter compares with it.

    Raises BadInput for an unsound scenario, and for a quarter that is over: what is known already is no plan.
    """
    sheets_of(scenario)
    if next_quarter(quarter) <= clock.today():
        raise BadInput("This quarter is over. Adopt the scenario for the present quarter or the next one.")
    plan, _ = QuarterPlan.objects.update_or_create(
        quarter=quarter,
        defaults={"name": scenario.name, "inputs": asdict(inputs_of(scenario)), "adopted_at": clock.now()},
    )
    return plan


def inputs_of_plan(plan: QuarterPlan) -> Inputs:
    """The inputs as they were adopted."""
    return msgspec.convert(plan.inputs, Inputs)


def quarter_of(day: date) -> date:
    """The first day of its quarter."""
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)


def next_quarter(quarter: date) -> date:
    return date(quarter.year + (quarter.month == 10), (quarter.month + 2) % 12 + 1, 1)


def previous_quarter(quarter: date) -> date:
    return date(quarter.year - (quarter.month == 1), (quarter.month - 4) % 12 + 1, 1)


def _rows(kind: Any, rows: Any) -> list[Any]:
    return [kind(**{field.name: getattr(row, field.name) for field in fields(kind)}) for row in rows]
