"""Tells all processes that staff have changed a room. Synchronous: called where rooms are saved."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from django.db.models.signals import post_save

from captions.fanout.feed import Item
from captions.fanout.hub import group_name
from captions.models import Room

logger = logging.getLogger(__name__)


def connect() -> None:
    """From now on every room that is saved is told of."""
    post_save.connect(_saved, sender=Room, dispatch_uid="captions.room_changed")


def _saved(instance: Room, *, created: bool, **_: Any) -> None:  # noqa: ANN401 - Django's own signature
    if not created:
        transaction.on_commit(lambda: room_changed(instance.slug))


def room_changed(slug: str) -> None:
    """Tell of a change. A lost notice costs seconds: captioners look into the database now and then."""
    message = {"type": "captions.item", "origin": "", "room": slug, **asdict(Item("settings", 0, 0))}
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(group_name(slug), message)
    except Exception as error:  # noqa: BLE001 - of whatever library the layer is made of
        logger.warning("the channel layer does not answer (%s)", type(error).__name__)
