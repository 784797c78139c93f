"""All routes: health, sign-in, the API's description, and each app's own."""

from importlib.util import find_spec

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from salesops import health, signin

# Each app chooses its own prefixes; pages in urls.py.
APPS_WITH_PAGES = (
    "salesops.ui",
    "salesops.audit",
    "salesops.jobs",
    "organization",
    "opportunities",
    "territories",
    "pipeline",
    "forecasting",
    "salesops.operations",
    "salesops.help",
)

# Pages of allauth that would let people change their own address or connect other identities to their login.
CLOSED = ("email/", "confirm-email/", "confirm-email/<str:key>/", "signup/", "3rdparty/", "3rdparty/signup/")

# allauth answers with this, too, when somebody has tried too often.
handler429 = "salesops.signin.too_many"

# The administration site signs in through the same door: throttled, with the second factor.
admin.autodiscover()
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler400 = health.unreadable
handler404 = health.missing
handler500 = health.failed

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("version", health.version, name="version"),
    *(path(f"accounts/{page}", signin.closed) for page in CLOSED),
    path("accounts/", include("allauth.urls")),
    path("api/schema", SpectacularAPIView.as_view(), name="api-schema"),
    path(
        "api/docs/",
        login_required(
            SpectacularSwaggerSplitView.as_view(url_name="api-schema")
        ),  # a page: people are sent to sign in
        name="api-docs",
    ),
    path("admin/", admin.site.urls),
    *(path("", include(f"{app}.urls")) for app in APPS_WITH_PAGES if find_spec(f"{app}.urls")),
]
