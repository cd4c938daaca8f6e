"""English speech to words, with pocketsphinx. Runs inside a decoder's own process (see decoder_process).

The decoder, its settings and the limits below were chosen by measurement: about one word in five is wrong on clear
speech, far more in noise. It has no punctuation, no capitals and knows English only: good enough to try captions out.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any, Final

import pocketsphinx

from captions.engine.agreement import Agreement, Guess
from captions.engine.hearing import Heard, Word

_SAMPLE_BYTES: Final = 2
_VAD_MODE: Final = 2
_VAD_FRAME_S: Final = 0.02
_ONSET_FRAMES: Final = 5
_ONSET_SPEECH: Final = 3
"""An utterance begins when 3 of the last 5 frames of the voice detector hold speech."""
_BEFORE_ONSET_S: Final = 0.3
_PAUSE_S: Final = 0.5
"""An utterance ends after this much silence."""
_LONG_UTTERANCE_S: Final = 30.0
_SHORT_PAUSE_S: Final = 0.1
"""A long utterance ends at any breath."""
_DECODER_FRAME_S: Final = 0.01
_VARIANT: Final = re.compile(r"\(\d+\)$")
_NOT_WORDS: Final = ("<", "[", "+")


class SpeechRecogniser:
    """One decoder, which hears one request after another."""

    def __init__(self) -> None:
        self._decoder = pocketsphinx.Decoder(loglevel="FATAL", fwdflat=False, bestpath=False, maxhmmpf=5000)
        self.open(24_000)

    def open(self, sample_rate: int) -> None:
        """Forget the last request and get ready for the audio of a new one, at ``sample_rate`` Hz."""
        # The model is one of 16 kHz speech and expects something above 4 kHz, where 8 kHz audio has nothing. Taking
        # each sample twice mirrors the lower band up there: 23 % of the words wrong, after a clean filter 36 %.
        self._twice = sample_rate == 8_000  # noqa: PLR2004 - the rate itself
        config = self._decoder.config
        config["samprate"] = sample_rate * 2 if self._twice else sample_rate
        # Also at the same rate: the decoder would else go on with the loudness and colour of the last request's voice.
        self._decoder.reinit_feat(config)
        self._vad = pocketsphinx.Vad(mode=_VAD_MODE, sample_rate=sample_rate, frame_length=_VAD_FRAME_S)
        # The detector's real frame; at 24 kHz it is longer than the one asked for.
        self._frame_s = self._vad.frame_bytes / _SAMPLE_BYTES / sample_rate
        self._rest = b""
        self._time_s = 0.0
        self._silence_s = 0.0
        self._recent: deque[bool] = deque(maxlen=_ONSET_FRAMES)
        self._before: deque[bytes] = deque(maxlen=round(_BEFORE_ONSET_S / self._frame_s))
        self._agreement: Agreement | None = None
        self._utterance_s = 0.0

    def hear(self, pcm: bytes) -> Heard:
        """Take the next audio, 16-bit PCM; return the words that became certain by it."""
        words: list[Word] = []
        pcm = self._rest + pcm
        size = self._vad.frame_bytes
        end = len(pcm) - len(pcm) % size
        self._rest = pcm[end:]
        run: list[bytes] = []
        for offset in range(0, end, size):
            frame = pcm[offset : offset + size]
            speech = self._vad.is_speech(frame)
            self._time_s += self._frame_s
            self._silence_s = 0.0 if speech else self._silence_s + self._frame_s
            self._recent.append(speech)
            if self._agreement is not None:
                run.append(frame)
                if self._pause():
                    words += self._end_utterance(b"".join(run))
                    run = []
                continue
            self._before.append(frame)
            if sum(self._recent) >= _ONSET_SPEECH:
                run = self._start_utterance()
        if self._agreement is not None and run:
            self._decode(b"".join(run))
            words += self._timed(self._agreement.update(self._guesses(), self._frames_heard()))
        return Heard(tuple(words), self._silence_s)

    def flush(self) -> Heard:
        """Decide on everything heard so far."""
        words = [] if self._agreement is None else self._end_utterance(b"")
        return Heard(tuple(words), self._silence_s)

    def close(self) -> None:
        """End an utterance that nobody waits for any more."""
        if self._agreement is not None:
            self._decoder.end_utt()
            self._agreement = None

    def _pause(self) -> bool:
        if self._silence_s >= _PAUSE_S:
            return True
        return self._time_s - self._utterance_s > _LONG_UTTERANCE_S and self._silence_s > _SHORT_PAUSE_S

    def _start_utterance(self) -> list[bytes]:
        run = list(self._before)
        self._before.clear()
        self._utterance_s = self._time_s - len(run) * self._frame_s
        self._agreement = Agreement()
        self._decoder.start_utt()
        return run

    def _end_utterance(self, pcm: bytes) -> list[Word]:
        assert self._agreement is not None  # noqa: S101 - callers looked
        if pcm:
            self._decode(pcm)
        words = self._timed(self._agreement.finish(self._guesses()))
        self._decoder.end_utt()
        self._agreement = None
        self._recent.clear()
        self._before.clear()
        return words

    def _decode(self, pcm: bytes) -> None:
        if self._twice:
            twice = bytearray(2 * len(pcm))
            twice[0::4] = twice[2::4] = pcm[0::2]
            twice[1::4] = twice[3::4] = pcm[1::2]
            pcm = bytes(twice)
        self._decoder.process_raw(pcm, False, False)

    def _frames_heard(self) -> int:
        return round((self._time_s - self._utterance_s) / _DECODER_FRAME_S)

    def _guesses(self) -> list[Guess]:
        if self._decoder.hyp() is None:
            return []
        segments: list[Any] = self._decoder.seg()
        return [
            Guess(_VARIANT.sub("", segment.word), segment.start_frame, segment.end_frame + 1)
            for segment in segments
            if not segment.word.startswith(_NOT_WORDS)
        ]

    def _timed(self, guesses: list[Guess]) -> list[Word]:
        return [
            Word(
                guess.text,
                round(self._utterance_s + guess.start * _DECODER_FRAME_S, 3),
                round(self._utterance_s + guess.end * _DECODER_FRAME_S, 3),
            )
            for guess in guesses
        ]
