// What a reader is told about a room: the mark, the word in the bar, the sentence under the last line. Pure.

import { clock, count } from "../captions/wording.js";

const SOON_MS = 0;
/** A fault that is over in a second needs no sentence; the mark has told it. Two seconds are promised. */
export const SETTLED_MS = 1000;

const say = (mark, bar, strong = "", rest = "", after = SOON_MS) => ({ mark, bar, strong, rest, after });

/** Faults that `detail` names, before the six states. */
const DETAILS = {
  catching_up: () => say("catching", "Catching up", "Catching up.", "The words you missed are on their way.", SETTLED_MS),
  speaker_lost: () => say("lost", "No microphone", "The speaker’s microphone is gone.", "If words are missing, you will see where.", SETTLED_MS),
  engine_down: (at) => say("lost", "Captions down", "Captions are down in this room.", at ? `Since ${at}. We keep trying.` : "We keep trying.", SETTLED_MS),
  engine_busy: () => say("reconnecting", "Waiting", "All caption lines are in use.", "This room’s starts as soon as one is free.", SETTLED_MS),
  budget: () => say("paused", "Out of time", "This room has used its time for today.", "The host can add more."),
  budget_month: () => say("paused", "Out of time", "This month’s time for captions is used up.", "The host can add more."),
  blanked: () => say("paused", "Hidden", "The host has hidden the captions for a moment."),
};

const STATES = {
  idle: () => say("idle", "Not started", "Not started yet.", "You can leave this open."),
  live: () => say("live", "Live"),
  silent: () => say("silent", "Quiet", "Nobody is speaking.", "Captions start again by themselves."),
  reconnecting: () => say("reconnecting", "Reconnecting", "Reconnecting.", "Nothing is lost so far.", SETTLED_MS),
  paused: (at) => say("paused", "Paused", "Paused by the speaker.", at ? `Since ${at}.` : ""),
  ended: () => say("ended", "Ended", "That’s the end.", "Everything that was said stands above."),
};

/** Of a `state` frame. `hasLines`: something is painted already. */
export function ofRoom({ state, detail, at }, hasLines) {
  const isFault = Object.hasOwn(DETAILS, detail ?? "") && !["idle", "ended"].includes(state);
  const words = (isFault ? DETAILS[detail] : (STATES[state] ?? STATES.reconnecting))(at === undefined ? "" : clock(at));
  if (words.mark === "live" && !hasLines) return { ...words, strong: "The first words appear here." };
  if (words.mark === "ended" && !hasLines) return { ...words, rest: "" };
  return words;
}

/** Of this page's own line to the server. */
export const CONNECTING = say("reconnecting", "", "Connecting…", "", 2000);
export const DROPPED = say("reconnecting", "Reconnecting");
export const OFFLINE = say("reconnecting", "Offline", "You are offline.", "Trying again.");

/** Of a refusal, after which asking again would not help. */
export function ofRefusal(code) {
  if (code === 4401) return say("lost", "Closed", "This room asks for a word.", "It is on the invitation.");
  if (code === 4404) return say("lost", "Closed", "There is no such room any more.", "Check the code on the screen.");
  return say("lost", "Closed", "This room cannot be read from here.", "Load the page again; if that does not help, ask the host.");
}

/** After the line came back: "Back. 4 lines were added." */
export function ofReturn(lines) {
  return `Back. ${lines ? count(lines, "line was", "lines were") : "No lines were"} added.`;
}
