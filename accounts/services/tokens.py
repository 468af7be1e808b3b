"""API tokens: shown once, verified in constant time, rotated with an overlap, revoked, found when they leak."""

from __future__ import annotations

import hmac
import re
import secrets
import string
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256, sha512
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import ApiToken, Tenant
from accounts.selectors import StoredToken, TenantRef, token_with
from accounts.services.auditing import Actor, Target, current_actor, record
from accounts.token_scopes import SCOPES, WRITE, allows, without_writing
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.errors import BadInput, LimitReached, NotFound, TikdashError
from tikdash.plans import limits_of, plan_service
from tikdash.redaction import hide
from tikdash.tiklive.text import clean_text

PREFIX = "tkd"
KEY_LENGTH, SECRET_LENGTH = 12, 40
SHAPE = re.compile(rf"{PREFIX}_([a-z0-9]{{{KEY_LENGTH}}})(?:_([A-Za-z0-9]{{{SECRET_LENGTH}}}))?(?![A-Za-z0-9])")
#: Last use is written so often at most.
LAST_USE_WITHIN = timedelta(minutes=1)
MOST_TOKENS, LONGEST_NAME, MOST_TAGS, MOST_NETWORKS = 50, 80, 20, 20
LONGEST_OVERLAP = timedelta(days=7)
LONGEST_LIFE = timedelta(days=3660)
#: A form that is sent again so soon shows the token that it made.
SHOWN_AGAIN_WITHIN = timedelta(minutes=10)


class BadToken(TikdashError):
    """No token, or none that is good; unless the secret was right the sentence does not say why."""

    code = "bad_token"
    status = 401
    message = "This API token is not valid."


class TokenNotAllowed(TikdashError):
    """The token is good, but not for this."""

    code = "token_not_allowed"
    status = 403
    message = "This API token does not allow this."


@dataclass(frozen=True)
class TokenIdentity:
    """Who asks with a token. `tags` limit it to accounts that have one of them; empty: all.

    `is_moving` while the tenant's rows are moved, and nothing can be written; `is_closing` while the workspace is going
    to be deleted: then its scopes are those to read.
    """

    tenant: TenantRef
    token_id: int
    key: str
    name: str
    scopes: frozenset[str]
    tags: tuple[str, ...]
    is_moving: bool = False
    is_closing: bool = False

    def may(self, resource: str, access: str) -> bool:
        """Whether its scopes cover it."""
        return allows(self.scopes, resource, access)

    def refuse_unless(self, resource: str, access: str) -> None:
        """Raises TokenNotAllowed with the scope that is missing."""
        if self.is_closing and access == WRITE:
            raise TokenNotAllowed(_("This workspace is going to be deleted. Until then it is read-only."))
        if not self.may(resource, access):
            raise TokenNotAllowed(f"This API token lacks the scope {resource}:{access}.", scope=f"{resource}:{access}")

    @property
    def actor(self) -> Actor:
        """For the audit log."""
        return Actor("token", self.token_id, f"{self.name} ({PREFIX}_{self.key})")


@dataclass(frozen=True)
class NewToken:
    """A token that was just made; `raw` is shown once and kept nowhere."""

    id: int
    raw: str


@dataclass(frozen=True)
class FoundToken:
    """A token that was found somewhere it should not be. `is_whole` where its secret was there, too, and right."""

    id: int
    tenant: str
    tenant_id: int
    name: str
    key: str
    is_whole: bool
    created_at: datetime
    last_used_at: datetime | None
    state: str


def create_token(
    *,
    tenant: TenantRef,
    name: str,
    scopes: Collection[str],
    tags: Sequence[str] = (),
    networks: Sequence[str] = (),
    expires_at: datetime | None = None,
    once: str = "",
) -> NewToken:
    """Makes a token. Raises BadInput with the field that is wrong, LimitReached where there are too many.

    `once` names the form that was sent: sent twice, within ten minutes, it makes one token and shows it both times.
    """
    name = " ".join(clean_text(name).split())
    if not name or len(name) > LONGEST_NAME:
        raise BadInput(_("Name the token after what uses it, in at most 80 characters."), field="name")
    if not scopes or not set(scopes) <= SCOPES:
        raise BadInput(_("Choose what the token may do."), field="scopes")
    tags = list(dict.fromkeys(tag for tag in (clean_text(one).strip() for one in tags) if tag))
    if len(tags) > MOST_TAGS or any(len(tag) > 40 for tag in tags):
        raise BadInput(_("Name at most 20 tags of at most 40 characters."), field="tags")
    now = clock.now()
    if expires_at is not None and not now < expires_at <= now + LONGEST_LIFE:
        raise BadInput(_("Choose an end that lies ahead."), field="expires")
    with tenant_scope(tenant), transaction.atomic():
        # One after the other: two at once would not count, nor know, each other.
        Tenant.objects.select_for_update().get(pk=tenant.id)
        if same := _made_with(tenant, once):
            return same
        plan_service().require(tenant, "api")
        if ApiToken.objects.filter(revoked_at__isnull=True).count() >= MOST_TOKENS:
            raise LimitReached(_("A workspace has at most 50 tokens. Revoke one that nobody uses."))
        token, raw = _made(tenant, name, sorted(set(scopes)), tags, _networks(networks), expires_at, once)
        facts = {"scopes": token.scopes, "tags": tags, "networks": token.networks, "expires_at": expires_at}
        record("token.created", target=_target(token), after=facts)
    return NewToken(token.pk, raw)


