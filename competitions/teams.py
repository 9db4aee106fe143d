"""Joining. Everyone competes through a team; it begins as a team of one."""

import contextlib
import unicodedata

from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from competitions import admission, deadlines
from competitions.access import Person
from competitions.models import Competition, Member, Organiser, RosterEntry, Team
from competitions.refusals import NameTaken, NotAMember, NotOpen, Refused

NAME_LENGTH = 60
TRIES = 20  # each failed one means that somebody else got in
# Blank, yet letters, marks or symbols by their category: fillers, joiners, variation selectors.
BLANKS = {"\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u2800", "\u3164"}
BLANKS |= {chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))}


def of(competition: Competition, user: Person) -> Team | None:
    """The person's team in this competition, if there is one."""
    if not user.is_authenticated:
        return None
    return Team.objects.filter(members__user=user.pk, members__competition=competition).first()


def join(competition: Competition, user: AbstractUser) -> Team:
    """The person's team; made on the first call, the same on every later one.

    Raises NotOpen for a closed competition, NotAMember for whom it does not admit, Refused for one
    of its organisers.
    """
    team = of(competition, user)
    if team is not None:
        return team
    current = deadlines.read(competition.pk)
    if deadlines.phase(current).is_over and not current.late_submissions:
        raise NotOpen("This challenge is closed; nobody can join it any more.")
    _require_no_organiser(competition, user)
    entry = admission.require(competition, user)
    name = _name_for(user)
    for _ in range(TRIES):
        try:
            return _found(competition, user, _free_name(competition, name), entry)
        except IntegrityError:
            # Two clicks at once: the constraint let one through. Or the name was taken meanwhile.
            team = of(competition, user)
            if team is not None:
                return team
    raise NameTaken(f"Many people called {name!r} are joining at once. Please try again.")


def rename(team: Team, name: str) -> None:
    """Raises NameTaken where another team of the competition has the name.

    The board's version moves on, or kept copies of the board would show the old name for good.
    That comes first, as the challenge's row is always the first to be locked.
    """
    team.name = clean_name(name)
    try:
        with transaction.atomic():
            Competition.objects.move_board_on(team.competition_id)
            team.save(update_fields=["name"])
    except IntegrityError:
        raise NameTaken(f"Another team is called {team.name!r}. Choose another name.") from None


def clean_name(name: str) -> str:
    """NFKC, without control and invisible characters, spaces collapsed.

    What looks the same must be the same: two teams that differ by a zero-width space would be
    one team to every reader of the board.
    """
    normal = unicodedata.normalize("NFKC", name)
    visible = "".join(c for c in normal if _is_visible(c))
    cleaned = " ".join(visible.split())[:NAME_LENGTH].strip()
    if not cleaned:
        raise Refused("A team needs a name of at least one visible character.")
    return cleaned


def alphabetical(name: str) -> str:
    """What lists of people are sorted by: Änne stands beside Anne, and not behind Zoë."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def as_others_spell_it(group: str, team: Team) -> str:
    """Folded in Python: databases differ in what they take for the same letter."""
    others = Team.objects.filter(competition=team.competition_id).exclude(pk=team.pk)
    known = others.exclude(group="").order_by("pk").values_list("group", flat=True)
    wanted = group.casefold()
    return next((other for other in known if other.casefold() == wanted), group)


def _name_for(user: AbstractUser) -> str:
    """From the account; an imported one whose names are invisible locks nobody out."""
    for name in (user.get_full_name(), user.get_username()):
        with contextlib.suppress(Refused):
            return clean_name(name)
    return f"Team {user.pk}"


def _is_visible(character: str) -> bool:
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs")
    return not hidden and character not in BLANKS


def _found(
    competition: Competition, user: AbstractUser, name: str, entry: RosterEntry | None
) -> Team:
    """A team of one; its line of the roster, if there is one, gets the account, gives a group."""
    with transaction.atomic():
        Competition.objects.locked(competition.pk)
        _require_no_organiser(competition, user)
        group = entry.group if entry is not None else ""
        team = Team.objects.create(competition=competition, name=name, group=group)
        Member.objects.create(team=team, competition=competition, user_id=user.pk)
        if entry is not None and entry.joined_at is None:
            free = RosterEntry.objects.filter(Q(user=None) | Q(user=user.pk), pk=entry.pk)
            if not free.update(user=user.pk, joined_at=Now()):
                raise NotAMember("Somebody else has just joined with your line of the roster.")
        return team


def _require_no_organiser(competition: Competition, user: AbstractUser) -> None:
    """Asked again under the challenge's lock, beneath which organisers are added, too."""
    if Organiser.objects.filter(competition=competition.pk, user=user.pk).exists():
        raise Refused("You organise this challenge, and whoever does so cannot compete in it.")


def _free_name(competition: Competition, name: str) -> str:
    """The name itself, or with the first free number behind it."""
    start = name[: NAME_LENGTH - 5]
    similar = Team.objects.filter(competition=competition, name_key__startswith=start.casefold())
    taken = set(similar.values_list("name_key", flat=True))
    candidates = [name, *(f"{start} {n}" for n in range(2, len(taken) + 3))]
    return next(candidate for candidate in candidates if candidate.casefold() not in taken)
