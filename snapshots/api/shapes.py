"""What the resources of accounts and posts answer, as the schema has it. Names of numbers are ids of metrics."""

from __future__ import annotations

from rest_framework import serializers

from snapshots.api.numbers import Measured, Number
from snapshots.models import TrackedAccount

REASONS = TrackedAccount.Reason.values
STATUSES = TrackedAccount.State.values
STATE = "How far the newest reading can be trusted: `ok`, `rounded`, or why it was kept aside; `never` before one."
SUSPECT = "The counters of the newest reading that are not `ok`, by metric; kept aside, the number shown is older."


class Text(serializers.CharField):
    """A text as it came."""

    def __init__(self, help_text: str = "", **kwargs: object) -> None:
        super().__init__(help_text=help_text or None, **kwargs)  # type: ignore[arg-type]


class Account(serializers.Serializer):
    """A tracked account with its newest counters."""

    id = serializers.IntegerField(help_text="Ours; stable.")
    handle = Text("Without @. It may change; `id` does not.")
    nickname = Text()
    tiktok_user_id = Text("TikTok's number of the account, as a text: it has more digits than many programs keep.")
    url = Text()
    verified = serializers.BooleanField()
    bio = Text()
    reason = Text("Why it is tracked: own, competitor or partner.")
    tags = serializers.ListField(child=serializers.CharField())
    status = Text("active, paused, private (on TikTok) or not_found (on TikTok).")
    tracked_since = serializers.DateTimeField()
    followers = Measured("followers")
    following = Measured("following")
    hearts = Measured("hearts")
    videos = Measured("videos")
    likes_given = Measured("likes_given")
    as_of = serializers.DateTimeField(allow_null=True, help_text="When these counters were read; null before.")
    state = Text(STATE)
    suspect = serializers.DictField(child=serializers.CharField(), help_text=SUSPECT)


class Check(serializers.Serializer):
    """How far a handle is that was asked to be tracked: a worker looks whether TikTok knows it."""

    id = serializers.IntegerField()
    handle = Text()
    state = Text("pending, done or failed.")
    message = Text("Why it failed, or what it waits for.", allow_blank=True)
    account_id = serializers.IntegerField(allow_null=True, help_text="Once it is tracked.")
    url = Text("Where to ask again.")


class Track(serializers.Serializer):
    """A handle to track."""

    handle = serializers.CharField(max_length=200, help_text="With or without @, or the address of a profile.")
    reason = serializers.ChoiceField(choices=REASONS, default="competitor")
    tags = serializers.ListField(child=serializers.CharField(max_length=40), default=list, max_length=10)


class Change(serializers.Serializer):
    """What to change of an account; what is not sent stays."""

    reason = serializers.ChoiceField(choices=REASONS, required=False)
    tags = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, max_length=10, help_text="All of its tags."
    )
    paused = serializers.BooleanField(required=False, help_text="Whether it is read.")


class Stopped(serializers.Serializer):
    """An account that is no longer tracked."""

    account_id = serializers.IntegerField()
    removal_id = serializers.IntegerField(help_text="Undo it with POST /api/v1/removals/{removal_id}/undo.")
    until = serializers.DateTimeField(help_text="Then all that it has is deleted.")


class Undone(serializers.Serializer):
    """Accounts that are tracked again, with all they had."""

    accounts = serializers.IntegerField()


class BulkRow(serializers.Serializer):
    handle = serializers.CharField(max_length=200, allow_blank=True)
    reason = serializers.ChoiceField(choices=REASONS, required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=10)


class Bulk(serializers.Serializer):
    """Handles to track, at most 500; `reason` and `tags` are for rows without their own."""

    accounts = BulkRow(many=True, help_text="At most 500.")
    reason = serializers.ChoiceField(choices=REASONS, default="competitor")
    tags = serializers.ListField(child=serializers.CharField(max_length=40), default=list, max_length=10)
    dry_run = serializers.BooleanField(default=False, help_text="Say what would become of it, and do nothing.")


class PlannedRow(serializers.Serializer):
    row = serializers.IntegerField(help_text="Its place in the list, from 0.")
    handle = Text(allow_blank=True)
    state = Text("new: would be checked and tracked; tracked, pending, twice, bad or full: would not.")
    message = Text("Why not.", allow_blank=True)


class BulkPlan(serializers.Serializer):
    """What would become of a list; nothing was stored and no credit spent."""

    dry_run = serializers.BooleanField()
    new = serializers.IntegerField(help_text="Handles that would be tracked.")
    places = serializers.IntegerField(help_text="Accounts that the plan has room for.")
    credits = serializers.IntegerField(help_text="What checks and first posts cost at most.")
    minutes = serializers.IntegerField(allow_null=True, help_text="About how long that takes; null where not known.")
    rows = PlannedRow(many=True)


class BatchRow(serializers.Serializer):
    row = serializers.IntegerField()
    handle = Text(allow_blank=True)
    state = Text("waiting, done, failed or cancelled.")
    message = Text(allow_blank=True)
    account_id = serializers.IntegerField(allow_null=True)


