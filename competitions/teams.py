"""Joining. Everyone competes through a team; it begins as a team of one."""

import unicodedata

from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, transaction

from competitions import deadlines
from competitions.access import Person
from competitions.models import Competition, Member, Team
from competitions.refusals import NameTaken, NotOpen, Refused

NAME_LENGTH = 60


def of(competition: Competition, user: Person) -> Team | None:
    """The person's team in this competition, if there is one."""
    if not user.is_authenticated:
        return None
    return Team.objects.filter(members__user=user.pk, members__competition=competition).first()


def join(competition: Competition, user: AbstractUser) -> Team:
    """The person's team; made on the first call, the same on every later one.

    Raises NotOpen for a closed competition.
    """
    team = of(competition, user)
    if team is not None:
        return team
    if deadlines.phase(deadlines.read(competition.pk)) is deadlines.Phase.CLOSED:
        raise NotOpen("This challenge is closed; nobody can join it any more.")
    name = clean_name(user.get_full_name() or user.get_username())
    try:
        return _found(competition, user, _free_name(competition, name))
    except IntegrityError:
        # Two clicks at once: the constraint let one through. Or the name was taken meanwhile.
        team = of(competition, user)
        return team or _found(competition, user, _free_name(competition, name))


def rename(team: Team, name: str) -> None:
    """Raises NameTaken where another team of the competition has the name."""
    team.name = clean_name(name)
    try:
        with transaction.atomic():
            team.save(update_fields=["name"])
    except IntegrityError:
        raise NameTaken(f"Another team is called {team.name!r}. Choose another name.") from None


def clean_name(name: str) -> str:
    """NFKC, without control and invisible characters, spaces collapsed.

    What looks the same must be the same: two teams that differ by a zero-width space would be
    one team to every reader of the board.
    """
    normal = unicodedata.normalize("NFKC", name)
    visible = "".join(c for c in normal if unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs"))
    cleaned = " ".join(visible.split())[:NAME_LENGTH].strip()
    if not cleaned:
        raise Refused("A team needs a name of at least one visible character.")
    return cleaned


def _found(competition: Competition, user: AbstractUser, name: str) -> Team:
    with transaction.atomic():
        team = Team.objects.create(competition=competition, name=name)
        Member.objects.create(team=team, competition=competition, user_id=user.pk)
        return team


def _free_name(competition: Competition, name: str) -> str:
    """The name itself, or with the first free number behind it."""
    taken = {
        taken.casefold()
        for taken in Team.objects.filter(
            competition=competition, name__istartswith=name[: NAME_LENGTH - 5]
        ).values_list("name", flat=True)
    }
    candidates = [name, *(f"{name[: NAME_LENGTH - 5]} {n}" for n in range(2, len(taken) + 3))]
    return next(candidate for candidate in candidates if candidate.casefold() not in taken)
