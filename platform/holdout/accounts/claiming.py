"""An account that a PIN leads to becomes one with a password."""

from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator

from holdout.accounts.models import User

NEW = {"autocomplete": "new-password"}


class ClaimForm(forms.Form):
    """Name, e-mail and password; each error stands at its field."""

    pin = forms.CharField(
        label="Your PIN now",
        widget=forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text="So that nobody takes the account who only found the page open.",
    )
    username = forms.CharField(
        label="Username",
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
    )
    email = forms.EmailField(label="E-mail address", required=False)
    password = forms.CharField(label="Password", widget=forms.PasswordInput(attrs=NEW))
    again = forms.CharField(label="Password, again", widget=forms.PasswordInput(attrs=NEW))

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.initial = {"username": user.username, "email": user.email}

    def clean_username(self) -> str:
        name = str(get_adapter().clean_username(self.cleaned_data["username"], shallow=True))
        others = User.objects.exclude(pk=self.user.pk)
        if others.filter(username__iexact=name).exists():
            raise forms.ValidationError("Somebody has that name. Choose another one.")
        return name

    def clean_pin(self) -> str:
        pin = str(self.cleaned_data["pin"]).strip()
        if not self.user.check_password(pin):
            raise forms.ValidationError("That is not the PIN. An organiser can give you a new one.")
        return pin

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        validate_password(password, self.user)
        return password

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("password") and cleaned.get("again") != cleaned["password"]:
            self.add_error("again", "The two passwords differ.")
        return dict(cleaned)

    def save(self) -> None:
        """From now on the PIN leads nowhere."""
        self.user.username = self.cleaned_data["username"]
        self.user.email = self.cleaned_data["email"]
        self.user.set_password(self.cleaned_data["password"])
        self.user.has_pin = False
        self.user.save(update_fields=["username", "email", "password", "has_pin"])
