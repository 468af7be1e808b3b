"""Whether this process can serve: PostgreSQL and Redis answer."""

from __future__ import annotations

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
