"""The projector: the board on the wall of a room, with the clock and the way in."""

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from competitions.live.events import clock_of
from competitions.models import Competition
from competitions.views import challenge as challenges
from competitions.views import ties

QUIET_ZONE = 4  # modules, of ISO/IEC 18004


@dataclass(frozen=True)
class Code:
    """A QR code as one SVG path: ``size`` by ``size`` modules, its quiet zone included."""

    size: int
    path: str


@dataclass(frozen=True)
class Joining:
    """Where participants find the challenge, to be read and to be scanned."""

    url: str
    host: str
    port: int | None
    qr: Code
    code: str = ""  # the class code, where there is one


@require_safe
@cache_control(private=True, no_cache=True)
def projector(request: HttpRequest, slug: str) -> HttpResponse:
    """An empty wall: its script fetches the board and goes on from the cursor."""
    challenge = challenges.find(request, slug)
    context = {
        "challenge": challenge,
        "clock": json.dumps(clock_of(challenge.competition)),
        "joining": joining(request, challenge.competition),
        "bounds": ties.for_scripts(challenge.competition.metric_facts.bounds),
    }
    return render(request, "competitions/projector.html", context)


def joining(request: HttpRequest, competition: Competition) -> Joining:
    """The address at which one joins, as the phones in the room can reach it."""
    page = reverse("competitions:detail", args=[competition.slug])
    if competition.class_code:
        page = reverse("competitions:enter", args=[competition.class_code])
    url = f"{request.scheme}://{outside(request)}{page}"
    parts = urlsplit(url)
    return Joining(
        url=url,
        host=parts.hostname or "",
        port=parts.port,
        qr=code(url),
        code=competition.class_code or "",
    )


def code(text: str) -> Code:
    """The text as a QR code that survives 15 % of damage (error correction level M)."""
    modules = list(segno.make(text, error="m", micro=False).matrix_iter(border=QUIET_ZONE))
    runs = (f"M{x} {y}h{n}v1h-{n}z" for y, row in enumerate(modules) for x, n in _runs(row))
    return Code(size=len(modules), path="".join(runs))


def _runs(row: Iterable[int]) -> Iterable[tuple[int, int]]:
    """The dark runs of a row as (start, length), so that no seam shows between modules."""
    start = None
    for x, is_dark in enumerate([*row, 0]):
        if is_dark and start is None:
            start = x
        elif not is_dark and start is not None:
            yield start, x - start
            start = None


def outside(request: HttpRequest) -> str:
    """The host that was asked for; where that is this very machine, its address in the network.

    The site answers to that address only if it is among the allowed hosts, and so it is known.
    """
    host = request.get_host()
    name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not _is_loopback(name or host):
        return host
    outside = next((name for name in settings.ALLOWED_HOSTS if _is_of_the_network(name)), None)
    if outside is None:
        return host
    return f"{outside}:{port}" if name and port else outside


def is_this_machine(request: HttpRequest) -> bool:
    """Whether the address that others are told leads nowhere but to the host's own machine."""
    return _is_loopback(outside(request).rpartition(":")[0] or outside(request))


def _is_loopback(name: str) -> bool:
    address = _address(name)
    return name == "localhost" or (address is not None and address.is_loopback)


def _is_of_the_network(name: str) -> bool:
    address = _address(name)
    return address is not None and not (address.is_loopback or address.is_unspecified)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return None