def rotate_token(*, tenant: TenantRef, token_id: int, overlap: timedelta, once: str = "") -> NewToken:
    """Another token in place of this one, which works on for `overlap`; `once` as in `create_token`.

    Raises NotFound, BadInput.
    """
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise BadInput(_("The old token may work on for at most 7 days."), field="overlap")
    with tenant_scope(tenant), transaction.atomic():
        Tenant.objects.select_for_update().get(pk=tenant.id)
        if same := _made_with(tenant, once):
            return same
        old = _usable(token_id)
        if old.replaced_by_id is not None:
            raise BadInput(_("This token has been replaced already."))
        token, raw = _made(tenant, old.name, old.scopes, old.tags, old.networks, old.expires_at, once)
        until = clock.now() + overlap
        old.replaced_by = token
        old.expires_at = min(old.expires_at, until) if old.expires_at else until
        old.save(update_fields=["replaced_by", "expires_at"])
        record("token.rotated", target=_target(old), after={"until": old.expires_at, "new": f"{PREFIX}_{token.key}"})
    return NewToken(token.pk, raw)


def revoke_token(*, tenant: TenantRef, token_id: int, reason: str = "") -> None:
    """The token is refused from now on. Twice: nothing changes. Raises NotFound."""
    with tenant_scope(tenant), transaction.atomic():
        token = ApiToken.objects.select_for_update().filter(pk=token_id).first()
        if token is None:
            raise _unknown()
        if token.revoked_at is not None:
            return
        token.revoked_at, token.revoked_reason = clock.now(), clean_text(reason)[:200]
        token.save(update_fields=["revoked_at", "revoked_reason"])
        record("token.revoked", target=_target(token), reason=reason)


def authenticate(raw: str, ip: str) -> TokenIdentity:
    """Whose token it is that came from the address `ip`.

    Raises BadToken, TokenNotAllowed for a good one from an address that it is not for, and NotInPlan.
    An unknown key takes as long as a wrong secret.
    """
    found = SHAPE.fullmatch(raw)
    key, secret = (found[1], found[2] or "") if found else ("", raw[:100])
    token = token_with(key)
    pepper = _peppers().get(token.pepper_id) if token else None
    digest = _digest(pepper or _any_pepper(), key, secret)
    is_right = hmac.compare_digest(digest, token.digest if token else "0" * 64)
    if token is None or pepper is None or not is_right:
        raise BadToken
    return _identity(token, ip)


def authenticate_link(token_id: int, ip: str) -> TokenIdentity:
    """Who asks with a link that a token has signed, from the address `ip`: it is as good as the token is now.

    Raises as `authenticate`.
    """
    with all_tenants():
        key = ApiToken.objects.filter(pk=token_id).values_list("key", flat=True).first()
    token = token_with(key) if key else None
    if token is None:
        raise BadToken
    return _identity(token, ip)


def _identity(token: StoredToken, ip: str) -> TokenIdentity:
    now = clock.now()
    if token.revoked_at is not None:
        raise BadToken("This API token has been revoked.")
    if token.expires_at is not None and token.expires_at <= now:
        raise BadToken("This API token has expired.")
    if token.networks and not _is_from(ip, token.networks):
        raise TokenNotAllowed("This API token may not be used from this address.")
    tenant, is_closing = token.tenant, token.is_closing
    with tenant_scope(tenant):
        if "api" not in limits_of(tenant).features:
            # A token outlives a smaller plan, and works again with a larger one.
            plan_service().require(tenant, "api")
        if token.last_used_at is None or token.last_used_at <= now - LAST_USE_WITHIN:
            ApiToken.objects.filter(pk=token.id).update(last_used_at=now)
    return TokenIdentity(
        tenant, token.id, token.key, token.name,
        without_writing(token.scopes) if is_closing else frozenset(token.scopes), tuple(token.tags),
        is_moving=token.is_moving, is_closing=is_closing,
    )  # fmt: skip


def find_tokens(text: str) -> list[FoundToken]:
    """Tokens that stand in a text, such as a leaked file, of all tenants; by their key alone, if need be."""
    seen: dict[str, str] = {}
    for match in SHAPE.finditer(text):
        seen[match[1]] = seen.get(match[1]) or match[2] or ""
    with all_tenants():
        tokens = list(ApiToken.objects.filter(key__in=list(seen)).select_related("tenant").order_by("created_at"))
    return [_found(token, seen[token.key]) for token in tokens]


