"""Draws the README's picture: a class of scikit-learn models races on the digits challenge.

    make screenshot

Starts the site in a temporary folder, trains a model per team on the challenge's own training
images, submits through the API as any team would, and photographs the board when all are on it.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import sync_playwright
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from baselines import fetch, submit
from baselines.data import challenge
from baselines.remote import Site
from tests.journeys.stack import Stack, until

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "leaderboard.png"
BASELINES = 2
TEAMS = {
    "Overfit Club": SVC(C=10, gamma=0.001),
    "Nearest Neighbours": KNeighborsClassifier(1),
    "Cutmix Kitchen": SVC(C=1, gamma=0.0015),
    "Ada & Linus": ExtraTreesClassifier(300, random_state=0),
    "Batch of Five": RandomForestClassifier(200, random_state=0),
    "Mira & Jonas": KNeighborsClassifier(7),
    "Learning Late": LinearDiscriminantAnalysis(),
    "Kernel Panic": make_pipeline(StandardScaler(), SVC(kernel="sigmoid")),
    "Softmax & Sons": LogisticRegression(C=0.01, max_iter=2000),
    "Vanishing Point": RidgeClassifier(),
    "Pool Party": NearestCentroid(),
    "One More Epoch": make_pipeline(Binarizer(threshold=7), BernoulliNB()),
    "Yuki Tanabe": GaussianNB(),
    "Tree of Doubt": DecisionTreeClassifier(random_state=0),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), HOLDOUT_DEMO="1")
        try:
            stack.ready()
            race(stack, Path(folder, "data"))
            until(lambda: on_board(stack) >= len(TEAMS) + BASELINES, "everybody on the board")
            photograph(stack.url)
        finally:
            stack.stop()


def race(stack: Stack, data: Path) -> None:
    for name, model in TEAMS.items():
        site = Site.at(stack.url, "digits", token(stack, name))
        fetch.fetch(site, data, lambda *_progress: None)
        answers = data / "answers.csv"
        answers.write_text(predictions(model, data))
        submit.wait(site, submit.submit(site, answers, type(model).__name__))


def on_board(stack: Stack) -> int:
    return len(stack.board("digits")["rows"])


def token(stack: Stack, name: str) -> str:
    command = [sys.executable, "manage.py", "create_token", name, "--create"]
    done = subprocess.run(
        command, env=stack.environment, capture_output=True, check=True, text=True
    )
    return done.stdout.split()[-1]


def predictions(model: object, data: Path) -> str:
    train = challenge.load(data)
    seen = train.train
    model.fit(flat(seen.pixels), seen.labels)  # type: ignore[attr-defined]
    test = challenge.files(challenge.part(data, "test"))
    pixels = challenge.stack(test, *challenge.looks(test))
    guesses = model.predict(flat(pixels))  # type: ignore[attr-defined]
    pairs = zip(test, guesses, strict=True)
    rows = [f"{Path(name).name},{train.classes[guess]}" for name, guess in pairs]
    return "\n".join(["id,label", *rows, ""])


def flat(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The shades as the digits are known for: 0 to 16."""
    return pixels.reshape(len(pixels), -1) / 255 * 16


def photograph(url: str) -> None:
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 1000}, device_scale_factor=1.5)
        page.goto(f"{url}/competitions/digits/leaderboard/")
        page.get_by_text("Live", exact=True).wait_for()
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
