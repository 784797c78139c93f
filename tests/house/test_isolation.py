"""What one test sets does not reach the next."""

from __future__ import annotations

from django.test import Client
from django.utils.translation import get_language


class TestLanguage:
    """In this order: the first leaves German active, as Django's test client does."""

    def test_a_request_in_german(self) -> None:
        Client().get("/healthz", headers={"accept-language": "de"})
        assert get_language() == "de"

    def test_leaves_the_next_test_in_english(self) -> None:
        assert get_language() == "en"
