"""In by class code: type it or scan it, then a name and a PIN."""

from typing import Any, cast

from allauth.core import ratelimit
from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from competitions import entrance, teams
from competitions.live import events
from competitions.models import Competition
from competitions.refusals import NotFound, Refused

PATIENCE = "Too many wrong PINs. Wait five minutes, or ask the organiser for a new one."
CROWD = "Too many people join from this address in one minute. Try again in a moment."


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Class code",
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
        help_text="The six signs on the screen; capitals do not matter.",
    )


class EntranceForm(forms.Form):
    name = forms.CharField(
        label="Your name",
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
        help_text="As it is to stand on the board, or on your slip.",
    )
    pin = forms.CharField(
        label="PIN",
        max_length=12,
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "off", "pattern": "[0-9]{4,12}"}
        ),
        help_text="From your slip; else think of 4 to 12 digits, and remember them: with name and "
        "PIN you come in again from any machine.",
    )


@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """For whoever reads the code off the screen instead of scanning it."""
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            competition = entrance.challenge_of(form.cleaned_data["code"])
        except NotFound as error:
            form.add_error("code", str(error))
        else:
            return redirect("competitions:enter", code=competition.class_code)
    return render(request, "competitions/code.html", {"form": form})


@never_cache
@require_http_methods(["GET", "POST"])
def enter(request: HttpRequest, code: str) -> HttpResponse:
    """Name and PIN; whoever is signed in already joins with one button."""
    try:
        competition = entrance.challenge_of(code)
    except NotFound as error:
        unknown = CodeForm({"code": code})
        unknown.add_error("code", str(error))
        return render(request, "competitions/code.html", {"form": unknown}, status=404)
    form = EntranceForm(request.POST if "name" in request.POST else None)
    refusal = ""
    if request.method == "POST":
        try:
            if "name" not in request.POST:
                return _as_oneself(request, competition)
            if form.is_valid():
                return _by_pin(request, competition, form)
        except Refused as error:
            refusal = str(error)
    context = {"competition": competition, "form": form, "refusal": refusal}
    return render(request, "competitions/enter.html", context)


def _by_pin(request: HttpRequest, competition: Competition, form: EntranceForm) -> HttpResponse:
    name, pin = form.cleaned_data["name"], form.cleaned_data["pin"]
    if not ratelimit.consume(request, action="pin"):
        raise Refused(CROWD)
    entrance.expected(competition, name, pin)  # what is refused here was no try of a PIN
    key = entrance.key_of(competition, name)
    # Counted before the PIN is looked at: many at once must not all be looked at.
    if not ratelimit.consume(request, action="pin_name", key=key):
        raise Refused(PATIENCE)
    user: Any = entrance.enter(competition, name, pin)
    ratelimit.clear(request, action="pin_name", key=key)  # only wrong ones are counted
    login(request, user)
    return _in(request, competition, user)


def _as_oneself(request: HttpRequest, competition: Competition) -> HttpResponse:
    if not request.user.is_authenticated:
        raise Refused("Type your name and a PIN.")
    user = cast(AbstractUser, request.user)
    entrance.enter_as(competition, user)
    return _in(request, competition, user)


def _in(request: HttpRequest, competition: Competition, user: AbstractUser) -> HttpResponse:
    team = teams.of(competition, user)
    if team is not None:
        events.publish_to_hosts(team, "joined")
    name = user.get_full_name() or user.get_username()
    messages.success(request, f"You are in, {name}. Fetch the data and begin.")
    return redirect("competitions:detail", slug=competition.slug)