class Batch(serializers.Serializer):
    """How far a list is; it is over once nothing waits. Kept for 30 days."""

    id = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    total = serializers.IntegerField()
    waiting = serializers.IntegerField()
    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    url = Text("Where to ask again.")
    rows = BatchRow(many=True)


class Refresh(serializers.Serializer):
    """Whether new numbers are under way."""

    account_id = serializers.IntegerField()
    pending = serializers.BooleanField()
    allowed = serializers.BooleanField(help_text="Whether it may be refreshed now.")
    wait_s = serializers.IntegerField(help_text="Otherwise in so many seconds.")
    message = Text(allow_blank=True)


class GrowthRow(serializers.Serializer):
    date = serializers.DateField(help_text="UTC day of capture.")
    value = serializers.IntegerField(allow_null=True, help_text="Null on a day without a sound value.")
    change = serializers.IntegerField(allow_null=True, help_text="Since the last day with a sound value.")
    state = Text("Of the day's reading: ok, rounded, or why there is no value.")


class Growth(serializers.Serializer):
    """A counter of an account by day of capture, from the first measured day of the range to the last.

    `rows` or, with `form=columns`, `dates`, `values` and `changes` of the same length and `states` of the odd days.
    """

    account_id = serializers.IntegerField()
    metric = Text("Id of the metric.")
    version = serializers.IntegerField()
    unit = Text()
    days = serializers.IntegerField(help_text="The range, which the plan may have made shorter.")
    as_of = serializers.DateTimeField(allow_null=True)
    n = serializers.IntegerField(help_text="Days that have a change.")
    total = serializers.IntegerField(allow_null=True, help_text="Sum of the changes.")
    rows = GrowthRow(many=True, required=False)
    dates = serializers.ListField(child=serializers.DateField(), required=False)
    values = serializers.ListField(child=serializers.IntegerField(allow_null=True), required=False)
    changes = serializers.ListField(child=serializers.IntegerField(allow_null=True), required=False)
    states = serializers.DictField(
        child=serializers.CharField(), required=False, help_text="By date, of days that are not ok."
    )


class Snapshot(serializers.Serializer):
    """An account's counters on one UTC day as TikTok gave them, sound or not."""

    account_id = serializers.IntegerField()
    date = serializers.DateField(help_text="UTC day of capture.")
    followers = Measured("followers")
    following = Measured("following")
    hearts = Measured("hearts")
    videos = Measured("videos")
    likes_given = Measured("likes_given")
    as_of = serializers.DateTimeField(help_text="When the last reading of the day was made.")
    state = Text(STATE)
    suspect = serializers.DictField(child=serializers.CharField(), help_text="Counters that are not ok, by metric.")


class Post(serializers.Serializer):
    """A post with its newest sound counters."""

    id = serializers.IntegerField(help_text="Ours; stable.")
    aweme_id = Text("TikTok's number of the post, as a text.")
    account_id = serializers.IntegerField()
    handle = Text()
    title = Text()
    kind = Text("video or photo.")
    pinned = serializers.BooleanField()
    url = Text()
    posted_at = serializers.DateTimeField()
    duration_s = serializers.IntegerField(allow_null=True)
    deleted_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was first missing from TikTok's list; null while it stands."
    )
    plays = Measured("plays")
    diggs = Measured("diggs")
    comments = Measured("comments")
    shares = Measured("shares")
    collects = Measured("collects")
    er_views_post = Measured("er_views_post")
    as_of = serializers.DateTimeField(help_text="When these counters were read.")
    state = Text(STATE)
    suspect = serializers.DictField(child=serializers.CharField(), help_text=SUSPECT)


class PostDay(serializers.Serializer):
    """A post's counters on one UTC day as TikTok gave them, sound or not."""

    date = serializers.DateField(help_text="UTC day of capture.")
    plays = Measured("plays")
    diggs = Measured("diggs")
    comments = Measured("comments")
    shares = Measured("shares")
    collects = Measured("collects")
    as_of = serializers.DateTimeField()
    state = Text(STATE)
    suspect = serializers.DictField(child=serializers.CharField())


class PostSeries(serializers.Serializer):
    """A post day by day: `rows` or, with `form=columns`, `columns` by name, all of one length."""

    post_id = serializers.IntegerField()
    as_of = serializers.DateTimeField(allow_null=True)
    metrics = serializers.DictField(child=serializers.IntegerField())
    rows = PostDay(many=True, required=False)
    columns = serializers.DictField(child=serializers.ListField(), required=False)


class AccountNumbers(serializers.Serializer):
    """The metrics of an account that are made of its posts, and the growth of its followers."""

    account_id = serializers.IntegerField()
    posts = serializers.IntegerField(help_text="Posts of the window.")
    days = serializers.FloatField(help_text="How long the window was.")
    numbers = serializers.DictField(child=Number(), help_text="By id of the metric.")
    growth = serializers.DictField(child=Number(), help_text="Growth of followers by days: 30, 90, 365.")


