// One speaker at this page: puts microphone, sender and connection together and keeps what is true of them.
// The frames of the audio thread drive it; a slow heartbeat only stands in when there are none.
import { clock } from "../captions/wording.js";
import { Capture, obstacle } from "./capture.js";
import { CaptureClock } from "./capture-clock.js";
import { RATE } from "./framer.js";
import { Level } from "./level.js";
import { Link } from "./link.js";
import { IN_FLIGHT_S, Sender } from "./sender.js";
import { streamId } from "./stream-id.js";
import { WakeLock } from "./wake-lock.js";

const QUIET_MS = 10000; // without sound for this long, the page does not call itself live
const STUCK_MS = 4000; // without a frame for this long, the audio thread stands still
const SLOW_AFTER_MS = 4000; // behind for this long on an open connection that is not catching up: the line is slow

export class Speaker {
  /** `on`: changed(), level(), caption(frame). `painted()` says which final was the last: see Link. `elapsedS` is the age of the running session, or null. */
  constructor({ ticketUrl, socketUrl, token, painted, elapsedS, on }) {
    this.on = on;
    this.phase = "idle";
    this.origin = elapsedS === null ? null : performance.now() - elapsedS * 1000;
    this.wentOn = elapsedS !== null;
    this.finalMs = 0;
    this.server = { state: null, detail: null };
    this.sender = new Sender();
    this.level = new Level();
    this.clock = new CaptureClock(RATE);
    this.reachable = null;
    this.soundAt = 0; // time of day of the last sound, in ms
    this.wasReady = false;
    this.unsentS = 0; // what had not arrived when the connection was closed for good
    this.warning = null;
    this.capture = new Capture({ frame: (frame) => this.#frame(frame), changed: () => this.on.changed() });
    this.wakeLock = new WakeLock(() => this.on.changed());
    this.link = new Link({
      ticketUrl,
      socketUrl,
      token,
      painted,
      on: {
        changed: () => this.#linkChanged(),
        ready: (frame) => this.#ready(frame),
        message: (frame) => this.#message(frame),
      },
    });
  }

  /** Look whether the page can work here at all, without sending anything. */
  async prepare(microphone) {
    this.microphone = microphone;
    const stop = this.link.token ? null : { code: "no_token", message: "" };
    if (stop === null && obstacle() === null) {
      await Promise.all([this.listen(microphone), this.#checkLink()]);
      return;
    }
    this.link.stop = stop;
    if (obstacle()) this.capture.state = obstacle();
    this.on.changed();
    if (stop === null) await this.#checkLink();
  }

  async #checkLink() {
    const refused = await this.link.check();
    if (this.link.phase !== "off") return;
    this.reachable = refused?.code !== "unreachable";
    if (refused && this.reachable) this.link.stop = refused;
    this.on.changed();
  }

  /** Open the microphone, or another one, or the same in another way. */
  async listen(microphone) {
    this.microphone = microphone;
    return this.capture.open(microphone);
  }

  async start({ takeOver = false } = {}) {
    if (this.live || this.starting) return;
    this.starting = true;
    await this.capture.wake({ byHand: true });
    const open = this.capture.track !== null || (await this.listen(this.microphone));
    if (open) await this.capture.cut();
    this.starting = false;
    if (!open || this.microphoneState === "stuck") {
      this.on.changed();
      return;
    }
    this.sender = new Sender();
    this.clock = new CaptureClock(RATE);
    this.server = { state: null, detail: null };
    this.wasReady = false;
    this.warning = null;
    this.behindAt = null;
    this.wasSlow = false; // and has not caught up yet
    this.soundAt = Date.now();
    this.origin ??= performance.now();
    this.startedAt = new Date();
    this.frameAt = performance.now();
    this.phase = "running";
    this.wakeLock.want(true);
    this.link.open({ stream: streamId(), takeOver });
  }

  async pause() {
    if (this.phase !== "running") return;
    this.phase = "paused";
    this.pausedAt = new Date();
    await this.#cut();
    this.sender.pause();
    this.#pump();
    this.on.changed();
  }

  async resume() {
    if (this.phase !== "paused") return;
    await this.#cut();
    this.phase = "running";
    this.soundAt = Date.now();
    this.sender.resume();
    this.on.changed();
  }

  async end() {
    if (this.phase !== "running" && this.phase !== "paused") return;
    this.phase = "ending";
    await this.#cut();
    this.sender.end();
    this.#pump();
    this.on.changed();
  }

  /** The microphone's state; also when the browser says that all is well and yet gives no sound. */
  get microphoneState() {
    const { state } = this.capture;
    return state === "open" && this.live && performance.now() - this.frameAt > STUCK_MS ? "stuck" : state;
  }

  /** Whether closing the page would lose something. */
  get live() {
    return this.phase === "running" || this.phase === "paused" || this.phase === "ending";
  }

  /** Seconds since the talk began. */
  get elapsedS() {
    if (this.origin === null) return this.finalMs / 1000;
    return (performance.now() - this.origin) / 1000;
  }

  get waitingS() {
    return this.live ? this.sender.waitingS(this.link.queued) : 0;
  }

  /** Whether what waits does so although the connection is open and had time to catch up. */
  get slow() {
    return this.link.phase === "ready" && this.behindAt !== null && performance.now() - this.behindAt > SLOW_AFTER_MS;
  }

  /** The server's word on sound, or this page's own until there is one. */
  get heard() {
    return this.server.state === "live" || Date.now() - this.soundAt < QUIET_MS;
  }

  /** For the heartbeat. */
  tick() {
    this.link.tick(performance.now());
    this.#pump();
    this.on.changed();
  }

  #frame(frame) {
    const now = performance.now();
    this.frameAt = now;
    this.level.push(frame.rms, frame.peak, frame.samples / RATE);
    if (this.level.heard) this.soundAt = Date.now();
    if (this.live) {
      // Without a device the worklet hears nothing: not silence, but a gap.
      this.#keep(this.clock.take({ ...frame, skip: this.capture.deaf }));
      this.#pump();
      this.link.tick(now);
    }
    this.on.level();
  }

  #keep(timed) {
    for (const { frame, missing } of timed) this.sender.capture(frame, { missing, skip: frame.skip });
  }

  /** Cut the frame in the making, and keep all that was heard so far. */
  async #cut() {
    await this.capture.cut();
    this.#keep(this.clock.rest());
  }

