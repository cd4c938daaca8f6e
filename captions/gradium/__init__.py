"""Gradium's speech-to-text protocol: messages and setup (pure), one session (driver), the room's stream (pure)."""
