// Decides what goes on the speaker socket and when: kept frames in order, not faster than the server takes them,
// with pauses and the end at their place among the frames. Pure: time and the socket's queue come as arguments.
import { RATE } from "./framer.js";
import { Spool } from "./spool.js";

// What is promised is two minutes; what was not safe when the connection went, and the time it takes to notice that it went
// and is back, come on top.
const KEEP_S = 240;
const SPEED = 2; // of catching up, times real time
const BURST_S = 8; // at once, after being quiet; the server allows 10
const QUEUE_BYTES = RATE * 2; // a second of audio in the browser's own queue: the line is slow, more would not help
export const IN_FLIGHT_S = 2; // the server says every second what has arrived; more than this, and the line is slow or gone

export class Sender {
  constructor() {
    this.spool = new Spool(KEEP_S * RATE);
    this.index = 0; // of the next sample captured, sent or not
    this.paused = false;
    this.ending = false;
    this.received = 0; // what is before this sample has arrived, as far as is known
    this.resumed = false; // the next frame kept is the first one after a pause
    this.disconnected();
  }

  /** A captured frame. While paused, or with `skip`, it is not kept; the index runs on all the same. */
  capture({ buffer, samples }, { missing = 0, skip = false } = {}) {
    this.index += missing;
    if (!this.paused && !skip && !this.ending) {
      new DataView(buffer).setBigUint64(0, BigInt(this.index), true);
      this.spool.push({ index: this.index, samples, buffer, resumed: this.resumed });
      this.resumed = false;
    }
    this.index += samples;
  }

  pause() {
    this.paused = true;
  }

  resume() {
    this.paused = false;
    this.resumed = true;
  }

  end() {
    this.ending = true;
  }

  /** The server is ready on a new connection and wants everything from `nextSample` on. */
  connected(nextSample, nowMs) {
    this.open = true;
    this.toldPause = false;
    this.toldEnd = false;
    this.credit = BURST_S * RATE;
    this.creditAt = nowMs;
    this.received = nextSample;
    this.spool.rewind(nextSample);
  }

  disconnected() {
    this.open = false;
    this.toldPause = false;
    this.toldEnd = false;
    this.spool.rewind(this.received); // what is not known to have arrived counts as waiting
  }

  /** The server has received everything before `index`. */
  arrived(index) {
    this.received = Math.max(this.received, index);
  }

  /** Seconds sent and not known to have arrived, those in the browser's queue of `queued` bytes included. */
  inFlightS(queued = 0) {
    return Math.max(queued / 2, this.spool.from(this.received) - this.spool.waiting) / RATE;
  }

  /** Seconds captured that have not arrived: those not sent yet, and those in flight if they are more than it takes. */
  waitingS(queued = 0) {
    const inFlightS = this.inFlightS(queued);
    return this.spool.waiting / RATE + (inFlightS > IN_FLIGHT_S ? inFlightS : queued / 2 / RATE);
  }

  get lostS() {
    return this.spool.lost / RATE;
  }

  /** Return what to send now, in order: ArrayBuffers and plain objects. `queued` is the socket's bufferedAmount. */
  due(nowMs, queued) {
    const out = [];
    if (!this.open) return out;
    this.credit = Math.min(BURST_S * RATE, this.credit + ((nowMs - this.creditAt) / 1000) * RATE * SPEED);
    this.creditAt = nowMs;
    let room = QUEUE_BYTES - queued;
    for (let frame = this.spool.peek(); frame; frame = this.spool.peek()) {
      if (this.credit < frame.samples || room < 0) return out;
      if (frame.resumed) {
        if (!this.toldPause) out.push({ type: "pause" });
        out.push({ type: "resume" });
        this.toldPause = false;
      }
      out.push(frame.buffer);
      this.credit -= frame.samples;
      room -= frame.buffer.byteLength;
      this.spool.sent();
    }
    if (this.ending && !this.toldEnd) {
      out.push({ type: "end" });
      this.toldEnd = true;
    } else if (this.paused && !this.toldPause) {
      out.push({ type: "pause" });
      this.toldPause = true;
    }
    return out;
  }
}
