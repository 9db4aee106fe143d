"""python -m scoring check | score | compare | split | metrics | run"""

import sys
from io import TextIOWrapper

from scoring.terminal import app

if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal may not know every letter of an id
            stream.reconfigure(errors="backslashreplace")
    app()
