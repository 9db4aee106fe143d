"""Django as a WSGI application, for the bridge in `asgi.py` or any WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "holdout.settings")

application = get_wsgi_application()
