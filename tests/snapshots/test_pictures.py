"""Copies of avatars and covers: fetched once, kept small, shown to their tenant only, and at nobody's cost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image

from accounts.selectors import TenantRef
from billing.models import UsageEvent
from snapshots.analytics.stories import stories
from snapshots.ingest.normalise import POST_COUNTERS, PostRow
from snapshots.ingest.stories import store_stories
from snapshots.models import FetchJob, Post, Story, TrackedAccount
from snapshots.picture_names import is_file_of
from snapshots.pictures.files import keep_file
from snapshots.pictures.resizing import NotAPictureError, small_picture
from snapshots.services.accounts import clean_wish, make_missing_jobs
from snapshots.services.inline import drain, fetch_now, track_now
from snapshots.services.jobs import RunReport
from tests.cast import Cast
from tests.factories import make_account, make_job, make_post
from tests.queries import assert_at_most, statements_of
from tests.simulating import Caller
from tests.snapshots.conftest import browser_of
from tikdash import clock
from tikdash.db.scope import tenant_scope

LENA = "lena.bakes"


def image(size: tuple[int, int] = (300, 200), form: str = "PNG", colour: str = "teal", **options: Any) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, form, **options)
    return out.getvalue()


class PictureServer(ThreadingHTTPServer):
    """A server of pictures: what it has by path, with a status; keeps the headers of all requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def url(self, path: str, signature: str = "1") -> str:
        return f"http://{self.host}{path}?x-expires=1&x-signature={signature}"

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


class _Handler(BaseHTTPRequestHandler):
    server: PictureServer

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append((path, dict(self.headers)))
        status, body = self.server.answers.get(path, (404, b""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET  # noqa: N815  (the name is the standard library's)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def picture_server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def pictures(settings: Any) -> Iterator[PictureServer]:
    with picture_server() as server:
        settings.PICTURE_HOSTS_TRUSTED = [server.host]
        yield server


@pytest.fixture
def lena(acme: TenantRef, pictures: PictureServer) -> TrackedAccount:
    """An account whose avatar the server has, with the job that fetches pictures."""
    pictures.answers["/avatar.png"] = (200, image())
    account = make_account(LENA, avatar_url=pictures.url("/avatar.png"))
    make_job(account, "pictures", cadence_s=604_800)
    return account


def story(number: int, cover_url: str) -> PostRow:
    counters = dict.fromkeys(POST_COUNTERS, 10)
    return PostRow(str(number), "", cover_url, 15, "video", False, "", clock.now() - timedelta(hours=1), counters)


def run(tenant: TenantRef) -> RunReport:
    [report] = fetch_now(tenant, LENA, "pictures")
    return report


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# --- one picture -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
def test_an_avatar_becomes_a_small_square_in_webp_whatever_it_was(form: str) -> None:
    with Image.open(BytesIO(small_picture(image((1080, 720), form), "avatar"))) as small:
        assert (small.format, small.size) == ("WEBP", (160, 160))


@pytest.mark.parametrize(
    ("given", "kept"),
    [((1440, 2560), (240, 426)), ((720, 720), (240, 240)), ((100, 50), (100, 50)), ((4000, 4), (240, 1))],
)
def test_a_cover_fits_its_box_keeps_its_shape_and_is_never_enlarged(
    given: tuple[int, int], kept: tuple[int, int]
) -> None:
    with Image.open(BytesIO(small_picture(image(given), "cover"))) as small:
        assert small.size == kept


def test_a_small_avatar_is_not_enlarged() -> None:
    with Image.open(BytesIO(small_picture(image((96, 120)), "avatar"))) as small:
        assert small.size == (96, 96)


def test_where_a_picture_was_taken_is_not_kept_but_which_side_is_up_is() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "taken at home, 51.5007 N"
    exif.get_ifd(0x8825)[1] = "N"
    data = image((200, 100), "JPEG", exif=exif, comment=b"secret comment", icc_profile=b"secret profile")
    small = small_picture(data, "cover")
    with Image.open(BytesIO(small)) as kept:
        assert kept.size == (100, 200) and not kept.getexif()
    assert b"EXIF" not in small and b"home" not in small and b"secret" not in small


def test_what_is_transparent_stays_so() -> None:
    out = BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(out, "PNG")
    with Image.open(BytesIO(small_picture(out.getvalue(), "avatar"))) as small:
        assert small.mode == "RGBA" and small.getpixel((10, 10))[3] == 0  # type: ignore[index]


def bomb() -> bytes:
    """A PNG of a few kilobytes that takes a gigabyte to decode."""
    out = BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><script>alert(1)</script></html>",
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        image()[:60],
        image((300, 300), "JPEG")[:400],
        image(form="BMP"),
        image(form="TIFF"),
        image((4000, 3001)),
    ],
    ids=["nothing", "html", "svg", "eps", "half a png", "half a jpeg", "bmp", "tiff", "12 megapixels"],
)
def test_what_is_no_picture_of_a_usual_kind_is_refused(data: bytes) -> None:
    with pytest.raises(NotAPictureError):
        small_picture(data, "cover")


