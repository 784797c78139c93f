"""What every request's address is rid of before anybody reads it."""

from __future__ import annotations

from django.http import HttpRequest, QueryDict
from django.utils.deprecation import MiddlewareMixin


class QuestionsMiddleware(MiddlewareMixin):
    """The NUL character is no part of any text the database can hold or be asked for; in an address it is left out."""

    def process_request(self, request: HttpRequest) -> None:
        """Rewrites the query only where it has one."""
        query = request.GET
        if not any("\x00" in text for name, texts in query.lists() for text in (name, *texts)):
            return
        clean = QueryDict(mutable=True)
        for name, texts in query.lists():
            for text in texts:
                clean.appendlist(name.replace("\x00", ""), text.replace("\x00", ""))
        request.META["QUERY_STRING"] = clean.urlencode()
        del request.GET  # read anew from the address, as views and links read it
