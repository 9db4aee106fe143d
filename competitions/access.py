"""Who may see what, and when: the predicates that every door asks."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef, QuerySet

from competitions.models import Competition, Member, State, Submission
from competitions.refusals import NotAMember, NotFound

Person = AbstractBaseUser | AnonymousUser


def is_organiser(user: Person) -> bool:
    return bool(user.is_authenticated and getattr(user, "is_staff", False))


def visible(user: Person) -> QuerySet[Competition]:
    """The competitions this person may know of: drafts are the organisers' alone."""
    # Without the metric's source: it is for the workers and may be 256 KiB.
    competitions = Competition.objects.select_related("solution", "custom_metric").defer(
        "custom_metric__source"
    )
    return competitions if is_organiser(user) else competitions.exclude(state=State.DRAFT)


def competition(user: Person, slug: str) -> Competition:
    """The competition of that slug; raises NotFound where this person sees none."""
    found = visible(user).filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no challenge {slug!r} here. The list is on the home page.")
    return found


def submissions(user: Person) -> QuerySet[Submission]:
    """The submissions this person may read: those of the own teams, or all for an organiser."""
    rows = Submission.objects.select_related("team__competition", "user")
    if is_organiser(user):
        return rows
    if not user.is_authenticated:
        return rows.none()
    return rows.filter(Exists(Member.objects.filter(team=OuterRef("team"), user=user.pk)))


def require_download(user: Person, competition: Competition, *, by_token: bool = False) -> None:
    """Data is for those who joined, for organisers, and for programs that bring a token.

    A token's owner agreed to be known here when the token was made; a program that only looks at
    the data need not appear as a team.
    """
    if is_organiser(user) or by_token:
        return
    if not user.is_authenticated:
        raise NotAMember("Sign in and join the challenge to download its data.")
    if not Member.objects.filter(competition=competition, user=user.pk).exists():
        raise NotAMember("Join the challenge to download its data: the button is on its page.")
