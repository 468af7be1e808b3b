"""Workspaces that have something on every page: numbers, posts, breakouts, comments, stories, what was spent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from accounts.selectors import TenantRef
from billing.models import BudgetRefusal, Invoice, Plan, UsageAlert
from billing.rollups import roll_up
from billing.services.grants import grant_credits
from snapshots.models import (
    AccountHandle,
    AccountNote,
    Hashtag,
    ImportBatch,
    Post,
    PostHashtag,
    PostSnapshot,
    Sound,
    TrackedAccount,
)
from tests import factories
from tests.billing.ledger import event, write
from tests.e2e.visitors import tracked, with_history
from tikdash import clock
from tikdash.db.partitions import first_of_month
from tikdash.db.scope import tenant_scope

#: Titles as people write them.
TITLES = (
    "وصفة الخبز في ٥ دقائق 🥖",
    "घर की चाय ☕ सबसे आसान तरीका",
    "ข้าวผัดกะเพราแบบง่าย ๆ",
    "猫が箱に入る理由 🐈",
    "A title that goes on and on and does not stop where others would, #with #many #hashtags #and #more #of #them",
)
#: Hashtags of many scripts.
TAGS = (
    "focaccia", "breadtok", "sourdough", "渋谷スカイ", "وصفة", "घर", "หมักแป้ง", "bake", "crumb", "rye", "oven", "flour",
)  # fmt: skip
REMARKS = ("I love this bread ❤️", "awful, I hate it", "recette géniale, merci", "where is this?", "وصفة رائعة", "猫 🐈")
#: Accounts and by how much they grow a day.
FACTORS = {"lena.bakes": 1.004, "maxwellpranks": 0.998, "noor.kitchen": 1.01, "northbay.coffee": 1.0}


def one_account(tenant: TenantRef) -> int:
    """An account that the worker has read, with something in each tab of its page; returns its id."""
    account_id = tracked(tenant, "lena.bakes", days=90, tags="bakery, uk")
    now = clock.now()
    with tenant_scope(tenant):
        account = TrackedAccount.objects.get(pk=account_id)
        tags = [Hashtag(name=name, first_seen_at=now, view_count=10_000, measured_at=now) for name in TAGS]
        tags = Hashtag.objects.bulk_create(tags, ignore_conflicts=True) and list(Hashtag.objects.all())[:14]
        Sound.objects.create(music_id="77", title="Slow rise", author="The Proofers", original=True, first_seen_at=now)
        posts = []
        for number in range(40):
            post = factories.make_post(
                account,
                title=f"Crumb {number}",
                posted_at=now - timedelta(days=2 + number),
                play_count=(9_000 if number == 3 else 1_000) + 37 * number,
                digg_count=90,
                comment_count=9,
                sound_id="77" if number % 3 else "",
            )
            posts.append(post)
            for day in range(1, 8):
                at = post.posted_at + timedelta(days=day)
                if at < now:
                    plays = int((post.play_count or 0) * (0.4 + 0.08 * day))
                    factories.make_post_snapshot(post, captured_on=at.date(), captured_at=at, play_count=plays)
            for place, tag in enumerate(tags):
                if number % (place + 2) == 0:
                    PostHashtag.objects.create(post=post, hashtag=tag, account=account)
            factories.make_comment(post, REMARKS[number % len(REMARKS)], author_username=f"reader.{number}")
        bots = [f"user{number}" for number in range(1_000_000, 1_000_034)]
        factories.make_sample(account, [*bots, *(f"reader.{number}" for number in range(166))], total=10_000)
        for hours, title in ((2, "Proofing, second rise"), (9, "متجر الخبز"), (60, "Last week's loaf")):
            at = now - timedelta(hours=hours)
            factories.make_story(
                account, title=title, posted_at=at, expires_at=at + timedelta(hours=24), play_count=1_200 * hours
            )
        AccountHandle.objects.create(account=account, username="lena.cooks", replaced_at=now - timedelta(days=20))
        Post.objects.filter(pk=posts[8].pk).update(deleted_at=now - timedelta(days=5))
    return account_id


def crew(tenant: TenantRef, handles: tuple[str, ...] = tuple(FACTORS)) -> list[int]:
    """Accounts with 90 days, 48 posts each with hashtags and sounds, a breakout, the last one private; their ids."""
    ids = []
    for place, handle in enumerate(handles):
        followers: list[int | None] = [int(120_000 * (place + 1) * FACTORS[handle] ** day) for day in range(90)]
        followers[40:44] = [None] * 4
        reason = "own" if place < 2 else "competitor"
        ids.append(with_history(tenant, handle, followers, tracked_reason=reason, tags=["uk"] if place else []))
    with tenant_scope(tenant):
        now = clock.now()
        tags = [
            Hashtag.objects.get_or_create(
                name=name,
                defaults={"cha_name": name, "first_seen_at": now, "view_count": 4_200_000, "measured_at": now},
            )[0]
            for name in ("bread", "渋谷スカイ", "fyp", "هاشتاق")
        ]
        for number, author in enumerate(("Beyoncé", "lena")):
            Sound.objects.create(music_id=str(70 + number), title="Summer night", author=author, first_seen_at=now,
                                 original=bool(number), video_count=18_000)  # fmt: skip
        for place, account_id in enumerate(ids):
            for number in range(48):
                plays = 1_000 * (place + 1) + number * 37 + (900 if number % 3 == 0 else 0)
                post = factories.make_post(
                    TrackedAccount.objects.get(pk=account_id),
                    title=TITLES[number % 5] if number < 10 else f"Recipe number {number} #bread",
                    posted_at=now - timedelta(days=number * 1.5 + 1.2, hours=place),
                    play_count=plays, digg_count=plays // 12, comment_count=plays // 90, share_count=plays // 200,
                    collect_count=plays // 150, sound_id=str(70 + number % 2) if number % 3 else "",
                )  # fmt: skip
                for tag in tags[: 1 + number % 4]:
                    PostHashtag.objects.create(post=post, account_id=account_id, hashtag=tag)
                at = post.posted_at + timedelta(days=1)
                PostSnapshot.objects.create(post=post, captured_on=at.date(), captured_at=at, play_count=plays)
        post = factories.make_post(TrackedAccount.objects.get(pk=ids[0]), title="Three minute focaccia",
                                   posted_at=now - timedelta(days=1), play_count=81_000, digg_count=6_000,
                                   comment_count=400, share_count=300)  # fmt: skip
        PostSnapshot.objects.create(post=post, captured_on=now.date(), captured_at=now, play_count=81_000)
        TrackedAccount.objects.filter(pk=ids[-1]).update(state="private")
    return ids


def spending(acme: TenantRef) -> str:
    """Three weeks of spending, a refusal, a warning, an invoice and a pack; returns the invoice's number.

    The plan has limits from now on; `no_limits` takes them away.
    """
    now = clock.now()
    for back in range(21):
        at = now - timedelta(days=back, minutes=30)
        for feature, endpoint, credits in (
            ("posts", "user-posts", 420 + 13 * back), ("profile", "userinfo-by-username", 96),
            ("comments", "post-comments", 60),
        ):  # fmt: skip
            write(acme, [event(acme.id, at, feature=feature, endpoint=endpoint, credits=credits)])
    roll_up()
    Plan.objects.filter(code="pro").update(monthly_credits=16_000, daily_credits=1_000)
    grant_credits(tenant_id=acme.id, credits=2_000, note="For the trouble last week")
    month = first_of_month(now.date(), -1)
    number = f"{month:%Y-%m}-000001"
    with tenant_scope(acme):
        BudgetRefusal.objects.create(
            day=now.date(), feature="posts", priority="pro", cap="tenant_day", calls=212, first_at=now, last_at=now,
            sentence="The 1,000 credits a day of the Pro plan are used up. Fetching goes on at 00:00 UTC.",
        )  # fmt: skip
        UsageAlert.objects.create(
            rule="budget_90", subject="month", period=first_of_month(now.date()), level="critical", opened_at=now,
            seen_at=now, sentence="14,520 of 16,000 credits of this month are used (91%) on day 21 of 30.",
        )  # fmt: skip
        Invoice.objects.create(
            month=month, number=number, issued_at=datetime.now(UTC), customer="Acme Talent",
            plan="Pro", currency="USD", credits=14_200, total_cents=4_900,
            lines={
                "items": [{"text": f"Plan Pro, {month:%B %Y}", "cents": 4_900}],
                "usage": [
                    [str(month), "user-posts", "posts", 9_100, 12, 9_088],
                    [str(month), "userid", "profile", 5_117, 0, 5_117],
                ],
                "corrections": [{"day": str(month), "credits": -5, "reason": "A fault of ours"}],
            },
        )  # fmt: skip
    return number


def no_limits() -> None:
    Plan.objects.filter(code="pro").update(monthly_credits=None, daily_credits=None)


def whole_workspace(acme: TenantRef) -> dict[str, object]:
    """Everything at once; returns what the paths of `tests.e2e.pages` need."""
    lena = one_account(acme)
    others = crew(acme, tuple(FACTORS)[1:])
    number = spending(acme)
    with tenant_scope(acme):
        now = clock.now()
        note = AccountNote.objects.create(
            account_id=lena,
            day=now.date() - timedelta(days=10),
            text="Campaign with the mill begins",
            author="ana@acme.example",
            created_at=now,
        )
        batch = ImportBatch.objects.create(
            token=uuid4(), wanted=2, begun=2, created_at=now,
            rows=[
                {"line": 1, "typed": "lena.bakes", "handle": "lena.bakes", "error": ""},
                {"line": 2, "typed": "=1+1", "handle": "", "error": "“=1+1” is not a TikTok handle."},
            ],
        )  # fmt: skip
        check = factories.make_job(
            None, "probe", state="refused", cadence_s=None, error="TikTok knows no @nobody.here. Check the spelling.",
            params={"handle": "nobody.here", "reason": "own", "tags": []},
        )  # fmt: skip
        post = Post.objects.get(title="Crumb 4")
    return {
        "account": lena, "others": ",".join(map(str, [lena, *others])), "post": post.pk, "note": note.pk,
        "batch": batch.pk, "check": check.pk, "invoice": number,
    }  # fmt: skip
