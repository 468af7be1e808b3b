"""Settings. Every variable is listed in `.env.example`; values come through `tikdash.env`."""

from __future__ import annotations

from pathlib import Path
from secrets import token_urlsafe
from urllib.parse import urlsplit

from celery.schedules import crontab
from cryptography.fernet import Fernet
from csp.constants import NONE, SELF
from django.templatetags.static import static

from tikdash import logging as tikdash_logging
from tikdash import media
from tikdash.crypto import checked_fernet_keys
from tikdash.env import EMBEDDED, ROOT, VAR, database, env, make_directory_of_metrics, peppers, secret, time_of_day
from tikdash.redaction import hide

# --- machine ---------------------------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = secret("SECRET_KEY")
#: Former ones: they still open what they sealed and sessions that they signed.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
PORT = env.int("PORT", default=8000)
BASE_DOMAIN = env.str("BASE_DOMAIN", default="localhost")
#: Tenants may bring domains of their own, so the list that counts is the table `domains`: `TenantMiddleware` answers
#: 404 to any other host before anything else looks at the request.
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS_PROXY else None
SECURE_SSL_REDIRECT = BEHIND_TLS_PROXY
#: Balancers ask for the health over plain http.
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
#: Browsers do not come over plain http again, on no host below ours.
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000) if BEHIND_TLS_PROXY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = BEHIND_TLS_PROXY
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = BEHIND_TLS_PROXY
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
#: A browser takes a cookie with this prefix from the very host only: no workspace can plant one for its neighbours.
SESSION_COOKIE_NAME = "__Host-session" if BEHIND_TLS_PROXY else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrf" if BEHIND_TLS_PROXY else "csrftoken"
#: The longest request that is read at all, files included; forms have Django's own limit on top.
MOST_REQUEST_BYTES = env.int("MOST_REQUEST_BYTES", default=5_000_000)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- apps ------------------------------------------------------------------------------------------------------------

SHARED_APPS = [
    "tikdash.apps.TikdashConfig",
    # Before django_tenants, whose own front page of the admin expects a tenant on every host.
    "unfold",
    "unfold.contrib.filters",
    "django_tenants",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_celery_beat",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "accounts",
    "billing",
]
TENANT_APPS = ["snapshots"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]

TENANT_MODEL = "accounts.Shard"
TENANT_DOMAIN_MODEL = "accounts.Domain"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
    "tikdash.preferences.LanguageMiddleware",
    "tikdash.middleware.ErrorMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tikdash.compression.CompressionMiddleware",
    # What lies under /api/ comes no further.
    "tikdash.api_door.ApiMiddleware",
    "tikdash.middleware.HealthMiddleware",
    "tikdash.middleware.RequestSizeMiddleware",
    "tikdash.middleware.TenantMiddleware",
    "tikdash.middleware.RequestLogMiddleware",
    "csp.middleware.CSPMiddleware",
    "tikdash.middleware.TenantSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tikdash.preferences.PreferencesMiddleware",
    "tikdash.middleware.LookMiddleware",
    "tikdash.middleware.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "tikdash.middleware.MembershipMiddleware",
    "tikdash.middleware.AdminScopeMiddleware",
    "tikdash.middleware.FormStatusMiddleware",
]
ROOT_URLCONF = "tikdash.urls_public"
TENANT_URLCONF = "tikdash.urls"
WSGI_APPLICATION = "tikdash.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "tikdash.ui.folding.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tikdash.context.workspace",
            ],
            "builtins": ["tikdash.templatetags.ui"],
        },
    }
]

# --- database --------------------------------------------------------------------------------------------------------

DATABASES = {"default": database()}
DATABASES["default"] |= {
    "ENGINE": "tikdash.db.backend",
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": DATABASES["default"].get("OPTIONS", {})
    | {
        "connect_timeout": 5,
        # Django's own cursors never prepare; this is for the few statements that `tikdash.db.backend` prepares.
        "prepare_threshold": 5,
        "pool": {
            "min_size": 1,
            "max_size": env.int("DATABASE_POOL", default=12),
            "timeout": 5,
            "max_idle": 120,
            "reconnect_timeout": 5,
        },
    },
}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
#: An administrator's log-in, read by `init_db` only.
DATABASE_ADMIN_URL = env.str("DATABASE_ADMIN_URL", default="")

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "tikdash",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
}

