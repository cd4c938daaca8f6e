"""What a session is opened with: values Gradium takes, checked before it is asked.

Source of every list and range: Gradium's API reference and guides, and the settings of Pipecat's GradiumSTTService.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

FRAME_S: Final = 0.08
"""Seconds of audio in one step of the model."""

LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {"en": "English", "fr": "French", "de": "German", "es": "Spanish", "pt": "Portuguese", "any": "Any language"}
)
"""What ``language`` takes; ``any`` lets the engine detect it."""

DELAYS_IN_FRAMES: Final = (7, 8, 10, 12, 14, 16, 20, 24, 32, 36, 48)
"""What ``delay_in_frames`` takes; any other value is a server error."""

PCM_RATES: Final = (8_000, 16_000, 24_000)
"""Sample rates in Hz that every client and server of this protocol agrees on."""

INPUT_FORMATS: Final = frozenset(
    {"pcm", "wav", "opus", "ulaw_8000", "alaw_8000"}
    | {f"pcm_{rate}" for rate in (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)}
)
"""What ``input_format`` takes. ``pcm`` is 24 kHz; all PCM is 16-bit signed little-endian mono."""

TEMPERATURE_RANGE: Final = (0.0, 1.5)
PADDING_BONUS_RANGE: Final = (-4.0, 4.0)
BOOST_RANGE: Final = (-6.0, 6.0)
HORIZONS_S: Final = (0.5, 1.0, 2.0, 3.0)
"""Seconds ahead for which a step tells how likely silence is."""
MAX_KEYWORDS: Final = 500


class SetupError(ValueError):
    """A setting the engine would refuse. The message says which and what it takes."""


def _check_range(name: str, value: float | None, limits: tuple[float, float]) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SetupError(f"{name} must be a number, not {value!r}.")
    if not limits[0] <= value <= limits[1]:
        raise SetupError(f"{name} must be from {limits[0]:g} to {limits[1]:g}, not {value:g}.")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words the engine should expect: single tokens, case and accents count.

    A boost of 3 is strong; above about 5 the decoder can loop.
    """

    words: tuple[str, ...]
    boost: float = 3.0

    def __post_init__(self) -> None:
        if len(self.words) > MAX_KEYWORDS:
            raise SetupError(f"The vocabulary holds at most {MAX_KEYWORDS} words, not {len(self.words)}.")
        for word in self.words:
            if not isinstance(word, str) or not word or any(character.isspace() for character in word):
                raise SetupError(f"Each word of the vocabulary is one word without spaces, not {word!r}.")
        _check_range("The vocabulary's boost", self.boost, BOOST_RANGE)


@dataclass(frozen=True, slots=True)
class Setup:
    """The first message of a session. Raises SetupError when a value is not one of those Gradium takes."""

    model_name: str = "default"
    input_format: str = "pcm_24000"
    language: str | None = None
    delay_in_frames: int | None = None
    temperature: float | None = None
    padding_bonus: float | None = None
    vocabulary: Vocabulary | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.model_name, str) or not self.model_name.strip():
            raise SetupError("model_name must be a name, for example default.")
        if not isinstance(self.input_format, str) or self.input_format not in INPUT_FORMATS:
            raise SetupError(
                f"input_format must be one of {', '.join(sorted(INPUT_FORMATS))}, not {self.input_format!r}."
            )
        if self.language is not None and (not isinstance(self.language, str) or self.language not in LANGUAGES):
            raise SetupError(f"language must be one of {', '.join(LANGUAGES)}, not {self.language!r}.")
        if self.delay_in_frames is not None and (
            type(self.delay_in_frames) is not int or self.delay_in_frames not in DELAYS_IN_FRAMES
        ):
            allowed = ", ".join(map(str, DELAYS_IN_FRAMES))
            raise SetupError(f"delay_in_frames must be one of {allowed}, not {self.delay_in_frames!r}.")
        _check_range("temp", self.temperature, TEMPERATURE_RANGE)
        _check_range("padding_bonus", self.padding_bonus, PADDING_BONUS_RANGE)

    @property
    def sample_rate(self) -> int | None:
        """Samples per second of raw audio; None for ``wav`` and ``opus``, which carry it themselves."""
        if self.input_format == "pcm":
            return 24_000
        _, _, rate = self.input_format.partition("_")
        return int(rate) if rate else None

    def json_config(self) -> dict[str, object]:
        """Return the ``json_config`` object; what was left out stays with the engine's own default."""
        config: dict[str, object] = {}
        if self.language is not None:
            config["language"] = self.language
        if self.delay_in_frames is not None:
            config["delay_in_frames"] = self.delay_in_frames
        if self.temperature is not None:
            config["temp"] = self.temperature
        if self.padding_bonus is not None:
            config["padding_bonus"] = self.padding_bonus
        if self.vocabulary is not None:
            config["keywords"] = {"words": list(self.vocabulary.words), "boost": self.vocabulary.boost}
        return config

    @classmethod
    def from_wire(cls, model_name: object, input_format: object, json_config: Mapping[str, object]) -> Setup:
        """Read a client's setup as a server does: known keys are checked, unknown ones ignored; raises SetupError."""
        return cls(
            model_name=model_name,  # type: ignore[arg-type] # checked by __post_init__
            input_format=input_format,  # type: ignore[arg-type] # checked by __post_init__
            language=json_config.get("language"),  # type: ignore[arg-type] # checked by __post_init__
            delay_in_frames=json_config.get("delay_in_frames"),  # type: ignore[arg-type] # checked by __post_init__
            temperature=json_config.get("temp"),  # type: ignore[arg-type] # checked by __post_init__
            padding_bonus=json_config.get("padding_bonus"),  # type: ignore[arg-type] # checked by __post_init__
            vocabulary=_vocabulary_from_wire(json_config.get("keywords")),
        )


def _vocabulary_from_wire(keywords: object) -> Vocabulary | None:
    if keywords is None:
        return None
    if not isinstance(keywords, Mapping) or not isinstance(keywords.get("words"), list):
        raise SetupError('keywords must be an object: {"words": [...], "boost": 3}.')
    return Vocabulary(words=tuple(keywords["words"]), boost=keywords.get("boost", 3.0))
