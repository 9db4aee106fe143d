"""People and the tokens their programs carry."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person, or a baseline's own account. Swapped in from the first migration on."""

    has_pin = models.BooleanField(
        "signs in by PIN",
        default=False,
        editable=False,
        help_text="The password is a PIN, made when the person joined a class by its code.",
    )


class Token(models.Model):
    """A key to the API. Only its digest is stored: a stolen database opens no door."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60, blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name or f"Token {self.pk}"
