// Paints the level of the microphone.
import { WORDS } from "./level.js";

export class Meter {
  constructor(element, word) {
    this.element = element;
    this.word = word;
  }

  /** Bar and peak follow every frame; words and numbers change only when they differ. */
  paint(level) {
    const { element } = this;
    element.style.setProperty("--level", level.reach.level.toFixed(3));
    element.style.setProperty("--peak", level.reach.peak.toFixed(3));
    const text = WORDS[level.word];
    if (this.word.textContent === text) return;
    this.word.textContent = text;
    element.setAttribute("aria-valuenow", Math.round(level.db));
    element.setAttribute("aria-valuetext", text);
  }
}
