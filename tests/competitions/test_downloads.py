"""Downloads: who gets a file, and which bytes of it."""

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from competitions import files
from competitions.api import ranges
from competitions.models import Competition, DataFile
from holdout.accounts.models import User

TRAIN = "/competitions/pets/data/train.zip"
# Longer than two blocks, and no block like another.
CONTENT = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(20_000))
SIZE = len(CONTENT)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def train(competition: Competition) -> DataFile:
    """The training archive: any bytes will do."""
    stored = files.store_bytes("data", CONTENT)
    return DataFile.objects.create(
        competition=competition,
        name="train.zip",
        path=stored.path,
        size=stored.size,
        sha256=stored.sha256,
    )


@pytest.fixture
def member(train: DataFile, alice: User, team_of: Callable[..., Any], clients: Any) -> Client:
    team_of(alice)
    client: Client = clients(alice)
    return client


def fetch(client: Client, path: str = TRAIN, **headers: str) -> Any:
    """The response with all it sent as ``body``; keywords are headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response: Any = client.get(path, headers=named)
    response.body = response.getvalue() if response.streaming else response.content
    return response


# --- who -----------------------------------------------------------------------------------------


def test_a_member_gets_the_whole_file(member, train):
    response = fetch(member)
    assert response.status_code == 200
    assert response.body == CONTENT
    assert response.headers["Content-Length"] == str(SIZE)
    assert response.headers["Content-Type"] == "application/zip"
    assert response.headers["Content-Disposition"] == 'attachment; filename="train.zip"'
    assert response.headers["ETag"] == f'"{train.sha256}"'
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_a_token_is_enough(train, alice, team_of, token_of):
    team_of(alice)
    assert fetch(Client(), Authorization=f"Bearer {token_of(alice)}").body == CONTENT


def test_an_organiser_need_not_join(train, host, clients):
    assert fetch(clients(host)).status_code == 200


def test_a_token_opens_the_data_without_joining(train, charlie, clients, token_of):
    assert fetch(Client(), Authorization=f"Bearer {token_of(charlie)}").status_code == 200


def test_a_token_opens_no_draft(draft, charlie, clients, token_of):
    headers = {"Authorization": f"Bearer {token_of(charlie)}"}
    url = reverse("competitions:download", args=[draft.slug, "train.zip"])
    assert Client().get(url, headers=headers).status_code == 404


def test_a_name_no_file_can_have_is_not_found(train, alice, clients):
    assert clients(alice).get(f"/competitions/{train.competition.slug}/data/%00").status_code == 404


@pytest.mark.parametrize("door", ["visitor", "session"])
def test_who_has_not_joined_is_told_to(door, train, charlie, clients):
    response = fetch(clients(charlie if door == "session" else None))
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "not_a_member"
    assert "oin the challenge" in response.json()["error"]["message"]


def test_a_member_of_another_challenge_is_none_of_this(train, bob, draft, team_of, clients):
    team_of(bob, draft)
    assert fetch(clients(bob)).status_code == 403


def test_a_browser_gets_the_sites_own_page(train, charlie, clients):
    response = fetch(clients(charlie), Accept=BROWSER)
    assert response.status_code == 403
    assert response.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["pets/data/labels.csv", "nothing/data/train.zip"])
def test_what_is_not_there(path, member):
    response = fetch(member, f"/competitions/{path}")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
    assert fetch(member, f"/competitions/{path}", Accept=BROWSER).status_code == 404


def test_a_drafts_files_are_unknown_to_all_but_its_host(train, draft, member, host, clients):
    DataFile.objects.filter(pk=train.pk).update(competition=draft)
    path = "/competitions/secret/data/train.zip"
    assert fetch(member, path).status_code == 404
    assert fetch(clients(host), path).status_code == 200


@pytest.mark.parametrize("name", ["../settings.py", "..%2f..%2fsolutions", "%2e%2e/x", "a/b"])
def test_names_are_no_paths(name, member):
    assert fetch(member, f"/competitions/pets/data/{name}").status_code == 404


def test_the_solution_has_no_address(member, competition):
    path = competition.solution.path
    for address in (path, f"files/{path}", f"static/{path}", f"competitions/pets/data/{path}"):
        assert fetch(member, f"/{address}").status_code == 404


def test_files_are_read_only(member):
    assert member.post(TRAIN).status_code == 405


# --- which bytes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=300000-", 300_000, SIZE),
        ("bytes=-7", SIZE - 7, SIZE),
        (f"bytes=-{2 * SIZE}", 0, SIZE),
        (f"bytes=5-{2 * SIZE}", 5, SIZE),
        (f"Bytes= {SIZE - 1}- ", SIZE - 1, SIZE),
    ],
)
def test_one_range(asked, start, stop, member):
    response = fetch(member, Range=asked)
    assert response.status_code == 206
    assert response.body == CONTENT[start:stop]
    assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert response.headers["Content-Length"] == str(stop - start)


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0"])
def test_a_range_behind_the_end(asked, member):
    response = fetch(member, Range=asked)
    assert response.status_code == 416
    assert response.headers["Content-Range"] == f"bytes */{SIZE}"
    assert str(SIZE) in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,5-6", "bytes=9-3", "bytes=-", "bytes=a-b", "lines=0-1", "0-1", "bytes=" + "9" * 99],
)
def test_other_ranges_are_answered_with_the_whole_file(asked, member):
    response = fetch(member, Range=asked)
    assert response.status_code == 200
    assert response.body == CONTENT


def test_a_download_goes_on_where_it_stopped(member):
    etag = fetch(member).headers["ETag"]
    assert fetch(member, Range="bytes=100-", If_Range=etag).body == CONTENT[100:]


@pytest.mark.parametrize(
    "condition", ['"another file"', "Sat, 01 Aug 2026 00:00:00 GMT", 'W/"{etag}"']
)
def test_parts_of_another_file_are_not_continued(condition, member, train):
    condition = condition.format(etag=train.sha256)
    response = fetch(member, Range="bytes=100-", If_Range=condition)
    assert response.status_code == 200
    assert response.body == CONTENT


def test_a_file_one_has_is_not_sent_again(member):
    etag = fetch(member).headers["ETag"]
    response = fetch(member, If_None_Match=etag, Range="bytes=0-1")
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["ETag"] == etag


def test_head_tells_the_size_and_sends_nothing(member):
    response = member.head(TRAIN, headers={"Range": "bytes=0-1"})
    assert response.status_code == 200
    assert not response.streaming
    assert response.headers["Content-Length"] == str(SIZE)
    assert response.headers["Content-Disposition"] == 'attachment; filename="train.zip"'


def test_an_empty_file(member, competition):
    stored = files.store_bytes("data", b"")
    DataFile.objects.create(
        competition=competition, name="empty.csv", path=stored.path, size=0, sha256=stored.sha256
    )
    path = "/competitions/pets/data/empty.csv"
    for headers, status in ({}, 200), ({"Range": "bytes=-5"}, 200), ({"Range": "bytes=0-"}, 416):
        assert fetch(member, path, **headers).status_code == status


# --- how -----------------------------------------------------------------------------------------


def test_files_are_streamed_in_blocks_and_closed(member, monkeypatch):
    opened = []
    open_data = files.open_data

    def watched(file: DataFile) -> Any:
        opened.append(open_data(file))
        return opened[-1]

    monkeypatch.setattr(files, "open_data", watched)
    lengths = [len(block) for block in member.get(TRAIN)]
    assert max(lengths) == ranges.BLOCK
    assert sum(lengths) == SIZE
    assert opened[0].closed


def test_a_file_nobody_read_is_closed_too():
    file = io.BytesIO(CONTENT)
    StreamingHttpResponse(ranges.Blocks(file, ranges.Part(0, SIZE)))._resource_closers[0]()
    assert file.closed


def test_queries_of_a_download(member, django_assert_num_queries):
    with django_assert_num_queries(5):  # session, user, competition, membership, file
        fetch(member, Range="bytes=0-9")


# --- the header, for every size and number -------------------------------------------------------

SIZES = st.integers(0, 40)
NUMBERS = st.integers(0, 60)


def positions(header: str, size: int) -> set[int] | None:
    """Which bytes are sent; None where the answer is 416."""
    try:
        part = ranges.requested(header, size)
    except ranges.Unsatisfiable:
        return None
    return set(range(part.start, part.stop)) if part else set(range(size))


@given(SIZES, NUMBERS, NUMBERS)
def test_first_to_last(size, first, last):
    wanted = {n for n in range(size) if first <= n <= last} or None
    if last < first:  # malformed, so passed over
        wanted = set(range(size))
    assert positions(f"bytes={first}-{last}", size) == wanted


@given(SIZES, NUMBERS)
def test_first_to_end(size, first):
    wanted = {n for n in range(size) if first <= n}
    assert positions(f"bytes={first}-", size) == (wanted or None)


@given(SIZES, st.integers(1, 60))
def test_the_last_so_many(size, length):
    wanted = set(list(range(size))[-length:])
    assert positions(f"bytes=-{length}", size) == wanted


@given(st.one_of(st.text(), st.from_regex(r"bytes=[0-9 ,\-]*")), SIZES)
def test_no_header_breaks_it(header, size):
    sent = positions(header, size)
    assert sent is None or sent <= set(range(size))
