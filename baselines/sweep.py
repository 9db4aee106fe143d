"""Many short runs with other settings, each trial's chosen by what the trials before it reached.

Optuna draws the settings (its tree-structured Parzen estimator); a fifth of the training images,
never the test set, says how good they are. Every trial is a run folder with events, so that
TensorBoard's HParams page shows the whole sweep.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselines import catalogue, runs, train
from baselines.data.dataset import Dataset, hold_out
from baselines.errors import BaselineError, CallError
from baselines.training import effect
from baselines.training.options import Options
from baselines.watching import Watch

Watching = Callable[[str, int], Watch]


@dataclass(frozen=True)
class Best:
    settings: Mapping[str, Any]
    accuracy: float  # on the fifth
    trials: int


def sweep(
    arch: str,
    data: Dataset,
    out: Path,
    watch: Watching,
    *,
    trials: int,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    source: Mapping[str, Any] | None = None,
) -> Best:
    """Raises CallError for an architecture that has no settings to vary, and as ``train.plan``.

    What is not drawn is the architecture's own, not what was tuned for this set. ``source`` is that
    of ``data``; each trial's says that its images are the training images of it.
    """
    if not catalogue.architecture(arch).network:
        raise CallError(f"{arch} is no network; there is nothing to vary.")
    train.refuse_seed(seed)
    optuna = catalogue.named("optuna")
    recorder = catalogue.named("baselines.recording").Recorder
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    inner = hold_out(data.name, data.classes, data.train)
    within = {**source, "within": "train"} if source else {}
    _clear(out)

    def one(trial: Any) -> float:
        chosen = {**(options or {}), **draw(trial, with_filters=arch not in ("mlp", "perceptron"))}
        run = train.plan(arch, inner, seed=seed, options=chosen, source=within, tuned=False)
        folder = out / f"trial-{trial.number}"
        runs.clear_events(folder)
        bar = watch(f"trial {trial.number}", train.steps(run, inner))
        log = recorder(folder / runs.EVENTS, bar)
        try:
            result, model = train.trained(run, inner, folder, log)
            log.end(run, inner, getattr(model, "network", None), result)
        except CallError:
            raise
        except BaselineError:
            return 0.0  # it diverged: nothing to look for near these settings
        finally:
            log.close()
        return result.test_accuracy

    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(one, n_trials=trials)
    return Best(study.best_params, study.best_value, trials)


def _clear(out: Path) -> None:
    """Remove the trials of an earlier sweep: TensorBoard would show them among the new ones."""
    for folder in out.glob("trial-*"):
        try:
            trial = "within" in runs.read(folder).source
        except BaselineError:
            continue  # it is no run
        if trial:
            runs.remove(folder)


def draw(trial: Any, *, with_filters: bool) -> dict[str, Any]:
    """The settings that matter most for networks of this size."""
    names = ["adamw", "momentum", *(["muon"] if with_filters else [])]
    optimiser = trial.suggest_categorical("optimiser", names)
    low, high = {"adamw": (1e-4, 2e-2), "momentum": (1e-3, 0.3), "muon": (1e-2, 0.4)}[optimiser]
    settings = {
        "optimiser": optimiser,
        "rate": trial.suggest_float(f"rate of {optimiser}", low, high, log=True),
        "label_smoothing": trial.suggest_float("label_smoothing", 0.0, 0.2),
        "batch_size": trial.suggest_categorical("batch_size", [64, 128, 256]),
        "schedule": trial.suggest_categorical("schedule", ["one-cycle", "linear", "cosine"]),
    }
    if "weight_decay" in effect.read("baselines.deep", Options(optimiser=optimiser)):
        settings["weight_decay"] = trial.suggest_float("weight_decay", 1e-5, 0.1, log=True)
    return settings
