"""Every setting of the site, read from the environment, typed, refused when unknown or unsafe."""

import os
from pathlib import Path
from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy

from holdout import __version__, embedded, environment, policies
from holdout.environment import Refused, choice, flag, number, path, text, words

PACKAGE = Path(__file__).resolve().parent
BASE = PACKAGE.parent.parent

# --- where and how it runs -----------------------------------------------------------------------
MODE = choice(
    "HOLDOUT_MODE",
    "embedded",
    "`embedded` (one machine, everything included) or `production` (refuses unsafe settings).",
    among=("embedded", "production"),
)
PRODUCTION = MODE == "production"
VAR = path("HOLDOUT_VAR", BASE / "var", "The directory that holds all data of an installation.")
FILES = path(
    "HOLDOUT_FILES", VAR / "files", "Data sets, solutions and uploads. Never below a served root."
)
DATASETS = path(
    "HOLDOUT_DATASETS",
    VAR / "datasets",
    "Published sets (MNIST, CIFAR-10, ...) as torchvision keeps them, or as they were published.",
)
DEBUG = flag("DEBUG", False, "Django's error pages, for developers. Refused in production.")
SECRET_KEY = text("SECRET_KEY", "", "Signs sessions. Unset: made once and kept in the var folder.")
ALLOWED_HOSTS = words(
    "ALLOWED_HOSTS",
    "" if PRODUCTION else "localhost,.localhost,127.0.0.1,[::1]",
    "Host names the site answers to, separated by commas.",
)
CSRF_TRUSTED_ORIGINS = words(
    "CSRF_TRUSTED_ORIGINS", "", "Origins (https://name) whose forms are accepted behind a proxy."
)
HTTPS = flag("HOLDOUT_HTTPS", PRODUCTION, "The site is reached by https: secure cookies, HSTS.")
PROXIES = number(
    "HOLDOUT_PROXIES", 0, "How many proxies of yours stand before the site.", low=0, high=9
)
WEB_THREADS = number(
    "HOLDOUT_WEB_THREADS", 16, "Threads that answer pages, per web process.", low=1, high=256
)
MAX_BODY = 1024**2 * number(
    "HOLDOUT_MAX_BODY_MB", 2048, "The largest upload of an organiser, in MB.", low=1, high=65536
)
QUEUES = words(
    "HOLDOUT_QUEUES",
    "score,background,insight,baselines,gpu",
    "Queues with workers here; /healthz watches them. Without `gpu` no models are taken.",
)
MODELS_IN_CONTAINER = flag(
    "HOLDOUT_MODELS_IN_CONTAINER",
    False,
    "The worker of `gpu` is in a container without network and rights: formats with code may run.",
)
# Read by the supervisor, the tests or the Makefile; named here so that they are known.
HOST = text("HOST", "127.0.0.1", "The address `make run` listens on; 0.0.0.0 for a whole class.")
PORT = number("PORT", 8000, "The port `make run` listens on.", low=1, high=65535)
ADMIN_PASSWORD = text("HOLDOUT_ADMIN_PASSWORD", "", "The organiser's password. Unset: random.")
DEMO = flag("HOLDOUT_DEMO", True, "`make run` creates the digits challenge and its baselines.")
text("HOLDOUT_TOKEN", "", "`python -m baselines`: the API token of the person who submits.")
flag("HOLDOUT_REQUIRE_ALL", False, "Tests: a missing browser or server is a failure, not a skip.")

if PRODUCTION:
    environment.safe_secret(SECRET_KEY)
    if DEBUG:
        raise Refused("DEBUG shows secrets to visitors. Leave it out in production.")
    if not ALLOWED_HOSTS or any("*" in host for host in ALLOWED_HOSTS):
        raise Refused("ALLOWED_HOSTS must name the site's host names; `*` is refused.")
else:
    SECRET_KEY = SECRET_KEY or environment.kept_secret(VAR / "secret_key")

# --- state: database, Valkey, files --------------------------------------------------------------
DATABASE_URL = text(
    "DATABASE_URL", "", "postgres://USER:PASSWORD@HOST:PORT/NAME. Unset: SQLite in the var folder."
)
REDIS_URL = text(
    "REDIS_URL", "", "redis://HOST:PORT/0 or unix:///path. Unset: our own Valkey in the var folder."
)
if PRODUCTION and not (DATABASE_URL and REDIS_URL):
    raise Refused("production needs DATABASE_URL (PostgreSQL) and REDIS_URL (Valkey or Redis).")
