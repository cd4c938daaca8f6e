// Sentences about captions that readers and speakers share. Pure.

/** Hours and minutes on this device's clock, "14:33". */
export function clock(at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  return `${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;
}

/** "3 new lines", "1 new line". */
export function count(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}

const GAP_REASONS = {
  speaker_gone: "The speaker’s page was closed.",
  audio_lost: "The sound did not arrive.",
  engine_down: "The speech engine did not answer.",
  engine_busy: "No caption line was free.",
  budget: "The room’s time was used up.",
};

/** What a gap frame says: "About 12 seconds are missing. The speaker’s page was closed." */
export function gapSentence({ start_ms: start, end_ms: end, reason }) {
  const seconds = Math.max(1, Math.round((end - start) / 1000));
  const minutes = Math.round(seconds / 60);
  const missing =
    seconds < 90
      ? `About ${count(seconds, "second is", "seconds are")} missing.`
      : `About ${count(minutes, "minute is", "minutes are")} missing.`;
  return reason in GAP_REASONS ? `${missing} ${GAP_REASONS[reason]}` : missing;
}
