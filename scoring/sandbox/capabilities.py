"""What this machine can do to hold a model in, and so which formats may run on it.

A format is refused where a measure is missing that it needs. What is missing is said in words, for
the page on which operators see the state of the site.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from scoring.sandbox.contract import Format

MEASURES: Mapping[str, str] = {
    "namespaces": "no network, no other processes and hardly any files are in its world",
    "files": "Landlock closes every file but Python's and the libraries'",
    "system_calls": "seccomp forbids every system call that is not on a list",
    "no_new_privileges": "no program can gain rights that it was started without",
    "no_capabilities": "it has none of root's powers",
    "own_user": "it runs as a user who owns nothing",
    "not_traceable": "nobody can look into the memory of its parent",
    "inherits_orphans": "what it leaves behind is found and ended",
    "dies_with_parent": "it ends when its parent does",
    "control_group": "the kernel counts the memory of all its processes together",
    "limits": "its memory, files and processor time have a limit",
}
_ALWAYS = frozenset({"system_calls", "no_new_privileges", "no_capabilities", "limits"})


@dataclass(frozen=True)
class Host:
    """What was found at the start: `measures` are names of MEASURES, `formats` have their library.

    `container` and `trusted` are settings: a container around the worker takes the place of
    namespaces; trusted are models that are the caller's own, which may run without any measure.
    """

    measures: frozenset[str]
    formats: frozenset[Format]
    missing: Mapping[str, str]
    gpu: bool = False
    container: bool = False
    trusted: bool = False

    def refusal(self, kind: Format) -> str | None:
        """Why models of this format do not run here; None if they do."""
        if kind not in self.formats:
            return f"This machine does not run {kind}: its library is not installed."
        if self.trusted:
            return None
        if lacking := sorted(_ALWAYS - self.measures):
            return f"This machine runs no models of others: it lacks {_listed(lacking)}."
        apart = self.container or "namespaces" in self.measures
        if kind.carries_code and not (apart and "files" in self.measures):
            return (
                f"This machine does not run {kind}, which can carry code: that takes Landlock, and "
                "namespaces or a container around the worker."
            )
        if not (apart or "files" in self.measures):
            return (
                "This machine runs no models of others: that takes Landlock (Linux 5.13 or later), "
                "namespaces, or a container around the worker."
            )
        return None

    def words(self) -> list[str]:
        """The state of the sandbox, a sentence a line."""
        lines = [
            f"{name}: {'yes' if name in self.measures else 'NO'}; {meaning}."
            for name, meaning in MEASURES.items()
        ]
        for kind in Format:
            refusal = self.refusal(kind)
            lines.append(f"{kind}: {refusal or 'can be submitted.'}")
        lines += [f"{name} cannot be loaded: {reason}." for name, reason in self.missing.items()]
        lines.append(f"Models run on {'the GPU' if self.gpu else 'the processor'}.")
        return lines


def _listed(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]
