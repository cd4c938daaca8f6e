// Keeps every frame until the server says that it is safe, and knows which one goes out next. Pure.

export class Spool {
  /** Counts are in samples; beyond `limit` of them the oldest are given up. */
  constructor(limit) {
    this.limit = limit;
    this.frames = []; // {index, samples, buffer, resumed}, oldest first
    this.next = 0; // position in frames of the next one to send
    this.kept = 0;
    this.waiting = 0; // not sent yet on any connection that lasted
    this.lost = 0; // given up before the server had them
  }

  push(frame) {
    this.frames.push(frame);
    this.kept += frame.samples;
    this.waiting += frame.samples;
    while (this.kept > this.limit && this.frames.length > 1) {
      // Sent frames whose acknowledgement is overdue may have arrived; unsent ones surely have not.
      if (this.next === 0) this.lost += this.frames[0].samples;
      this.#drop();
    }
  }

  /** The server has everything before `nextSample` for good. */
  ack(nextSample) {
    while (this.frames.length > 0 && this.frames[0].index + this.frames[0].samples <= nextSample) this.#drop();
  }

  /**
   * A new connection: everything from `nextSample` on goes out, again if need be. What is before it was received and is
   * not safe yet: it stays, as a server that crashes asks for it once more.
   */
  rewind(nextSample) {
    const there = this.frames.findIndex((frame) => frame.index + frame.samples > nextSample);
    this.next = there === -1 ? this.frames.length : there;
    this.waiting = this.frames.slice(this.next).reduce((sum, frame) => sum + frame.samples, 0);
  }

  /** The next frame to send, or undefined. */
  peek() {
    return this.frames[this.next];
  }

  sent() {
    this.waiting -= this.frames[this.next].samples;
    this.next += 1;
  }

  /** How many samples from `index` on are kept, sent or not. */
  from(index) {
    let samples = 0;
    for (let at = this.frames.length - 1; at >= 0; at -= 1) {
      const frame = this.frames[at];
      if (frame.index + frame.samples <= index) break;
      samples += Math.min(frame.samples, frame.index + frame.samples - index);
    }
    return samples;
  }

  #drop() {
    const [frame] = this.frames.splice(0, 1);
    this.kept -= frame.samples;
    if (this.next > 0) this.next -= 1;
    else this.waiting -= frame.samples;
  }
}
