"""Who is expected: a list that comes from a spreadsheet and goes back to one unchanged."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from competitions import admission, audit, spreadsheets, teams
from competitions.models import Competition, Kind, Member, RosterEntry, Team
from competitions.refusals import Refused
from scoring import InvalidSubmission
from scoring.decoding import admit, require_text

COLUMNS = ("name", "email", "group")
KNOWN = {
    "name": {"name", "student", "full name", "participant"},
    "email": {"email", "e-mail", "mail"},
    "group": {"group", "section", "class", "course"},
}
MOST_LINES = 20_000
GROUP_LENGTH = 40


@dataclass(frozen=True)
class Line:
    """One person of the table."""

    name: str
    email: str | None  # None: the table has no such column, and so says nothing of it
    group: str | None

    def changes(self, entry: RosterEntry) -> bool:
        return self._differs(self.email, entry.email) or self._differs(self.group, entry.group)

    @staticmethod
    def _differs(wanted: str | None, present: str) -> bool:
        return wanted is not None and wanted != present


@dataclass(frozen=True)
class Preview:
    """What a table would change; with problems it changes nothing."""

    added: list[Line] = field(default_factory=list)
    changed: list[Line] = field(default_factory=list)
    unchanged: int = 0
    problems: list[str] = field(default_factory=list)


def preview(competition: Competition, data: bytes) -> Preview:
    """Reads a CSV with a column ``name``, and ``email`` and ``group`` where they are there.

    Raises Refused for what is no table at all; what is wrong in a line is one of the problems.
    """
    problems: list[str] = []
    lines = list(_lines(data, problems))
    known = {entry.name_key: entry for entry in competition.roster.all()}
    found = Preview(problems=problems)
    for line in lines:
        entry = known.get(line.name.casefold())
        if entry is None:
            found.added.append(line)
        elif line.changes(entry):
            found.changed.append(line)
    same = len(lines) - len(found.added) - len(found.changed)
    return Preview(found.added, found.changed, same, problems)


def load(competition: Competition, data: bytes, by: Any = None) -> Preview:
    """Adds and changes; nobody is removed. Raises Refused with the problems, and does nothing."""
    with transaction.atomic():
        locked = Competition.objects.locked(competition.pk)
        found = preview(locked, data)
        if found.problems:
            raise Refused(" ".join(found.problems[:5]))
        RosterEntry.objects.bulk_create(
            RosterEntry(
                competition=locked,
                name=line.name,
                name_key=line.name.casefold(),
                email=line.email or "",
                group=line.group or "",
            )
            for line in found.added
        )
        for line in found.changed:
            _change(locked, line)
        audit.record(
            locked,
            by,
            Kind.ROSTER_CHANGED,
            added=len(found.added),
            changed=len(found.changed),
        )
    return found


def remove(entry: RosterEntry, by: Any = None) -> None:
    """Takes somebody off the list who has not joined. Raises Refused for who has."""
    with transaction.atomic():
        locked = Competition.objects.locked(entry.competition_id)
        fresh = RosterEntry.objects.get(pk=entry.pk)
        if fresh.user_id is not None:
            raise Refused(f"{fresh.name} has joined. Hide or disqualify the team instead.")
        audit.record(locked, by, Kind.ROSTER_CHANGED, fresh.name, removed=1)
        fresh.delete()


def detach(entry: RosterEntry, by: Any = None) -> None:
    """The line is free again: somebody has joined with it who should not have.

    What the account has sent stays with its team. Raises Refused where nobody has joined.
    """
    with transaction.atomic():
        locked = Competition.objects.locked(entry.competition_id)
        fresh = RosterEntry.objects.select_related("user").get(pk=entry.pk)
        if fresh.user is None:
            raise Refused(f"Nobody has joined as {fresh.name} yet.")
        account = fresh.user.get_username()
        audit.record(locked, by, Kind.ROSTER_CHANGED, fresh.name, freed=1, account=account)
        RosterEntry.objects.filter(pk=fresh.pk).update(user=None, joined_at=None, slip_pin="")


def table(competition: Competition) -> bytes:
    """The list as ``load`` takes it."""
    entries = competition.roster.all()
    return spreadsheets.write(COLUMNS, ((it.name, it.email, it.group) for it in entries))


def slips(competition: Competition, by: Any = None) -> list[tuple[RosterEntry, str]]:
    """Everybody who has not joined, each with a new PIN; earlier slips are no longer good.

    Only the hashes stay. Makes the class code too where there is none.
    """
    waiting = list(competition.roster.filter(user=None))
    made = [(entry, admission.random_pin()) for entry in waiting]
    with transaction.atomic():
        locked = Competition.objects.locked(competition.pk)
        for entry, pin in made:
            mark = admission.slip_mark(entry, pin)
            RosterEntry.objects.filter(pk=entry.pk, user=None).update(slip_pin=mark)
        audit.record(locked, by, Kind.ROSTER_CHANGED, slips=len(made))
    if competition.class_code is None:
        admission.new_code(competition, by)
    return made


def _change(competition: Competition, line: Line) -> None:
    entry = RosterEntry.objects.get(competition=competition, name_key=line.name.casefold())
    entry.email = entry.email if line.email is None else line.email
    entry.group = entry.group if line.group is None else line.group
    entry.save(update_fields=["email", "group"])
    if entry.user_id is not None and line.group is not None:
        member = Member.objects.filter(competition=competition, user=entry.user_id).first()
        if member is not None:
            team = Team.objects.get(pk=member.team_id)
            group = teams.as_others_spell_it(line.group, team)
            Team.objects.filter(pk=team.pk).update(group=group)
            Competition.objects.move_board_on(competition.pk)


def _lines(data: bytes, problems: list[str]) -> Iterator[Line]:
    rows = _rows(data)
    header = next(rows, (0, []))[1]
    columns = _columns(header)
    seen: dict[str, int] = {}
    for number, row in rows:
        if not any(cell.strip() for cell in row):
            continue
        line = _line(number, row, columns, problems)
        if line is None:
            continue
        key = line.name.casefold()
        if key in seen:
            problems.append(f"Line {number}: {line.name} stands in line {seen[key]} already.")
            continue
        seen[key] = number
        yield line


def _line(
    number: int, row: Sequence[str], columns: Mapping[str, int], problems: list[str]
) -> Line | None:
    values = {
        name: spreadsheets.plain(row[at].strip()) if at < len(row) else ""
        for name, at in columns.items()
    }
    email, group = values.get("email"), values.get("group")
    group = None if group is None else " ".join(group.split())
    try:
        name = teams.clean_name(values["name"])
    except Refused:
        problems.append(f"Line {number} has no name.")
        return None
    if len(group or "") > GROUP_LENGTH:
        problems.append(f"Line {number}: a group's name may have {GROUP_LENGTH} characters.")
        return None
    if email and not _is_email(email):
        problems.append(f"Line {number}: {email!r} is no e-mail address.")
        return None
    return Line(name, email, group)


def _rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        kept = admit(spreadsheets.as_utf8(data))
        require_text(kept)
        text = kept.decode()
    except InvalidSubmission as error:
        raise Refused(f"The roster cannot be read. {error}") from None
    if text.count("\n") > MOST_LINES:
        raise Refused(f"A roster has at most {MOST_LINES} lines.")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        yield from enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1)
    except csv.Error as error:
        raise Refused(f"The roster is no table: {error}.") from None


def _columns(header: Sequence[str]) -> dict[str, int]:
    found = {
        column: at
        for column, words in KNOWN.items()
        for at, name in enumerate(header)
        if name.strip().casefold() in words
    }
    if "name" not in found:
        raise Refused(
            "The roster needs a header with a column “name”; “email” and “group” may follow. "
            f"Found: {', '.join(header) or 'nothing'}."
        )
    return found


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
