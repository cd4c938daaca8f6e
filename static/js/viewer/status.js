// Shows the state where the eye already is: the mark after the last word at once, the words under the last line,
// the word in the bar for reading back and for screen readers.

const BACK_MS = 5000;

export class Status {
  #lines;
  #states = [...document.querySelectorAll("[data-state-line]")];
  #says = document.querySelector(".says");
  #current = null;
  #words = 0;
  #back = 0;

  constructor(lines) {
    this.#lines = lines;
  }

  /** Whether the reader was told these words. */
  isSaying({ strong }) {
    return this.#says.querySelector("strong")?.textContent === strong;
  }

  /** Show what states.js says; `atOnce` skips the moment that short faults are given. */
  show(next, { atOnce = false } = {}) {
    const same = this.#current && next.strong === this.#current.strong && next.rest === this.#current.rest;
    this.#current = next;
    this.#lines.setMark(next.mark);
    for (const line of this.#states) {
      line.querySelector(".mark").dataset.state = next.mark;
      const word = line.querySelector("span");
      if (word.textContent !== next.bar) word.textContent = next.bar;
    }
    // Painted words of the same sentence stay; a sentence that waits goes on waiting.
    if (same && !atOnce) {
      this.#markWhenEmpty();
      return;
    }
    if (this.#back && !next.strong) return;
    this.forgetBack();
    clearTimeout(this.#words);
    if (next.after && !atOnce) {
      this.#say("", "");
      this.#words = setTimeout(() => this.#say(next.strong, next.rest), next.after);
    } else {
      this.#say(next.strong, next.rest);
    }
  }

  /** Say for five seconds that the line is back, then what the state says. */
  back(sentence) {
    clearTimeout(this.#words);
    clearTimeout(this.#back);
    this.#say(sentence, "");
    this.#back = setTimeout(() => {
      this.#back = 0;
      this.#say(this.#current.strong, this.#current.rest);
    }, BACK_MS);
  }

  /** The line is gone again: nothing is back. */
  forgetBack() {
    clearTimeout(this.#back);
    this.#back = 0;
  }

  #say(strong, rest) {
    const [, words] = this.#says.children;
    const bold = document.createElement("strong");
    bold.textContent = strong;
    words.replaceChildren(...(strong ? [bold, rest ? ` ${rest}` : ""] : []));
    this.#markWhenEmpty();
  }

  /** With no word painted yet, the mark stands before the sentence. */
  #markWhenEmpty() {
    const [mark] = this.#says.children;
    mark.hidden = !this.#lines.isEmpty;
    mark.dataset.state = this.#current?.mark ?? "reconnecting";
  }
}
