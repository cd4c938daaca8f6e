// What the page says in every situation: what happened, what it means, what to do. Pure: a model in, words out.
//
// The model: phase (idle, running, paused, ending, ended), mic {state, deadS}, link {phase, attempt, stop, doubtful: open
// and nobody answers}, server {state, detail}, waitingS, lostS and unsentS (of audio: not arrived yet, given up, not
// arrived when the connection was closed for good), slow and wasSlow (the line, and not caught up since), heard (sound in
// the last seconds), tip, startedAt and pausedAt and quietAt (times of day as text), warning {code, message, at} of the
// server, wentOn (the room was already running), language, screen {supported, held}.

const SLOW_S = 3; // more than this unsent, and the page says how far behind it is

function seconds(s) {
  return `${Math.max(1, Math.round(s))} s`;
}

// A stop of the connection that needs the speaker. The server's own sentence comes first where it has one.
function stopped({ code, message }, unsentS = 0) {
  switch (code) {
    case "room_busy":
      return {
        title: "Somebody is already speaking in this room",
        text: "Taking over stops their microphone. What they said stays.",
        button: "Take over",
      };
    case "moved":
      return {
        title: "Somebody is speaking from another device now",
        text:
          unsentS > SLOW_S
            ? `This page has stopped sending. The last ${seconds(unsentS)} of your words had not arrived, and are missing.`
            : "This page has stopped sending. What you said is in the captions.",
        button: "Take it back",
      };
    case "no_token":
      return {
        title: "This address is not whole",
        text: "The end of the link is missing. Open the link your host sent you, to its last letter.",
      };
    case "link_refused":
      return { title: "This link cannot be used", text: message };
    case "no_such_room":
      return { title: "This room is gone", text: "Ask your host for a new speaker link." };
    default:
      return {
        title: "The captions have stopped",
        text: `${message || "The server ended the connection."} Press Start to go on. If it stops again, load this page anew.`,
      };
  }
}

// A fault of the microphone: band, and what to do.
const MICROPHONE = {
  refused: [
    "Your microphone is closed",
    "Your browser is not letting this page hear you. Press the lock beside the address, allow the microphone, then press Start.",
  ],
  missing: ["No microphone found", "Plug one in or switch it on. This page notices by itself."],
  taken: ["Your microphone is in use", "Another program has it. Close that program, then press Start."],
  insecure: [
    "This address is not secure",
    "Browsers give the microphone only to addresses that start with https. Ask your host for that link.",
  ],
  unsupported: [
    "This browser cannot send sound",
    "Open the link in a newer Chrome, Edge, Firefox or Safari.",
  ],
  asleep: ["Your microphone is asleep", "Tap anywhere on this page to wake it."],
  stuck: [
    "Your browser does not start the sound",
    "Close other programs that use sound, check that a loudspeaker or headphones are there, then load this page again.",
  ],
  lost: ["No sound from your microphone", "It has gone. Plug it in again, or choose another one below."],
  muted: ["No sound from your microphone", "Is it switched on? Choose another one below."],
};

const DEAD_S = 10;

/** The state of the microphone as far as words go; null when all is well or not known yet. */
function microphoneFault({ mic }) {
  if (mic.state === "open") return mic.deadS >= DEAD_S ? "muted" : null;
  return MICROPHONE[mic.state] ? mic.state : null;
}

function idleBand(model) {
  if (model.link.stop) {
    const { title, text } = stopped(model.link.stop, model.unsentS);
    const lost = model.link.stop.code !== "room_busy" && model.link.stop.code !== "moved";
    return { mark: lost ? "lost" : "idle", title, text, aside: model.language };
  }
  if (model.phase === "ended") {
    const title = model.endedByMe ? "You have ended the talk" : "The talk has ended";
    return { mark: "ended", title, text: "Everything you said is in the transcript.", aside: "" };
  }
  const fault = microphoneFault(model);
  // Before the start a sleeping microphone is no fault: Start wakes it.
  if (fault && fault !== "asleep") {
    const [title, text] = MICROPHONE[fault];
    return { mark: "lost", title, text, aside: model.language };
  }
  if (model.mic.state === "asking") {
    const text = "Your browser asks whether this page may hear you. Please allow it.";
    return { mark: "idle", title: "May we hear you?", text, aside: model.language };
  }
  const text = model.wentOn
    ? "The captions are open already. Press Start to go on."
    : "Nothing is sent until you press Start.";
  return { mark: "idle", title: "Ready when you are", text, aside: model.language };
}

