// Full screen: the bars leave, one line stays. Where the browser has no full screen for pages, the bars leave all the same.

export class FullScreen {
  #opener = null; // the button it was opened with: the focus goes back to it

  /** `changed()` is called after each change. */
  constructor(changed) {
    this.changed = changed;
    for (const button of document.querySelectorAll("[data-full-screen]")) button.addEventListener("click", () => this.toggle());
    document.addEventListener("fullscreenchange", () => {
      if (!document.fullscreenElement) this.#show(false);
    });
  }

  get isOn() {
    return "full" in document.body.dataset;
  }

  toggle() {
    if (this.isOn) this.leave();
    else this.#enter();
  }

  leave() {
    if (document.fullscreenElement) document.exitFullscreen();
    this.#show(false);
  }

  #enter() {
    this.#show(true);
    // Refused, for example inside a frame: the bars have left, the rest of the screen stays as it is.
    document.documentElement.requestFullscreen?.().catch(() => {});
  }

  #show(isOn) {
    if (isOn === this.isOn) return;
    if (isOn) this.#opener = document.activeElement?.closest("[data-full-screen]");
    if (isOn) document.body.dataset.full = "";
    else delete document.body.dataset.full;
    this.changed();
    if (isOn && this.#opener) document.querySelector("#captions").focus({ preventScroll: true });
    if (!isOn) this.#opener?.focus({ preventScroll: true });
  }
}
