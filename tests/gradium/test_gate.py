"""What opens a session again, after nobody has spoken for long."""

from __future__ import annotations

import array
import math
import random

import pytest

from captions.gradium.gate import EnergyGate

RATE = 24_000


def noise(seconds: float, rms: float, seed: int = 1, offset: int = 0) -> bytes:
    chance = random.Random(seed)
    return array.array("h", (offset + round(chance.gauss(0, rms)) for _ in range(int(seconds * RATE)))).tobytes()


def tone(seconds: float, rms: float) -> bytes:
    return array.array(
        "h", (round(rms * math.sqrt(2) * math.sin(2 * math.pi * 180 * at / RATE)) for at in range(int(seconds * RATE)))
    ).tobytes()


def mixed(one: bytes, other: bytes) -> bytes:
    pairs = zip(array.array("h", one), array.array("h", other), strict=True)
    return array.array("h", (first + second for first, second in pairs)).tobytes()


@pytest.mark.parametrize("floor", [0.0, 20.0, 300.0])
@pytest.mark.parametrize("offset", [0, 900])
def test_a_rooms_own_noise_opens_nothing_and_a_voice_does(floor, offset):
    gate = EnergyGate(RATE)
    gate.learn(noise(5.0, floor, offset=offset))
    for second in range(20):
        assert not gate.hears(noise(1.0, floor, seed=second + 2, offset=offset))
    voice = mixed(noise(0.16, floor, seed=99, offset=offset), tone(0.16, max(40.0, 2 * floor)))
    assert gate.hears(voice), "within two frames"


def test_a_single_click_opens_nothing():
    gate = EnergyGate(RATE)
    gate.learn(noise(5.0, 20))
    click = array.array("h", [8_000] * 40 + [0] * (RATE // 10 - 40)).tobytes()
    assert not gate.hears(mixed(noise(0.1, 20, seed=5), click))
    gate.learn(noise(5.0, 20))
    assert gate.hears(mixed(noise(0.1, 20, seed=5), click), at_once=True), "where a word would be cut, it counts"


def test_a_fan_that_is_switched_on_becomes_the_rooms_noise():
    gate = EnergyGate(RATE)
    gate.learn(noise(5.0, 20))
    assert gate.hears(noise(1.0, 200, seed=3))
    for second in range(6):
        gate.hears(noise(1.0, 200, seed=second + 10))
    assert not gate.hears(noise(1.0, 200, seed=77))
