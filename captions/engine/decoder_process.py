"""A decoder in a process of its own: ``python -m captions.engine.decoder_process``.

It answers each request on stdin with one line of JSON on stdout, and ends when stdin does: with its parent, however
that ended. A request is a letter, the length of what follows (4 bytes, little-endian), and that:
``O`` open, the sample rate in digits; ``A`` audio, PCM; ``F`` flush; ``C`` close.
"""

from __future__ import annotations

import json
import signal
import struct
import sys
from typing import BinaryIO, Final

from captions.engine.hearing import Heard

REQUEST: Final = struct.Struct("<cI")
NOTHING: Final = Heard((), 0.0)


def write_heard(heard: Heard) -> bytes:
    """Return the answer's line."""
    words = [[word.text, word.start_s, word.end_s] for word in heard.words]
    return json.dumps([words, heard.silence_s]).encode() + b"\n"


def main(requests: BinaryIO, answers: BinaryIO) -> None:
    """Serve one parent until it closes ``requests``."""
    # Ctrl-C goes to the whole group of processes; the parent decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from captions.engine.speech import SpeechRecogniser  # noqa: PLC0415 - half a second; the signal comes first

    recogniser = SpeechRecogniser()
    heard = NOTHING
    while True:
        answers.write(write_heard(heard))
        answers.flush()
        head = requests.read(REQUEST.size)
        if len(head) < REQUEST.size:
            return
        kind, length = REQUEST.unpack(head)
        payload = requests.read(length)
        heard = NOTHING
        match kind:
            case b"O":
                recogniser.open(int(payload))
            case b"A":
                heard = recogniser.hear(payload)
            case b"F":
                heard = recogniser.flush()
            case b"C":
                recogniser.close()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