class PostNumbers(serializers.Serializer):
    """The metrics of one post."""

    post_id = serializers.IntegerField()
    numbers = serializers.DictField(child=Number())


class Use(serializers.Serializer):
    """How the accounts' posts of the last 90 days use it."""

    posts = serializers.IntegerField()
    accounts = serializers.IntegerField()
    views = Measured("plays", about="Sum over posts older than a day.")
    median_views = Measured("views_median", whole=False)
    views_n = serializers.IntegerField(help_text="Posts with views.")
    uses_14d = serializers.IntegerField()
    uses_14d_before = serializers.IntegerField()
    rising = serializers.BooleanField()
    uplift = Number()
    first_handle = Text(allow_null=True)
    first_at = serializers.DateTimeField(allow_null=True)
    as_of = serializers.DateTimeField()


class Hashtag(serializers.Serializer):
    """A hashtag."""

    id = serializers.IntegerField()
    name = Text("As it is compared.")
    shown = Text("As TikTok writes it.")
    tiktok_views = serializers.IntegerField(allow_null=True, help_text="TikTok's own count.")
    tiktok_users = serializers.IntegerField(allow_null=True)
    tiktok_as_of = serializers.DateTimeField(allow_null=True)
    use = Use()


class Sound(serializers.Serializer):
    """A sound."""

    id = serializers.IntegerField()
    music_id = Text("TikTok's number of it, as a text.")
    title = Text()
    author = Text()
    original = serializers.BooleanField(allow_null=True, help_text="Whether a user made it.")
    tiktok_videos = serializers.IntegerField(allow_null=True, help_text="TikTok's own count.")
    tiktok_as_of = serializers.DateTimeField(allow_null=True)
    use = Use()


class AudienceSample(serializers.Serializer):
    id = serializers.IntegerField()
    sampled_at = serializers.DateTimeField()
    size = serializers.IntegerField(help_text="Followers that were read.")
    total = serializers.IntegerField(allow_null=True, help_text="Followers that TikTok says there are.")
    no_posts = serializers.IntegerField()
    default_avatar = serializers.IntegerField()
    generated_handle = serializers.IntegerField()
    all_three = serializers.IntegerField()
    private = serializers.IntegerField()
    verified = serializers.IntegerField()
    bot_share = Number()


class Audience(serializers.Serializer):
    """Samples of an account's followers, the newest first, and what the newest says."""

    account_id = serializers.IntegerField()
    reason = Text("Why there is nothing to judge.", allow_blank=True)
    newest = AudienceSample(allow_null=True)
    follow_ratio = Number()
    samples = AudienceSample(many=True)


class Comment(serializers.Serializer):
    """A comment. Counters are TikTok's."""

    id = serializers.IntegerField()
    post_id = serializers.IntegerField()
    text = Text()
    author = Text()
    author_name = Text()
    diggs = Measured("diggs")
    replies = serializers.IntegerField(allow_null=True)
    written_at = serializers.DateTimeField(allow_null=True)
    tone = Text("positive, neutral or negative, by words.")
    as_of = serializers.DateTimeField()


class Note(serializers.Serializer):
    """What a person, or a program, wrote at a day of an account."""

    id = serializers.IntegerField()
    date = serializers.DateField()
    text = Text()
    author = Text()


class NewNote(serializers.Serializer):
    date = serializers.DateField()
    text = serializers.CharField(max_length=280)


class Line(serializers.Serializer):
    account_id = serializers.IntegerField()
    handle = Text()
    values = serializers.ListField(child=serializers.FloatField(allow_null=True))
    n = serializers.IntegerField(help_text="Days with a sound value.")
    as_of = serializers.DateTimeField(allow_null=True)
    reason = Text("Why there is no line.", allow_blank=True)


class Compared(serializers.Serializer):
    account_id = serializers.IntegerField()
    handle = Text()
    numbers = serializers.DictField(child=Number())
    share_of_voice = serializers.DictField(child=Number(), help_text="Of plays, engagement and posts.")


class Comparison(serializers.Serializer):
    """Up to ten accounts beside each other: one counter by day of capture, their metrics, their shares of voice."""

    metric = Text()
    version = serializers.IntegerField()
    indexed = serializers.BooleanField()
    base_on = serializers.DateField(allow_null=True, help_text="The day on which all lines are 100.")
    dates = serializers.ListField(child=serializers.DateField())
    lines = Line(many=True)
    voice_days = serializers.IntegerField()
    accounts = Compared(many=True)


class Metric(serializers.Serializer):
    """What a number means. Whatever has its id is made by its formula, in the version that stands beside it."""

    id = Text()
    name = Text()
    formula = Text()
    denominator = Text(allow_blank=True)
    window = Text()
    unit = Text("fraction: 0.0616 is 6.16 %.")
    direction = Text("Which way is better: more, less or neither.")
    at_least = serializers.IntegerField(help_text="With fewer posts or rows there is no value but a reason.")
    version = serializers.IntegerField()
