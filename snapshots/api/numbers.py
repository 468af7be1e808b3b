"""Numbers in the schema: each with its metric, version and unit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers

from snapshots.analytics.metrics import METRICS, Value

WHOLE = frozenset({"count"})


class Measured(serializers.Field):
    """A number that the registry of metrics defines; null where there is none."""

    def __init__(self, metric: str, *, whole: bool | None = None, about: str = "") -> None:
        self.metric = METRICS[metric]
        self.whole = self.metric.unit in WHOLE if whole is None else whole
        self.about = about
        super().__init__()

    def to_representation(self, value: Any) -> Any:
        return value


class MeasuredInSchema(OpenApiSerializerFieldExtension):
    target_class = Measured

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        field = self.target
        metric = field.metric
        unit = "fraction" if metric.unit == "%" else metric.unit
        of = f" Of: {metric.denominator}." if metric.denominator else ""
        return {
            "type": ["integer" if field.whole else "number", "null"],
            "description": f"{metric.name}: {metric.formula}.{of} {field.about}".strip(),
            "x-metric": metric.id,
            "x-metric-version": metric.version,
            "x-unit": unit,
        }


class Number(serializers.Serializer):
    """A number that is computed: what it is of, and why there is none where there is none."""

    metric = serializers.CharField(help_text="Its id in `/api/v1/metrics`.")
    version = serializers.IntegerField(help_text="Rises when the formula changes.")
    value = serializers.FloatField(allow_null=True, help_text="Rates are fractions: 0.0616 is 6.16 %.")
    unit = serializers.CharField()
    n = serializers.IntegerField(help_text="Of how many posts or rows it is.")
    state = serializers.CharField(help_text="`ok`; `missing`: some had no number; `rounded`: TikTok rounded one.")
    reason = serializers.CharField(help_text="Why there is no value; empty where there is one.")
    low = serializers.FloatField(allow_null=True, help_text="95 % interval, where the metric has one.")
    high = serializers.FloatField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True, help_text="When the newest number in it was measured.")


def number(value: Value) -> dict[str, Any]:
    """A computed value as the API shows it."""
    unit = value.metric.unit
    return {
        "metric": value.metric_id,
        "version": value.version,
        "value": value.value,
        "unit": "fraction" if unit == "%" else unit,
        "n": value.n,
        "state": value.state,
        "reason": value.reason,
        "low": value.low,
        "high": value.high,
        "as_of": value.as_of,
    }


def versions(metric_ids: Iterable[str]) -> dict[str, int]:
    """Id and version of the metrics of a list."""
    return {metric_id: METRICS[metric_id].version for metric_id in metric_ids}
