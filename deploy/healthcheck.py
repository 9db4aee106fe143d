"""For the container's HEALTHCHECK: exit 0 when this web process answers /healthz with 200."""

import os
import sys
from http.client import HTTPConnection

host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".")
connection = HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=4)
connection.request("GET", "/healthz", headers={"Host": host})
answer = connection.getresponse()
sys.stdout.write(answer.read().decode() + "\n")
sys.exit(answer.status != 200)
