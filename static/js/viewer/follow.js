// Follows the newest line unless the reader has scrolled up; then the page keeps still until he asks for now.

import { count } from "../captions/wording.js";

const AT_LIVE_PX = 8;

export class Follow {
  #box;
  #lines;
  #strip;
  #button;
  #newLines = 0;

  /** `box` scrolls (column-reverse: 0 is the newest line), `lines` holds the lines, `strip` the button back. */
  constructor(box, lines, strip) {
    this.#box = box;
    this.#lines = lines;
    this.#strip = strip;
    this.#button = strip.querySelector("button");
    box.addEventListener("scroll", () => this.#paint(), { passive: true });
    this.#button.addEventListener("click", () => this.toLive());
  }

  get isReadingBack() {
    return this.#box.scrollTop < -AT_LIVE_PX;
  }

  toLive() {
    const hadFocus = this.#strip.contains(document.activeElement);
    this.#box.scrollTop = 0;
    this.#paint();
    if (hadFocus) this.#box.focus({ preventScroll: true });
  }

  page(direction) {
    this.#box.scrollBy({ top: direction * this.#box.clientHeight * 0.85, behavior: "instant" });
  }

  /** `number` lines were added at the end. */
  added(number) {
    this.#newLines += number;
    this.#paint();
  }

  /** Change the page without moving what the reader is reading. */
  hold(change) {
    if (!this.isReadingBack) return change();
    const anchor = this.#topLine();
    const before = anchor?.getBoundingClientRect().top;
    const result = change();
    if (anchor?.isConnected) this.#box.scrollTop += anchor.getBoundingClientRect().top - before;
    return result;
  }

  /** The first line that is in sight, found in log(n) steps. */
  #topLine() {
    const edge = this.#box.getBoundingClientRect().top + 1;
    const children = this.#lines.children;
    let low = 0;
    let high = children.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (children[middle].getBoundingClientRect().bottom > edge) high = middle;
      else low = middle + 1;
    }
    return children[low] ?? null;
  }

  #paint() {
    if (!this.isReadingBack) this.#newLines = 0;
    this.#button.textContent = this.#newLines
      ? `Back to live · ${count(this.#newLines, "new line", "new lines")}`
      : "Back to live";
    this.#strip.hidden = !this.isReadingBack;
  }
}
