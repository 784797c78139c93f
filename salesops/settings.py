"""Settings, read from the environment; wrong values stop the start with sentences that say how to mend them.

Three modes. *Production* (the default) demands its secrets and addresses. *Trial* (`TRIAL=1`, set by `make run`) is
the same code on one machine, over plain http on the loopback address. *Debug* (`DEBUG=1`) is for developers.
"""

import logging
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from salesops.composition import INSTALLED_APPS as INSTALLED_APPS
from salesops.composition import MIDDLEWARE as MIDDLEWARE
from salesops.connections import cache, content_policy, database, identity_provider
from salesops.env import Environment
from salesops.interface import api_description, rest_framework
from salesops.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

# -- mode and secrets ---------------------------------------------------------------------------------------
DEBUG = env.boolean(
    "DEBUG", default=False, help="Developer mode: error pages show the code. Never in production."
)
TRIAL = env.boolean(
    "TRIAL",
    default=False,
    help="One machine, plain http on the loopback address; `make run` sets it. Not for production.",
)
PRODUCTION = env.production = not (DEBUG or TRIAL)
SECRET_KEY = env.text(
    "SECRET_KEY",
    required=True,
    default="" if PRODUCTION else "only-for-a-trial-on-one-machine-" * 3,
    shown="",
    help="Signs sessions and tokens: 50 or more random characters. "
    "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(64))'",
)
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS", default=[], help="Former keys, still accepted.")
if PRODUCTION and SECRET_KEY and (len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 10):
    env.complain(
        "SECRET_KEY is weak: it needs at least 50 characters, 10 of them different. "
        "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(64))'"
    )
VAR_DIR = env.path(
    "SALESOPS_VAR",
    default=BASE_DIR / "var",
    shown="./var",
    help="Folder for everything that is not code: uploads, exports, backups, static files, logs.",
)

# -- addresses ----------------------------------------------------------------------------------------------
env.group = "Addresses and proxies"
BASE_URL = env.url(
    "BASE_URL",
    ("https", "http"),
    default="http://127.0.0.1:8000",
    required=True,
    help="The address people type, for example https://sales.example.com. "
    "https switches on secure cookies, HSTS and the redirect; http is accepted for localhost only.",
).rstrip("/")
_base = urlsplit(BASE_URL)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
HTTPS = _base.scheme == "https"
if PRODUCTION and not HTTPS and _base.hostname not in _LOOPBACK:
    env.complain(
        f"BASE_URL={BASE_URL!r} would send passwords in the clear; use https:// behind a proxy that ends TLS."
    )
ALLOWED_HOSTS = env.words(
    "ALLOWED_HOSTS",
    default=sorted({_base.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"}),
    shown="the host of BASE_URL, and localhost for health checks",
    help="Host names this server answers to.",
)
if PRODUCTION and "*" in ALLOWED_HOSTS:
    env.complain("ALLOWED_HOSTS=* lets anyone choose the host in links we send; name the hosts.")
# The health check of a container asks from inside; and what is served on the loopback address is reached by its name
# too, which browsers want for passkeys.
_always = ["127.0.0.1", "localhost"] if _base.hostname in _LOOPBACK else ["127.0.0.1"]
ALLOWED_HOSTS += [host for host in _always if host not in ALLOWED_HOSTS]
CSRF_TRUSTED_ORIGINS = env.words(
    "CSRF_TRUSTED_ORIGINS", default=[BASE_URL], shown="BASE_URL", help="Origins whose forms are accepted."
)
TRUSTED_PROXIES = env.integer(
    "TRUSTED_PROXIES",
    default=0,
    maximum=10,
    help="How many proxies stand in front. Their X-Forwarded-For and X-Forwarded-Proto are believed, no others.",
)
REQUESTS_AT_ONCE = env.integer(
    "REQUESTS_AT_ONCE",
    default=6,
    minimum=1,
    help="Requests one web process works on at once, each with a database connection, of them two short ones; others "
    "wait 0.8 s, then get 503.",
)
METRICS_TOKEN = env.text(
    "METRICS_TOKEN",
    help="Bearer token that opens /metrics from anywhere. Without it only loopback and private networks may read it.",
)

# -- database, broker, cache --------------------------------------------------------------------------------
env.group = "Database, broker, cache"
DATABASE_URL = env.url(
    "DATABASE_URL",
    ("postgres", "postgresql"),
    required=True,
    help="PostgreSQL 16 or newer: postgresql://user:password@host:5432/name. "
    "For a machine without one, `make run` and `python3 launch.py exec -- COMMAND` bring their own.",
)
DATABASE_REPLICA_URL = env.url(
    "DATABASE_REPLICA_URL",
    ("postgres", "postgresql"),
    help="A streaming replica, used for heavy analysis only.",
)
DB_IDLE_CONNECTIONS = env.integer(
    "DB_IDLE_CONNECTIONS",
    default=6,
    help="Database connections each web process keeps open for its next requests. 0 opens one for each request: for a "
    "pooler in front of the database that cannot reset sessions.",
)
REDIS_URL = env.url(
    "REDIS_URL",
    ("redis", "rediss", "unix"),
    required=True,
    help="The job broker: redis://host:6379/0 with appendonly and noeviction. It only nudges workers; jobs live in "
    "PostgreSQL.",
)
CACHE_URL = env.url(
    "CACHE_URL",
    ("redis", "rediss", "unix", "dbcache"),
    default="dbcache://salesops_cache",
    help="Where short-lived values go (login throttles, chart JSON): a table of the database, or a Redis of its own.",
)
if not DATABASE_URL and not PRODUCTION:
    env.complain(
        "DATABASE_URL is missing. `make run` starts a database of its own; for one command use "
        "`python3 launch.py exec -- COMMAND`; or set DATABASE_URL=postgresql://user:password@host:5432/name."
    )
DATABASES = {"default": database(DATABASE_URL)}
if DATABASE_REPLICA_URL:
    DATABASES["replica"] = {
        **database(DATABASE_REPLICA_URL),
        "TEST": {"MIRROR": "default"},
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": cache(CACHE_URL)}

# -- applications -------------------------------------------------------------------------------------------
ROOT_URLCONF = "salesops.urls"
ASGI_APPLICATION = "salesops.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,  # django_cotton puts its loader in front
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "salesops.ui.context.shell",
            ],
        },
    },
]

