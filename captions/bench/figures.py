"""The figures of runs, and what follows from them. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Subject: TypeAlias = Literal["stream", "server", "pipecat"]
MB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Run:
    """One run. Seconds of CPU of what was measured, of the engine and of the speakers, over ``window_s``.

    ``foreign`` is the share of the measured core that other processes of the machine took.
    """

    subject: Subject
    rooms: int
    window_s: float
    cpu_s: float
    engine_s: float
    load_s: float
    foreign: float
    rss_bytes: int
    expected: int
    got: int
    wrong_rooms: int
    finals: int
    p50_ms: float | None
    p99_ms: float | None

    @property
    def ms_per_s(self) -> float:
        """Milliseconds of CPU per second of one room's audio."""
        return self.cpu_s / (self.window_s * self.rooms) * 1000

    @property
    def core(self) -> float:
        """Share of a core."""
        return self.cpu_s / self.window_s

    @property
    def is_whole(self) -> bool:
        """No word is missing; without this the figures are none."""
        return self.got == self.expected and not self.wrong_rooms


@dataclass(frozen=True, slots=True)
class Row:
    """What all runs of a subject with that many rooms say."""

    subject: Subject
    rooms: int
    runs: tuple[Run, ...]

    @property
    def ms_per_s(self) -> float:
        """The median run's CPU per second of audio, milliseconds."""
        return statistics.median(run.ms_per_s for run in self.runs)

    @property
    def spread(self) -> tuple[float, float]:
        """The cheapest and the dearest run."""
        costs = [run.ms_per_s for run in self.runs]
        return min(costs), max(costs)

    @property
    def median(self) -> Run:
        """The run whose CPU is the median."""
        return sorted(self.runs, key=lambda run: run.ms_per_s)[len(self.runs) // 2]

    @property
    def rss_bytes(self) -> float:
        """The median run's memory."""
        return statistics.median(run.rss_bytes for run in self.runs)


def rows(runs: Sequence[Run]) -> list[Row]:
    """Put runs of the same kind together, in the order they came."""
    kinds = dict.fromkeys((run.subject, run.rooms) for run in runs)
    return [
        Row(subject, rooms, tuple(run for run in runs if (run.subject, run.rooms) == (subject, rooms)))
        for subject, rooms in kinds
    ]


def mb_per_room(table: Sequence[Row], subject: Subject) -> float | None:
    """Return the megabytes one more room takes, from the fewest to the most rooms; None with one number of rooms."""
    sizes = sorted((row.rooms, row.rss_bytes) for row in table if row.subject == subject)
    if not sizes or sizes[0][0] == sizes[-1][0]:
        return None
    (few, small), (many, large) = sizes[0], sizes[-1]
    return (large - small) / (many - few) / MB


def ratio(table: Sequence[Row], row: Row) -> float | None:
    """Return a row's CPU as a multiple of Pipecat's with as many rooms; None without that."""
    peer = next((other for other in table if other.subject == "pipecat" and other.rooms == row.rooms), None)
    return row.ms_per_s / peer.ms_per_s if peer else None


_HEAD: Final = (
    "what",
    "rooms",
    "CPU ms/s",
    "spread",
    "core",
    "rooms/core",
    "MB",
    "delay ms p50 p99",
    "words",
    "x Pipecat",
)


def write_table(table: Sequence[Row]) -> str:
    """Return the figures for people."""
    lines = [_HEAD]
    for row in table:
        run, share = row.median, ratio(table, row)
        lines.append(
            (
                row.subject,
                str(row.rooms),
                f"{row.ms_per_s:.2f}",
                "{:.2f}-{:.2f}".format(*row.spread),
                f"{run.core:.1%}",
                f"{1000 / row.ms_per_s:.0f}",
                f"{row.rss_bytes / MB:.1f}",
                "-" if run.p50_ms is None else f"{run.p50_ms:g} {run.p99_ms:g}",
                f"{run.got}/{run.expected}",
                "-" if share is None or row.subject == "pipecat" else f"{share:.2f}",
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    for subject in dict.fromkeys(row.subject for row in table):
        grows = mb_per_room(table, subject)
        if grows is not None:
            text.append(f"{subject}: {grows:.2f} MB for one more room")
    return "\n".join(text)


def as_json(table: Sequence[Row]) -> dict[str, object]:
    """Return the figures for programs."""
    return {
        "rows": [
            {
                "subject": row.subject,
                "rooms": row.rooms,
                "cpu_ms_per_audio_s": round(row.ms_per_s, 3),
                "spread": [round(cost, 3) for cost in row.spread],
                "core_share": round(row.median.core, 4),
                "rooms_per_core": round(1000 / row.ms_per_s, 1),
                "rss_mb": round(row.rss_bytes / MB, 2),
                "delay_p50_ms": row.median.p50_ms,
                "delay_p99_ms": row.median.p99_ms,
                "words_expected": row.median.expected,
                "words_got": row.median.got,
                "finals": row.median.finals,
                "engine_core_share": round(row.median.engine_s / row.median.window_s, 4),
                "speakers_core_share": round(row.median.load_s / row.median.window_s, 4),
                "foreign_core_share": round(row.median.foreign, 4),
                "ratio_to_pipecat": None if (share := ratio(table, row)) is None else round(share, 3),
            }
            for row in table
        ],
        "mb_per_room": {
            subject: None if (grows := mb_per_room(table, subject)) is None else round(grows, 3)
            for subject in dict.fromkeys(row.subject for row in table)
        },
    }
