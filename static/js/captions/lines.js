// Paints caption lines into a box (`.lines`), for readers and for the speaker's echo. Text only, never markup.
//
//   const lines = new CaptionLines(document.querySelector(".lines"), { language: "en", speaker: "Ines Okafor" });
//   lines.apply(frame)              an `interim`, `final`, `gap` or `edit` frame as it came; true if a new final or gap was painted
//   lines.begin(session, startedAt) another session: empties the box; startedAt is the wall-clock time of its 0 (Date, or null)
//   lines.merge(frames)             finals and gaps that are missing, oldest first: each goes where its seq belongs
//   lines.setMark("live")           the state's mark after the last word: live silent idle reconnecting catching paused ended lost
//   lines.session, lines.newest     what is painted; newest is the seq of the newest final or gap, 0 when there is none
//   lines.isWhole                   no final from 1 to the newest is missing
//
// What was painted stays the same node at the same place: words are appended to one text node, a final settles the
// interim's own line. A child `.says` of the box stays last. Options: `language` of the captions ("any": not told),
// `speaker` expected to talk, `margin: false` for no times and names; `session` and `startedAt` of lines that stand there already.

import { changedWords } from "./correction.js";
import { clock, gapSentence } from "./wording.js";

export class CaptionLines {
  #box;
  #end;
  #options;
  #lines = new Map(); // seq -> { seq, kind, element, text, words (the engine's), shown }
  #edits = new Map(); // seq -> edit frame of a line that is not painted yet
  #inkIsOn = []; // the two newest lines, the newest first
  #settled = 0; // how many finals and gaps are painted
  #edge;
  #mark;

  constructor(box, { language = "any", speaker = "", margin = true, session = 0, startedAt = null } = {}) {
    this.#box = box;
    this.#end = box.querySelector(":scope > .says");
    this.#options = { language, speaker, margin };
    this.#edge = document.createElement("span");
    this.#edge.className = "edge";
    this.#mark = this.#edge.appendChild(document.createElement("i"));
    this.#mark.className = "mark";
    this.#mark.setAttribute("aria-hidden", "true");
    this.session = session;
    this.startedAt = startedAt;
    this.newest = 0;
    this.#settled = 0;
    this.#adopt();
  }

  get isEmpty() {
    return this.#lines.size === 0;
  }

  get isWhole() {
    return this.#settled === this.newest;
  }

  setMark(state) {
    this.#mark.dataset.state = state;
    this.#placeMark();
  }

  begin(session, startedAt = null) {
    for (const { element } of this.#lines.values()) element.remove();
    this.#lines.clear();
    this.#edits.clear();
    this.#inkIsOn = [];
    this.#edge.remove();
    this.session = session;
    this.startedAt = startedAt;
    this.newest = 0;
    this.#settled = 0;
  }

  apply(frame) {
    if (frame.session < this.session) return false;
    if (frame.session > this.session) this.begin(frame.session);
    switch (frame.type) {
      case "interim":
        this.#interim(frame);
        return false;
      case "final":
      case "gap":
        return this.#settle(frame);
      case "edit":
        this.#edit(frame);
        return false;
      default:
        return false;
    }
  }

  merge(frames) {
    let next = this.#box.firstElementChild;
    let added = 0;
    for (const frame of frames) {
      const painted = this.#lines.get(frame.seq);
      if (painted && painted.kind !== "interim") continue;
      if (painted) {
        this.#settle(frame);
        added += 1;
        continue;
      }
      while (next && next !== this.#end && Number(next.dataset.seq) < frame.seq) next = next.nextElementSibling;
      this.#insert(frame, next ?? null);
      added += 1;
    }
    this.#afterwards();
    return added;
  }

  #adopt() {
    for (const element of this.#box.querySelectorAll(":scope > [data-seq]")) {
      const seq = Number(element.dataset.seq);
      const holder = element.querySelector(".line-text");
      const words = holder?.textContent ?? "";
      this.#lines.set(seq, { seq, element, kind: holder ? "final" : "gap", words, shown: words, text: holder?.firstChild ?? null });
      this.#count(seq);
    }
    this.#inkIsOn = [...this.#box.querySelectorAll(":scope > .is-newest")].reverse();
  }

  #interim(frame) {
    const line = this.#lines.get(frame.seq);
    if (!line) {
      this.#insert(frame, this.#placeOf(frame.seq));
      this.#afterwards();
    } else if (line.kind === "interim") {
      this.#write(line, frame.text);
    }
  }

  /** Append what is new. Anything else than a longer text comes only after a crash or a take-over: then it is replaced. */
  #write(line, words) {
    if (words.startsWith(line.words)) line.text.appendData(words.slice(line.words.length));
    else line.text.data = words;
    line.words = line.shown = words;
    // Put in anew, the mark counts as new where it stands, and not as something that was shifted there.
    if (this.#edge.parentNode === line.text.parentNode) line.text.parentNode.append(this.#edge);
  }

