"""Hand in a file of answers, or a model, and wait for what the site makes of it."""

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from baselines.errors import CallError
from baselines.remote import Site

FINAL = {
    "scored", "invalid", "failed", "crashed", "timed_out", "out_of_memory", "cancelled",
}  # fmt: skip
PATIENCE = 60  # seconds without news
OPENINGS = {
    "invalid": "Refused; it costs no attempt.",
    "failed": "The site failed to score it.",
    "crashed": "The model crashed.",
    "timed_out": "The model took too long.",
    "out_of_memory": "The model took too much memory.",
    "cancelled": "Cancelled.",
}


def submit(
    site: Site, file: Path, message: str, architecture: str = "", arguments: str = ""
) -> dict[str, Any]:
    """Join, upload; the site's receipt with `id` and `status`.

    ``architecture`` and ``arguments``, its keywords as JSON, belong to safetensors that do not say
    themselves what they are.
    """
    if not file.is_file():
        raise CallError(f"{file} does not exist. `python -m baselines predict` writes one.")
    site.join()
    fields = {"message": message, "architecture": architecture, "arguments": arguments}
    body, content = _multipart({name: value for name, value in fields.items() if value}, file)
    return site.ask(f"/api/competitions/{site.slug}/submissions/", body, content)


def wait(
    site: Site,
    receipt: dict[str, Any],
    patience: float = PATIENCE,
    watch: Callable[[dict[str, Any]], object] = lambda _submission: None,
) -> dict[str, Any]:
    """Ask for the submission until its status is final, more and more seldom.

    ``watch`` is shown every answer. It ends, unfinished, when there was no news for ``patience``
    seconds: a model may stand in line for long, but its place in it changes.
    """
    deadline, pause = time.monotonic() + patience, 0.1
    submission = receipt
    while submission["status"] not in FINAL and time.monotonic() < deadline:
        time.sleep(pause)
        pause = min(pause * 1.5, 3)
        before, submission = submission, site.ask(f"/api/submissions/{receipt['id']}/")
        if submission != before:
            deadline = time.monotonic() + patience
        watch(submission)
    return submission


def meanwhile(submission: dict[str, Any]) -> str:
    """Where it stands, in a few words."""
    run = submission.get("run")
    if not run:
        return str(submission["status"])
    if place := run.get("place"):
        return f"number {place['position']} in line, about {place['seconds']:.0f} s to go"
    if run["stage"] == "trying":
        return "tried on some training images, before an attempt is spent"
    if run["stage"] == "running" and run["images_total"]:
        done, total, rate = run["images_done"], run["images_total"], run["images_per_second"]
        return f"{done:,} of {total:,} test images" + (f", {rate:,.0f} a second" if rate else "")
    return str(submission["status"])


def _multipart(fields: dict[str, str], file: Path) -> tuple[bytes, str]:
    """RFC 7578, with a boundary too long to occur by chance."""
    boundary = secrets.token_hex(16)
    name = file.name.replace("\\", "_").replace('"', "_").replace("\r", "_").replace("\n", "_")
    heads = [(f'name="{key}"', value.encode()) for key, value in fields.items()]
    heads.append((f'name="file"; filename="{name}"\r\nContent-Type: text/csv', file.read_bytes()))
    parts = [
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + value + b"\r\n"
        for head, value in heads
    ]
    end = f"--{boundary}--\r\n".encode()
    return b"".join([*parts, end]), f"multipart/form-data; boundary={boundary}"


def sentences(submission: dict[str, Any]) -> str:
    """What a person wants to know of a submission."""
    status = submission["status"]
    if status == "scored":
        score = submission.get("public_score")
        if score is None:
            return "Scored. The challenge shows scores at its end."
        return f"Scored: {score} on the public part."
    if status not in FINAL:
        return f"Handed in, {status}. Its page on the site will show the score."
    problems = submission.get("problems") or []
    rows = [f"Line {p['line']}: {p['message']}" if p["line"] else p["message"] for p in problems]
    if submission.get("more_problems"):
        rows.append(f"And {submission['more_problems']} more like these.")
    return "\n".join([OPENINGS[status], *(rows or [submission.get("error") or ""])]).strip()
