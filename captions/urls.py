"""Every HTTP route of the project."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path, re_path, register_converter

from captions.views import home, speaker, transcript, viewer
from captions.views.slug import SlugConverter

register_converter(SlugConverter, "room")

# /healthz comes before all of these: captions.views.health, a middleware.
urlpatterns = [
    path("admin/", admin.site.urls),
    path("", home.page, name="home"),
    path("r/<room:slug>/", viewer.page, name="viewer"),
    path("r/<room:slug>/speak/", speaker.page, name="speaker"),
    path("r/<str:slug>/speak/ticket/", speaker.ticket, name="speaker-ticket"),
    path("r/<room:slug>/transcript.json", transcript.as_json, name="transcript-json"),
    re_path(r"^r/(?P<slug>[A-Za-z0-9-]{1,64})/(?P<rest>.*)$", home.small_letters),
]