  #pump() {
    const now = performance.now();
    for (const item of this.sender.due(now, this.link.queued)) this.link.send(item);
    this.behindAt = this.sender.inFlightS(this.link.queued) > IN_FLIGHT_S ? (this.behindAt ?? now) : null;
    this.wasSlow = this.slow || (this.wasSlow && this.waitingS > IN_FLIGHT_S);
  }

  #ready(frame) {
    this.wasReady = true;
    this.sender.connected(frame.next_sample, performance.now());
    this.behindAt = null;
    this.#pump();
  }

  #linkChanged() {
    const { phase, stop } = this.link;
    if (phase !== "ready" && this.sender.open) {
      this.sender.disconnected();
      this.wasSlow = false;
    }
    if (phase === "stopped" && this.live) {
      this.unsentS = this.sender.waitingS();
      const closed = stop.code === "closed";
      if (this.phase === "ending" && closed) this.#ended(true);
      else this.#over("idle");
    }
    this.on.changed();
  }

  #message(frame) {
    if (frame.type === "ack") {
      this.sender.spool.ack(frame.next_sample);
    } else if (frame.type === "ping") {
      this.sender.arrived(frame.received);
    } else if (frame.type === "state") {
      const wasStopped = this.server.detail?.startsWith("budget");
      this.server = { state: frame.state, detail: frame.detail ?? null };
      if (wasStopped && !this.server.detail?.startsWith("budget") && this.warning?.code.startsWith("budget")) this.warning = null;
      if (frame.state === "ended" && this.live) this.#ended(this.phase === "ending");
      this.on.changed();
    } else if (frame.type === "interim" || frame.type === "final" || frame.type === "gap") {
      this.on.caption(frame);
    } else if (frame.type === "error" && !frame.fatal) {
      // A wait for a line is told by the band, and over by itself.
      if (frame.code !== "engine_busy") this.warning = { code: frame.code, message: frame.message, at: clock(Date.now()) };
      this.on.changed();
    }
    this.#pump();
  }

  #ended(byMe) {
    this.endedByMe = byMe;
    this.link.close();
    this.link.stop = null;
    this.#over("ended");
    this.finalMs = performance.now() - this.origin;
    this.origin = null;
    this.wentOn = false;
    this.on.changed();
  }

  #over(phase) {
    this.phase = phase;
    this.wakeLock.want(false);
  }
}
