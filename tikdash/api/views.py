"""What every resource does: its scope, its parameters, its place in the schema, its lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tikdash.api import paging, parameters, shapes
from tikdash.api.parameters import Param
from tikdash.api.rendering import Csv, Json, JsonBody
from tikdash.errors import NotFound

F = TypeVar("F", bound=Callable[..., Any])
READING = frozenset({"GET", "HEAD"})


class Identity(Protocol):
    """Whose token asks: see `accounts.services.tokens.TokenIdentity`."""

    @property
    def tenant(self) -> Any: ...
    @property
    def token_id(self) -> int: ...
    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def actor(self) -> Any: ...
    def may(self, resource: str, access: str) -> bool: ...
    def refuse_unless(self, resource: str, access: str) -> None: ...


class Resource(APIView):
    """One address. `resource` is what a token's scopes name; empty: any good token may read it."""

    resource: ClassVar[str] = ""
    authentication_classes: Any = ()
    permission_classes: Any = ()
    throttle_classes: Any = ()
    parser_classes: Any = (JsonBody,)
    renderer_classes: Any = (Json,)
    metadata_class: Any = None
    format_kwarg: Any = None
    query: dict[str, Any]

    @property
    def identity(self) -> Identity:
        found: Identity = self.request._request.identity
        return found

    @property
    def tenant(self) -> Any:
        return self.identity.tenant

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Scope, format and parameters, before anything is read or done."""
        handler = getattr(self, (request.method or "").lower(), None)
        if handler is None or request.method == "OPTIONS":
            self.http_method_not_allowed(request)
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        if self.resource:
            access = "read" if request.method in READING else "write"
            self.identity.refuse_unless(self.resource, access)
        for name, value in kwargs.items():
            if isinstance(value, int) and value > parameters.BIGGEST:
                raise NotFound(f"There is no such {name.removesuffix('_id')} here.")
        self.query = parameters.read(getattr(handler, "params", {}), request._request.GET)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """What went wrong is JSON, whatever format the rows would have had."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code >= 400 and isinstance(response, Response):
            response.accepted_renderer, response.accepted_media_type = Json(), Json.media_type
        return response

    def sent(self, shape: type[serializers.Serializer]) -> dict[str, Any]:
        """The body, checked. What is not in the shape is refused, so that a misspelt name is not passed over."""
        # Without any body DRF gives an empty form, in which a box that is not ticked means no.
        data = self.request.data if isinstance(self.request.data, dict) and self.request.data else {}
        unknown = set(data) - set(shape().fields)
        if unknown:
            raise serializers.ValidationError(
                {name: [f"There is no such field here. There are: {', '.join(shape().fields)}."] for name in unknown}
            )
        found = shape(data=data)
        found.is_valid(raise_exception=True)
        return dict(found.validated_data)

    def page(
        self,
        rows: Sequence[Mapping[str, Any]],
        next_key: Any = None,
        *,
        metrics: Mapping[str, int] | None = None,
        as_of: Any = None,
        **more: Any,
    ) -> Response:
        """A list: its rows with the fields that were asked for, and the cursor of what follows."""
        if fields := self.query.get("fields"):
            chosen = ["id", *(name for name in fields if name != "id")]
            rows = [{name: row[name] for name in chosen if name in row} for row in rows]
        following = None if next_key is None else paging.write(next_key, tenant_id=self.tenant.id, of=self.list_name)
        return Response({"data": rows, "next": following, "as_of": as_of, "metrics": dict(metrics or {})} | more)

    @property
    def list_name(self) -> str:
        """What a cursor is good for."""
        request = self.request._request
        return paging.list_of(request.path_info, request.GET.dict())

    @property
    def place(self) -> Any:
        """The key that the cursor holds, None for the first page. Raises BadInput."""
        cursor = self.query.get("cursor")
        return paging.read(cursor, tenant_id=self.tenant.id, of=self.list_name) if cursor else None


class Listing(Resource):
    """A list, which CSV may be asked for."""

    renderer_classes: Any = (Json, Csv)


CURSOR = Param("cursor", "Where the list goes on: `next` of the page before.", most=2_000)
LIMIT = Param("limit", "Rows of a page.", "number", default=50, least=1, most=paging.MOST_ROWS)


def fields_of(shape: type[serializers.Serializer]) -> Param:
    """The parameter that leaves fields out."""
    names = list(shape().fields)
    return Param("fields", "Only these fields, with commas between them; `id` always comes.", "choices", choices=names)


def answers(
    summary: str,
    shape: Any = None,
    *,
    params: Iterable[Param] = (),
    body: Any = None,
    status: int | Mapping[int, Any] = 200,
    about: str = "",
    example: Any = None,
    errors: Iterable[int] = (),
    name: str = "",
    tag: str = "",
    media_type: str = "",
) -> Callable[[F], F]:
    """Says what a method takes and answers, to the schema and to `Resource.initial`."""
    params = list(params)

    def with_it(method: F) -> F:
        method.params = {param.name: param for param in params}  # type: ignore[attr-defined]
        examples = [] if example is None else [OpenApiExample("Example", value=example, response_only=True)]
        given = status if isinstance(status, Mapping) else {status: shape}
        responses: dict[Any, Any] = {}
        for number, each in given.items():
            key: Any = (number, media_type) if media_type else number
            responses[key] = OpenApiResponse(each, description=_DONE.get(number, "Done."), examples=examples)
        wrong = {400, 401, 403, 404, 406, 429, 503, *errors} | ({409, 413, 415, 422} if body is not None else set())
        for number in sorted(wrong):
            responses[number] = OpenApiResponse(shapes.Error, description=_WRONG[number])
        decorated: F = extend_schema(
            operation_id=name or None,
            tags=[tag] if tag else None,
            summary=summary,
            description=about or None,
            parameters=[param.described for param in params],
            request=body,
            responses=responses,
        )(method)
        return decorated

    return with_it


_DONE = {200: "The answer.", 201: "Made.", 202: "Begun; ask again how far it is.", 204: "Done; nothing to say."}
_WRONG = {
    400: "Something that was sent cannot be used.",
    401: "No good token.",
    403: "The token lacks the scope, or the plan the feature.",
    404: "It does not exist here.",
    405: "Not with this method.",
    406: "Not in this format.",
    409: "A limit stands in the way, or the same request is being worked on.",
    410: "The marker is no longer good.",
    413: "Too large.",
    415: "The body is not declared as JSON.",
    422: "The Idempotency-Key was used for another request.",
    429: "Too many requests.",
    503: "Not available at the moment.",
}
