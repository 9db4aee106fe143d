"""Whether what is missing here may be passed over."""

import os

SETTING = "HOLDOUT_REQUIRE_ALL"


def everything() -> bool:
    """True on the build machine: a missing browser or server is a failure there, not a skip."""
    return os.environ.get(SETTING, "").lower() in ("1", "true", "yes", "on")
