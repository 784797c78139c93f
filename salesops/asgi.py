"""The ASGI entry point (granian serves it with `--interface asginl`)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.settings")
application = get_asgi_application()
