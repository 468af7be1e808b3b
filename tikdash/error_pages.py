"""What a person sees when something broke: a page that says what to do, never a traceback."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tikdash.db.guard import was_refused


def server_gone(error: BaseException) -> bool:
    """True where `error` says that PostgreSQL or Redis does not answer, which mends itself when it is back."""
    from django.db import InterfaceError, OperationalError
    from kombu.exceptions import OperationalError as BrokerError
    from redis.exceptions import ConnectionError as RedisConnectionError
    from redis.exceptions import TimeoutError as RedisTimeoutError

    from tikdash.db.errors import MissingSchema

    gone = (OperationalError, InterfaceError, RedisConnectionError, RedisTimeoutError, BrokerError, MissingSchema)
    # Beat and others wrap what they met into an error of their own.
    return isinstance(error, gone) or isinstance(error.__cause__, gone)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: 503 with “try again” when a server is gone, 500 otherwise."""
    error = sys.exc_info()[1]
    if error is not None and was_refused(error):
        response = render(None, "503.html", {"being_moved": True}, status=503)
        response["Retry-After"] = "60"
        return response
    if error is not None and server_gone(error):
        response = render(None, "503.html", status=503)
        response["Retry-After"] = "5"
        return response
    return render(None, "500.html", {"request_id": getattr(request, "request_id", "")}, status=500)