# --- tenancy ---------------------------------------------------------------------------------------------------------

SHARED_SCHEMA = "shared"
PARTITIONS_AHEAD_MONTHS = env.int("PARTITIONS_AHEAD_MONTHS", default=3)
#: Raw readings are kept so long where no plan says longer; daily rows are kept for good.
READINGS_KEPT_DAYS = env.int("READINGS_KEPT_DAYS", default=90)
USAGE_KEPT_MONTHS = env.int("USAGE_KEPT_MONTHS", default=24)
#: What a workspace goes on with when its trial is over and nobody chose a plan.
PLAN_AFTER_TRIAL = env.str("PLAN_AFTER_TRIAL", default="free")
AUDIT_KEPT_MONTHS = env.int("AUDIT_KEPT_MONTHS", default=36)
#: Every night the rollups of so many days are compared with their events.
ROLLUP_COMPARED_DAYS = env.int("ROLLUP_COMPARED_DAYS", default=3)

#: How long a workspace that is to be deleted can still be had back, days.
DELETION_GRACE_DAYS = env.int("DELETION_GRACE_DAYS", default=14)

# --- people ----------------------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.web.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
#: An address is confirmed with a code, in the window where it was typed, before anything opens.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
#: Changes of password, address and second factor are told by mail.
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_RATE_LIMITS = {
    "login": env.str("LOGIN_RATE_LIMIT", default="30/m/ip"),
    "login_failed": env.str("LOGIN_FAILED_RATE_LIMIT", default="10/m/ip,5/5m/key"),
    "signup": env.str("SIGN_UP_RATE_LIMIT", default="20/h/ip"),
    "suggest_address": "60/m/ip",
    "join": "30/m/ip",
    "invite": env.str("INVITE_RATE_LIMIT", default="30/h/user"),
}
#: How many proxies in front of us write X-Forwarded-For; 0 believes only the connection's own address.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=0)
ACCOUNT_FORMS = {"login": "accounts.web.forms.LogInForm", "signup": "accounts.web.sign_up_forms.SignUpForm"}
#: Whether strangers may sign up.
SIGN_UP_OPEN = env.bool("SIGN_UP_OPEN", default=True)
#: How many workspaces on trial a person may own, and how long an invitation is good.
TRIALS_PER_PERSON = env.int("TRIALS_PER_PERSON", default=3)
INVITATION_DAYS = env.int("INVITATION_DAYS", default=7)
MFA_FORMS = {"add_webauthn": "accounts.web.forms.AddPasskeyForm"}
MFA_ADAPTER = "accounts.web.second_factor.SecondFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Tikdash"
#: Clocks of phones may be half a minute off.
MFA_TOTP_TOLERANCE = 1

EMAIL_CONFIG = env.email("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="Tikdash <tikdash@localhost>")

# --- language and time -----------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
#: Each has a catalogue in `tikdash/locale` and a row in `tikdash.ui.styles`.
LANGUAGES = [("en", "English"), ("fr", "Français")]
LOCALE_PATHS = [ROOT / "tikdash" / "locale"]
FORMAT_MODULE_PATH = "tikdash.formats"
LANGUAGE_COOKIE_AGE = 365 * 86_400
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- files -----------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(VAR / "static")))
STATICFILES_DIRS = [ROOT / "tikdash" / "static"]
#: Exports, where no bucket is named; shared by all machines that run web or workers, and served by nothing.
EXPORTS_ROOT = env.str("EXPORTS_ROOT", default=str(VAR / "exports"))
STORAGES = {
    "default": media.storage(),
    "exports": media.private_storage(EXPORTS_ROOT),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = False
#: Copies of pictures, where no bucket is named; shared by all machines that run web or workers.
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(VAR / "media")))
MEDIA_URL = "/media/"
#: Where browsers are sent for a picture that is kept in a bucket.
MEDIA_ORIGIN = media.origin()

