// Keeps the screen awake while somebody speaks. The browser lets go of it when the page is hidden.

export class WakeLock {
  constructor(changed) {
    this.changed = changed;
    this.wanted = false;
    this.lock = null;
    document.addEventListener("visibilitychange", () => this.#apply());
  }

  get supported() {
    return "wakeLock" in navigator;
  }

  get held() {
    return this.lock !== null;
  }

  want(wanted) {
    this.wanted = wanted;
    this.#apply();
  }

  async #apply() {
    if (!this.supported) return;
    if (!this.wanted) {
      const { lock } = this;
      this.lock = null;
      await lock?.release();
    } else if (this.lock === null && document.visibilityState === "visible") {
      try {
        const lock = await navigator.wakeLock.request("screen");
        lock.onrelease = () => {
          this.lock = null;
          this.changed();
        };
        this.lock = lock;
      } catch {
        // Battery saving or a policy of the machine; the page says that the screen may go dark.
      }
    }
    this.changed();
  }
}