# -- signing in ---------------------------------------------------------------------------------------------
env.group = "Signing in"
AUTH_USER_MODEL = "organization.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "salesops.passwords.CompanyWordsValidator"},
]
BREACHED_PASSWORDS = env.text(
    "BREACHED_PASSWORDS",
    help="File of passwords known from breaches, one a line in small letters, or such a file compressed as .gz; none "
    "of them may be chosen. Without it, the 20,000 most common ones are refused.",
)
if BREACHED_PASSWORDS:
    if not Path(BREACHED_PASSWORDS).is_file():
        env.complain(f"BREACHED_PASSWORDS={BREACHED_PASSWORDS!r} is not a file that can be read.")
    AUTH_PASSWORD_VALIDATORS += [
        {
            "NAME": "django.contrib.auth.password_validation.CommonPasswordValidator",
            "OPTIONS": {"password_list_path": BREACHED_PASSWORDS},
        }
    ]
SECOND_STEP_REQUIRED = env.boolean(
    "SECOND_STEP_REQUIRED",
    default=False,
    help="Everybody who signs in with a password here must set up a second step (authenticator app or passkey) before "
    "anything else.",
)
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "salesops.signin.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "salesops.signin.SocialAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# Addresses are entered by an administrator or vouched for by the identity provider.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _base.scheme
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "reset_password": "20/m/ip,5/m/key",
}
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = (
    True  # who asked for a password mail counts as unverified, and could set no second step up
)
MFA_TOTP_ISSUER = "SalesOps"
MFA_ADAPTER = "salesops.secondstep.SecondStepAdapter"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
SESSION_HOURS = env.integer(
    "SESSION_HOURS", default=12, minimum=1, maximum=720, help="Hours until a new sign-in."
)
SESSION_IDLE_MINUTES = env.integer(
    "SESSION_IDLE_MINUTES",
    default=240,
    maximum=43_200,
    help="Minutes without anything done until a new sign-in; what an open page fetches by itself does not count. 0: no "
    "such limit, for screens on a wall.",
)
OIDC_ISSUER = env.url(
    "OIDC_ISSUER",
    ("https", "http"),
    help="Identity provider (OpenID Connect), for example https://login.example.com/realms/sales; empty: none.",
)
OIDC_AUTHORIZE_ORIGIN = env.url(
    "OIDC_AUTHORIZE_ORIGIN",
    ("https", "http"),
    help="Where the identity provider's sign-in page is, when that is another origin than OIDC_ISSUER, such as "
    "https://accounts.example.com; browsers let the sign-in form go there only if it is named.",
)
OIDC_CLIENT_ID = env.text("OIDC_CLIENT_ID", help="Client id given by the identity provider.")
OIDC_CLIENT_SECRET = env.text("OIDC_CLIENT_SECRET", help="Client secret given by the identity provider.")
OIDC_NAME = env.text("OIDC_NAME", default="Single sign-on", help="What the sign-in button says.")
if OIDC_ISSUER and not (OIDC_CLIENT_ID and OIDC_CLIENT_SECRET):
    env.complain(
        "OIDC_ISSUER is set, but OIDC_CLIENT_ID or OIDC_CLIENT_SECRET is not; set all three or none."
    )
