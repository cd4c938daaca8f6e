"""The real recogniser: Gradium's own SDK hears the shipped minute through it."""

from __future__ import annotations

import pytest
from gradium import GradiumClient

from captions.audio.resample import resampled
from captions.audio.samples import S16, mono, to_s16
from captions.engine.server import run_engine
from tests.engine import sample
from tests.engine.client import client

WANTED = 0.7


def sdk(url: str) -> GradiumClient:
    return GradiumClient(base_url=url.replace("ws://", "http://").removesuffix("speech/asr"), api_key="any")


async def in_blocks(data: bytes, size: int):
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def test_the_sdk_hears_the_minute_with_true_times():
    async with run_engine("127.0.0.1", 0) as url:
        stream = await sdk(url).stt_stream({"input_format": "wav"}, in_blocks(sample.WAV.read_bytes(), 4096))
        texts = [text async for text in stream.iter_text()]
    assert stream.delay_in_frames == 10
    got = [word for text in texts for word in sample.words(text.text)]
    assert len(got) == len(texts), "one word a message"
    assert sample.share_heard(sample.words(" ".join(sample.SENTENCES)), got) >= WANTED

    # A sentence begins where the sound does: its first word tells whether times are those of the audio.
    starts = [text.start_s - stream.delay_in_frames * 0.08 for text in texts]
    assert starts == sorted(starts)
    stretches = sample.stretches_s()
    assert len(stretches) >= len(sample.SENTENCES)
    near = [start for start, _ in stretches if min(abs(start - said) for said in starts) <= 0.08]
    assert len(near) >= 0.9 * len(stretches), (stretches, starts)
    assert starts[0] == pytest.approx(stretches[0][0], abs=0.08)


async def test_the_sdk_in_real_time_style_gets_steps_flushes_and_text():
    data, rate = sample.pcm(8.9)
    assert rate == 24_000
    async with (
        run_engine("127.0.0.1", 0) as url,
        sdk(url).stt_realtime(input_format="pcm", json_config={"language": "en"}) as stt,
    ):
        async for block in in_blocks(data, 3840):
            await stt.send_audio(block)
        await stt.send_flush(5)
        await stt.send_eos()
        messages = [message async for message in stt]
    kinds = [message["type"] for message in messages]
    assert kinds[0] == "ready"
    assert kinds.count("step") == 111
    assert messages[kinds.index("flushed")]["flush_id"] == 5
    assert kinds[-1] == "end_of_stream"
    got = [message["text"] for message in messages if message["type"] == "text"]
    assert sample.share_heard(sample.words(" ".join(sample.SENTENCES[:2])), got) >= WANTED
    assert [message["vad"][2]["inactivity_prob"] for message in messages if message["type"] == "step"][-1] > 0


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
async def test_other_sample_rates_are_heard(rate):
    data, rate_in = sample.pcm(8.9)
    audio = b"".join(to_s16(block) for block in resampled([mono(data, S16)], rate_in, rate))
    async with run_engine("127.0.0.1", 0) as url, client(url) as speaker:
        await speaker.setup(f"pcm_{rate}")
        await speaker.audio(audio, rate)
        await speaker.send("end_of_stream")
        assert await speaker.closed() == 1000
        assert sample.share_heard(sample.words(" ".join(sample.SENTENCES[:2])), speaker.texts) >= WANTED


async def test_what_is_out_does_not_depend_on_the_size_of_the_messages():
    data, rate = sample.pcm(5.0)
    async with run_engine("127.0.0.1", 0) as url:
        heard = []
        for size in (1000, 3840, 100_000):
            async with client(url) as speaker:
                await speaker.setup(f"pcm_{rate}")
                async for block in in_blocks(data, size):
                    await speaker.audio(block, rate=round(size / 2 / 0.08))
                await speaker.send("end_of_stream")
                await speaker.closed()
                heard.append([m for m in speaker.messages if m["type"] in ("text", "end_text", "step")])
        assert heard[0] == heard[1] == heard[2]


async def test_english_is_heard_when_it_is_named_and_when_not_and_another_language_is_refused_in_words():
    async with run_engine("127.0.0.1", 0) as url:
        for config in ({}, {"language": "en"}, {"language": "any"}):
            async with client(url) as speaker:
                assert (await speaker.setup(**config))["type"] == "ready"
        for language in ("fr", "de", "es", "pt"):
            async with client(url) as speaker:
                error = await speaker.setup(language=language)
                assert (error["type"], error["code"]) == ("error", 1008)
                assert "English only" in error["message"]
                assert await speaker.closed() == 1008
