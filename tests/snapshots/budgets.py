"""How many statements a page may send, its frame and those that PostgreSQL has prepared included. Reviewed: a page that
needs one more says here why."""

from __future__ import annotations

STATEMENTS = {
    # The frame has 5: host with session, person, plan, count of accounts, the plan's limits with what is used of them.
    # The list of tags, a first look at each account and the posts. A named account is one or two more.
    "posts": 8,
    # Curve and verdict each read the post and its references and their curves.
    # The newest posts of the account, which it is measured against.
    "post": 11,
    # Group, tags, posts and growths of its members, breakouts with their curves, notices. Plan, budget, and the sums of
    # day and month where Redis does not know them.
    "overview": 13,
    # Series, voices, posts and growths, accounts to choose from.
    "compare": 10,
    "compare_series": 4,
    "hashtags": 8,
    "sounds": 8,
    # A tab of an account: the frame has 4, the head 9 (account three times, former handles, tiles, newest day, windows,
    # odd values, jobs). Series, events, removed notes, breakouts with their curves, posts and their count, usual curve.
    "account_overview": 23,
    # Posts and their count, breakouts with their curves; no post is open.
    "account_posts": 18,
    # Post, verdict and curve, each with its references and their curves.
    "account_post": 24,
    # The table and, in another order, the bubbles.
    "account_hashtags": 16,
    "account_sounds": 15,
    "account_audience": 17,
    # Hours of the week, and the weeks.
    "account_timing": 16,
    # Comments, their tones, titles of their posts.
    "account_comments": 18,
    "account_comments_search": 18,
    "account_stories": 16,
    # Jobs, the notes as on the overview, what the workspace spent and how often its jobs run, and two of the backfill.
    "account_activity": 22,
    # Pieces of the page, asked for by HTMX or the chart.
    "account_header": 13,
    "account_series": 4,
    "account_rows": 9,
}