SOCIALACCOUNT_PROVIDERS = identity_provider(OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_NAME)

# -- web security -------------------------------------------------------------------------------------------
# Under https browsers take these names from this host alone, and only encrypted.
_cookie = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_cookie}salesops_session"
CSRF_COOKIE_NAME = f"{_cookie}csrftoken"
LANGUAGE_COOKIE_NAME = f"{_cookie}django_language"
DISPLAY_COOKIE_NAME = f"{_cookie}salesops_ui"
SESSION_ENGINE = "salesops.sessions"
SESSION_COOKIE_AGE = SESSION_HOURS * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {"DIRECTIVES": content_policy(form_targets=[OIDC_ISSUER, OIDC_AUTHORIZE_ORIGIN])}

# -- uploads ------------------------------------------------------------------------------------------------
env.group = "Files and mail"
UPLOAD_MAX_MB = env.integer(
    "UPLOAD_MAX_MB", default=200, minimum=1, help="Largest upload, MB: all its files together."
)
UPLOAD_DIR = VAR_DIR / "uploads"
EXPORT_DIR = VAR_DIR / "exports"
BACKUP_DIR = env.path(
    "BACKUP_DIR",
    default=VAR_DIR / "backups",
    shown="SALESOPS_VAR/backups",
    help="Where `manage.py backup` writes.",
)
MEDIA_ROOT = UPLOAD_DIR
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_MAX_MEMORY_SIZE = 64 * 2**10  # the rest goes to disk: thousands may be sending at once
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 2**20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
EMAIL_URL = env.url(
    "EMAIL_URL",
    ("smtp", "smtps", "smtp+tls", "smtp+ssl", "consolemail", "filemail"),
    default="consolemail://",
    help="Outgoing mail: smtp+tls://user:password@host:587. The default writes mails to the log.",
)
vars().update(environ.Env.email_url_config(EMAIL_URL))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text(
    "DEFAULT_FROM_EMAIL",
    default=f"salesops@{_base.hostname or 'localhost'}",
    shown="salesops@ the host of BASE_URL",
    help="Sender of mails.",
)

# -- static files -------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "salesops.assets.PackagedAssetsFinder",
]
STATIC_ROOT = env.path(
    "STATIC_ROOT", default=VAR_DIR / "static", shown="SALESOPS_VAR/static", help="Collected static files."
)
_STATIC_STORAGE = "CompressedAssetsStorage" if PRODUCTION else "TrialAssetsStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else f"salesops.assets.{_STATIC_STORAGE}"
    },
}

# -- language and time --------------------------------------------------------------------------------------
env.group = "General"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LANGUAGE_CODE = env.choice(
    "LANGUAGE", ("en", "de"), default="en", help="Language of people who have not chosen one."
)
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"  # the business time zone is a fact of the company (organization.Company.time_zone)
USE_I18N = True
USE_TZ = True

# -- programming interface ----------------------------------------------------------------------------------
REST_FRAMEWORK = rest_framework()
SPECTACULAR_SETTINGS = api_description()

# -- jobs and logs ------------------------------------------------------------------------------------------
env.group = "Jobs and logs"
JOB_LEASE_SECONDS = env.integer(
    "JOB_LEASE_SECONDS",
    default=20,
    minimum=2,
    maximum=600,
    help="How long a silent worker keeps its job; after that another takes it over.",
)
JOB_TIME_LIMIT = env.integer(
    "JOB_TIME_LIMIT", default=3300, minimum=60, maximum=86_400, help="Seconds after which a job is stopped."
)
JOBS_KEEP_DAYS = env.integer(
    "JOBS_KEEP_DAYS", default=90, minimum=1, help="Days finished jobs stay in the list."
)
LOG_LEVEL = env.choice(
    "LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO", help="Least severe line logged."
)
LOG_FORMAT = env.choice(
    "LOG_FORMAT",
    ("json", "console"),
    default="json",
    help="json for machines (one object a line), console for people.",
)
LOGGING_CONFIG = None
LOGGING = logging_config(level=LOG_LEVEL, style=LOG_FORMAT)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_REQUEST_CANCELLED_LOG_LEVEL = logging.DEBUG  # a page closed: its event stream ends so
PROMETHEUS_METRIC_NAMESPACE = "salesops"

if env.problems:
    raise ImproperlyConfigured(env.complaint())
