"""Where files are kept: a folder of this machine, or a bucket of S3 where one is named.

Two storages: our copies of pictures, which browsers may be sent to, and exports, which only a view gives out.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from tikdash.env import env
from tikdash.redaction import hide

#: How long an address that the bucket was asked for may be used, s.
SIGNED_FOR_S = 3600


def storage() -> dict[str, Any]:
    """The default storage as Django's STORAGES has it.

    Raises ImproperlyConfigured where a bucket is named and the library that speaks to it is not installed.
    """
    bucket = env.str("MEDIA_S3_BUCKET", default="")
    if not bucket:
        # A name holds a digest of the content: writing it again is no loss.
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"allow_overwrite": True},
        }
    if find_spec("storages") is None or find_spec("boto3") is None:
        raise ImproperlyConfigured(
            'MEDIA_S3_BUCKET is set, but the library for S3 is not installed: pip install "django-storages[s3]".'
        )
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": _options(bucket)}


def private_storage(folder: str) -> dict[str, Any]:
    """The storage of exports: a folder that nothing serves, or a part of the bucket that no page names."""
    bucket = env.str("MEDIA_S3_BUCKET", default="")
    if not bucket:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": folder, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
        }
    options = _options(bucket) | {"location": "exports", "object_parameters": {"CacheControl": "private, no-store"}}
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


def origin() -> str:
    """The origin from which browsers get the pictures of a bucket, for the content policy; empty for a folder."""
    if not env.str("MEDIA_S3_BUCKET", default=""):
        return ""
    parts = urlsplit(_endpoint())
    return f"{parts.scheme}://{parts.netloc}"


def _endpoint() -> str:
    endpoint = env.str("MEDIA_S3_ENDPOINT", default="") or f"https://s3.{_region()}.amazonaws.com"
    if urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).netloc:
        raise ImproperlyConfigured("MEDIA_S3_ENDPOINT must be an address such as https://s3.eu-west-1.amazonaws.com.")
    return endpoint


def _region() -> str:
    return str(env.str("MEDIA_S3_REGION", default="us-east-1"))


def _options(bucket: str) -> dict[str, Any]:
    from botocore.config import Config

    secret_key = env.str("MEDIA_S3_SECRET_KEY", default="")
    hide(secret_key)
    return {
        "bucket_name": bucket,
        "endpoint_url": _endpoint(),
        "region_name": _region(),
        # Unset, the SDK looks for the machine's own role.
        "access_key": env.str("MEDIA_S3_ACCESS_KEY", default="") or None,
        "secret_key": secret_key or None,
        "default_acl": None,
        "file_overwrite": True,
        "querystring_auth": True,
        "querystring_expire": SIGNED_FOR_S,
        "object_parameters": {"CacheControl": "private, max-age=31536000, immutable"},
        # The bucket in the path, so that every picture comes from one origin. A worker does not wait for minutes.
        "client_config": Config(
            s3={"addressing_style": "path"},
            signature_version="s3v4",
            connect_timeout=3,
            read_timeout=20,
            retries={"max_attempts": 2},
        ),
    }
