"""Tables: rooms, their sessions and finals, what was paid for, and the links that let people speak or watch."""

from captions.models.access_link import AccessLink
from captions.models.room import Room
from captions.models.segment import Segment
from captions.models.session import Session
from captions.models.speaker_ticket import SpeakerTicket
from captions.models.usage import Usage

__all__ = ["AccessLink", "Room", "Segment", "Session", "SpeakerTicket", "Usage"]
