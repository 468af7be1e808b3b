"""How many statements a page may send, its frame (session, person, count of accounts) included. Reviewed: a page that
needs one more says here why."""

from __future__ import annotations

STATEMENTS = {
    # The frame has 3; the list of tags, a first look at each account and the posts. A named account is one or two more.
    "posts": 6,
    # Curve and verdict each read the post and its references and their curves.
    "post": 9,
    # Group, tags, posts and growths of its members, breakouts with their curves, notices. Plan, budget, and the sums of
    # day and month where Redis does not know them.
    "overview": 15,
    # Series, voices, posts and growths, accounts to choose from.
    "compare": 9,
    "compare_series": 4,
    "hashtags": 7,
    "sounds": 7,
    # A tab of an account: the frame has 3, the head 6 (account, former handles, tiles, windows, odd values, jobs).
    # Series, events, removed notes, breakouts with their curves, posts and their count, the usual curve.
    "account_overview": 18,
    # Posts and their count, breakouts with their curves; no post is open.
    "account_posts": 13,
    # Post, verdict and curve, each with its references and their curves.
    "account_post": 18,
    # The table and, in another order, the bubbles.
    "account_hashtags": 11,
    "account_sounds": 10,
    "account_audience": 11,
    # Comments, their tones, titles of their posts.
    "account_comments": 12,
    "account_comments_search": 12,
    "account_stories": 10,
    # Jobs, the notes as on the overview, what the workspace spent and how often its jobs run, and two of the backfill.
    "account_activity": 18,
    # Pieces of the page, asked for by HTMX or the chart.
    "account_header": 9,
    "account_series": 4,
    "account_rows": 8,
}
