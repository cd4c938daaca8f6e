// Runs on the audio thread: takes the microphone at the machine's own rate and posts 80 ms frames at 24 kHz.
import { Framer, RATE } from "./framer.js";
import { Resampler } from "./resampler.js";

class CaptureProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, RATE);
    this.framer = new Framer();
    this.silence = new Float32Array(128);
    // The audio clock stands still when the machine is too busy; the wall clock beside each frame shows it.
    this.emit = (frame) => this.port.postMessage({ ...frame, at: Date.now() }, [frame.buffer]);
    this.port.onmessage = ({ data }) => {
      this.framer.cut(this.emit);
      this.port.postMessage({ cut: data.cut });
    };
  }

  process([input]) {
    const block = input.length > 0 ? input[0] : this.silence;
    const count = this.resampler.process(block);
    this.framer.push(this.resampler.output, count, this.emit);
    return true;
  }
}

registerProcessor("capture", CaptureProcessor);
