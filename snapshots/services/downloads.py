"""The video file of a post: links that are fetched at the click, given to the person who asked, and kept nowhere."""

from __future__ import annotations

from accounts.selectors import TenantRef
from accounts.services.pausing import refuse_while_paused
from snapshots.analytics.all_posts import one_post
from snapshots.models import Post
from tikdash import clock
from tikdash.errors import BadInput
from tikdash.tiklive.client import Client, client_for
from tikdash.tiklive.endpoints import DOWNLOAD_VIDEO
from tikdash.tiklive.errors import BadPayload, EntityNotFound, Forbidden, PrivateEntity
from tikdash.tiklive.shapes import DownloadLinks
from tikdash.tiklive.transport import Timeouts
from tikdash.words import gettext

#: Somebody waits in front of a page, and a process of the web with them.
PATIENCE = Timeouts(connect_s=3.0, read_s=10.0)


def video_links(*, tenant: TenantRef, post_id: int) -> DownloadLinks:
    """Fresh links to the video of a post, for one credit; for two where a key's plan has no downloads and the post's
    detail has to name them.

    Raises NotFound for a post that is not here, BadInput where there is no video, FetchingPaused, and what the upstream
    says where it gives none.
    """
    row = one_post(tenant_id=tenant.id, post_id=post_id)
    if row.post.kind == Post.Kind.PHOTO:
        raise BadInput(gettext("This post is made of photos; there is no video in it."))
    refuse_while_paused(tenant)
    client = client_for(
        tenant.id,
        feature=DOWNLOAD_VIDEO.feature,
        priority="interactive",
        fresh_since=clock.now(),
        timeouts=PATIENCE,
    )
    try:
        return _ask(client, row.post.tiktok_url)
    except EntityNotFound:
        raise BadInput(gettext("TikTok does not have this post any more, and its video neither.")) from None
    except PrivateEntity:
        raise BadInput(gettext("This post is private on TikTok: its video cannot be fetched.")) from None


def _ask(client: Client, url: str) -> DownloadLinks:
    try:
        return client.download_video(url)
    except (Forbidden, BadPayload):
        detail = client.post_detail(url)
    links = DownloadLinks(_address(detail.play), _address(detail.hdplay))
    if links == DownloadLinks():
        raise BadInput(gettext("TikTok gives no link to this video at present. Try again later."))
    return links


def _address(text: str | None) -> str | None:
    # It stands in a page, where an address of another kind could run as a script.
    return text if text and text.lower().startswith(("https://", "http://")) else None
