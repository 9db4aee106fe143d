"""Which files a process may still open: landlock(7), Linux 5.13 and later.

Rules are about paths and bind what is opened afterwards; a descriptor that is open stays usable.
"""

import os
import struct
from collections.abc import Iterable
from pathlib import Path

from scoring.sandbox import kernel

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # on every machine
_ONLY_VERSION = 1
_PATH_BENEATH = 1

WRITE_FILE, READ_FILE, READ_DIR, IOCTL_DEVICE = 1 << 1, 1 << 2, 1 << 3, 1 << 15
READ = READ_FILE | READ_DIR
DEVICE = READ_FILE | WRITE_FILE | IOCTL_DEVICE
# What a version of the interface can forbid: the number of rights to files; from the fourth on to
# bind and connect TCP, from the sixth on to reach abstract sockets and send signals outside.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_TCP, _SCOPES = 0b11, 0b11


def version() -> int:
    """Raises OSError where the kernel has no Landlock, or has it switched off."""
    return kernel.system_call(_CREATE_RULESET, None, 0, _ONLY_VERSION)


def restrict(readable: Iterable[Path], devices: Iterable[Path]) -> None:
    """From now on only these can be opened, devices to be written to as well. For good.

    Paths that do not exist are left out. Needs no-new-privileges. Raises OSError.
    """
    found = version()
    handled = (1 << _FILE_RIGHTS[min(found, max(_FILE_RIGHTS))]) - 1
    attributes = [handled]
    if found >= 4:
        attributes.append(_TCP)
    if found >= 6:
        attributes.append(_SCOPES)
    packed = struct.pack(f"{len(attributes)}Q", *attributes)
    ruleset = kernel.system_call(_CREATE_RULESET, packed, len(packed), 0)
    try:
        for path in readable:
            _allow(ruleset, path, handled & READ)
        for path in devices:
            _allow(ruleset, path, handled & DEVICE)
        kernel.system_call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    try:
        if not path.is_dir():
            rights &= ~READ_DIR
        rule = struct.pack("=Qi", rights, place)
        kernel.system_call(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(place)