function runningBand(model) {
  const { link, server, waitingS } = model;
  const waiting = waitingS >= 1 ? `${seconds(waitingS)} kept here` : "";
  if (model.phase === "ending") {
    const text = waitingS >= 1 ? "Your last words are on their way." : "Your last words are being written.";
    return { mark: "catching", title: "Ending", text: `${text} Keep this page open.`, aside: waitingS >= 1 ? `${seconds(waitingS)} to go` : "" };
  }
  if (link.phase !== "ready" || link.doubtful) {
    const text = model.phase === "paused" ? "You are paused. Your words so far are kept." : "Keep talking. This tab is keeping your words, up to 2 minutes.";
    return { mark: "reconnecting", title: model.wasReady ? "Reconnecting" : "Connecting", text, aside: waiting };
  }
  if (model.phase === "paused") {
    return { mark: "paused", title: "Paused", text: "Your microphone is not being sent.", aside: `since ${model.pausedAt}` };
  }
  const fault = microphoneFault(model);
  if (fault) {
    const [title, text] = MICROPHONE[fault];
    return { mark: "lost", title, text, aside: model.mic.deadS >= 1 ? `silent for ${seconds(model.mic.deadS)}` : "" };
  }
  if (server.detail === "engine_down") {
    return { mark: "lost", title: "Captions are down", text: "Not your fault. Keep talking: your words are kept for 2 minutes.", aside: "" };
  }
  if (server.detail === "budget") {
    return { mark: "paused", title: "Out of time", text: "This room has used its time for today. The host can add more.", aside: "" };
  }
  if (server.detail === "budget_month") {
    return { mark: "paused", title: "Out of time", text: "This month’s time for captions is used up. The host can add more.", aside: "" };
  }
  if (server.detail === "engine_busy") {
    const text = "All caption lines are in use; yours starts as soon as one is free. Keep talking: your words are kept for 2 minutes.";
    return { mark: "reconnecting", title: "Waiting for a caption line", text, aside: "" };
  }
  if (waitingS >= SLOW_S) {
    let text = "Connected again. Your kept words are being written now.";
    if (model.slow) text = "Your connection is slow. Keep talking: nothing is lost so far.";
    else if (model.wasSlow) text = "Your kept words are being written now.";
    return { mark: "catching", title: "Catching up", text, aside: `${seconds(waitingS)} ${model.slow ? "behind" : "to go"}` };
  }
  if (server.detail === "catching_up") {
    return { mark: "catching", title: "Catching up", text: "Your kept words are being written now.", aside: "" };
  }
  if (server.state === "reconnecting") {
    return { mark: "reconnecting", title: "Reconnecting", text: "Keep talking. Your words are being kept.", aside: "" };
  }
  if (server.state === "silent" || !model.heard) {
    const aside = model.quietAt ? `quiet since ${model.quietAt}` : "";
    return { mark: "silent", title: "You are live, and quiet", text: "We are listening. Check the meter if you are speaking.", aside };
  }
  return { mark: "live", title: "You are live", text: `Readers see your words in ${model.language}.`, aside: `since ${model.startedAt}` };
}

/** The band at the top: {mark, title, text, aside}; the mark is its state. */
export function band(model) {
  return model.phase === "idle" || model.phase === "ended" ? idleBand(model) : runningBand(model);
}

const WARNINGS = {
  budget_soon: "Little time is left",
  budget_more: "There is more time",
  budget: "Captions start again by themselves",
  budget_month: "Captions start again by themselves",
};

// `at` is a time of day: how much is left was true then.
function warningNote({ code, message, at }) {
  const text = code === "budget_soon" ? `${message} Told at ${at}.` : message;
  const mark = code === "budget" || code === "budget_month" ? "paused" : "catching";
  return { tone: "care", mark, title: WARNINGS[code] ?? "A word from the server", text };
}

