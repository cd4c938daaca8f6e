"""Every HTTP route of the project."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from captions.views import speaker
from captions.views.health import healthz

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("r/<str:slug>/speak/", speaker.page, name="speaker"),
    path("r/<str:slug>/speak/ticket/", speaker.ticket, name="speaker-ticket"),
]
