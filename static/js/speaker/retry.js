// Whether and when the page connects again. Pure.

export const DOUBT_MS = 2000; // the server says something every second: silent for longer, it may not hear either
export const SILENCE_MS = 8000; // silent for so long, it is gone
export const READY_MS = 10000; // from the attempt to the server's "ready"

const CAPS_S = [1, 2, 2, 2, 4, 5];

/** Milliseconds to wait before attempt number `attempt` (1, 2, ...). Chance keeps a hall of pages from coming at once. */
export function retryDelay(attempt, chance = Math.random()) {
  if (attempt <= 1) return chance * 1000;
  const cap = CAPS_S[Math.min(attempt - 1, CAPS_S.length - 1)] * 1000;
  return cap / 2 + (chance * cap) / 2;
}

/** What a close of the socket means: "retry" or "stop". 4400 to 4499 are refusals: asking again would not help. */
export function afterClose(code) {
  return code === 1000 || code === 1009 || (code >= 4400 && code < 4500) ? "stop" : "retry";
}
