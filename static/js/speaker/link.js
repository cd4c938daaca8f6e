// The connection to the server: a ticket, a socket, and another one when it breaks. Decides nothing about audio.
import { RATE } from "./framer.js";
import { afterClose, DOUBT_MS, READY_MS, retryDelay, SILENCE_MS } from "./retry.js";

const OUT_OF_REACH = { code: "unreachable", message: "" };

export class Link {
  /**
   * `on` is called back: changed() at every change of phase, ready(frame), message(frame) for all other frames.
   * `ticketUrl` and `socketUrl` are whole addresses, `token` the secret of the speaker link. `painted()` says which final
   * was painted last, as "session.seq", or undefined: what was missed comes with the next connection.
   */
  constructor({ ticketUrl, socketUrl, token, painted = () => undefined, on }) {
    Object.assign(this, { ticketUrl, socketUrl, token, painted, on });
    this.phase = "off"; // off, connecting, ready, waiting, stopped
    this.stop = null; // {code, message}: why it is stopped
    this.attempt = 0; // failed attempts in a row
    this.round = 0; // callbacks of earlier attempts find another number here
    this.socket = null;
    this.heardAt = 0; // when the server last said something, by performance.now()
    this.tickedAt = 0;
  }

  /** Ask for a ticket without using it: tells early whether the link still works. Returns {code, message} or null. */
  async check() {
    const { refused } = await this.#ticket();
    return refused ?? null;
  }

  open({ stream, takeOver }) {
    this.stream = stream;
    this.takeOver = takeOver;
    this.attempt = 0;
    this.stop = null;
    this.welcomed = false;
    this.#connect();
  }

  close() {
    this.#abandon();
    this.#become("off");
  }

  /** Bytes that wait in the browser. */
  get queued() {
    return this.phase === "ready" ? this.socket.bufferedAmount : 0;
  }

  send(data) {
    if (this.phase === "ready") this.socket.send(data instanceof ArrayBuffer ? data : JSON.stringify(data));
  }

  /** To be called often, by frames of audio and by a slow heartbeat. `nowMs` is performance.now(). */
  tick(nowMs) {
    // After a sleep of the page, what the server said meanwhile is still to be read.
    if (nowMs - this.tickedAt > DOUBT_MS) this.heardAt = nowMs;
    this.tickedAt = nowMs;
    if (this.phase === "waiting" && nowMs >= this.retryAt) this.#connect();
    else if (this.phase === "connecting" && nowMs >= this.deadline) this.#lost();
    else if (this.phase === "ready" && nowMs - this.heardAt > SILENCE_MS) this.#lost();
  }

  /** Whether the connection is open and yet nobody may hear: a network can fail without a word. */
  get doubtful() {
    return this.phase === "ready" && performance.now() - this.heardAt > DOUBT_MS;
  }

  /** The browser is online again: no reason to wait, nor to wait for an attempt that began without a network. */
  online() {
    if (this.phase === "waiting" || this.phase === "connecting") this.#connect();
  }

  /** The browser knows that the network is gone; the socket would take half a minute to notice. */
  offline() {
    if (this.phase === "ready" || this.phase === "connecting") this.#lost();
  }

  #become(phase) {
    this.phase = phase;
    this.on.changed();
  }

  #abandon() {
    this.round += 1;
    const { socket } = this;
    this.socket = null;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  #lost() {
    this.#abandon();
    this.attempt += 1;
    this.retryAt = performance.now() + retryDelay(this.attempt);
    this.#become("waiting");
  }

  #refused(stop) {
    this.#abandon();
    this.stop = stop;
    this.#become("stopped");
  }

  async #ticket() {
    // Not AbortSignal.timeout: Safari has it only from 16 on.
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), READY_MS);
    try {
      const response = await fetch(this.ticketUrl, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ token: this.token }),
        credentials: "omit",
        cache: "no-store",
        signal: patience.signal,
      });
      const answer = await response.json();
      if (response.ok) return { ticket: answer.ticket };
      if (response.status < 500 && response.status !== 429) return { refused: { code: answer.error, message: answer.message } };
    } catch {
      // Offline, a proxy's error page, or too slow: all of it passes.
    } finally {
      clearTimeout(timer);
    }
    return { refused: OUT_OF_REACH };
  }

  async #connect() {
    this.#abandon();
    const { round } = this;
    this.deadline = performance.now() + 2 * READY_MS;
    this.#become("connecting");
    const { ticket, refused } = await this.#ticket();
    if (round !== this.round) return;
    if (refused) {
      if (refused === OUT_OF_REACH) this.#lost();
      else this.#refused(refused);
      return;
    }
    const socket = new WebSocket(this.socketUrl);
    this.socket = socket;
    this.deadline = performance.now() + READY_MS;
    this.error = null;
    socket.onopen = () =>
      socket.send(
        JSON.stringify({
          type: "hello",
          ticket,
          stream: this.stream,
          sample_rate: RATE,
          take_over: this.takeOver,
          after: this.painted(),
        }),
      );
    socket.onmessage = ({ data }) => this.#received(JSON.parse(data));
    socket.onclose = ({ code }) => {
      if (afterClose(code) === "retry") this.#lost();
      else if (this.welcomed && this.error?.code === "room_busy") this.#refused({ code: "moved", message: "" }); // while it was away
      else this.#refused(this.error ?? { code: code === 1000 ? "closed" : "refused", message: "" });
    };
  }

  #received(frame) {
    this.heardAt = performance.now();
    if (frame.type === "ready") {
      this.attempt = 0;
      this.welcomed = true;
      this.takeOver = false; // once is enough: a later reconnect must not push somebody else aside
      this.#become("ready");
      this.on.ready(frame);
    } else if (frame.type === "moved") {
      this.#refused({ code: "moved", message: "" });
    } else {
      if (frame.type === "error" && frame.fatal) this.error = { code: frame.code, message: frame.message };
      this.on.message(frame);
    }
  }
}
