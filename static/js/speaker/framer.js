// Cuts samples into frames of 16-bit audio as the speaker socket carries them. Pure.

export const RATE = 24000;
export const FRAME_SAMPLES = 1920; // 80 ms
export const HEADER_BYTES = 8; // room for the index of the first sample, filled in by the stream

export class Framer {
  constructor() {
    this.begin();
  }

  begin() {
    this.buffer = new ArrayBuffer(HEADER_BYTES + FRAME_SAMPLES * 2);
    // Every browser with an AudioWorklet runs on little-endian machines, which is the wire's order.
    this.pcm = new Int16Array(this.buffer, HEADER_BYTES);
    this.filled = 0;
    this.power = 0;
    this.peak = 0;
  }

  /** Take `count` samples of -1 to 1, calling `emit(frame)` for each frame that fills up. */
  push(samples, count, emit) {
    for (let i = 0; i < count; i += 1) {
      const value = samples[i];
      this.pcm[this.filled] = Math.max(-32768, Math.min(32767, Math.round(value * 32768)));
      this.power += value * value;
      this.peak = Math.max(this.peak, Math.abs(value));
      this.filled += 1;
      if (this.filled === FRAME_SAMPLES) this.cut(emit);
    }
  }

  /** Emit what there is, however short: {buffer, samples, rms, peak}, levels as a share of full scale. */
  cut(emit) {
    if (this.filled === 0) return;
    const { filled, peak } = this;
    const rms = Math.sqrt(this.power / filled);
    const buffer = filled === FRAME_SAMPLES ? this.buffer : this.buffer.slice(0, HEADER_BYTES + filled * 2);
    this.begin();
    emit({ buffer, samples: filled, rms, peak });
  }
}
