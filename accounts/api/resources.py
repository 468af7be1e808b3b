"""The token that asks."""

from __future__ import annotations

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.token_list import token_of
from tikdash.api.views import Resource, answers
from tikdash.plans import limits_of


class Token(serializers.Serializer):
    """Your token: what it may do, and until when. Tokens are made, replaced and revoked in the settings."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="What may be shown of it.")
    workspace = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(
        child=serializers.CharField(), help_text="Only accounts with one of these; empty: all accounts."
    )
    networks = serializers.ListField(child=serializers.CharField(), help_text="Only from these; empty: from anywhere.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    requests_per_minute = serializers.IntegerField(help_text="How many it may make, by the workspace's plan.")
    is_replaced = serializers.BooleanField(help_text="Whether another one is to be used, because this one ends soon.")


class OwnToken(Resource):
    """The token that asks."""

    @answers("Get your token", Token, name="token_get", tag="Token")
    def get(self, request: Request) -> Response:
        found = token_of(self.identity.token_id)
        return Response(
            {
                "id": found.id,
                "name": found.name,
                "prefix": found.prefix,
                "workspace": self.tenant.slug,
                "scopes": found.scopes,
                "tags": found.tags,
                "networks": found.networks,
                "created_at": found.created_at,
                "expires_at": found.expires_at,
                "requests_per_minute": limits_of(self.tenant).api_requests_per_minute,
                "is_replaced": found.is_replaced,
            }
        )
