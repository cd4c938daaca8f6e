// Which microphone and with which treatments: the chooser, the three ticks, and what the device reports.
import { treatmentWords } from "./words.js";

const KEPT = "captions.microphone";
// A lectern or a mixer gives clean sound: what cleans it further takes words away. Only the gain helps.
const TREATMENTS = { echoCancellation: false, noiseSuppression: false, autoGainControl: true };

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {}; // storage is closed, or holds something else
  }
}

function keep(value) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(value));
  } catch {
    // Nothing is remembered then.
  }
}

export class Devices {
  /** `choose(choice)` opens another one: {deviceId, treatment}. */
  constructor(select, choose) {
    this.select = select;
    this.choose = choose;
    this.choice = { deviceId: "", ...kept() };
    this.choice.treatment = { ...TREATMENTS, ...this.choice.treatment };
    this.fellBack = null; // the label of another microphone than the chosen one
    this.used = null;
    select.addEventListener("change", () => this.#change({ deviceId: select.value }));
    for (const name of Object.keys(TREATMENTS)) {
      const box = document.getElementById(name);
      box.checked = this.choice.treatment[name];
      box.addEventListener("change", () =>
        this.#change({ treatment: { ...this.choice.treatment, [name]: box.checked } }),
      );
    }
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#devicesChanged());
    this.#watchPermission();
  }

  /** Show what is open now. */
  paint(capture) {
    this.capture = capture;
    if (capture.track === this.used) return;
    this.used = capture.track;
    const { settings } = capture;
    const other = this.choice.deviceId && settings.deviceId && settings.deviceId !== this.choice.deviceId;
    this.fellBack = other ? capture.track.label : null;
    for (const name of Object.keys(TREATMENTS)) {
      const text = capture.track ? treatmentWords(this.choice.treatment[name], settings[name]) : "";
      document.getElementById(`${name}-real`).textContent = text;
    }
    this.#list();
  }

  async #change(part) {
    this.choice = { ...this.choice, ...part };
    keep(this.choice);
    await this.choose(this.choice);
  }

  async #devicesChanged() {
    const inputs = await this.#list();
    // What was lost is back, or there is one at last. While another one works, nothing is changed unasked.
    const waiting = this.capture?.state === "lost" || this.capture?.state === "missing";
    const wanted = this.choice.deviceId || this.lastId;
    if (waiting && inputs.some((input) => !wanted || input.deviceId === wanted)) {
      await this.choose({ ...this.choice, deviceId: wanted ?? "" });
    }
  }

  async #list() {
    if (!navigator.mediaDevices?.enumerateDevices) return [];
    const all = await navigator.mediaDevices.enumerateDevices();
    const inputs = all.filter((device) => device.kind === "audioinput" && device.label);
    const current = this.capture?.settings.deviceId ?? "";
    this.lastId = current || this.lastId;
    const options = inputs.map((device) => new Option(device.label, device.deviceId, false, device.deviceId === current));
    if (!current) options.unshift(new Option(inputs.length > 0 ? "Choose a microphone" : "No microphone yet", "", true, true));
    this.select.replaceChildren(...options);
    this.select.disabled = inputs.length === 0;
    return inputs;
  }

  // Allowing the microphone beside the address takes effect without another press.
  async #watchPermission() {
    try {
      const permission = await navigator.permissions.query({ name: "microphone" });
      permission.onchange = () => {
        if (permission.state === "granted" && this.capture?.state === "refused") this.choose(this.choice);
      };
    } catch {
      // This browser does not tell; Start asks again.
    }
  }
}
