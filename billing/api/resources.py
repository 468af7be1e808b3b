"""What the workspace has used, what is left of its plan, and what it was told about it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.selectors import AlertRow, Part, usage_of_month
from tikdash import clock
from tikdash.api.parameters import Param
from tikdash.api.shapes import page_of
from tikdash.api.views import Listing, Resource, answers
from tikdash.errors import BadInput
from tikdash.plans import plan_service

TAG = "Usage"


class UsageDay(serializers.Serializer):
    date = serializers.DateField(help_text="UTC day.")
    credits = serializers.IntegerField()


class UsagePart(serializers.Serializer):
    name = serializers.CharField()
    requests = serializers.IntegerField()
    credits = serializers.IntegerField()
    share = serializers.FloatField(help_text="Of all credits of the month, as a fraction.")


class Quota(serializers.Serializer):
    """A limit of the plan."""

    name = serializers.CharField(help_text="accounts, seats, credits_day, credits_month, or what else the plan limits.")
    state = serializers.CharField(help_text="fine, near, at, grace or paused.")
    used = serializers.IntegerField()
    limit = serializers.IntegerField(allow_null=True, help_text="Null where nothing is counted.")
    left = serializers.IntegerField(allow_null=True)
    message = serializers.CharField(allow_blank=True)
    until = serializers.DateField(allow_null=True, help_text="The first day behind the grace.")


class Usage(serializers.Serializer):
    """A month of the workspace in credits, UTC, as far as it is counted."""

    month = serializers.DateField(help_text="Its first day.")
    as_of = serializers.DateTimeField(allow_null=True, help_text="Until when it is counted; null before the first.")
    today = serializers.IntegerField(help_text="Credits of this day so far.")
    credits = serializers.IntegerField(help_text="Credits of the month, corrections included.")
    corrections = serializers.IntegerField()
    failed_requests = serializers.IntegerField()
    saved = serializers.IntegerField(help_text="Credits that were not spent because an answer was known.")
    days = UsageDay(many=True)
    by_feature = UsagePart(many=True)
    by_endpoint = UsagePart(many=True)
    quotas = Quota(many=True, help_text="As of now.")


class Alert(serializers.Serializer):
    """Something that the workspace was told about its credits."""

    id = serializers.CharField(help_text="Names it within its month.")
    level = serializers.CharField()
    message = serializers.CharField()
    opened_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)


MONTH = Param("month", "Any day of the month; this month without.", "day", example="2026-11-01")


class UsageOfMonth(Resource):
    """What was used in a month."""

    resource = "usage"

    @answers("Get usage and quotas", Usage, params=[MONTH], name="usage_get", tag=TAG)
    def get(self, request: Request) -> Response:
        day = self.query["month"] or clock.today()
        if day > clock.today():
            raise BadInput("This month has not begun.", field="month")
        found = usage_of_month(day)
        return Response(
            {
                "month": day.replace(day=1),
                "as_of": found.counted_until,
                "today": found.today,
                "credits": found.month,
                "corrections": found.corrections,
                "failed_requests": found.failed,
                "saved": found.saved,
                "days": [{"date": each.day, "credits": each.credits} for each in found.days],
                "by_feature": [_part(part) for part in found.by_feature],
                "by_endpoint": [_part(part) for part in found.by_endpoint],
                "quotas": [
                    {
                        "name": each.name,
                        "state": each.state,
                        "used": each.used,
                        "limit": each.limit,
                        "left": None if each.limit is None else max(0, each.limit - each.used),
                        "message": each.sentence,
                        "until": each.until,
                    }
                    for each in plan_service().standings(self.tenant)
                ],
            }
        )


def _part(part: Part) -> dict[str, Any]:
    return {"name": part.name, "requests": part.requests, "credits": part.credits, "share": part.share}


class Alerts(Listing):
    """What the workspace was told about its credits."""

    resource = "alerts"

    @answers("List alerts", page_of(Alert), params=[MONTH], about="Of a month.", name="alerts_list", tag=TAG)
    def get(self, request: Request) -> Response:
        found = usage_of_month(self.query["month"] or clock.today()).alerts
        return self.page([_alert(row) for row in found], as_of=max((row.opened_at for row in found), default=None))


def _alert(row: AlertRow) -> dict[str, Any]:
    return {
        "id": f"{row.level}-{row.opened_at:%Y%m%dT%H%M%S}",
        "level": row.level,
        "message": row.sentence,
        "opened_at": row.opened_at,
        "resolved_at": row.resolved_at,
    }
