"""Scenarios for tests of the planner: the worked example of the issue, and any sound one."""

from __future__ import annotations

from hypothesis import strategies as st

from billing.capacity import Feature, Inputs, Limits, Table, Tier, Workers

EXAMPLE = Inputs(
    tiers=(Tier("pro", 4_800, 10_000, 0.1),),
    features=(
        Feature("Profile sync", "userinfo-by-username", "pro", 4_800, 1),
        Feature("Discovery", "user-posts", "pro", 4_800, 4),
        Feature("Detail", "post-detail", "pro", 1_200, 30),
        Feature("Comments", "post-comments", "pro", 800, 12),
    ),
    tables=(Table("account_snapshots", 1, 400), Table("account_readings", 24, 400, kept_days=90)),
    workers=Workers(threads=10, jobs_per_second=1, ceiling=40, jobs_per_account=3, peak_share=0.08),
    limits=Limits(keys=20, monthly_credits=3_000_000, disk_bytes=100 * 10**9),
)
#: Three tiers that grow and shrink, names that look like formulas, a feature in two tiers, limits that are not set.
MIXED = Inputs(
    tiers=(Tier("free", 900, 2_000, 0.25), Tier("pro", 300, 4_500, 0.05), Tier("enterprise", 12, 3_600, -0.1)),
    features=(
        Feature("=profile", "userinfo-by-username", "free", 2_000, 1),
        Feature("posts", "user-posts", "pro", 4_500, 24, 1.02),
        Feature("posts", "user-posts", "enterprise", 3_600, 96),
        Feature("hashtags", "challenge-info-name", "pro", 0, 3),
    ),
    tables=(
        Table("post_snapshots", 30, 180, None, 40 * 10**9), Table("readings", 700, 120, 90, 10**9),
        Table("usage_events", 40, 260, 730),
    ),
    workers=Workers(threads=16, jobs_per_second=0.7, ceiling=64, jobs_per_account=26.5, peak_share=0.0125),
    limits=Limits(keys=3, monthly_calls=None, monthly_credits=20_000_000, rows_per_day=None, disk_bytes=4 * 10**12),
)  # fmt: skip

CODES = ("free", "pro", "enterprise")
counts, rates = st.integers(0, 50_000), st.floats(0, 500).map(lambda value: round(value, 3))


def _tiers(sizes: list[tuple[int, int, float]]) -> tuple[Tier, ...]:
    return tuple(
        Tier(code, max(1, tenants), accounts, growth)
        for code, (tenants, accounts, growth) in zip(CODES, sizes, strict=False)
    )


sound_inputs = st.builds(
    Inputs,
    tiers=st.lists(st.tuples(counts, counts, st.floats(-0.3, 0.5)), min_size=3, max_size=3).map(_tiers),
    features=st.lists(
        st.builds(
            Feature, st.sampled_from("abc"), st.sampled_from("xy"), st.sampled_from(CODES), counts, rates,
            st.floats(0, 3),
        ),
        max_size=6,
    ).map(tuple),
    tables=st.lists(
        st.builds(
            Table, st.text("mnop", min_size=1), rates, st.floats(1, 1_000), st.none() | st.integers(1, 900),
            st.integers(0, 10**12),
        ),
        max_size=4, unique_by=lambda table: table.name,
    ).map(tuple),
    workers=st.builds(
        Workers, threads=st.integers(1, 50), jobs_per_second=st.floats(0.1, 5), ceiling=st.integers(50, 500),
        jobs_per_account=rates, peak_share=st.floats(0.001, 1),
    ),
    limits=st.builds(
        Limits, keys=st.integers(1, 9), calls_per_minute=st.integers(1, 1000),
        monthly_credits=st.none() | st.integers(1, 10**9), disk_bytes=st.none() | st.integers(1, 10**13),
    ),
)  # fmt: skip
