"""The site's addresses. Everything about challenges lives in `competitions`.

`/healthz` is answered before this table is read: see `health.HealthMiddleware`.
"""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

# The admin has no password form of its own: the site's login limits wrong passwords, its own
# would not.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("holdout.accounts.urls")),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
    path("api/", include("competitions.api.urls")),
    path("", include("competitions.urls")),
]
