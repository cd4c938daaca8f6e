from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from captions.gradium.setup import (
    BOOST_RANGE,
    DELAYS_IN_FRAMES,
    HORIZONS_S,
    LANGUAGES,
    PADDING_BONUS_RANGE,
    TEMPERATURE_RANGE,
    Setup,
    SetupError,
    Vocabulary,
)

SLUG_PATTERN = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"


class Room(models.Model):
    """A place where somebody speaks and others read, with the settings its speech engine gets."""

    slug = models.CharField(
        max_length=64,
        unique=True,
        validators=[
            RegexValidator(
                rf"^{SLUG_PATTERN}\Z",
                "Use small letters, digits and hyphens, 1 to 64 of them, with no hyphen at either end.",
            )
        ],
        help_text="The room's code: the last part of its address.",
    )
    title = models.CharField(max_length=200)
    speaker_name = models.CharField(max_length=100, blank=True, help_text="Shown to readers beside the title.")
    listed = models.BooleanField(default=False, help_text="Show the room on the front page.")
    created_at = models.DateTimeField(auto_now_add=True)

    language = models.CharField(
        max_length=3,
        default="en",
        choices=[(code, name) for code, name in LANGUAGES.items()],
        help_text="What is spoken. Naming it makes the captions better than letting the engine guess.",
    )
    delay_in_frames = models.PositiveSmallIntegerField(
        default=10,
        choices=[(frames, f"{frames} ({frames * 0.08:.2f} s)") for frames in DELAYS_IN_FRAMES],
        help_text="How long to listen before writing, in frames of 80 ms. Longer is more accurate.",
    )
    model_name = models.CharField(max_length=64, default="default")
    endpoint = models.CharField(
        max_length=200,
        blank=True,
        help_text="Region of the speech engine: auto, eu or us. Empty: as the server is set up.",
        choices=[("auto", "auto"), ("eu", "eu"), ("us", "us")],
    )
    temperature = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(TEMPERATURE_RANGE[0]), MaxValueValidator(TEMPERATURE_RANGE[1])],
    )
    padding_bonus = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(PADDING_BONUS_RANGE[0]), MaxValueValidator(PADDING_BONUS_RANGE[1])],
        help_text="Negative writes sooner, positive later.",
    )
    vocabulary = models.JSONField(default=list, blank=True, help_text='Names and special words, as a list: ["Ogmore"].')
    vocabulary_boost = models.FloatField(
        default=3.0, validators=[MinValueValidator(BOOST_RANGE[0]), MaxValueValidator(BOOST_RANGE[1])]
    )
    utterance_horizon_s = models.FloatField(
        default=2.0,
        choices=[(horizon, f"{horizon:g} s") for horizon in HORIZONS_S],
        help_text="A line ends when the engine expects silence this far ahead.",
    )
    utterance_threshold = models.FloatField(default=0.5, validators=[MinValueValidator(0.05), MaxValueValidator(1.0)])
    hours_per_day = models.FloatField(
        null=True,
        blank=True,
        validators=[
            MinValueValidator(0, "Hours cannot be less than 0. Give 0 for no limit."),
            MaxValueValidator(24, "A day has 24 hours. Give 24 or less, or 0 for no limit."),
        ],
        help_text="Hours of captions a day. Empty: as the server is set up. 0: no limit. 1.5 is an hour and a half.",
    )

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own signature
        """Save; a slug is always kept in small letters."""
        self.slug = self.slug.lower()
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Refuse settings the engine would refuse, beside the form and not in the middle of a talk."""
        super().clean()
        if not isinstance(self.vocabulary, list) or not all(isinstance(word, str) for word in self.vocabulary):
            raise ValidationError({"vocabulary": 'Give a list of words, for example ["Ogmore", "Okafor"].'})
        try:
            self.setup(sample_rate=24_000)
        except SetupError as error:
            raise ValidationError(str(error)) from error

    def engine_settings(self) -> tuple[object, ...]:
        """Return all that needs another session of the engine, or another end of a line, when it changes."""
        return (
            self.language,
            self.delay_in_frames,
            self.model_name,
            self.endpoint,
            self.temperature,
            self.padding_bonus,
            tuple(self.vocabulary) if isinstance(self.vocabulary, list) else self.vocabulary,
            self.vocabulary_boost,
            self.utterance_horizon_s,
            self.utterance_threshold,
        )

    def setup(self, *, sample_rate: int) -> Setup:
        """Return what the engine is told before the room's audio at ``sample_rate`` Hz; raises SetupError."""
        return Setup(
            model_name=self.model_name,
            input_format=f"pcm_{sample_rate}",
            language=self.language,
            delay_in_frames=self.delay_in_frames,
            temperature=self.temperature,
            padding_bonus=self.padding_bonus,
            vocabulary=Vocabulary(words=tuple(self.vocabulary), boost=self.vocabulary_boost)
            if self.vocabulary
            else None,
        )
