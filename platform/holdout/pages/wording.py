"""Numbers, sizes and moments in the words of the pages."""

from datetime import UTC, datetime, timedelta

NOTHING = "\u2013"


def number(value: object) -> str:
    """With thousands separators: 10,000. What a template does not know is no number either."""
    return f"{value:,}" if isinstance(value, int | float) else NOTHING


def file_size(size: object) -> str:
    """In powers of a thousand, three figures: 176 kB, 26.4 MB."""
    if not isinstance(size, int):
        return NOTHING
    if size < 1000:
        return f"{size} bytes"
    power = 1 if size < 999_500 else 2 if size < 999_500_000 else 3
    amount, unit = size / 1000**power, ("kB", "MB", "GB")[power - 1]
    return f"{amount:.0f} {unit}" if amount >= 99.95 else f"{amount:.3g} {unit}"


def mebibytes(size: int) -> str:
    """A limit, in the unit the refusals use: 1 MiB."""
    return f"{size / 2**20:.0f} MiB"


def ordinal(rank: object) -> str:
    """1st, 2nd, 3rd, 11th."""
    if not isinstance(rank, int):
        return NOTHING
    teens = rank % 100 in (11, 12, 13)
    suffix = "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{suffix}"


def shortened(digest: str) -> str:
    """The two ends of a digest: 6b1c…04ef."""
    return digest if len(digest) <= 9 else f"{digest[:4]}…{digest[-4:]}"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in one unit: now, 4 min, 2 h, 3 d."""
    seconds = (now - moment).total_seconds()
    if seconds < 45:
        return "now"
    for unit, size in (("d", 86400), ("h", 3600)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(1, round(seconds / 60))} min"


def clock(left: timedelta) -> str:
    """What a countdown shows: 2:14:37, from two days on 3 days."""
    seconds = max(0, int(left.total_seconds()))
    if seconds >= 2 * 86400:
        return f"{seconds // 86400} days"
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


def stamp(moment: datetime) -> str:
    """A moment in full, in UTC: 21 Nov 2026, 14:45 UTC."""
    at = moment.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def moment(at: datetime, show: str, now: datetime) -> str:
    """A moment in one of the ways the pages show it, in UTC."""
    if show == "ago":
        return ago(at, now)
    if show == "full":
        return stamp(at)
    at, now = at.astimezone(UTC), now.astimezone(UTC)
    if show == "clock" or (show == "short" and at.date() == now.date()):
        return f"{at:%H:%M}"
    return f"{at.day} {at:%b}" if at.year == now.year else f"{at.day} {at:%b %Y}"


def iso(moment: datetime) -> str:
    """For the datetime attribute, to the second and in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
