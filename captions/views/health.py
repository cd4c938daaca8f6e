"""``/healthz``: this process answers."""

from __future__ import annotations

from asyncio import iscoroutinefunction
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.decorators import sync_and_async_middleware

PATH = "/healthz"


@sync_and_async_middleware
def health(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Answer health checks before anything else does.

    Load balancers ask by address, so ALLOWED_HOSTS must not matter. Nothing is asked of the database or Redis: their
    trouble is no reason to restart this process.
    """
    if iscoroutinefunction(get_response):

        async def answer(request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = healthy() if request.path == PATH else await get_response(request)
            return response

        return answer

    def answer_now(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = healthy() if request.path == PATH else get_response(request)
        return response

    return answer_now


def healthy() -> JsonResponse:
    """Return the answer that says so."""
    return JsonResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})