# --- upstream --------------------------------------------------------------------------------------------------------

#: On a development machine the simulator, so that nobody spends credits by accident.
TIKLIVE_BASE_URL = env.str(
    "TIKLIVE_BASE_URL", default="http://127.0.0.1:8100" if EMBEDDED else "https://api.tikliveapi.com"
)
TIKLIVE_KEY = env.str("TIKLIVE_KEY", default="sim-shared-key" if EMBEDDED else "")
hide(TIKLIVE_KEY)
#: What the upstream allows the platform's key: requests a minute, and requests under way at a time.
TIKLIVE_KEY_PER_MINUTE = env.int("TIKLIVE_KEY_PER_MINUTE", default=200)
TIKLIVE_KEY_IN_FLIGHT = env.int("TIKLIVE_KEY_IN_FLIGHT", default=20)
#: How much of a key's minute we use, and how many requests of it may come at once.
TIKLIVE_KEY_SHARE = env.float("TIKLIVE_KEY_SHARE", default=0.8)
TIKLIVE_KEY_BURST = env.int("TIKLIVE_KEY_BURST", default=10)
#: How far people who wait may go beyond their plan's credits of a day, as a part of these credits.
BUDGET_RESERVE = env.float("BUDGET_RESERVE", default=0.05)
#: Master keys of the keys that tenants bring: the first one wraps, all unwrap; after a change `manage.py rotate_keys`.
TENANT_KEY_FERNET = checked_fernet_keys(secret("TENANT_KEY_FERNET", lambda: Fernet.generate_key().decode()).split(","))
for _key in TENANT_KEY_FERNET:
    hide(_key)
#: By id; the first one is for new tokens, all verify.
TOKEN_PEPPERS = peppers(secret("TOKEN_PEPPERS", lambda: f"1:{token_urlsafe(50)}"))
for _pepper in TOKEN_PEPPERS.values():
    hide(_pepper)
