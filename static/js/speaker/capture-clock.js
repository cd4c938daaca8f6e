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
    this.heard = 0;
    this.base = null;
    this.recent = [];
  }

  /** Take a frame of `samples` that was cut at `atMs` of the wall clock; return the samples missing before it. */
  missing(samples, atMs) {
    this.heard += samples;
    const behind = atMs - (this.heard / this.rate) * 1000;
    this.recent.push(behind);
    if (this.recent.length > WINDOW) this.recent.shift();
    const least = Math.min(...this.recent);
    if (this.base === null || least < this.base) this.base = least;
    this.base += FORGIVEN_MS;
    if (this.recent.length < WINDOW || least - this.base < NOTICED_MS) return 0;
    const lost = Math.round(((least - this.base) / 1000) * this.rate);
    this.base = null;
    this.recent = [];
    this.heard += lost;
    return lost;
  }
}
