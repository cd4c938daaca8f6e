// Finds sound that never reached the page: the audio clock stops when a machine sleeps, is too busy, or has no
// microphone, and says nothing. The wall clock beside every frame shows what is missing. Pure.

const WINDOW = 8; // frames: long enough that a burst of late frames has come in
const NOTICED_MS = 300; // shorter holes are not worth a mark in the transcript
// Per frame: what a sound card is off, and a few samples that a busy machine drops here and there. Only holes that come
// at once are told; many small ones would else add up to one in the middle of a word.
const FORGIVEN_MS = 2;

export class CaptureClock {
  constructor(rate) {
    this.rate = rate;
    this.heard = 0; // samples, those missing included
    this.base = null; // how far the wall clock is ahead of them when frames come in time, ms
    this.held = []; // late frames: what follows shows whether they were only late
    this.least = Infinity; // how far behind the least late of them is, ms
  }

  /**
   * Take a frame of `frame.samples` that was cut at `frame.at` ms of the wall clock. Return the frames that may go on now,
   * each as {frame, missing}: `missing` samples were lost before it.
   */
  take(frame) {
    this.heard += frame.samples;
    const behind = frame.at - (this.heard / this.rate) * 1000;
    this.base = Math.min(this.base ?? behind, behind) + FORGIVEN_MS;
    this.held.push(frame);
    if (behind - this.base < NOTICED_MS) return this.rest();
    this.least = Math.min(this.least, behind);
    if (this.held.length < WINDOW) return [];
    const missing = Math.round(((this.least - this.base) / 1000) * this.rate);
    this.base = null;
    this.heard += missing;
    return this.rest(missing);
  }

  /** Return the frames held back: no others follow soon. */
  rest(missing = 0) {
    const frames = this.held.map((frame, place) => ({ frame, missing: place === 0 ? missing : 0 }));
    this.held = [];
    this.least = Infinity;
    return frames;
  }
}
