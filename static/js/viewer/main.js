// The viewer page: puts the parts together and decides what a frame means for them.

import { CaptionLines } from "../captions/lines.js";
import { clock } from "../captions/wording.js";
import { Connection } from "./connection.js";
import { Follow } from "./follow.js";
import { FullScreen } from "./full-screen.js";
import { olderLines } from "./history.js";
import { listenToKeys } from "./keys.js";
import { TextSize } from "./size.js";
import { CONNECTING, DROPPED, OFFLINE, SETTLED_MS, ofRefusal, ofReturn, ofRoom } from "./states.js";
import { Status } from "./status.js";

const box = document.querySelector("#captions");
const inner = box.querySelector(".lines");
const { slug, language, speaker, session, startedAt } = box.dataset;

for (const time of inner.querySelectorAll("time")) time.textContent = clock(time.dateTime);

const lines = new CaptionLines(inner, {
  language,
  speaker,
  session: Number(session),
  startedAt: startedAt ? new Date(startedAt) : null,
});

const follow = new Follow(box, inner, document.querySelector(".to-live"));
const status = new Status(lines);
const size = new TextSize((change) => follow.hold(change));
const fullScreen = new FullScreen(() => follow.hold(() => size.use()));
listenToKeys({ follow, size, fullScreen });

let room = null; // the newest state frame
let isDown = false; // the page's own line is gone
let telling = 0; // timer: a loss that lasts is told in words
let fetching = false;

function showRoom() {
  if (room && !isDown) status.show(ofRoom(room, !lines.isEmpty));
}

function startSession(number, at) {
  if (number !== lines.session) {
    lines.begin(number, at);
    follow.toLive();
  } else if (at) {
    lines.startedAt = at;
  }
}

function paint(frames) {
  const wasEmpty = lines.isEmpty;
  const before = lines.session;
  let added = 0;
  follow.hold(() => {
    for (const frame of frames) if (lines.apply(frame)) added += 1;
  });
  if (lines.session !== before) follow.toLive();
  if (added) follow.added(added);
  if (wasEmpty !== lines.isEmpty) showRoom();
  return added;
}

function snapshot(frame) {
  startSession(frame.session ?? 0, frame.room.started_at ? new Date(frame.room.started_at) : null);
  const hadLines = lines.newest > 0;
  const added = paint(frame.interim ? [...frame.finals, frame.interim] : frame.finals);
  const wasTold = isDown && status.isSaying(OFFLINE);
  clearTimeout(telling);
  isDown = false;
  connection.settle();
  room = { state: frame.room.state, detail: "", at: null };
  showRoom();
  if (wasTold) status.back(ofReturn(added));
  if (!lines.isWhole) fetchOlder(hadLines && !frame.complete ? 0 : 2000);
}

async function fetchOlder(patience) {
  if (fetching) return;
  fetching = true;
  const number = lines.session;
  const older = await olderLines(slug, number, patience);
  fetching = false;
  if (!older || number !== lines.session) return;
  lines.startedAt ??= older.startedAt;
  follow.hold(() => lines.merge(older.frames));
}

function frame(message) {
  switch (message.type) {
    case "snapshot":
      snapshot(message);
      break;
    case "state":
      room = message;
      showRoom();
      break;
    case "interim":
    case "final":
    case "gap":
    case "edit":
      paint([message]);
      break;
    default: // ping, and what later servers may say
  }
}

function down({ silent }) {
  const tell = () => status.show(OFFLINE, { atOnce: true });
  if (silent) {
    clearTimeout(telling);
    tell();
  } else if (!isDown) {
    status.show(DROPPED);
    telling = setTimeout(tell, SETTLED_MS);
  }
  isDown = true;
}

function address() {
  const url = new URL(`/ws/rooms/${slug}/captions/`, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  if (lines.newest) url.searchParams.set("after", `${lines.session}.${lines.newest}`);
  return url.href;
}

status.show(CONNECTING);
const connection = new Connection({
  address,
  frame,
  down,
  refused: (code) => {
    clearTimeout(telling);
    isDown = true;
    status.show(ofRefusal(code), { atOnce: true });
  },
});
