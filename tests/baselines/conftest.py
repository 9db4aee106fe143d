"""A challenge folder made on the spot, and a tiny site that speaks the platform's REST."""

import hashlib
import io
import json
import threading
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from baselines import train
from baselines.catalogue import dataset

SIDES = ("left", "right")
SHARED = Path(__file__).parents[2].parent / "shared" / "data"


class Onlooker:
    """Counts what a progress bar would show."""

    def __init__(self):
        self.steps, self.accuracies = 0, []

    def step(self):
        self.steps += 1

    def epoch(self, accuracy, **measured):
        self.accuracies.append(accuracy)


@pytest.fixture
def onlooker():
    return Onlooker()


@pytest.fixture
def shared():
    if not SHARED.is_dir():
        pytest.skip("the published data sets are not beside this checkout (../shared/data)")
    return SHARED


def png(kind: int, seed: int, size=(12, 10)) -> bytes:
    """A bright left half (kind 0) or right half (kind 1), with noise."""
    noise = np.random.default_rng(seed).integers(0, 60, (size[1], size[0]), dtype=np.uint8)
    half = slice(0, size[0] // 2) if kind == 0 else slice(size[0] // 2, None)
    noise[:, half] += 150
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    return file.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


@pytest.fixture
def challenge_files() -> dict[str, bytes]:
    """What a site offers: labelled left/right images, and a test set in a scrambled order."""
    train_set = {f"{SIDES[at % 2]}/{at:03}.png": png(at % 2, at) for at in range(60)}
    test_set = {f"t{at:02}.png": png(at % 2, 100 + at) for at in range(10)}
    rows = [f"{Path(name).name},{Path(name).parent.name}" for name in train_set]
    ids = [f"t{at:02}.png" for at in (3, 1, 4, 0, 5, 9, 2, 6, 8, 7)]
    return {
        "train.zip": zipped(train_set),
        "test.zip": zipped(test_set),
        "train.csv": "\n".join(["id,label", *rows, ""]).encode(),
        "sample_submission.csv": "\n".join(["id,side", *(f"{name},left" for name in ids)]).encode(),
    }


@pytest.fixture
def challenge_folder(tmp_path, challenge_files) -> Path:
    folder = tmp_path / "sides"
    folder.mkdir()
    for name, data in challenge_files.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def run_folder(tmp_path, challenge_folder) -> Path:
    """A softmax regression trained on that challenge."""
    images = dataset(str(challenge_folder), Path())
    run = train.plan("softmax", images, seed=0, options={"epochs": 5})
    train.train(run, images, tmp_path / "run", Onlooker())
    return tmp_path / "run"


class Handler(BaseHTTPRequestHandler):
    """One challenge, one token, statuses from a list."""

    server: "FakeSite"

    def log_message(self, *_words):
        pass

    def do_GET(self):
        self.server.seen.append(("GET", self.path, dict(self.headers)))
        if self.server.redirect:
            return self._redirect(self.server.redirect + self.path)
        if not self._known():
            return None
        if self.path.startswith("/competitions/"):
            return self._file(self.path.rsplit("/", 1)[1])
        if self.path == "/api/competitions/sides/":
            return self._json(200, self.server.told)
        if self.path.startswith("/api/submissions/"):
            answers = self.server.answers
            return self._json(200, answers.pop(0) if len(answers) > 1 else answers[0])
        return self._error(404, "There is no such page.")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(("POST", self.path, body))
        if not self._known():
            return None
        if self.path.endswith("/join/"):
            self.server.joined = True
            return self._json(200, {"team": {"name": "Ada"}})
        if self.server.refuse:
            return self._error(*self.server.refuse)
        return self._json(202, {"id": "7", "status": "queued", "url": "/api/submissions/7/"})

    def _redirect(self, place):
        self.send_response(302)
        self.send_header("Location", place)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _known(self):
        if self.headers["Authorization"] == "Bearer secret":
            return True
        self._error(401, "This token is not known. Make a new one.")
        return False

    def _file(self, name):
        if not self.server.joined:
            return self._error(403, "Join the challenge first.")
        if name not in self.server.files:
            return self._error(404, "There is no such file.")
        data = self.server.files[name]
        etag = f'"{self.server.hashes.get(name) or hashlib.sha256(data).hexdigest()}"'
        if self.headers["If-None-Match"] == etag:
            return self._bytes(304, b"", etag)
        if self.headers["Range"] and self.headers["If-Range"] == etag:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            return self._bytes(206, data[start:], etag) if data[start:] else self._bytes(416, b"")
        return self._bytes(200, data, etag)

    def _bytes(self, status, data, etag="", kind="application/octet-stream"):
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: self.server.cut] if kind != "application/json" else data)

    def _json(self, status, found):
        self._bytes(status, json.dumps(found).encode(), kind="application/json")

    def _error(self, status, message):
        self._json(status, {"error": {"code": "refused", "message": message}})


class FakeSite(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.hashes, self.seen, self.joined = files, {}, [], False
        self.refuse, self.cut, self.redirect = None, None, None
        self.told = {"models": None}
        self.answers = [{"id": "7", "status": "scored", "public_score": 0.9}]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def site(challenge_files):
    with running(FakeSite(challenge_files)) as server:
        yield server


@contextmanager
def running(server):
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
