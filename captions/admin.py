"""Django's admin: rooms and their settings, sessions, finals and costs to look at, links to make and revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from captions.captioning.budget_words import credits_number, length
from captions.models import AccessLink, Room, Segment, Session, SpeakerTicket, Usage
from captions.models.access_link import hash_token
from captions.views import on_air, usage
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

    list_display = ("title", "slug", "language", "delay_in_frames", "on_air", "listed")
    search_fields = ("title", "slug")
    fieldsets = (
        (None, {"fields": ("title", "slug", "speaker_name", "listed", "on_air")}),
        (
            "Speech engine",
            {
                "description": "While somebody speaks, what you save holds from that word on.",
                "fields": ("language", "delay_in_frames", "model_name", "endpoint", "temperature", "padding_bonus"),
            },
        ),
        ("Names and special words", {"fields": ("vocabulary", "vocabulary_boost")}),
        ("End of a line", {"fields": ("utterance_horizon_s", "utterance_threshold")}),
        ("Time and cost", {"fields": ("hours_per_day", "used_today", "used_this_month")}),
    )
    readonly_fields = ("on_air", "used_today", "used_this_month")

    @admin.display(description="On air")
    def on_air(self, room: Room) -> str:
        """What the speech engine runs with now, and what is wrong with it."""
        session = room.sessions.filter(ended_at=None).order_by("-number").first() if room.pk else None
        return on_air.words(session)

    @admin.display(description="Used today (UTC)")
    def used_today(self, room: Room) -> str:
        """Today's use against the room's limit."""
        return usage.use_today(room) if room.pk else "Nothing yet."

    @admin.display(description="Used this month, all rooms")
    def used_this_month(self, room: Room) -> str:
        """All rooms' use this month against the server's limit."""
        return usage.use_this_month(room)


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

    list_display = ("__str__", "cost", "credits", "told", "started_at", "ended_at")
    ordering = ("-started_at",)
    list_filter = ("room", "state")
    list_select_related = ("room",)
    fieldsets = (
        (None, {"fields": ("room", "number", "told", "engine_words", "started_at", "ended_at", "cost", "credits")}),
        ("The captioner", {"fields": ("state_at", "fence", "lease_until", "line_since", "waits_since")}),
        ("The audio", {"fields": ("speaker_here", "stream", "sample_rate", "stream_base_ms", "acked_sample")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return sessions with the time that was spoken in them."""
        return usage.with_spoken_time(super().get_queryset(request))

    @admin.display(description="State", ordering="state")
    def told(self, session: Session) -> str:
        """What viewers are told."""
        detail = session.detail.replace("_", " ")
        return f"{session.get_state_display()}, {detail}" if detail else session.get_state_display()

    @admin.display(description="Speech engine")
    def engine_words(self, session: Session) -> str:
        """What it was last set to, and what was wrong with it."""
        return on_air.engine_words(session)

    @admin.display(description="Paid and spoken", ordering="paid_ms")
    def cost(self, session: Any) -> str:  # noqa: ANN401 - a session and its spoken_ms
        """Audio that was billed, beside what was said in it."""
        return usage.paid_and_spoken(session.paid_ms, session.spoken_ms)

    @admin.display(description="Credits")
    def credits(self, session: Session) -> str:
        """What the engine bills for it."""
        return credits_number(session.paid_ms)


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


@admin.register(Usage)
class UsageAdmin(ReadOnly):
    """What was paid for: by month, and by day and room."""

    list_display = ("day", "room_slug", "paid", "credits")
    list_filter = ("room_slug",)
    date_hierarchy = "day"
    fields = ("day", "room_slug", "room", "paid", "credits")

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django's own signature
        """Nobody deletes: limits count on it."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, under the totals of the months."""
        return super().changelist_view(request, {**(extra_context or {}), "months": usage.months()})

    @admin.display(description="Paid")
    def paid(self, row: Usage) -> str:
        """The length of audio that was billed."""
        return length(row.paid_ms)

    @admin.display(description="Credits")
    def credits(self, row: Usage) -> str:
        """What the engine bills for it."""
        return credits_number(row.paid_ms)
