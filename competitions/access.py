"""Who may see what, and when: the predicates that every door asks."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Permission
from django.db.models import Exists, OuterRef, Q, QuerySet

from competitions.models import Competition, Member, Organiser, Role, State, Submission
from competitions.refusals import NotAMember, NotFound

Person = AbstractBaseUser | AnonymousUser
OWNERS = {Role.OWNER}
EDITORS = {Role.OWNER, Role.EDITOR}
JUDGES = {*EDITORS, Role.JUDGE}


def is_organiser(user: Person, competition: Competition) -> bool:
    """Whether the person has any role here; whoever runs the site has all of them."""
    return role_of(user, competition) is not None


def role_of(user: Person, competition: Competition) -> Role | None:
    """The person's role in this challenge, if any. Whoever runs the site is an owner of each."""
    if not user.is_authenticated or not user.is_active:
        return None
    if getattr(user, "is_superuser", False):
        return Role.OWNER
    found = Organiser.objects.filter(competition=competition.pk, user=user.pk).first()
    return Role(found.role) if found else None


def may_own(user: Person, competition: Competition) -> bool:
    """Name organisers, delete a draft, export the solution."""
    return role_of(user, competition) in OWNERS


def may_edit(user: Person, competition: Competition) -> bool:
    """Build, change, open, close, reveal; read what only the end tells."""
    return role_of(user, competition) in EDITORS


def may_judge(user: Person, competition: Competition) -> bool:
    """Act on files and teams, and run the room; no private score before its publication."""
    return role_of(user, competition) in JUDGES


def may_view_labels(user: Person, competition: Competition) -> bool:
    """See single test labels: a permission given by name, which being superuser does not bring."""
    if not may_edit(user, competition):
        return False
    named = Q(user=user.pk) | Q(group__user=user.pk)
    return Permission.objects.filter(
        named, codename="view_labels", content_type__app_label="competitions"
    ).exists()


def visible(user: Person) -> QuerySet[Competition]:
    """The competitions this person may know of: drafts are their organisers' alone."""
    # Without the metric's source: it is for the workers and may be 256 KiB.
    competitions = Competition.objects.select_related(
        "solution", "custom_metric", "model_rules"
    ).defer("custom_metric__source")
    if getattr(user, "is_superuser", False):
        return competitions
    return competitions.filter(~Q(state=State.DRAFT) | organised(user))


def organised(user: Person) -> Exists:
    """The condition on a competition that the person has a role in it."""
    return Exists(Organiser.objects.filter(competition=OuterRef("pk"), user=user.pk))


def competition(user: Person, slug: str) -> Competition:
    """The competition of that slug; raises NotFound where this person sees none."""
    found = visible(user).filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no challenge {slug!r} here. The list is on the home page.")
    return found


def submissions(user: Person) -> QuerySet[Submission]:
    """The submissions this person may read: those of the own teams, and of challenges organised."""
    rows = Submission.objects.select_related("team__competition", "user")
    if not user.is_authenticated:
        return rows.none()
    if getattr(user, "is_superuser", False):
        return rows
    own = Exists(Member.objects.filter(team=OuterRef("team"), user=user.pk))
    in_role = Organiser.objects.filter(competition=OuterRef("team__competition"), user=user.pk)
    return rows.filter(own | Exists(in_role))


def require_download(user: Person, competition: Competition, *, by_token: bool = False) -> None:
    """Data is for those who joined, for organisers, and for programs that bring a token.

    A token's owner agreed to be known here when the token was made; a program that only looks at
    the data need not appear as a team.
    """
    if by_token:
        return
    if not user.is_authenticated:
        raise NotAMember("Sign in and join the challenge to download its data.")
    is_member = Member.objects.filter(competition=competition, user=user.pk).exists()
    if not is_member and not is_organiser(user, competition):
        raise NotAMember("Join the challenge to download its data: the button is on its page.")
