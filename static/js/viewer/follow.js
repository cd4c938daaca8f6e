// Follows the newest line unless the reader has scrolled up; then the page keeps still until he asks for now.

import { count } from "../captions/wording.js";

const AT_LIVE_PX = 8;
const WHEEL_LINE_PX = 40;

export class Follow {
  #box;
  #lines;
  #strip;
  #button;
  #newLines = 0;
  #anchor = null; // { element, top }: what the reader reads, and where it stood when he stopped scrolling

  /** `box` scrolls (column-reverse: 0 is the newest line), `lines` holds the lines, `strip` the button back. */
  constructor(box, lines, strip) {
    this.#box = box;
    this.#lines = lines;
    this.#strip = strip;
    this.#button = strip.querySelector("button");
    box.addEventListener("scroll", () => this.#paint(), { passive: true });
    this.#button.addEventListener("click", () => this.toLive());
    // The strip covers the lines; whoever turns the wheel over it means the lines.
    strip.addEventListener("wheel", (event) => box.scrollBy(0, event.deltaY * (event.deltaMode ? WHEEL_LINE_PX : 1)), { passive: true });
    const sizes = new ResizeObserver(() => box.toggleAttribute("data-short", lines.offsetHeight < box.clientHeight));
    sizes.observe(box);
    sizes.observe(lines);
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
    const { element, top } = this.#reading();
    const result = change();
    if (element.isConnected) this.#box.scrollTop += element.getBoundingClientRect().top - top;
    return result;
  }

  /** A browser scrolls by whole pixels: the wanted place is kept, so that the rounding does not add up to a drift. */
  #reading() {
    const kept = this.#anchor;
    if (!kept?.element.isConnected || Math.abs(kept.element.getBoundingClientRect().top - kept.top) > 1) {
      const element = this.#topLine();
      this.#anchor = { element, top: element.getBoundingClientRect().top };
    }
    return this.#anchor;
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
    return children[low];
  }

  #paint() {
    if (!this.isReadingBack) this.#newLines = 0;
    this.#button.textContent = this.#newLines
      ? `Back to live · ${count(this.#newLines, "new line", "new lines")}`
      : "Back to live";
    this.#strip.hidden = !this.isReadingBack;
  }
}