MASTER_KEYS = env.str("MASTER_KEYS", default="tikdash.crypto.EnvironmentKeys")
#: What a key that a tenant brings is tried with: a handle that exists, and the address of a post, or, without one, the
#: newest post of that handle.
KEY_CHECK_HANDLE = env.str("KEY_CHECK_HANDLE", default="tiktok")
KEY_CHECK_POST = env.str("KEY_CHECK_POST", default="")
TIKLIVE_PORTS = {
    "KEYS": "accounts.services.keys.keys",
    "METER": "billing.metering.meter",
    "GATE": "billing.gate.gate",
    "PACE": "billing.pace.pace",
    "PEOPLE": "accounts.services.left_out.left_out",
}
TIKLIVE_CONNECT_TIMEOUT_S = env.float("TIKLIVE_CONNECT_TIMEOUT_S", default=3.0)
TIKLIVE_READ_TIMEOUT_S = env.float("TIKLIVE_READ_TIMEOUT_S", default=20.0)
#: Attempts within one call, and the longest that a call sleeps for its turn or before another attempt; what takes
#: longer is left to the job, which is put back.
TIKLIVE_ATTEMPTS = env.int("TIKLIVE_ATTEMPTS", default=3)
TIKLIVE_PATIENCE_S = env.float("TIKLIVE_PATIENCE_S", default=2.0)
#: A breaker opens after so many failures in a row, and lets one request probe after so many seconds.
TIKLIVE_BREAKER_FAILURES = env.int("TIKLIVE_BREAKER_FAILURES", default=8)
TIKLIVE_BREAKER_OPEN_S = env.int("TIKLIVE_BREAKER_OPEN_S", default=60)
#: The part of a key's requests that people who wait may make while Redis, which counts them all, is gone.
TIKLIVE_SHARE_WITHOUT_REDIS = env.float("TIKLIVE_SHARE_WITHOUT_REDIS", default=0.1)
#: Hosts, as HOST:PORT, from which pictures are fetched although they are not on the public internet: the simulator's.
PICTURE_HOSTS_TRUSTED = env.list(
    "PICTURE_HOSTS_TRUSTED",
    default=[urlsplit(TIKLIVE_BASE_URL).netloc]
    if EMBEDDED and urlsplit(TIKLIVE_BASE_URL).hostname in {"127.0.0.1", "localhost"}
    else [],
)
#: Hosts, as HOST:PORT, to which alerts are posted although they are not on the public internet.
WEBHOOK_HOSTS_TRUSTED = env.list("WEBHOOK_HOSTS_TRUSTED", default=[])
#: Who knows what a tenant's plan allows; the kernel and `snapshots` ask through `tikdash.plans`.
PLAN_LIMITS = "billing.services.plans.limits_of"
#: Who says and enforces what a plan's limits mean for a tenant, and who counts its tracked accounts.
PLAN_SERVICE = "billing.services.limits.limits"
ACCOUNTS_USED = "snapshots.selectors.count_of_accounts"
#: Who knows what a workspace has spent and may spend; asked through `tikdash.budget`.
#: Of which features of the ledger somebody sees the results: `billing` asks.
FEATURES_READ = "snapshots.reading.kinds_read"
CREDITS_BY_FEATURE = "billing.standing.credits_by_feature"
#: Who knows what each tracked account costs; `billing` asks through `tikdash.plans`.
ACCOUNT_COSTS = "snapshots.scheduling.costs.costs_of_accounts"
#: On invoices.
CURRENCY = env.str("CURRENCY", default="USD")
INVOICE_FROM = env.str("INVOICE_FROM", default="Tikdash")
#: Who knows how queues stand and how many accounts are tracked; `billing` asks through `tikdash.work`.
WORK_PORTS = {"QUEUES": "snapshots.metrics.queue_figures", "ACCOUNTS": "snapshots.metrics.accounts_by_tenant"}
#: Modules that say which data of people at TikTok an app has, and how it is exported and erased. What leads to other
#: rows of a person is erased last.
PERSONAL_DATA = ["snapshots.services.personal", "billing.services.personal", "accounts.services.personal_kinds"]
#: Modules that say what can be exported, each kind with the function that writes its files.
EXPORT_KINDS = ["accounts.services.leaving", "accounts.services.privacy_copies", "snapshots.services.export_kinds"]
#: How long a finished export is kept, and how long a link to it works before the page has to be opened again.
EXPORT_KEPT_HOURS = env.int("EXPORT_KEPT_HOURS", default=72)
EXPORT_LINK_S = env.int("EXPORT_LINK_S", default=900)
#: A worker that makes an export says so much more often than this; after it, another one begins anew.
EXPORT_LEASE_S = env.int("EXPORT_LEASE_S", default=60)
EXPORT_ATTEMPTS = env.int("EXPORT_ATTEMPTS", default=3)
#: How many exports are made at a time, over all workers, so that they never take all threads.
EXPORTS_AT_ONCE = env.int("EXPORTS_AT_ONCE", default=2)
#: Who knows whether a job of a tenant is running; `accounts` asks before it erases one.
TENANT_IS_BUSY = "snapshots.selectors.has_running_jobs"
#: What apps show and do on a tenant's page of the administration (`accounts.tenant_page`), in this order.
TENANT_PANELS = ["accounts.tenant_panels.panels", "billing.tenant_page.panels", "snapshots.tenant_page.panels"]
TENANT_ACTIONS = ["accounts.tenant_actions.ACTIONS", "billing.tenant_page.ACTIONS"]
#: What operators do to many rows of a list at once (`accounts.bulk_page`), and who knows what is due for tenants.
BULK_ACTIONS = ["accounts.bulk_actions.ACTIONS", "billing.bulk_actions.ACTIONS", "tikdash.beat.ACTIONS"]
DUE_WORK = "snapshots.ops.due_of"
#: Who tracks the handle that was typed at the sign-up; `accounts` asks.
FIRST_ACCOUNT = "snapshots.services.first_account.first_account"

