// The speaker's page: what is pressed goes to the Speaker, what is true of it is painted.
import { CaptionLines } from "../captions/lines.js";
import { clock } from "../captions/wording.js";
import { Devices } from "./devices.js";
import { Meter } from "./meter.js";
import { Speaker } from "./speaker.js";
import { band, buttons, facts, note, stepWords } from "./words.js";

const HEARTBEAT_MS = 1000;

const one = (id) => document.getElementById(id);
const { slug, language, lang, elapsedS } = document.body.dataset;
const socketOrigin = location.origin.replace(/^http/, "ws");
const lines = new CaptionLines(one("lines"), { language: lang || "any", margin: false });
const meter = new Meter(one("meter"), one("level-word"));

const speaker = new Speaker({
  ticketUrl: new URL("ticket/", location.href.split("#")[0]).href,
  socketUrl: `${socketOrigin}/ws/rooms/${slug}/speak/`,
  // In the fragment it is in no request and no log, and a reload finds it again.
  token: secret(location.hash.slice(1)),
  painted: () => newest,
  elapsedS: elapsedS === undefined ? null : Number(elapsedS),
  on: {
    changed: paint,
    level() {
      meter.paint(speaker.level);
      paint();
    },
    caption(frame) {
      lines.apply(frame);
      // An interim shows that there is no newer final than the one before it.
      newest = `${frame.session}.${frame.type === "interim" ? frame.seq - 1 : frame.seq}`;
      one("first-words").hidden = !lines.isEmpty;
    },
  },
});
let newest; // final that was painted: session.seq
let focusMain = false;
let shownTitle = null; // the browser's own may differ: it folds white space
const devices = new Devices(one("mic"), (choice) => speaker.listen(choice));

/** The token in the address. One with a stray percent sign cannot be decoded: the server will say that it is none. */
function secret(fragment) {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

/** What words.js wants to know. */
function model() {
  const { link, level, phase, wakeLock } = speaker;
  return {
    phase,
    mic: { state: speaker.microphoneState, deadS: level.deadS },
    link: { phase: link.phase, attempt: link.attempt, stop: link.stop, doubtful: link.doubtful },
    server: speaker.server,
    waitingS: speaker.waitingS,
    lostS: speaker.sender.lostS,
    unsentS: speaker.unsentS,
    slow: speaker.slow,
    wasSlow: speaker.wasSlow,
    heard: speaker.heard,
    quietAt: clock(speaker.soundAt),
    tip: level.tip,
    level: level.word,
    startedAt: clock(speaker.startedAt),
    pausedAt: clock(speaker.pausedAt),
    wentOn: speaker.wentOn,
    wasReady: speaker.wasReady,
    endedByMe: speaker.endedByMe,
    reachable: speaker.reachable,
    warning: speaker.warning,
    otherMicrophone: devices.fellBack,
    language,
    screen: { supported: wakeLock.supported, held: wakeLock.held },
  };
}

// Painted often, so only what changed is touched: screen readers hear a status once.
function say(id, text) {
  const element = one(id);
  if (element.textContent !== text) element.textContent = text;
}

function mark(element, state) {
  if (element.dataset.state !== state) element.dataset.state = state;
}

function paint() {
  const now = model();
  const top = band(now);
  mark(one("band"), top.mark);
  mark(one("band-mark"), top.mark);
  lines.setMark(top.mark);
  say("band-title", top.title);
  say("band-text", top.text);
  say("band-aside", top.aside);
  say("clock", duration(speaker.elapsedS));
  const begun = now.phase !== "idle" || !lines.isEmpty;
  one("before").hidden = begun;
  one("echo").hidden = !begun;
  say("step-level", stepWords(now));
  const advice = note(now);
  one("note").hidden = advice === null;
  if (advice) {
    one("note").className = `note ${advice.tone}`;
    mark(one("note-mark"), advice.mark);
    say("note-title", advice.title);
    say("note-text", advice.text);
  }
  for (const [index, [name, value]] of facts(now).entries()) {
    say(`fact-${index}-name`, name);
    say(`fact-${index}`, value);
  }
  const deck = buttons(now);
  say("main-word", deck.word);
  say("main-hint", deck.hint);
  one("main").disabled = deck.disabled;
  one("main-key").hidden = deck.disabled || deck.takeOver;
  // Who used End by keyboard goes on from the other button, as soon as it works again.
  focusMain ||= !deck.end && document.activeElement === one("end");
  one("end").hidden = !deck.end;
  if (focusMain && !deck.disabled) {
    if (document.activeElement === document.body) one("main").focus();
    focusMain = false;
  }
  const title = `${top.title}: ${document.body.dataset.room}, speaker`;
  if (title !== shownTitle) document.title = shownTitle = title;
  devices.paint(speaker.capture);
}

function duration(totalS) {
  const s = Math.floor(totalS);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(s / 3600);
  return `${hours > 0 ? `${hours}:${two(Math.floor(s / 60) % 60)}` : Math.floor(s / 60)}:${two(s % 60)}`;
}

function press() {
  const { disabled, takeOver } = buttons(model());
  if (disabled) return;
  if (speaker.phase === "running") speaker.pause();
  else if (speaker.phase === "paused") speaker.resume();
  else speaker.start({ takeOver });
}

one("main").addEventListener("click", press);
one("end").addEventListener("click", () => {
  one("end-dialog").returnValue = "";
  one("end-dialog").showModal();
});
one("end-dialog").addEventListener("close", () => {
  if (one("end-dialog").returnValue === "end") speaker.end();
});

document.addEventListener("keydown", (event) => {
  speaker.capture.wake({ byHand: true });
  if (event.key !== " " || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  // Whatever has the focus takes the key itself: a button is pressed by it, a box scrolls. Nor is it for the talk behind an
  // open question.
  if (event.target !== document.body || one("end-dialog").open) return;
  event.preventDefault();
  // Pushing somebody else aside takes a button that says so.
  if (!buttons(model()).takeOver) press();
});
// A mouse counts as a tap when it goes down, a finger when it goes up.
for (const tap of ["pointerdown", "pointerup"]) {
  document.addEventListener(tap, () => speaker.capture.wake({ byHand: true }));
}
document.addEventListener("visibilitychange", () => speaker.capture.wake());
window.addEventListener("beforeunload", (event) => {
  if (speaker.live) event.preventDefault();
});
window.addEventListener("online", () => speaker.link.online());
window.addEventListener("offline", () => speaker.link.offline());
// The fragment is the speaker's key: the skip link must not put another one in its place.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});
window.addEventListener("hashchange", () => location.reload());
setInterval(() => speaker.tick(), HEARTBEAT_MS);

paint();
speaker.prepare(devices.choice);
