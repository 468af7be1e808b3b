"""The bare side of the bench `api` for gunicorn, whose environment names `tests.bench.bare_settings`."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