def test_a_small_file_that_would_be_a_gigabyte_of_pixels_is_refused() -> None:
    data = bomb()
    assert len(data) < 200_000
    with pytest.raises(NotAPictureError):
        small_picture(data, "cover")


# --- the job ---------------------------------------------------------------------------------------------------------


def test_a_tracked_account_gets_copies_of_its_avatar_and_its_covers(
    acme: TenantRef, upstream: Caller, media: Path
) -> None:
    track_now(acme, clean_wish(handle=LENA, reason="own", tags=""))
    counted = UsageEvent.objects.count(), upstream.look("stats")
    assert run(acme).outcome == "ok"
    account = TrackedAccount.objects.get()
    covers = list(Post.objects.filter(deleted_at=None).values_list("cover_file", flat=True))
    assert is_file_of(acme.id, account.avatar_file) and len(covers) > 40
    assert all(is_file_of(acme.id, name) for name in covers)
    assert files_in(media) == sorted({account.avatar_file, *covers})
    with Image.open(media / account.avatar_file) as avatar, Image.open(media / covers[0]) as cover:
        assert (avatar.format, avatar.size, cover.size) == ("WEBP", (96, 96), (90, 160))
    assert (UsageEvent.objects.count(), upstream.look("stats")) == counted, "they cost nothing"


def test_the_covers_of_stories_are_copied_before_they_expire(
    lena: TrackedAccount, acme: TenantRef, pictures: PictureServer, noon: datetime, media: Path
) -> None:
    pictures.answers |= {"/story.png": (200, image((90, 160))), "/cover.png": (200, image((90, 160)))}
    page = [story(1, pictures.url("/story.png")), story(2, pictures.url("/gone.png")), story(3, "")]
    assert store_stories(lena.pk, page, measured_at=noon) == 3
    # The same number and the same picture as the story's: their files are two all the same.
    make_post(lena, pk=Story.objects.get(aweme_id="1").pk, cover_url=pictures.url("/cover.png"))
    assert run(acme).outcome == "ok"
    kept = dict(Story.objects.values_list("aweme_id", "cover_file"))
    assert is_file_of(acme.id, kept["1"]) and "/story/" in kept["1"] and (media / kept["1"]).exists()
    assert (kept["2"], kept["3"]) == ("", "") and Story.objects.get(aweme_id="2").cover_failures == 1
    assert Post.objects.get().cover_file not in ("", kept["1"])
    assert [row.cover_url for row in stories(lena.pk).live if row.aweme_id == "1"] == [f"/media/{kept['1']}"]


def test_new_stories_make_the_pictures_due(acme: TenantRef, upstream: Caller, noon: datetime) -> None:
    # Somebody who shows a story at this hour.
    account = make_account("chai_aur_asha", tiktok_user_id=upstream.account_id("chai_aur_asha"))
    later = noon + timedelta(days=5)
    make_job(account, "stories", cadence_s=3_600)
    make_job(account, "pictures", cadence_s=604_800)
    FetchJob.objects.filter(kind="pictures").update(next_due_at=later)
    [report] = fetch_now(acme, account.username, "stories")
    assert report.outcome == "ok" and Story.objects.exists()
    assert FetchJob.objects.get(kind="pictures").next_due_at < later


def test_the_key_is_sent_to_no_server_of_pictures(
    lena: TrackedAccount, acme: TenantRef, pictures: PictureServer
) -> None:
    assert run(acme).outcome == "ok"
    [(path, headers)] = pictures.asked
    assert path == "/avatar.png"
    assert headers.keys() == {"Accept", "Host", "User-Agent", "Accept-Encoding", "Connection"}
    assert "sim-shared-key" not in json.dumps(headers)


