from __future__ import annotations

from django.http import HttpRequest, JsonResponse


async def healthz(_request: HttpRequest) -> JsonResponse:
    """Say that this process answers. Asks nothing of database or Redis: their trouble is no reason to restart."""
    return JsonResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})
