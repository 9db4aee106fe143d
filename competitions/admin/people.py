"""Who organises a challenge, who may join it, and where the class list is."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextInputWidget

from competitions import access, organisers
from competitions.models import Competition, Organiser
from competitions.refusals import Refused

PEOPLE = ("admission", "admitted_domains")


class OrganiserForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for mypy alone
    """By username: a list of everybody would tell an owner who else is on this site."""

    username = forms.CharField(
        max_length=150, widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
    )

    class Meta:
        model = Organiser
        fields = ("role",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["username"] = self.instance.user.get_username()
            self.fields["username"].disabled = True

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"])
        if not self.instance.pk:
            found = get_user_model().objects.filter(username=name, is_active=True).first()
            if found is None:
                raise forms.ValidationError("Nobody here has that username.")
            self.instance.user = found
        return name


class OrganiserInline(TabularInline):  # type: ignore[misc]  # unfold has no types
    """Owners give roles; the verbs refuse what would leave a challenge without one."""

    model = Organiser
    form = OrganiserForm
    extra = 0
    tab = True
    fields = ("username", "role")
    verbose_name_plural = "Organisers"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or access.may_own(request.user, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or access.is_organiser(request.user, obj)


def save(request: HttpRequest, competition: Competition, formset: Any) -> None:
    """Each line that was changed by its verb; what is refused is said, and the rest is done."""
    formset.save(commit=False)
    by = request.user
    for new in formset.new_objects:
        _try(request, partial(organisers.add, competition, new.user, new.role, by))
    for present, _changed in formset.changed_objects:
        _try(request, partial(organisers.change, present, present.role, by))
    for gone in formset.deleted_objects:
        _try(request, partial(organisers.remove, gone, by))


def _try(request: HttpRequest, verb: Callable[[], object]) -> None:
    try:
        verb()
    except Refused as error:
        messages.error(request, str(error))