# --- work ------------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_DEFAULT_QUEUE = "control"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONSUMER = "tikdash.consumer:Consumer"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
#: For ever: while Redis is gone the worker serves people (`snapshots.services.without_redis`).
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "queue_order_strategy": "priority",
    "socket_connect_timeout": 2,
    "retry_on_timeout": True,
    # A person waits for the page that wakes a worker: without Redis the next tick sends the job, not this request.
    "max_retries": 1,
    "interval_start": 0.1,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "tikdash.beat:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
#: Queues of jobs in the order in which a free worker looks at them, and how many jobs each may hold at a time.
QUEUE_ROOM = {
    "interactive": env.int("ROOM_INTERACTIVE", default=200),
    "enterprise": env.int("ROOM_ENTERPRISE", default=200),
    "pro": env.int("ROOM_PRO", default=200),
    "free": env.int("ROOM_FREE", default=100),
    "backfill": env.int("ROOM_BACKFILL", default=50),
}
#: A claim reads all that is due up to so many rows of a queue; beyond, each tenant's first ones only.
CLAIM_READS = env.int("CLAIM_READS", default=2_000)
#: For how many seconds of a shared key's requests background jobs are claimed ahead: what is claimed waits in line, and
#: whoever comes next waits behind it.
KEY_CLAIMED_AHEAD_S = env.float("KEY_CLAIMED_AHEAD_S", default=6.0)
#: When daily work begins, UTC, and between which hours backfills run.
DAILY_STARTS = {"profile": time_of_day("DAILY_PROFILE_AT", "02:00"), "posts": time_of_day("DAILY_POSTS_AT", "02:30")}
KIND_WINDOWS = {"backfill": (time_of_day("BACKFILL_FROM", "02:00"), time_of_day("BACKFILL_UNTIL", "05:00"))}
DISPATCH_EVERY_S = env.float("DISPATCH_EVERY_S", default=2.0)
CELERY_BEAT_SCHEDULE = {
    "dispatch": {"task": "snapshots.dispatch", "schedule": DISPATCH_EVERY_S, "options": {"expires": 10}},
    "plan-of-jobs": {"task": "snapshots.plan_jobs", "schedule": 900, "options": {"expires": 900}},
    "shared-creators": {"task": "snapshots.count_shared_creators", "schedule": 3600, "options": {"expires": 3600}},
    "partitions-of-data": {"task": "snapshots.make_partitions", "schedule": 6 * 3600},
    "partitions-of-usage": {"task": "billing.make_partitions", "schedule": 6 * 3600},
    "keys-to-check": {"task": "accounts.check_waiting_keys", "schedule": 15, "options": {"expires": 15}},
    "watch-of-upstream": {"task": "accounts.watch_upstream", "schedule": 60, "options": {"expires": 50}},
    "waiting-mails": {"task": "accounts.send_waiting_mails", "schedule": 30, "options": {"expires": 30}},
    "ends-of-trials": {"task": "accounts.end_trials", "schedule": 300, "options": {"expires": 300}},
    "deletions-of-workspaces": {"task": "accounts.erase_due_tenants", "schedule": 300, "options": {"expires": 300}},
    "ends-of-looks": {"task": "accounts.end_looks", "schedule": 300, "options": {"expires": 300}},
    "requests-of-people": {"task": "accounts.go_on_with_requests", "schedule": 60, "options": {"expires": 60}},
    "exports": {"task": "accounts.go_on_with_exports", "schedule": 30, "options": {"expires": 30}},
    "ends-of-exports": {"task": "accounts.drop_old_exports", "schedule": 900, "options": {"expires": 900}},
    "partitions-of-audit": {"task": "accounts.make_partitions", "schedule": 6 * 3600},
    "rollup-of-usage": {"task": "billing.roll_up", "schedule": 300, "options": {"expires": 300}},
    "notices-of-alerts": {"task": "billing.deliver_alerts", "schedule": 60, "options": {"expires": 60}},
    # In the first days of a month: what could not be issued yet is issued by the next run.
    "invoices": {"task": "billing.issue_invoices", "schedule": crontab(hour=6, minute=50, day_of_month="1-5")},
    "comparison-of-rollups": {"task": "billing.mend_rollups", "schedule": crontab(hour=6, minute=25)},
    "stopped-accounts": {"task": "snapshots.remove_stopped", "schedule": 300, "options": {"expires": 300}},
    "samples": {"task": "billing.sample_queues", "schedule": 60, "options": {"expires": 50}},
    "sizes-of-tables": {"task": "billing.sample_tables", "schedule": 6 * 3600},
    # In the morning, when the daily work is done.
    "retention-of-data": {"task": "snapshots.drop_old_readings", "schedule": crontab(hour=6, minute=10)},
    "retention-of-usage": {"task": "billing.drop_old_partitions", "schedule": crontab(hour=6, minute=20)},
    "retention-of-audit": {"task": "accounts.drop_old_partitions", "schedule": crontab(hour=6, minute=25)},
    "unconfirmed-sign-ups": {"task": "accounts.forget_unconfirmed", "schedule": crontab(hour=6, minute=25)},
    "ended-sessions": {"task": "accounts.forget_ended_sessions", "schedule": crontab(hour=6, minute=35)},
    "orphans": {"task": "snapshots.look_for_orphans", "schedule": crontab(hour=6, minute=30)},
    "peers": {"task": "snapshots.count_peers", "schedule": crontab(hour=6, minute=40)},
}
#: What is watched (`billing.watching`): seconds within which a queue should drain, and for how long a job may be due.
WATCH_DRAIN_S = env.int("WATCH_DRAIN_S", default=300)
WATCH_OVERDUE_S = env.int("WATCH_OVERDUE_S", default=1800)
#: Queues that drain at their own pace by design.
WATCH_NOT = env.list("WATCH_NOT", default=["backfill"])
#: The most worker threads that may be started, over all hosts.
WORKERS_CEILING = env.int("WORKERS_CEILING", default=64)
#: How long workers are given to say how many threads they have, every minute.
WORKERS_ANSWER_WITHIN_S = env.float("WORKERS_ANSWER_WITHIN_S", default=1.0)
#: Bytes of the database's disk, 0 where nobody said; and within how many days it may be full.
DATABASE_DISK_BYTES = env.int("DATABASE_DISK_BYTES", default=0)
WATCH_DISK_DAYS = env.int("WATCH_DISK_DAYS", default=90)
#: How many samples in a row make an alarm, and end one; a sample is taken every minute.
WATCH_SAMPLES = env.int("WATCH_SAMPLES", default=5)
#: A quarter and the one before it.
QUEUE_SAMPLES_KEPT_DAYS = env.int("QUEUE_SAMPLES_KEPT_DAYS", default=200)
JOBS_PER_TASK = 25
JOB_LEASE_S = env.int("JOB_LEASE_S", default=300)
JOB_ATTEMPTS = env.int("JOB_ATTEMPTS", default=10)
REFRESH_EVERY_S = env.int("REFRESH_EVERY_S", default=300)
POSTS_PER_PAGE_UPSTREAM = 30
#: Of how many posts, how old at most, a run reads comments, and how many of each.
COMMENTS_POSTS = env.int("COMMENTS_POSTS", default=10)
COMMENTS_OF_DAYS = env.int("COMMENTS_OF_DAYS", default=30)
COMMENTS_PER_POST = env.int("COMMENTS_PER_POST", default=100)
#: Of how many posts of an account, whose rows in lists lack a counter, a run asks for the detail, a credit each.
DETAILS_PER_RUN = env.int("DETAILS_PER_RUN", default=5)
#: How many hashtags and sounds of an account a run looks up, the most used first.
HASHTAGS_PER_RUN = env.int("HASHTAGS_PER_RUN", default=30)
SOUNDS_PER_RUN = env.int("SOUNDS_PER_RUN", default=10)
#: How many followers, and how many followings, a sample of an audience has.
AUDIENCE_SAMPLE = env.int("AUDIENCE_SAMPLE", default=250)
#: What a backfill may spend where nobody says more.
BACKFILL_CREDITS = env.int("BACKFILL_CREDITS", default=200)

