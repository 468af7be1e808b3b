"""Shapes that all resources share, as the schema has them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class Error(serializers.Serializer):
    """Whatever went wrong: `code` is stable and for programs, `message` a sentence for people."""

    code = serializers.CharField(help_text="Stable; the list is in the documentation.")
    message = serializers.CharField(help_text="What to do, in words.")
    errors = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()), help_text="Sentences by the field that is wrong."
    )
    request_id = serializers.CharField(help_text="Name it when you ask us about the request.")
    docs = serializers.CharField(help_text="Where this code is explained.")


def page_of(shape: type[serializers.Serializer], **more: Any) -> type[serializers.Serializer]:
    """The shape of a list of `shape`."""
    fields = {
        "__doc__": f"A page of a list. {shape.__doc__ or ''}",
        "data": shape(many=True),
        "next": serializers.CharField(allow_null=True, help_text="`cursor` of the next page; null at the end."),
        "as_of": serializers.DateTimeField(
            allow_null=True, help_text="When the newest number on the page was measured."
        ),
        "metrics": serializers.DictField(
            child=serializers.IntegerField(),
            help_text="Id and version of the metrics on the page; `/api/v1/metrics` defines them.",
        ),
    }
    made: type[serializers.Serializer] = type(f"{shape.__name__}Page", (serializers.Serializer,), fields | more)
    return made
