"""An upload above the limit is refused in words, whichever of its files makes it so, and nothing of it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from opportunities.models import ImportBatch

pytestmark = pytest.mark.django_db
HEAD = b"Deal ID,Deal Name,Amount\n"
MB = 2**20


@pytest.fixture(autouse=True)
def one_megabyte(settings: Any) -> None:
    settings.UPLOAD_MAX_MB = 1


def deals(name: str, size: int) -> SimpleUploadedFile:
    """Deals of as many bytes."""
    row = b"D-%07d,Roof,100\n"
    text = HEAD + b"".join(row % n for n in range((size - len(HEAD)) // len(row % 0)))
    return SimpleUploadedFile(name, text + b"\n" * (size - len(text)))


def refused(admin: Client, *files: SimpleUploadedFile) -> str:
    response = admin.post("/imports/new", {"files": list(files)})
    assert response.status_code == 422
    assert not ImportBatch.objects.exists()
    assert not list((Path(configured.VAR_DIR) / "imports").rglob("*.csv"))
    return str(response.context["error"])


def test_a_file_above_the_limit_is_named(admin: Client) -> None:
    small, large = deals("small.csv", 200), deals("large.csv", MB + 1)
    assert refused(admin, small, large) == "“large.csv” is larger than 1 MB."


def test_files_that_exceed_it_only_together_are_refused_too(admin: Client) -> None:
    parts = [deals(f"part{number}.csv", MB // 2 + 1) for number in range(2)]
    words = "These files are larger than 1 MB together. Choose fewer, or pack them into one zip."
    assert refused(admin, *parts) == words


def test_files_that_fill_it_to_the_last_byte_are_taken(admin: Client) -> None:
    response = admin.post("/imports/new", {"files": [deals("a.csv", MB // 2), deals("b.csv", MB // 2)]})
    assert response.status_code == 302
    assert sum(ImportBatch.objects.get().files.values_list("size", flat=True)) == MB


def test_files_of_one_name_are_all_taken(admin: Client) -> None:
    """Chosen from two folders, or alike once their names are made safe: none takes the place of another."""
    files = [
        deals(name, size)
        for size, name in enumerate(("deals.csv", "deals.csv", "q 1.csv", "q_1.csv", "pasted.csv"), 100)
    ]
    pasted = "Deal ID,Deal Name\nD-1,Roof"
    assert admin.post("/imports/new", {"files": files, "pasted": pasted}).status_code == 302
    found = ImportBatch.objects.get().files.values_list("name", "size")
    assert dict(found) == {
        "deals.csv": 100, "deals (2).csv": 101, "q_1.csv": 102, "q_1 (2).csv": 103, "pasted.csv": 104,
        "pasted (2).csv": len(pasted) + 1,
    }  # fmt: skip


def test_the_page_says_that_the_limit_is_for_all_files_together(admin: Client) -> None:
    assert "Up to 1 MB together." in admin.get("/imports/new").content.decode()