# --- safety of pages -------------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", *([MEDIA_ORIGIN] if MEDIA_ORIGIN else [])],
        "object-src": [NONE],
        "base-uri": [SELF],
        # A form may end on another host of ours: from the sign-up into the workspace, from a workspace to the list.
        "form-action": [SELF, BASE_DOMAIN, f"{BASE_DOMAIN}:*", f"*.{BASE_DOMAIN}", f"*.{BASE_DOMAIN}:*"],
        "frame-ancestors": [NONE],
    },
}

# --- partner API -----------------------------------------------------------------------------------------------------

REST_FRAMEWORK: dict[str, object] = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "EXCEPTION_HANDLER": "tikdash.api.errors.handler",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tikdash API",
    "VERSION": "1.1.0",
    "OAS_VERSION": "3.1.1",
    "DESCRIPTION": (
        "Tracked TikTok accounts, their growth and posts, of one workspace: the token's."
        " Send it as “Authorization: Bearer tkd_…”, on your workspace's host or on the public one.\n\n"
        "Reading spends no credits. Numbers carry the id of their metric, when they were measured (`as_of`) and how far"
        " the reading can be trusted (`state`).\n\n"
        "Keeping a copy: ask for accounts and posts with `updated_since=start`, follow `next` to the last page, and"
        " keep its `updated_since` for the next round. Of each page first drop what `deleted` names, then take the rows"
        " by their ids. Rows may come twice; none is left out."
    ),
    "SCHEMA_PATH_PREFIX": r"/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "SORT_OPERATIONS": False,
    "COMPONENT_SPLIT_REQUEST": False,
    "DISABLE_ERRORS_AND_WARNINGS": False,
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    "APPEND_COMPONENTS": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    "SECURITY": [{"token": []}],
    "POSTPROCESSING_HOOKS": ["tikdash.api.schema.finish"],
}

