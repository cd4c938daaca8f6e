// One line to the server that comes back by itself. It says what happens to it and passes frames on; it decides nothing else.

const SILENCE_MS = 25000; // the server says something every 15 s
const WAITS_S = [1, 1, 2, 4, 8];

/** Milliseconds before attempt number `attempt` (0, 1, ...): a random share, so that a full hall does not come back at once. */
export function waitBefore(attempt, chance = Math.random()) {
  return WAITS_S[Math.min(attempt, WAITS_S.length - 1)] * 1000 * chance;
}

/** 4400 to 4499 are refusals: asking again would not help. */
export function isRefusal(code) {
  return code >= 4400 && code < 4500;
}

export class Connection {
  #handlers;
  #socket = null;
  #attempt = 0;
  #retry = 0;
  #silence = 0;
  #heardAt = 0;
  #refused = false;

  /** Handlers: `address()` of the next attempt, `frame(frame)`, `down({ silent })` at each loss, `refused(code)` once. */
  constructor(handlers) {
    this.#handlers = handlers;
    addEventListener("online", () => this.#now());
    addEventListener("offline", () => this.#lose(true));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#now();
    });
    this.#connect();
  }

  /** All is well: the next loss starts with the shortest wait again. */
  settle() {
    this.#attempt = 0;
  }

  #connect() {
    clearTimeout(this.#retry);
    this.#retry = 0;
    const socket = new WebSocket(this.#handlers.address());
    this.#socket = socket;
    this.#heard();
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      this.#heard();
      this.#handlers.frame(JSON.parse(data));
    };
    socket.onclose = ({ code }) => {
      if (socket !== this.#socket) return;
      if (isRefusal(code)) {
        this.#refused = true;
        this.#drop();
        this.#handlers.refused(code);
      } else {
        this.#lose(false);
      }
    };
  }

  #heard() {
    this.#heardAt = Date.now();
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lose(true), SILENCE_MS);
  }

  /** Let go of the socket without waiting for it: a dead network never says that it closed. */
  #drop() {
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #lose(silent) {
    if (!this.#socket) return;
    this.#drop();
    this.#handlers.down({ silent });
    this.#retry = setTimeout(() => this.#connect(), waitBefore(this.#attempt));
    this.#attempt += 1;
  }

  /** The network or the reader is back: no more waiting. Timers of a hidden page may have slept through the silence. */
  #now() {
    if (this.#refused) return;
    if (this.#socket && Date.now() - this.#heardAt > SILENCE_MS) this.#lose(true);
    if (!this.#socket) this.#connect();
  }
}