  #settle(frame) {
    const line = this.#lines.get(frame.seq);
    const isNew = !line || line.kind === "interim";
    if (line && (frame.type === "gap") !== (line.kind === "gap")) {
      line.element.remove();
      this.#lines.delete(frame.seq);
      this.#insert(frame, this.#placeOf(frame.seq));
    } else if (!line) {
      this.#insert(frame, this.#placeOf(frame.seq));
    } else if (line.kind === "interim") {
      this.#write(line, frame.text ?? "");
      line.kind = "final";
      line.element.classList.remove("is-interim");
      if (frame.lang) line.element.lang = frame.lang;
      this.#name(line.element, frame.speaker);
      this.#count(frame.seq);
      this.#correct(line, frame);
    } else if (frame.type === "final") {
      this.#correct(line, frame);
    }
    this.#afterwards();
    return isNew;
  }

  #edit(frame) {
    const line = this.#lines.get(frame.seq);
    if (line && line.kind === "final") this.#correct(line, frame);
    else this.#edits.set(frame.seq, frame);
  }

  /** Put another person's words in place of the engine's, and say so for good. Lines below keep still. */
  #correct(line, frame) {
    const edit = this.#edits.get(line.seq) ?? frame;
    this.#edits.delete(line.seq);
    const shown = edit.hidden ? null : edit.text;
    const wasCorrected = edit.rev > 0 && line.shown === line.words; // corrected before this page was opened
    if (shown === line.shown && !wasCorrected) return;
    const holder = line.element.querySelector(".line-text");
    line.element.classList.toggle("is-removed", shown === null);
    if (shown === null) {
      holder.textContent = "A line was removed.";
    } else if (shown !== line.words) {
      const { before, changed, after } = changedWords(line.words, shown);
      const fixed = document.createElement("span");
      fixed.className = "fixed";
      fixed.textContent = changed;
      holder.replaceChildren(before, fixed, correctedNote(), after);
    } else {
      holder.replaceChildren(shown, ...(line.shown === shown ? [correctedNote()] : []));
    }
    line.shown = shown;
    this.#placeMark();
  }

  #insert(frame, before) {
    const isGap = frame.type === "gap";
    const element = document.createElement("p");
    element.dataset.seq = frame.seq;
    const line = { seq: frame.seq, element, kind: isGap ? "gap" : frame.type, words: frame.text ?? "", text: null };
    line.shown = line.words;
    if (isGap) {
      element.className = "gap";
      element.appendChild(document.createElement("span")).textContent = gapSentence(frame);
    } else {
      element.className = frame.type === "interim" ? "line is-interim" : "line";
      element.dir = "auto";
      const language = frame.lang || this.#options.language;
      if (language !== "any") element.lang = language;
      line.text = document.createTextNode(line.words);
      const holder = document.createElement("span");
      holder.className = "line-text";
      holder.append(line.text);
      element.append(holder);
    }
    this.#box.insertBefore(element, before ?? this.#end);
    this.#lines.set(frame.seq, line);
    if (!isGap) this.#timeAndName(element, frame);
    if (frame.type !== "interim") this.#count(frame.seq);
    if (frame.type === "final") this.#correct(line, frame);
  }

  #count(seq) {
    this.newest = Math.max(this.newest, seq);
    this.#settled += 1;
  }

  /** The element a new line stands before. Nearly always the end, so it is looked for from there. */
  #placeOf(seq) {
    let place = this.#end;
    for (;;) {
      const previous = place ? place.previousElementSibling : this.#box.lastElementChild;
      if (!previous || Number(previous.dataset.seq) < seq) return place;
      place = previous;
    }
  }

  /** The time stands where the minute changes, the name where the speaker changes. Decided once, when the line appears. */
  #timeAndName(element, frame) {
    if (!this.#options.margin) return;
    this.#name(element, frame.speaker ?? this.#options.speaker);
    const at = this.startedAt ? new Date(this.startedAt.getTime() + frame.start_ms) : frame.type === "interim" ? new Date() : null;
    if (at) {
      element.dataset.minute = Math.floor(at.getTime() / 60000);
      if (lineBefore(element)?.dataset.minute !== element.dataset.minute) meta(element).append(timeElement(at));
    }
  }

  #name(element, speaker) {
    if (!this.#options.margin || !speaker || element.dataset.speaker === speaker) return;
    element.dataset.speaker = speaker;
    const painted = element.querySelector(".line-meta b");
    if (lineBefore(element)?.dataset.speaker === speaker) {
      painted?.remove();
      return;
    }
    const name = painted ?? document.createElement("b");
    name.textContent = speaker;
    if (painted) return;
    const head = meta(element);
    if (head.hasChildNodes()) head.append(" ", name); // a time that is painted keeps its place
    else head.append(name, " ");
  }

  #afterwards() {
    const newest = [];
    let element = this.#end ? this.#end.previousElementSibling : this.#box.lastElementChild;
    for (; element && newest.length < 2; element = element.previousElementSibling) {
      if (element.classList.contains("line")) newest.push(element);
    }
    for (const old of this.#inkIsOn) if (!newest.includes(old)) old.classList.remove("is-newest");
    for (const line of newest) line.classList.add("is-newest");
    this.#inkIsOn = newest;
    this.#placeMark();
  }

  #placeMark() {
    const holder = this.#inkIsOn[0]?.querySelector(".line-text");
    if (holder && holder.lastChild !== this.#edge) holder.append(this.#edge);
  }
}

function lineBefore(element) {
  let previous = element.previousElementSibling;
  while (previous && !previous.classList.contains("line")) previous = previous.previousElementSibling;
  return previous;
}

function meta(element) {
  let head = element.querySelector(".line-meta");
  if (!head) {
    head = document.createElement("span");
    head.className = "line-meta";
    element.prepend(head, " "); // the blank is for whoever hears or copies the line
  }
  return head;
}

function timeElement(at) {
  const time = document.createElement("time");
  time.dateTime = at.toISOString();
  time.textContent = clock(at);
  return time;
}

function correctedNote() {
  const note = document.createElement("span");
  note.className = "fix-note";
  note.textContent = " corrected";
  return note;
}
