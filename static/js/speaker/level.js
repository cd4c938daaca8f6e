// Turns the microphone's levels into what the meter shows and says. Pure.

const FLOOR_DB = -60;
// The meter's three zones are 38, 46 and 16 % of its width.
const QUIET_DB = FLOOR_DB * (1 - 0.38);
const LOUD_DB = FLOOR_DB * (1 - 0.84);
const NO_SOUND_DB = -56;
const CLIPPED = 0.99;
const CLIPPED_FRAMES = 3; // one bump of the table is not a loud voice
const RELEASE_DB = 24; // per second: the bar follows words, not syllables
const DEAD = 1e-4; // below this the device gives digital nothing: it is switched off, not quiet
const WORD_S = 3; // the word speaks of the loudest moment of this long
const TIP_S = 10; // a tip comes when it has been so for this long

export const WORDS = { none: "No sound yet", quiet: "Too quiet", good: "Good level", loud: "Too loud" };

function decibels(level) {
  return Math.max(FLOOR_DB, 20 * Math.log10(Math.max(level, 1e-9)));
}

export class Level {
  constructor() {
    this.history = []; // {at, db, peak} of the last seconds
    this.now = 0;
    this.db = FLOOR_DB;
    this.hold = 0;
    this.deadS = 0;
    this.word = "none";
    this.wordS = 0;
  }

  /** Take one frame of `seconds` with its rms and peak, both as a share of full scale. */
  push(rms, peak, seconds) {
    this.now += seconds;
    const db = decibels(rms);
    this.db = Math.max(db, this.db - RELEASE_DB * seconds);
    this.history.push({ at: this.now, db, peak });
    while (this.history[0].at < this.now - WORD_S) this.history.shift();
    this.deadS = peak < DEAD ? this.deadS + seconds : 0;
    this.hold = Math.max(...this.history.map((moment) => decibels(moment.peak)));
    const word = this.#judge();
    this.wordS = word === this.word ? this.wordS + seconds : 0;
    this.word = word;
  }

  #judge() {
    const loudest = Math.max(...this.history.map((moment) => moment.db));
    const clipped = this.history.filter((moment) => moment.peak > CLIPPED).length;
    if (loudest > LOUD_DB || clipped >= CLIPPED_FRAMES) return "loud";
    if (loudest > QUIET_DB) return "good";
    return loudest > NO_SOUND_DB ? "quiet" : "none";
  }

  /** How far the bar and the peak's mark reach, 0 to 1. */
  get reach() {
    return { level: 1 - this.db / FLOOR_DB, peak: 1 - this.hold / FLOOR_DB };
  }

  /** Whether there was sound in the last seconds. */
  get heard() {
    return this.word !== "none";
  }

  /** "quiet" or "loud" when that has lasted long enough for a tip, else null. */
  get tip() {
    return (this.word === "quiet" || this.word === "loud") && this.wordS >= TIP_S ? this.word : null;
  }
}
