"""The SQL of a claim: which due rows are taken, in turns between tenants.

Two ways to find what is due. `FEW` reads all of it. Where that is too much, after an outage or behind a tenant with a
hundred thousand due jobs, `MANY` goes from tenant to tenant by index and reads the first rows of each: its cost grows
with the tenants of a queue, not with what is due, and paused tenants cost one step.
"""

from __future__ import annotations

from snapshots.scheduling.leases import NOW

#: Due rows of each queue, counted up to a limit.
COUNT_DUE = f"""
    SELECT q.queue, (SELECT count(*) FROM (
               SELECT FROM fetch_jobs j WHERE j.state = 'active' AND j.queue = q.queue AND j.claimable_at <= {NOW}
                LIMIT %(most)s) AS found)
      FROM unnest(%(queues)s::text[]) AS q(queue)
"""

#: For how many of its cadences a job is overdue: an hourly one that is 2 h late goes before a daily one. What is done
#: once counts as hourly.
_URGENCY = f"extract(epoch FROM {NOW} - j.claimable_at) / coalesce(nullif(j.cadence_s, 0), 3600)"

_MAY_RUN = """
       j.tenant_id <> ALL(%(tenants)s::bigint[])
       AND (r.for_people OR j.tenant_id <> ALL(%(waiting)s::bigint[]))
       AND (%(tenant)s::bigint IS NULL OR j.tenant_id = %(tenant)s)
"""

#: `held` is one row, a map. As rows to join it made PostgreSQL, which expects a handful, compare all with all.
_ROOM = f"""
    room AS (
        SELECT * FROM unnest(%(queues)s::text[], %(free)s::int[], %(for_people)s::boolean[])
                      WITH ORDINALITY AS r(queue, free, for_people, rank)
    ),
    held AS (
        SELECT coalesce(jsonb_object_agg(queue || ' ' || tenant_id, jobs), '{{}}') AS jobs FROM (
            SELECT queue, tenant_id, count(*) AS jobs FROM fetch_jobs WHERE lease_until > {NOW}
             GROUP BY queue, tenant_id) AS each_
    )
"""

_HELD = "coalesce((held.jobs ->> (j.queue || ' ' || j.tenant_id))::int, 0)"

_ALL_THAT_IS_DUE = f"""
    due AS (
        SELECT j.id, j.queue, j.tenant_id, j.claimable_at,
               row_number() OVER (PARTITION BY j.queue, j.tenant_id
                                  ORDER BY j.priority DESC, {_URGENCY} DESC, j.id) AS number
          FROM room r JOIN fetch_jobs j ON j.queue = r.queue
         WHERE j.state = 'active' AND j.claimable_at <= {NOW} AND j.kind <> ALL(%(kinds)s::text[]) AND {_MAY_RUN}
    )
"""

#: The first row of each tenant and priority of a queue, found by jumping over those behind it.
_HEADS = """
    (WITH RECURSIVE heads AS (
        (SELECT j.tenant_id, j.priority, j.claimable_at FROM fetch_jobs j
          WHERE j.state = 'active' AND j.queue = r.queue AND {side}
          ORDER BY j.tenant_id, j.priority, j.claimable_at LIMIT 1)
        UNION ALL
        SELECT h.* FROM heads before CROSS JOIN LATERAL (
            SELECT j.tenant_id, j.priority, j.claimable_at FROM fetch_jobs j
             WHERE j.state = 'active' AND j.queue = r.queue AND {side}
                   AND (j.tenant_id, j.priority) > (before.tenant_id, before.priority)
             ORDER BY j.tenant_id, j.priority, j.claimable_at LIMIT 1) AS h
    ) SELECT * FROM heads)
"""

