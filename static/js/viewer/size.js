// The reader's text size, kept on the device; one for the page and one for full screen.

const SMALLEST = 18;
const LARGEST = 96;
const STEP = 4;

export class TextSize {
  #body = document.body;
  #buttons = [...document.querySelectorAll("[data-size]")];

  /** `hold(change)` changes the page without moving what is read. */
  constructor(hold) {
    this.hold = hold;
    for (const button of this.#buttons) button.addEventListener("click", () => this.step(Number(button.dataset.size)));
    this.use();
  }

  /** Apply what is kept for the page as it is shown now. */
  use() {
    const kept = Number(read(this.#key));
    if (kept >= SMALLEST && kept <= LARGEST) this.#body.style.setProperty("--cap-size", `${kept / 16}rem`);
    else this.#body.style.removeProperty("--cap-size");
    this.#paint();
  }

  step(direction) {
    const size = Math.min(LARGEST, Math.max(SMALLEST, this.#size + STEP * direction));
    write(this.#key, String(size));
    this.hold(() => this.use());
  }

  get #key() {
    return "full" in this.#body.dataset ? "captions.size.full" : "captions.size";
  }

  get #size() {
    return Math.round(parseFloat(getComputedStyle(this.#body).getPropertyValue("--cap-size")) * 16);
  }

  #paint() {
    const size = this.#size;
    for (const button of this.#buttons) {
      const isLast = Number(button.dataset.size) > 0 ? size >= LARGEST : size <= SMALLEST;
      button.setAttribute("aria-disabled", String(isLast));
    }
  }
}

// A browser may refuse to keep anything (private windows, blocked site data): the size then lasts as long as the page.
const unkept = new Map();

function read(key) {
  try {
    return localStorage.getItem(key) ?? unkept.get(key) ?? null;
  } catch {
    return unkept.get(key) ?? null;
  }
}

function write(key, value) {
  unkept.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch {
    // kept above
  }
}
