"""A Holdout site as a participant's program sees it. Standard library only."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import IO, Any, Self
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from baselines.errors import BaselineError, CallError

PAGE = re.compile(r"(?P<site>.*?)/competitions/(?P<slug>[-\w]+)(/.*)?")
SECONDS = 30  # how long one answer may take to begin


class Refusal(BaselineError):
    """The site said no, in its own words."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
        # who you are, where you went, a broken site: not the file's fault
        self.exit_code = 2 if status in (401, 403, 404, 405) or status >= 500 else 1


class _Redirects(HTTPRedirectHandler):
    """Follows a redirect, but never carries the token to another host (urllib would)."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following and urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            following.remove_header("Authorization")
        return following


@dataclass(frozen=True)
class Site:
    """One challenge on one site, and the token that opens it."""

    address: str
    slug: str
    token: str

    @classmethod
    def at(cls, url: str, slug: str | None, token: str | None) -> Self:
        """From the site's address and a slug, or from the address of a challenge's page."""
        if not re.match(r"https?://[^/]", url):
            raise CallError(f"{url} is not an address. It should begin with http:// or https://.")
        if page := PAGE.fullmatch(url):
            url, slug = page["site"], slug or page["slug"]
        if not slug or not re.fullmatch(r"[-\w]+", slug):
            raise CallError(
                "Which challenge? Give the last word of its page's address, e.g. digits."
            )
        token = (token or "").strip()
        if not token or not token.isascii() or not token.isprintable():
            message = "A token is needed: --token, or HOLDOUT_TOKEN in the environment."
            raise CallError(f"{message} Your account's token page on the site makes one.")
        return cls(url.rstrip("/"), slug, token)

    def open(
        self, path: str, data: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """The site's answer, to be closed by the caller; a refusal becomes an error in words."""
        every = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        try:
            request = Request(self.address + path, data, every)  # noqa: S310 - http(s), see `at`
            return build_opener(_Redirects).open(request, timeout=SECONDS)
        except HTTPError as answer:
            if answer.code in (304, 416):  # answers to our own conditions, not refusals
                return answer
            raise _refusal(answer) from answer
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            message = f"{self.address} does not answer ({reason}). Is the address right?"
            raise CallError(message) from error

    def ask(
        self, path: str, data: bytes | None = None, content: str = "application/json"
    ) -> dict[str, Any]:
        """GET, or POST where there is data; the answer's JSON object."""
        headers = {"Accept": "application/json"} | ({"Content-Type": content} if data else {})
        with self.open(path, data, headers) as answer:
            try:
                found = json.load(answer)
            except ValueError:
                found = None
        if not isinstance(found, dict):
            raise CallError(f"{self.address} does not look like a Holdout site: no JSON at {path}.")
        return found

    def join(self) -> None:
        """Take part in the challenge; harmless for who already does."""
        self.ask(f"/api/competitions/{self.slug}/join/", b"{}")


def _refusal(answer: HTTPError) -> Refusal:
    """The sentence in {"error": {"message": …}}, or the bare status where there is none."""
    with answer:
        try:
            message = str(json.load(answer)["error"]["message"])
        except (ValueError, KeyError, TypeError, OSError):
            message = f"The site answered {answer.code} {answer.reason} at {answer.url}."
    return Refusal(message, answer.code)
