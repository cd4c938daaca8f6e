"""Django's admin: rooms and their settings, sessions and finals to look at, links to make and revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from captions.models import AccessLink, Room, Segment, Session, SpeakerTicket
from captions.models.access_link import hash_token
from captions.views.links import room_links

if TYPE_CHECKING:
    # Generic for the type checker only.
    from django.forms import ModelForm

    RoomBase = admin.ModelAdmin[Room]
    LinkBase = admin.ModelAdmin[AccessLink]
    AnyBase = admin.ModelAdmin[Any]
else:
    RoomBase = LinkBase = AnyBase = admin.ModelAdmin


@admin.register(Room)
class RoomAdmin(RoomBase):
    """Rooms with the settings of their speech engine."""

    list_display = ("title", "slug", "language", "delay_in_frames", "listed")
    search_fields = ("title", "slug")
    fieldsets = (
        (None, {"fields": ("title", "slug", "speaker_name", "listed")}),
        (
            "Speech engine",
            {"fields": ("language", "delay_in_frames", "model_name", "endpoint", "temperature", "padding_bonus")},
        ),
        ("Names and special words", {"fields": ("vocabulary", "vocabulary_boost")}),
        ("End of a line", {"fields": ("utterance_horizon_s", "utterance_threshold")}),
    )


@admin.register(AccessLink)
class AccessLinkAdmin(LinkBase):
    """Links: made here, shown once, revoked here."""

    list_display = ("room", "kind", "label", "created_at", "expires_at", "revoked_at")
    list_filter = ("kind", "room")
    fields = ("room", "kind", "label", "expires_at", "revoked_at")
    actions = ("revoke",)

    def save_model(self, request: HttpRequest, obj: AccessLink, form: ModelForm[AccessLink], change: bool) -> None:  # noqa: FBT001 - Django's own signature
        """Save; a new link's address is shown this once, as only its hash is kept."""
        if not change:
            token = AccessLink.new_token()
            obj.token_hash = hash_token(token)
            links = room_links(obj.room, token, base_url=settings.PUBLIC_URL)
            if obj.kind == AccessLink.Kind.SPEAKER:
                messages.info(request, f"Copy this link now, it cannot be shown again: {links['speaker_url']}")
            else:
                messages.info(request, f"Everybody may read this room: {links['viewer_url']}")
        super().save_model(request, obj, form, change)

    @admin.action(description="Revoke the chosen links")
    def revoke(self, request: HttpRequest, queryset: QuerySet[AccessLink]) -> None:
        """Let nobody in by these links any more."""
        count = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        messages.success(request, f"{count} revoked.")


class ReadOnly(AnyBase):
    """What the captioner writes is looked at here, never written."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django's own signature
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django's own signature
        """Nobody changes."""
        return False


@admin.register(Session)
class SessionAdmin(ReadOnly):
    """Runs of rooms."""

    list_display = ("room", "number", "state", "detail", "started_at", "ended_at", "fence")
    list_filter = ("room", "state")


@admin.register(Segment)
class SegmentAdmin(ReadOnly):
    """Finals and gaps."""

    list_display = ("session", "seq", "kind", "start_ms", "text")
    list_filter = ("session__room", "kind")
    search_fields = ("text",)


@admin.register(SpeakerTicket)
class SpeakerTicketAdmin(ReadOnly):
    """Tickets that wait to be used."""

    list_display = ("link", "expires_at")
    fields = ("link", "expires_at")
