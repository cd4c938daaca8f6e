"""Which of a speaker's audio is safe: the words in it are durable, with time to spare. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SPARE_S: Final = 2.0  # an ack stays this far behind what is durable: a new engine session warms up on it
STEP_S: Final = 2.0  # in silence an ack moves this far at a time


@dataclass(slots=True)
class Acks:
    """``rate`` in Hz and ``base_ms``, the session's time of sample 0, place the stream on the session's clock."""

    rate: int
    base_ms: int
    acked: int
    durable_ms: int

    def after(self, durable_ms: int, *, newest: int) -> int:
        """Return the ack that holds once all words up to ``durable_ms`` are durable; ``newest``: end of the audio."""
        sample = (max(self.durable_ms, durable_ms) - self.base_ms) * self.rate // 1000 - int(SPARE_S * self.rate)
        return max(self.acked, min(sample, newest))

    def due(self, *, newest: int) -> int | None:
        """Return an ack that is worth writing down without a final, or None."""
        ack = self.after(self.durable_ms, newest=newest)
        return ack if ack - self.acked >= int(STEP_S * self.rate) else None
