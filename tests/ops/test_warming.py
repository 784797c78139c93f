"""A process of the web server has done its loading before it serves."""

import json
import os
import subprocess
import sys
from pathlib import Path

SEEN = """
import gc, json, sys
import salesops.asgi
from django.template import engines
from django.urls import get_resolver
cached = [loader for loader in engines["django"].engine.template_loaders if hasattr(loader, "get_template_cache")]
print(json.dumps({
    "frozen": gc.get_freeze_count(), "before_collecting": gc.get_threshold()[0],
    "templates": sorted(str(name) for loader in cached for name in loader.get_template_cache),
    "views": "opportunities.views.deals" in sys.modules,
}))
"""
TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


def test_views_and_templates_are_loaded_and_left_alone_by_the_collector() -> None:
    asked = [sys.executable, "-c", SEEN]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, env=os.environ, timeout=60)  # noqa: S603
    seen = json.loads(done.stdout.splitlines()[-1])

    assert seen["views"]
    assert seen["frozen"] > 50_000
    assert seen["before_collecting"] > 700
    loaded = " ".join(seen["templates"])
    missing = [
        path.name for path in TEMPLATES.rglob("*.html") if str(path.relative_to(TEMPLATES)) not in loaded
    ]
    assert missing == []
