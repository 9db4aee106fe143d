"""People and their tokens, in the admin. A token can be ended here and never read."""

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from competitions.admin import columns
from holdout.accounts.models import Token, User

# Nobody is made an organiser through a group, and addresses are kept with their people.
for model in (Group, EmailAddress):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]  # unfold has no types
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = (
        "username",
        "get_full_name",
        "email",
        "is_staff",
        "is_active",
        "joined",
        "last_seen",
    )
    list_filter = ("is_staff", "is_active")
    search_fields = ("username", "first_name", "last_name", "email")
    readonly_fields = ("last_seen", "joined")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": (("first_name", "last_name"), "email")}),
        (
            "What they may do",
            {
                "fields": ("is_active", "is_staff", "is_superuser", "user_permissions"),
                "description": "Staff may organise: they begin challenges, and see those in which "
                "they have a role. A superuser runs the site and owns every challenge. Take "
                "“active” away instead of deleting.",
            },
        ),
        ("Dates", {"fields": (("last_seen", "joined"),)}),
    )

    def formfield_for_manytomany(self, db_field: Any, request: Any, **options: Any) -> Any:
        """One permission is given by name, and not even a superuser has it otherwise."""
        if db_field.name == "user_permissions":
            options["queryset"] = Permission.objects.filter(codename="view_labels")
            options["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        field = super().formfield_for_manytomany(db_field, request, **options)
        if field is not None and db_field.name == "user_permissions":
            field.label, field.help_text = "Given by name", "Superusers have it only if ticked."
        return field

    @display(description="Joined", ordering="date_joined")  # type: ignore[untyped-decorator]
    def joined(self, obj: User) -> str:
        return columns.utc(obj.date_joined)

    @display(description="Last login", ordering="last_login")  # type: ignore[untyped-decorator]
    def last_seen(self, obj: User) -> str:
        return columns.utc(obj.last_login)


@admin.register(Token)
class TokenAdmin(ModelAdmin):  # type: ignore[misc]
    """No adding: a token is shown once, to its owner, on the tokens page."""

    list_display = ("__str__", "user", "created", "last_used")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    fields = readonly_fields = ("user", "name", "created", "last_used")
    ordering = ("-created_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @display(description="Created", ordering="created_at")  # type: ignore[untyped-decorator]
    def created(self, obj: Token) -> str:
        return columns.utc(obj.created_at)

    @display(description="Last used", ordering="last_used_at")  # type: ignore[untyped-decorator]
    def last_used(self, obj: Token) -> str:
        return columns.utc(obj.last_used_at)
