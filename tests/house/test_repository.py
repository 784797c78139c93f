"""Rules about the repository: what must not be in it, what must."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = [
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "Makefile",
    "docker-compose.yml",
    ".ci/run",
    "docs/glossary.md",
    "docs/architecture.md",
]


def _tracked(*patterns: str) -> list[Path]:
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file() and "var" not in p.parts]
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def _texts(*patterns: str) -> list[tuple[Path, str]]:
    return [(p, p.read_text(encoding="utf-8", errors="replace")) for p in _tracked(*patterns)]


def test_required_files_exist() -> None:
    missing = [name for name in REQUIRED if not (ROOT / name).exists()]
    assert not missing


def test_locks_name_no_index() -> None:
    for path in (ROOT / "requirements.txt", ROOT / "requirements-dev.txt"):
        text = path.read_text()
        assert "--hash=sha256:" in text
        assert not re.search(r"https?://|--(extra-)?index", text), path.name


def test_no_large_files() -> None:
    large = [
        str(p.relative_to(ROOT))
        for p in _tracked()
        if p.stat().st_size > 200_000 and "requirements" not in p.name
    ]
    assert not large, f"Over 200 KB: {large}"


def test_templates_are_free_of_inline_script() -> None:
    """The content security policy refuses it; so does this test, earlier."""
    inline = [
        str(path.relative_to(ROOT))
        for path, text in _texts("templates/*.html", "templates/**/*.html")
        if re.search(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"(application/json|importmap)\")[^>]*>", text)
        or re.search(r"\son(click|change|submit|input|load|keydown|keyup)\s*=", text)
        or "javascript:" in text
    ]
    assert not inline


def test_templates_call_no_other_host() -> None:
    outside = [
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path, text in _texts("templates/*.html", "templates/**/*.html", "static/*.css", "static/**/*.css")
        for match in re.finditer(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//[^\"')\s]+", text)
    ]
    assert not outside


def test_every_template_is_used() -> None:
    """A template no code, template or component names is dead."""
    texts = [text for _, text in _texts("*.py", "*.html")]
    everything = "\n".join(texts)
    orphans = []
    for path in _tracked("templates/*.html", "templates/**/*.html"):
        name = str(path.relative_to(ROOT / "templates"))
        if name in {"403.html", "404.html", "429.html", "500.html", "403_csrf.html"} or name.split("/")[
            0
        ] in {
            "account",
            "mfa",
            "socialaccount",
            "allauth",
            "usersessions",
        }:
            continue
        if name.startswith("cotton/"):
            tag = "c-" + name.removeprefix("cotton/").removesuffix(".html").removesuffix("/index").replace(
                "/", "."
            )
            if f"<{tag}" not in everything.replace(
                "_", "-"
            ) and f"<{tag.replace('_', '-')}" not in everything.replace("_", "-"):
                orphans.append(name)
        elif name not in everything:
            orphans.append(name)
    assert not orphans


def test_adrs_are_short_and_listed() -> None:
    index = (ROOT / "docs/adr/README.md").read_text()
    for path in sorted((ROOT / "docs/adr").glob("0*.md")):
        assert len(path.read_text().split()) <= 400, path.name
        assert path.name in index, path.name
