"""Whether this process can serve: PostgreSQL and Redis answer."""

from __future__ import annotations

import psycopg
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpResponse
from redis.exceptions import RedisError


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def why_database_is_silent() -> str:
    """What a connection of its own says, in one line: the pool only tells that it got none in time."""
    parameters = {name: value for name, value in connection.get_connection_params().items() if name != "pool"}
    wanted = {"host", "port", "user", "password", "dbname", "sslmode"}
    try:
        psycopg.connect(**{k: v for k, v in parameters.items() if k in wanted}, connect_timeout=3).close()
    except psycopg.Error as error:
        return (str(error).strip().splitlines() or [type(error).__name__])[0]
    return "the server answers a single connection, but is too busy to give the pool one"


def redis_answers() -> bool:
    try:
        cache.get("health")
    except (RedisError, OSError):
        return False
    return True


def ready() -> HttpResponse:
    """200 with `ok`, or 503 with what does not answer."""
    missing = [name for name, answers in (("database", database_answers), ("redis", redis_answers)) if not answers()]
    if missing:
        return HttpResponse(f"not answering: {', '.join(missing)}\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")