def test_a_second_run_fetches_and_writes_nothing(
    lena: TrackedAccount, acme: TenantRef, pictures: PictureServer, media: Path
) -> None:
    run(acme)
    lena.refresh_from_db()
    before = files_in(media)
    lena.avatar_url = pictures.url("/avatar.png", signature="another one, as with every answer")
    lena.save()
    assert run(acme).text == "0 new pictures"
    assert (len(pictures.asked), files_in(media)) == (1, before)


def test_a_new_avatar_replaces_the_old_one_whose_file_is_deleted(
    committed_db: Cast, noon: datetime, pictures: PictureServer, media: Path
) -> None:
    pictures.answers |= {"/1.png": (200, image(colour="red")), "/2.png": (200, image(colour="blue"))}
    with tenant_scope(committed_db.acme):
        account = make_account(LENA, avatar_url=pictures.url("/1.png"))
        make_job(account, "pictures", cadence_s=604_800)
        run(committed_db.acme)
        [old] = files_in(media)
        TrackedAccount.objects.update(avatar_url=pictures.url("/2.png"))
        run(committed_db.acme)
        [new] = files_in(media)
        assert old != new == TrackedAccount.objects.get().avatar_file


def test_a_new_avatar_that_cannot_be_had_leaves_the_old_one(
    lena: TrackedAccount, acme: TenantRef, pictures: PictureServer, media: Path
) -> None:
    run(acme)
    TrackedAccount.objects.update(avatar_url=pictures.url("/gone.png"))
    assert run(acme).text == "0 new pictures, 1 not to be had"
    lena.refresh_from_db()
    assert files_in(media) == [lena.avatar_file]


@pytest.mark.parametrize(
    "answer",
    [(404, b""), (403, image()), (200, b"<html>sign in</html>"), (200, b"x" * 6_000_000)],
    ids=["404", "403", "html", "too large"],
)
def test_a_picture_that_cannot_be_had_is_noted_and_fails_no_job_and_is_given_up_in_the_end(
    lena: TrackedAccount, acme: TenantRef, pictures: PictureServer, noon: datetime, answer: tuple[int, bytes]
) -> None:
    pictures.answers["/cover.png"] = answer
    post = make_post(lena, cover_url=pictures.url("/cover.png"))
    assert run(acme).text == "1 new picture, 1 not to be had"
    for hours in (1, 2, 21, 22, 42, 43, 64, 85, 106):
        with clock.at(noon + timedelta(hours=hours)):
            Post.objects.update(measured_at=clock.now())
            assert run(acme).outcome == "ok"
    post.refresh_from_db()
    assert (post.cover_file, post.cover_failures) == ("", 3)
    assert pictures.paths().count("/cover.png") == 3


def test_a_host_in_our_own_network_is_not_asked(
    lena: TrackedAccount, acme: TenantRef, pictures: PictureServer, settings: Any
) -> None:
    settings.PICTURE_HOSTS_TRUSTED = []
    assert run(acme).text == "0 new pictures, 1 not to be had"
    assert pictures.asked == []


def test_where_no_server_answers_the_job_fails_and_tries_again_and_in_the_end_lets_the_pictures_be(
    lena: TrackedAccount, acme: TenantRef, pictures: PictureServer
) -> None:
    pictures.answers["/avatar.png"] = (503, b"")
    for _ in range(2):
        report = run(acme)
        assert (report.outcome, "No picture could be fetched" in report.text) == ("no_answer", True)
    assert FetchJob.objects.get(kind="pictures").attempts == 2
    assert run(acme).text == "0 new pictures, 1 not to be had"
    job = FetchJob.objects.get(kind="pictures")
    assert (job.attempts, job.state, job.error) == (0, "active", "")


def test_a_server_that_is_silent_is_not_asked_for_all_it_has(
    lena: TrackedAccount, acme: TenantRef, pictures: PictureServer
) -> None:
    for number in range(20):
        pictures.answers[f"/{number}.png"] = (503, b"")
        make_post(lena, cover_url=pictures.url(f"/{number}.png"))
    pictures.answers["/avatar.png"] = (503, b"")
    assert run(acme).outcome == "no_answer"
    assert len(pictures.asked) == 5


def test_covers_that_were_read_days_ago_and_those_of_vanished_posts_are_not_asked_for(
    lena: TrackedAccount, acme: TenantRef, pictures: PictureServer, noon: datetime
) -> None:
    make_post(lena, cover_url=pictures.url("/old.png"), measured_at=noon - timedelta(days=2))
    make_post(lena, cover_url=pictures.url("/gone.png"), deleted_at=noon)
    make_post(lena, cover_url="")
    run(acme)
    assert pictures.paths() == ["/avatar.png"]