#: `walk` goes from tenant to tenant, from one that is drawn to the end and then from the first, until it has found more
#: lines with something due than there are places and lines of tenants with jobs in flight (each priority of a tenant is
#: a line; they have a handful): so some that have nothing in flight are among them. Where the shared key can serve less
#: than there are places, it finds twice as many, or those with keys of their own would be left behind. `lines`: what
#: was found, with how many rows of each to look at: twice what it may get, for some are in another dispatcher's hands.
#: The last tenant of a walk that was cut off may lack its other priorities.
_FIRST_ROWS_OF_EACH = f"""
    start AS (SELECT %(draw)s::bigint %% (max(id) + 1) AS tenant FROM public.tenants),
    -- Once for each queue, and not for each row that the walk comes by.
    wanted AS MATERIALIZED (
        SELECT r.*, 20 + CASE WHEN for_people OR free <= %(shared_room)s THEN free ELSE 2 * free END
                    + 10 * (SELECT count(*) FROM fetch_jobs j
                             WHERE j.queue = r.queue AND j.lease_until > {NOW}) AS enough
          FROM room r
    ),
    walk AS (
        SELECT r.queue, r.free, w.tenant_id, w.priority, w.step, r.enough,
               last_value(w.tenant_id) OVER (PARTITION BY r.queue ORDER BY w.step
                                             ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last_tenant,
               count(*) OVER (PARTITION BY r.queue) AS found
          FROM wanted r CROSS JOIN start CROSS JOIN LATERAL (
               SELECT j.*, row_number() OVER () AS step
                 FROM ({_HEADS.format(side="j.tenant_id >= start.tenant")} UNION ALL
                       {_HEADS.format(side="j.tenant_id < start.tenant")}) AS j
                WHERE j.claimable_at <= {NOW} AND {_MAY_RUN}
                LIMIT r.enough) AS w
    ),
    lines AS (
        SELECT j.queue, j.tenant_id, j.priority, j.free, count(*) OVER (PARTITION BY j.queue) AS lines,
               row_number() OVER (PARTITION BY j.queue ORDER BY {_HELD},
                                  hashint8extended(j.tenant_id, %(draw)s), j.priority DESC) AS place
          FROM walk j CROSS JOIN held
         WHERE j.found < j.enough OR j.tenant_id <> j.last_tenant
    ),
    due AS (
        SELECT j.id, l.queue, l.tenant_id, j.claimable_at,
               row_number() OVER (PARTITION BY l.queue, l.tenant_id
                                  ORDER BY l.priority DESC, {_URGENCY} DESC, j.id) AS number
          FROM lines l CROSS JOIN LATERAL (
               SELECT j.id, j.claimable_at, j.cadence_s FROM fetch_jobs j
                WHERE j.state = 'active' AND j.queue = l.queue AND j.tenant_id = l.tenant_id
                      AND j.priority = l.priority AND j.claimable_at <= {NOW} AND j.kind <> ALL(%(kinds)s::text[])
                ORDER BY j.claimable_at LIMIT greatest(20, 2 * l.free / l.lines)) AS j
         WHERE l.place <= 2 * l.free + 20
    )
"""

#: `turn` is a job's number among its tenant's, behind those that its tenant has in flight: ordering by it gives every
#: tenant its first job before any gets its second. Between tenants of the same turn a draw decides, or those with the
#: oldest jobs would always be first where there are more tenants than places.
#: What a shared key can serve is dealt out first, over all queues; places in the queues then.
_TAKE = f"""
    waiting AS (
        SELECT j.id, j.queue, j.claimable_at, j.number + {_HELD} AS turn, r.free, r.rank,
               hashint8extended(j.tenant_id, %(draw)s) AS draw,
               NOT r.for_people AND j.tenant_id <> ALL(%(own_keys)s::bigint[]) AS shares_key
          FROM due j JOIN room r USING (queue) CROSS JOIN held
    ),
    served AS (
        SELECT *, row_number() OVER (PARTITION BY shares_key ORDER BY turn, rank, draw, claimable_at, id) AS key_place
          FROM waiting
    ),
    placed AS (
        SELECT *, row_number() OVER (PARTITION BY queue ORDER BY turn, draw, claimable_at, id) AS place
          FROM served WHERE NOT shares_key OR key_place <= %(shared_room)s
    ),
    taken AS (
        SELECT j.id, p.turn, p.claimable_at
          FROM placed p JOIN fetch_jobs j ON j.id = p.id
         WHERE p.place <= p.free AND j.state = 'active' AND j.claimable_at <= {NOW}
           FOR UPDATE OF j SKIP LOCKED
    )
    UPDATE fetch_jobs j
       SET lease_until = {NOW} + make_interval(secs => %(lease)s), started_at = NULL
      FROM taken WHERE j.id = taken.id
    RETURNING j.id, j.tenant_id, j.queue, j.kind, taken.turn, taken.claimable_at
"""

FEW = f"WITH {_ROOM}, {_ALL_THAT_IS_DUE}, {_TAKE}"
MANY = f"WITH {_ROOM}, {_FIRST_ROWS_OF_EACH}, {_TAKE}"

#: These jobs of the present tenant, whatever the room of their queue.
THESE = f"""
    UPDATE fetch_jobs
       SET lease_until = {NOW} + make_interval(secs => %(lease)s), started_at = NULL
     WHERE id = ANY(%(ids)s) AND state = 'active' AND claimable_at <= {NOW}
           AND NOT EXISTS (SELECT FROM public.tenants t WHERE t.id = tenant_id AND t.fetching_paused_at IS NOT NULL)
           AND NOT EXISTS (SELECT FROM public.paused_kinds p WHERE p.kind = fetch_jobs.kind)
    RETURNING id, tenant_id, queue, kind, 0, claimable_at
"""
