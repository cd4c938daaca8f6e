// The microphone: opens a device, runs it through the worklet, and tells what becomes of it.

const WORKLET = new URL("./capture-worklet.js", import.meta.url);
const CHANGE_MS = 1000; // to open the device again
const RESUME_MS = 5000; // without a sound output some browsers never answer

/** What this browser cannot do, as a state of the microphone, or null. */
export function obstacle() {
  if (!window.isSecureContext) return "insecure";
  if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) return "unsupported";
  return null;
}

function reason(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError") return "refused";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return "missing";
  return "taken"; // NotReadableError, AbortError: the system or another program has it
}

export class Capture {
  /** `on` is called back: frame(frame), changed() when `state` or what belongs to it changes. */
  constructor(on) {
    this.on = on;
    this.state = "asking"; // asking, open, asleep, stuck, muted, lost, refused, missing, taken, unsupported, insecure
    this.track = null;
    this.releasedAt = 0;
    this.stuck = false;
    this.round = 0;
    this.cuts = new Map();
  }

  /** Open the device (any, when `deviceId` is empty or gone) with the three treatments on or off. */
  async open({ deviceId, treatment }) {
    this.round += 1;
    const { round } = this;
    let stream;
    // The same device keeps its old treatments for as long as it is open. Another one is opened before this one is
    // let go, so that no word falls between them.
    if (!deviceId || deviceId === this.settings.deviceId) this.#release();
    try {
      stream = await this.#media(deviceId, treatment);
      if (round !== this.round) throw new DOMException("", "AbortError");
      await this.#connect(stream);
    } catch (error) {
      for (const track of stream?.getTracks() ?? []) track.stop();
      // A newer call goes on; and while a device works, a failed change leaves it working.
      if (round === this.round && this.track === null) this.#become(obstacle() ?? reason(error));
      return false;
    }
    return true;
  }

  async #media(deviceId, treatment) {
    const audio = { ...treatment, channelCount: { ideal: 1 } };
    if (!deviceId) return navigator.mediaDevices.getUserMedia({ audio });
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: { ...audio, deviceId: { exact: deviceId } } });
    } catch (error) {
      if (reason(error) !== "missing") throw error;
      return navigator.mediaDevices.getUserMedia({ audio });
    }
  }

  async #connect(stream) {
    let source;
    try {
      await this.#graph();
      source = this.context.createMediaStreamSource(stream);
    } catch (error) {
      if (error.name !== "NotSupportedError" || !this.context) throw error;
      // Some versions of Firefox want the context at the device's own rate; a fresh one has it.
      await this.context.close();
      this.context = null;
      await this.#graph();
      source = this.context.createMediaStreamSource(stream);
    }
    source.connect(this.node);
    this.#release();
    this.source = source;
    [this.track] = stream.getAudioTracks();
    const { track } = this;
    track.onended = () => {
      if (track !== this.track) return;
      this.#release();
      this.#become("lost");
    };
    track.onmute = track.onunmute = () => this.#settle();
    this.#settle();
    await this.wake();
  }

  // At the machine's own rate: the worklet resamples, so every browser and device takes the same way.
  async #graph() {
    if (this.context) return;
    const context = new AudioContext({ latencyHint: "interactive" });
    await context.audioWorklet.addModule(WORKLET);
    const node = new AudioWorkletNode(context, "capture", {
      numberOfOutputs: 1,
      channelCount: 1,
      channelCountMode: "explicit",
      channelInterpretation: "speakers",
    });
    // Only what leads to the output is sure to run; the worklet writes nothing, so nothing is heard.
    node.connect(context.destination);
    node.port.onmessage = ({ data }) => {
      if (data.cut === undefined) this.on.frame(data);
      else this.cuts.get(data.cut)?.();
    };
    context.onstatechange = () => this.#settle();
    this.context = context;
    this.node = node;
  }

  /**
   * Start a context that sleeps: at first, after a call on a phone, after the machine slept. Phones allow it only from
   * a tap or key; `byHand` says that this is one, so that there is no other reason left when it fails.
   */
  async wake({ byHand = false } = {}) {
    if (!this.context || this.context.state === "running") return;
    const late = new Promise((resolve) => setTimeout(resolve, RESUME_MS, "late"));
    const outcome = await Promise.race([this.context.resume().catch(() => "late"), late]);
    if (outcome !== "late") this.stuck = false;
    else if (byHand) this.stuck = true;
    this.#settle();
  }

  /** Cut the frame in the making, so that what follows is in frames of its own. */
  cut() {
    if (this.context?.state !== "running") return Promise.resolve();
    const cut = Math.random();
    return new Promise((resolve) => {
      this.cuts.set(cut, () => {
        this.cuts.delete(cut);
        resolve();
      });
      this.node.port.postMessage({ cut });
    });
  }

  /** What the device really does, as far as the browser says. */
  get settings() {
    return this.track?.getSettings() ?? {};
  }

  /** Whether there is no device, and not just a moment of changing it: what is heard then is not silence. */
  get deaf() {
    return this.track === null && performance.now() - this.releasedAt > CHANGE_MS;
  }

  #release() {
    if (this.track) this.releasedAt = performance.now();
    this.source?.disconnect();
    if (this.track) {
      this.track.onended = this.track.onmute = this.track.onunmute = null;
      this.track.stop();
    }
    this.source = this.track = null;
  }

  #settle() {
    if (!this.track) return;
    if (this.context.state !== "running") this.#become(this.stuck ? "stuck" : "asleep");
    else this.#become(this.track.muted ? "muted" : "open");
  }

  #become(state) {
    this.state = state;
    this.on.changed();
  }
}
