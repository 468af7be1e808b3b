"""Settings of the bare side of the bench `api`: no middleware, Django's own backend, a role that no policy binds."""

from psycopg.conninfo import conninfo_to_dict

from tikdash.settings import *  # noqa: F403
from tikdash.settings import DATABASE_ADMIN_URL, DATABASES, SHARED_SCHEMA

INSTALLED_APPS = ["rest_framework"]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "tests.bench.bare_api"
WSGI_APPLICATION = "tests.bench.bare_wsgi.application"
_administrator = conninfo_to_dict(DATABASE_ADMIN_URL)
DATABASES = {
    "default": DATABASES["default"]
    | {
        "ENGINE": "django.db.backends.postgresql",
        "USER": _administrator["user"],
        "PASSWORD": _administrator["password"],
        "OPTIONS": {
            name: value for name, value in DATABASES["default"]["OPTIONS"].items() if name != "prepare_threshold"
        }
        | {"options": f"-c search_path={SHARED_SCHEMA},public"},
    }
}