def _found(token: ApiToken, secret: str) -> FoundToken:
    pepper = _peppers().get(token.pepper_id)
    is_whole = bool(secret and pepper) and hmac.compare_digest(_digest(pepper or b"", token.key, secret), token.digest)
    return FoundToken(
        token.pk, token.tenant.slug, token.tenant_id, token.name, token.key, is_whole, token.created_at,
        token.last_used_at, state_of(token),
    )  # fmt: skip


def state_of(token: ApiToken) -> str:
    """`revoked`, `expired`, `replaced` (works on for a while) or `active`."""
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at is not None and token.expires_at <= clock.now():
        return "expired"
    return "replaced" if token.replaced_by_id is not None else "active"


def _made(
    tenant: TenantRef,
    name: str,
    scopes: list[str],
    tags: list[str],
    networks: list[str],
    expires_at: datetime | None,
    once: str,
) -> tuple[ApiToken, str]:
    pepper_id, pepper = next(iter(_peppers().items()))
    key, secret = _drawn(pepper, tenant.id, once or secrets.token_hex(32))
    actor = current_actor()
    token = ApiToken.objects.create(
        tenant_id=tenant.id,
        name=name,
        key=key,
        pepper_id=pepper_id,
        digest=_digest(pepper, key, secret),
        scopes=scopes,
        tags=tags,
        networks=networks,
        expires_at=expires_at,
        created_at=clock.now(),
        created_by_id=actor.id if actor.kind == "user" else None,
        form_hash=_hash_of_form(once),
    )
    return token, f"{PREFIX}_{key}_{secret}"


def _made_with(tenant: TenantRef, once: str) -> NewToken | None:
    """The token that this very form has made a moment ago, to be shown once more: the first answer may be lost."""
    token = ApiToken.objects.filter(form_hash=_hash_of_form(once)).first() if once else None
    if token is None:
        return None
    pepper = _peppers().get(token.pepper_id)
    if pepper is None or token.revoked_at is not None or token.created_at < clock.now() - SHOWN_AGAIN_WITHIN:
        raise BadInput(_("This form has made its token already: it is in the list. Open the page anew for another."))
    key, secret = _drawn(pepper, tenant.id, once)
    return NewToken(token.pk, f"{PREFIX}_{key}_{secret}")


def _drawn(pepper: bytes, tenant_id: int, seed: str) -> tuple[str, str]:
    """Key and secret of a token from a seed that nobody can guess, which only whoever has the pepper can repeat."""
    key, secret = (
        hmac.new(pepper, f"{part}\n{tenant_id}\n{seed}".encode(), sha512).digest() for part in ("key", "secret")
    )
    small = _written(key, string.ascii_lowercase + string.digits, KEY_LENGTH)
    large = _written(secret, string.ascii_letters + string.digits, SECRET_LENGTH)
    hide(large)
    return small, large


def _written(digest: bytes, letters: str, length: int) -> str:
    """So many letters of 512 random bits, of which they take 240 at most."""
    number, written = int.from_bytes(digest), ""
    for _each in range(length):
        number, place = divmod(number, len(letters))
        written += letters[place]
    return written


def _hash_of_form(once: str) -> str:
    return sha256(once.encode("utf-8", "replace")).hexdigest() if once else ""


def _usable(token_id: int) -> ApiToken:
    token = ApiToken.objects.select_for_update(of=("self",)).filter(pk=token_id, revoked_at__isnull=True).first()
    if token is None or (token.expires_at is not None and token.expires_at <= clock.now()):
        raise _unknown()
    return token


def _networks(typed: Sequence[str]) -> list[str]:
    try:
        found = [str(ip_network(one.strip(), strict=False)) for one in typed if one.strip()]
    except ValueError:
        raise BadInput(
            _("Write addresses such as 203.0.113.7 or 203.0.113.0/24, with commas between them."), field="networks"
        ) from None
    if len(found) > MOST_NETWORKS:
        raise BadInput(_("Name at most 20 addresses."), field="networks")
    return list(dict.fromkeys(found))


def _is_from(ip: str, networks: Sequence[str]) -> bool:
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    # A server that listens on IPv6 sees IPv4 callers as `::ffff:…`.
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in ip_network(network) for network in networks)


def _digest(pepper: bytes, key: str, secret: str) -> str:
    return hmac.new(pepper, f"{key}_{secret}".encode("utf-8", "replace"), sha256).hexdigest()


def _peppers() -> dict[str, bytes]:
    """By id; the first one is used for new tokens."""
    return {name: pepper.encode() for name, pepper in settings.TOKEN_PEPPERS.items()}


def _any_pepper() -> bytes:
    return next(iter(_peppers().values()))


def _target(token: ApiToken) -> Target:
    return Target("token", token.pk, f"{token.name} ({PREFIX}_{token.key})")


def _unknown() -> NotFound:
    return NotFound(_("There is no such token that works."))