# --- logs and errors -------------------------------------------------------------------------------------------------

LOGGING_CONFIG = "tikdash.logging.configure"
LOGGING = tikdash_logging.settings(
    level=env.str("LOG_LEVEL", default="INFO"), as_json=env.bool("LOG_JSON", default=not EMBEDDED)
)

SENTRY_DSN = env.str("SENTRY_DSN", default="")
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", default="production")
SENTRY_RELEASE = env.str("SENTRY_RELEASE", default="")

# --- metrics ---------------------------------------------------------------------------------------------------------

make_directory_of_metrics()
#: Without one, `/metrics` answers on a development machine only, and there to the machine itself only.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
hide(METRICS_TOKEN)
METRICS_WITHOUT_TOKEN = EMBEDDED

# --- admin -----------------------------------------------------------------------------------------------------------

#: What the front page shows, in this order, and who names tenants that are in trouble (`tikdash.ui.tiles`).
OPS_TILES = [
    "billing.ops.alarms", "snapshots.ops.jobs", "tikdash.ops_front.fleet", "billing.ops.upstream", "billing.ops.queues",
    "billing.ops.credits", "accounts.ops.outages", "billing.ops.tables", "tikdash.ops_front.risks",
]  # fmt: skip
OPS_RISKS = ["accounts.ops.risks", "snapshots.ops.risks", "billing.ops.risks"]
#: Who writes down that a list was downloaded; `tikdash.ui.admin_lists` asks.
LIST_DOWNLOADED = "accounts.services.list_downloads.record_download"

UNFOLD = {
    "SITE_TITLE": "Tikdash operations",
    "SITE_HEADER": "Tikdash",
    "SITE_SYMBOL": "monitoring",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("tikdash/favicon.svg")}],
    "SHOW_HISTORY": True,
    "STYLES": [lambda request: static("tikdash/admin-ops.css"), "tikdash.admin_navigation.frame"],
    "SCRIPTS": [lambda request: static("tikdash/admin-names.js")],
    "ENVIRONMENT": "tikdash.admin_navigation.whose",
    "DASHBOARD_CALLBACK": "tikdash.ops_front.front_page",
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": "tikdash.admin_navigation.navigation",
    },
}