def test_a_full_disk_fails_the_job_with_a_sentence(lena: TrackedAccount, acme: TenantRef, media: Path) -> None:
    media.write_text("where the folder should be")
    report = run(acme)
    assert report.outcome == "unavailable" and "The folder of pictures takes no file" in report.text


def test_a_run_asks_a_few_statements_however_many_pictures_it_fetches(
    lena: TrackedAccount, acme: TenantRef, pictures: PictureServer
) -> None:
    for number in range(30):
        pictures.answers[f"/{number}.png"] = (200, image(colour=f"hsl({number * 10}, 50%, 50%)"))
        make_post(lena, cover_url=pictures.url(f"/{number}.png"))
    statements = statements_of(lambda: run(acme))
    assert Post.objects.exclude(cover_file="").count() == 30
    assert_at_most(20, statements)
    assert len([sql for sql in statements if "cover_file = found.file" in sql]) == 1


# --- when ------------------------------------------------------------------------------------------------------------


def test_every_account_of_every_plan_has_the_job_and_none_has_it_twice(cast: Cast, noon: datetime) -> None:
    for tenant in cast.tenants:
        with tenant_scope(tenant):
            account = make_account()
            make_missing_jobs(tenant)
            make_missing_jobs(tenant)
            [job] = FetchJob.objects.filter(kind="pictures")
            assert (job.account_id, job.cadence_s, job.next_due_at) == (account.pk, 604_800, noon)
            assert job.queue != "interactive" and job.priority < 0


def test_new_posts_and_a_new_avatar_make_the_job_due_and_known_ones_do_not(acme: TenantRef, upstream: Caller) -> None:
    track_now(acme, clean_wish(handle=LENA, reason="own", tags=""))
    job = FetchJob.objects.filter(kind="pictures")
    assert [report.outcome for report in drain(acme) if report.kind == "pictures"] == ["ok"]
    assert job.get().next_due_at > clock.now() + timedelta(days=5)
    with clock.at(clock.now() + timedelta(minutes=20)):
        fetch_now(acme, LENA)
        assert job.get().next_due_at > clock.now() + timedelta(days=5), "all are known, whatever their signatures"
        Post.objects.order_by("-posted_at")[0].delete()
        fetch_now(acme, LENA, "posts")
        assert (job.get().next_due_at, job.get().priority) == (clock.now(), -10)
        job.update(next_due_at=clock.now() + timedelta(days=5))
        TrackedAccount.objects.update(avatar_source="/another/picture")
        fetch_now(acme, LENA, "profile")
        assert job.get().next_due_at == clock.now()


def test_a_job_that_somebody_paused_is_not_made_due(acme: TenantRef, upstream: Caller) -> None:
    track_now(acme, clean_wish(handle=LENA, reason="own", tags=""))
    later = clock.now() + timedelta(days=1)
    FetchJob.objects.filter(kind="pictures").update(state="paused", next_due_at=later)
    fetch_now(acme, LENA, "profile")
    assert FetchJob.objects.get(kind="pictures").next_due_at == later


# --- on pages --------------------------------------------------------------------------------------------------------


@pytest.fixture
def shown(lena: TrackedAccount, acme: TenantRef, pictures: PictureServer) -> TrackedAccount:
    pictures.answers["/cover.png"] = (200, image((90, 160)))
    make_post(lena, cover_url=pictures.url("/cover.png"))
    make_post(lena, cover_url=pictures.url("/missing.png"))
    run(acme)
    lena.refresh_from_db()
    return lena


def test_pages_show_our_copies_and_never_an_address_of_the_upstream(
    cast: Cast, shown: TrackedAccount, pictures: PictureServer
) -> None:
    browser = browser_of(cast.ana, "acme.localhost")
    listed = browser.get("/accounts/").content.decode()
    page = browser.get(f"/accounts/{shown.pk}/").content.decode()
    [cover] = Post.objects.exclude(cover_file="").values_list("cover_file", flat=True)
    avatar = f'<img src="/media/{shown.avatar_file}" alt="" width="{{side}}" height="{{side}}" loading="lazy"'
    assert avatar.format(side=40) in listed and avatar.format(side=64) in page
    assert f'<img src="/media/{cover}" alt="" width="36" height="48" loading="lazy"' in page
    assert page.count("/media/") == 2, "what has no copy has its sign"
    assert pictures.host not in listed + page