if REDIS_URL and not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    raise Refused("REDIS_URL must begin with redis://, rediss:// or unix://.")
EMBEDDED_VALKEY = not REDIS_URL
REDIS_URL = REDIS_URL or embedded.url(VAR)
DATABASES = {
    "default": environment.database(DATABASE_URL)
    if DATABASE_URL
    else environment.sqlite(VAR / "holdout.sqlite3")
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "holdout.softcache.SoftCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "holdout:cache",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    }
}
STORAGES = {
    # No base_url: a stored file has no address. Views hand files out after asking who wants them.
    **{
        place: {
            "BACKEND": "holdout.storage.DurableStorage",
            "OPTIONS": {"location": str(FILES / place), "base_url": None},
        }
        for place in ("default", "solutions", "data", "submissions")
    },
    "staticfiles": {
        "BACKEND": "holdout.assets.ModuleStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
STATIC_URL = "/static/"
STATIC_ROOT = BASE / "staticfiles" if PRODUCTION else None
# Embedded: served from where they lie, so that starting copies nothing and an update of the
# checkout counts at once.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not PRODUCTION

# --- Django --------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",  # before the admin, whose templates it replaces
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "holdout",
    "holdout.accounts",
    "holdout.pages",
    "competitions",
]
MIDDLEWARE = [
    "holdout.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "holdout.policies.RelaxedPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "holdout.accounts.middleware.BearerTokenMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "holdout.urls"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
LOGGING_CONFIG = "holdout.logs.apply"
LOGGING = {
    "form": choice(
        "HOLDOUT_LOG_FORMAT",
        "json" if PRODUCTION else "console",
        "`console` for people, `json` for collectors.",
        among=("console", "json"),
    ),
    "level": choice(
        "HOLDOUT_LOG_LEVEL",
        "info",
        "The least important lines that are logged.",
        among=("debug", "info", "warning", "error"),
    ),
}

# --- security ------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {"DIRECTIVES": policies.STRICT}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXIES else None
# On plain http browsers ignore this header and complain in the console, on every page.
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin" if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- accounts ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_USERNAME_BLACKLIST = ["admin", "host", "holdout", "root"]
# The accounts under which the site posts the baselines that it trains (competitions/baseline_runs).
ACCOUNT_USERNAME_BLACKLIST += ["softmax", "mlp", "lenet5", "resnet18"]
ACCOUNT_USERNAME_BLACKLIST += [f"{name}.baseline" for name in ACCOUNT_USERNAME_BLACKLIST[-4:]]
# A class of forty signs up within a minute, perhaps from one address. Wrong passwords keep
# allauth's own limits (10 a minute and address, 5 in five minutes and account).
ACCOUNT_RATE_LIMITS = {"signup": "120/m/ip", "login": "120/m/ip", "pin": "120/m/ip"}
ACCOUNT_RATE_LIMITS["pin_name"] = "5/300s/key,40/d/key"  # wrong PINs of one name
ALLAUTH_TRUSTED_PROXY_COUNT = PROXIES
# Nobody's mail server is known here: one machine prints its mail, production sends none.
EMAIL_BACKEND = f"django.core.mail.backends.{'dummy' if PRODUCTION else 'console'}.EmailBackend"

# --- REST and admin ------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "holdout.accounts.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.MultiPartParser",
        "rest_framework.parsers.FormParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "competitions.api.errors.handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Holdout",
    "DESCRIPTION": "Challenges, submissions and leaderboards for programs.",
    "VERSION": __version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}


def _runs_the_site(request: Any) -> bool:
    return bool(request.user.is_superuser)


def _entry(title: str, icon: str, page: str, permission: Any = None) -> dict[str, Any]:
    """A line of the admin's side bar; without ``permission`` everybody who gets there sees it."""
    entry = {"title": title, "icon": icon, "link": reverse_lazy(page)}
    return entry if permission is None else {**entry, "permission": permission}


UNFOLD = {
    "SITE_TITLE": "Holdout",
    "SITE_HEADER": "Holdout",
    "SITE_URL": "/",
    "SITE_ICON": {
        "light": lambda _request: static("img/mark.svg"),
        "dark": lambda _request: static("img/mark-dark.svg"),
    },
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("img/mark.svg")}
    ],
    "DASHBOARD_CALLBACK": "competitions.admin.dashboard.context",
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "items": [
                    _entry("Dashboard", "home", "admin:index"),
                    _entry("Challenges", "flag", "admin:competitions_competition_changelist"),
                    _entry(
                        "Submissions", "upload_file", "admin:competitions_submission_changelist"
                    ),
                    _entry("Teams", "groups", "admin:competitions_team_changelist"),
                    _entry("Alarms", "warning", "admin:competitions_alarm_changelist"),
                    _entry(
                        "Announcements", "campaign", "admin:competitions_announcement_changelist"
                    ),
                    _entry("Audit log", "history", "admin:competitions_act_changelist"),
                ]
            },
            {
                "title": "The site",
                "separator": True,
                "items": [
                    _entry("People", "person", "admin:accounts_user_changelist", _runs_the_site),
                    _entry("Tokens", "key", "admin:accounts_token_changelist", _runs_the_site),
                ],
            },
        ],
    },
    # The site's cobalt, in the steps that Unfold asks for.
    "COLORS": {
        "primary": {
            "50": "#eef2ff",
            "100": "#dfe6ff",
            "200": "#bccbff",
            "300": "#93a7ff",
            "400": "#6d86f5",
            "500": "#5f7aef",
            "600": "#2a4bd7",
            "700": "#213eba",
            "800": "#1e3596",
            "900": "#1d3076",
            "950": "#141d49",
        }
    },
}

environment.refuse_unknown(os.environ)  # the last line: by now every name is known
