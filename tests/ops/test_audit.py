"""The audit of dependencies never says all is well without having looked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_audit_fails_when_it_cannot_look() -> None:
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    ran = subprocess.run(
        ["make", "audit"], cwd=ROOT, env={**os.environ, **nowhere, "NO_PROXY": "", "no_proxy": ""},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    told = ran.stdout + ran.stderr
    assert ran.returncode != 0
    assert "ProxyError" in told
    assert "No known vulnerabilities" not in told