def test_a_member_gets_the_file_for_good(cast: Cast, shown: TrackedAccount, media: Path) -> None:
    answer = browser_of(cast.max, "acme.localhost").get(f"/media/{shown.avatar_file}")
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content) == (media / shown.avatar_file).read_bytes()
    assert answer["Content-Type"] == "image/webp" and answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"


def test_a_picture_costs_no_statement_beyond_those_of_the_log_in(cast: Cast, shown: TrackedAccount) -> None:
    browser = browser_of(cast.ana, "acme.localhost")
    assert_at_most(2, statements_of(lambda: browser.get(f"/media/{shown.avatar_file}")))


def test_nobody_else_gets_it_on_any_host(cast: Cast, shown: TrackedAccount) -> None:
    address = f"/media/{shown.avatar_file}"
    for person, host in ((cast.rita, "rival"), (cast.rita, "acme"), (cast.nora, "acme"), (cast.gil, "globex")):
        assert browser_of(person, f"{host}.localhost").get(address).status_code == 404
    assert Client(headers={"host": "localhost"}).get(address).status_code == 404
    anonymous = Client(headers={"host": "acme.localhost"}).get(address)
    assert anonymous.status_code == 302 and anonymous["Location"].startswith("/log-in/")


@pytest.mark.parametrize(
    "name",
    [
        "../settings.py",
        "..%2f..%2fetc/passwd",
        "pictures/{id}/../{rival}/avatar/ab/{hash}.webp",
        "pictures/{id}/avatar/ab/%2e%2e/{hash}.webp",
        "pictures/0{id}/avatar/ab/{hash}.webp",
        "pictures/{id}/avatar/ab/{hash}.webp%00",
        "pictures/{id}/avatar/ab/{hash}.webp%0a",
        "pictures/{id}/avatar/ab/{hash}.svg",
        "pictures/{id}/other/ab/{hash}.webp",
        "pictures/{rival}/avatar/ab/{hash}.webp",
        "pictures/{id}/avatar/ab",
        "/etc/passwd",
        "pictures/{id}/avatar/ab/" + 40 * "f" + ".webp",
    ],
)
def test_any_other_name_does_not_exist(cast: Cast, shown: TrackedAccount, name: str) -> None:
    keep_file(f"pictures/{cast.rival.id}/avatar/ab/{40 * 'a'}.webp", image())
    path = name.replace("{id}", str(cast.acme.id)).replace("{rival}", str(cast.rival.id)).replace("{hash}", 40 * "a")
    assert browser_of(cast.ana, "acme.localhost").get(f"/media/{path}").status_code == 404


# --- a bucket --------------------------------------------------------------------------------------------------------


def test_with_a_bucket_files_go_there_and_members_are_sent_to_a_signed_address(
    cast: Cast, lena: TrackedAccount, acme: TenantRef, pictures: PictureServer, settings: Any, monkeypatch: Any
) -> None:
    from tikdash import media as media_settings

    values = {"BUCKET": "pics", "ENDPOINT": f"http://{pictures.host}", "ACCESS_KEY": "a", "SECRET_KEY": "of-the-bucket"}
    for name, value in values.items():
        monkeypatch.setenv(f"MEDIA_S3_{name}", value)
    settings.STORAGES = settings.STORAGES | {"default": media_settings.storage()}
    settings.MEDIA_ORIGIN = media_settings.origin()
    answers = pictures.answers

    class Everything(dict[str, tuple[int, bytes]]):
        def get(self, path: str, default: Any = None) -> Any:
            return answers.get(path) or ((200, b"") if path.startswith("/pics/") else default)

    pictures.answers = Everything()
    assert run(acme).text == "1 new picture"
    lena.refresh_from_db()
    assert pictures.paths()[-1] == f"/pics/{lena.avatar_file}"
    answer = browser_of(cast.ana, "acme.localhost").get(f"/media/{lena.avatar_file}")
    assert answer.status_code == 302
    assert answer["Location"].startswith(f"http://{pictures.host}/pics/{lena.avatar_file}?X-Amz-Algorithm=AWS4")
    assert answer["Cache-Control"] == "private, max-age=3000" and "of-the-bucket" not in answer["Location"]
    assert default_storage.url("x") != default_storage.url("y")
