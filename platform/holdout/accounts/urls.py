"""Signing in and out, and one's tokens.

Of allauth's addresses those that work without a mail server: a page that promises a message
nobody sends would be worse than none.
"""

from allauth.account import views as allauth
from django.urls import include, path

from holdout.accounts import views

tokens = [
    path("claim/", views.claim, name="claim"),
    path("tokens/", views.token_list, name="tokens"),
    path("tokens/<int:pk>/revoke/", views.revoke_token, name="revoke_token"),
]

urlpatterns = [
    path("login/", allauth.login, name="account_login"),
    path("logout/", allauth.logout, name="account_logout"),
    path("signup/", allauth.signup, name="account_signup"),
    path("inactive/", allauth.account_inactive, name="account_inactive"),
    path("reauthenticate/", allauth.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.change_password, name="account_change_password"),
    # An account that a command made has no password to change: it is sent here instead.
    path("password/set/", allauth.password_set, name="account_set_password"),
    path("", include((tokens, "accounts"))),
]