/** The one note beside the captions: {tone, mark, title, text} or null. */
export function note(model) {
  if (model.otherMicrophone) {
    const text = `The one you chose is not here. This page listens to: ${model.otherMicrophone}.`;
    return { tone: "care", mark: "lost", title: "Another microphone is in use", text };
  }
  if (model.phase === "running" || model.phase === "paused" || model.phase === "ending") {
    if (model.lostS >= 1) {
      const text = `About ${seconds(model.lostS)} of your words could not be kept: the connection was gone for too long. Readers see where they are missing.`;
      return { tone: "bad", mark: "lost", title: "Some words are lost", text };
    }
    if (model.warning) return warningNote(model.warning);
    if (model.phase === "running" && model.tip === "quiet") {
      return { tone: "care", mark: "silent", title: "Too quiet", text: "Move closer, about a hand’s width." };
    }
    if (model.phase === "running" && model.tip === "loud") {
      return { tone: "care", mark: "catching", title: "Too loud", text: "Your voice is breaking up; move back a little." };
    }
  }
  return null;
}

/** The first of the three steps before the start. */
export function stepWords({ level, mic }) {
  if (mic.state === "open" && level === "good") return "The meter should reach “good”. It does now.";
  if (mic.state === "asleep") return "Tap this page first. Then the meter should reach “good”.";
  return "The meter should reach “good”.";
}

/** The three facts under the meter: [[name, value], ...]. */
export function facts(model) {
  const started = model.phase !== "idle";
  let safe = "All safe";
  if (model.lostS >= 1) safe = `${seconds(model.lostS)} lost`;
  else if (model.server?.detail === "engine_down" || model.server?.detail === "engine_busy") safe = "Kept, not written yet";
  else if (model.server?.detail?.startsWith("budget")) safe = "Written, until the time was up";
  else if (model.waitingS >= 1) safe = `${seconds(model.waitingS)} waiting to be sent`;
  return [
    started ? ["Your words so far", safe] : ["Spoken language", model.language],
    ["Connection", connection(model)],
    ["This screen", screenWords(model)],
  ];
}

function connection({ link, phase, slow, reachable }) {
  if (link.phase === "ready" && link.doubtful) return "No answer";
  if (link.phase === "ready") return slow ? "Slow" : "Steady";
  if (link.phase === "connecting" && link.attempt === 0) return "Opening";
  if (link.phase === "waiting" || link.phase === "connecting") return link.attempt < 2 ? "Trying again" : `Trying again, ${link.attempt} times so far`;
  if (link.stop) return "Closed";
  if (phase === "ended") return "Closed";
  if (reachable === null) return "Being checked";
  return reachable ? "Works" : "The server cannot be reached";
}

function screenWords({ phase, screen }) {
  if (screen.held) return "Stays awake";
  if (!screen.supported) return "May go dark by itself";
  return phase === "idle" || phase === "ended" ? "Stays awake once you start" : "May go dark by itself";
}

const MAIN = {
  idle: ["Start captions", "You can pause at any time."],
  running: ["Pause captions", "Pausing stops the microphone being sent. Nobody loses the lines they have."],
  paused: ["Resume captions", "Nothing you say now is sent."],
  ending: ["Ending…", ""],
  ended: ["Start again", "Starting again begins a new talk."],
};

/** The buttons: the main one's word, hint and whether it is dead or takes over; and whether End is there. */
export function buttons({ phase, mic, link }) {
  const idle = phase === "idle" || phase === "ended";
  const takeOver = idle && link.stop ? stopped(link.stop).button : undefined;
  const dead = mic.state === "insecure" || mic.state === "unsupported" || link.stop?.code === "no_token";
  const [word, hint] = takeOver ? [takeOver, ""] : MAIN[phase];
  return { word, hint, takeOver: takeOver !== undefined, disabled: phase === "ending" || dead, end: phase === "running" || phase === "paused" };
}

/** What each treatment really does, by the device's own report. */
export function treatmentWords(asked, real) {
  if (real === undefined) return "Your browser does not say what it does.";
  // Newer browsers name the kind of echo cancellation instead of true.
  const on = real !== false;
  if (on === asked) return on ? "In use." : "";
  return on ? "Your device does it all the same." : "Your device does not do it.";
}
