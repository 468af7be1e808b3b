"""A slow limiter on PostgreSQL's clock, for people who wait while Redis, which counts requests otherwise, is gone."""

from __future__ import annotations

from django.db import connection, transaction

MINUTE_MS = 60_000

#: A row that two sessions want is decided under its lock, on its newest version. The wait is read from the version
#: that the statement began with: where another session has just moved it on, it is a whole space from now.
TAKE = """
    WITH taken AS (
        INSERT INTO public.key_paces AS pace (key_id, next_at)
        VALUES (%(key)s, clock_timestamp() + %(space)s * interval '1 ms')
            ON CONFLICT (key_id) DO UPDATE SET next_at = clock_timestamp() + %(space)s * interval '1 ms'
         WHERE pace.next_at <= clock_timestamp()
        RETURNING key_id
    ),
    left_to_wait AS (
        SELECT ceil(extract(epoch FROM next_at - clock_timestamp()) * 1000)::bigint AS ms
          FROM public.key_paces WHERE key_id = %(key)s
    )
    SELECT CASE WHEN EXISTS (SELECT FROM taken) THEN 0
                ELSE coalesce((SELECT ms FROM left_to_wait WHERE ms > 0), %(space)s) END
"""


class PostgresPace:
    """One request with a key every 60 s / `per_minute`, over all processes and hosts."""

    def wait_ms(self, key_id: str, per_minute: int) -> int:
        """0 when a request may be made now, and is counted; else the milliseconds until one may be: nothing is taken.

        Raises RuntimeError inside of another transaction: until that one ends, everybody else's turn would wait for
        it, and its rollback would give back a turn that was used.
        """
        parameters: dict[str, str | int] = {"key": key_id, "space": -(-MINUTE_MS // max(per_minute, 1))}
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute(TAKE, parameters)
            return int(cursor.fetchone()[0])


pace = PostgresPace()
