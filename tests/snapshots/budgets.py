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
    # Group, tags, breakouts with their curves, notices. Plan, budget, and the sums of day and month where Redis does
    # not know them. Of members that were read since the last look: windows, growths, newest posts. One more where an
    # account has more posts that may have run ahead than its digest keeps.
    "overview": 14,
    "overview_again": 11,
    # Series, voices, posts and growths, accounts to choose from.
    "compare": 10,
    "compare_series": 4,
    "hashtags": 8,
    "sounds": 8,
    # A tab of an account: the frame has 4, the head 3 (account with its last days, windows, jobs). Posts with their
    # count, whether one of them was read since, series, events, removed notes. The first look, and that after a new
    # reading, has 4 more: breakouts and the usual curve, each with the curves that it is made of.
    "account_overview": 17,
    "account_overview_again": 13,
    # Posts with their count, whether one was read since, breakouts with their curves; no post is open.
    "account_posts": 12,
    # Post, verdict and curve, each with its references and their curves.
    "account_post": 18,
    # The table and, in another order, the bubbles.
    "account_hashtags": 10,
    "account_sounds": 9,
    "account_audience": 11,
    # Hours of the week, and the weeks.
    "account_timing": 10,
    # Comments, their tones, titles of their posts.
    "account_comments": 12,
    "account_comments_search": 12,
    "account_stories": 10,
    # Jobs, the notes as on the overview, what the workspace spent and how often its jobs run, and two of the backfill.
    "account_activity": 17,
    # Pieces of the page, asked for by HTMX or the chart.
    "account_header": 7,
    "account_series": 4,
    "account_rows": 9,
}
