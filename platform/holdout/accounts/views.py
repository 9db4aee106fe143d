"""The page on which people make and revoke their tokens."""

from typing import cast

from allauth.account import views as allauth
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from holdout.accounts import tokens
from holdout.accounts.claiming import ClaimForm
from holdout.accounts.models import User


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def token_list(request: HttpRequest) -> HttpResponse:
    """Lists the tokens; a POST makes one and shows it this one time."""
    user = cast(User, request.user)
    made = tokens.create(user, request.POST.get("name", "")) if request.method == "POST" else ""
    context = {"tokens": user.tokens.all(), "made": made}
    return render(request, "accounts/tokens.html", context)


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def claim(request: HttpRequest) -> HttpResponse:
    """For whoever came in by a PIN; others have what it gives already."""
    user = cast(User, request.user)
    if not user.has_pin:
        return redirect("account_change_password")
    form = ClaimForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        update_session_auth_hash(request, user)
        messages.success(request, f"The account is yours: sign in as {user.username} from now on.")
        return redirect("competitions:list")
    return render(request, "accounts/claim.html", {"form": form})


def change_password(request: HttpRequest) -> HttpResponse:
    """Whoever has a PIN gets a password by claiming: a PIN beside it would lead in for good."""
    if getattr(request.user, "has_pin", False):
        return redirect("accounts:claim")
    answer: HttpResponse = allauth.password_change(request)
    return answer


@login_required
@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    if tokens.revoke(cast(User, request.user), pk):
        messages.success(request, "The token is revoked. Programs that use it are signed out.")
    return redirect("accounts:tokens")
