// The lines before those the server sent: fetched once from the transcript, as frames.

const TRIES = 4;

/** The finals and gaps of one session, oldest first; throws when the transcript cannot be had now. */
async function fetchSession(slug, session) {
  const answer = await fetch(`/r/${slug}/transcript.json?session=${session}&words=0`, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`The transcript answered ${answer.status}.`);
  const { sessions } = await answer.json();
  const found = sessions.find((one) => one.session === session);
  if (!found) return { startedAt: null, frames: [] };
  return {
    startedAt: found.started_at ? new Date(found.started_at) : null,
    frames: found.segments.map((segment) => ({ type: "reason" in segment ? "gap" : "final", ...segment, session })),
  };
}

/**
 * Fetch older lines of `session`, trying again a few times. `first` waits up to that many milliseconds before the first
 * try, so that a hall which opens the page together does not ask together. Null when it was not to be had.
 */
export async function olderLines(slug, session, first) {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const longest = attempt ? 1000 * 2 ** attempt : first;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
    try {
      return await fetchSession(slug, session);
    } catch {
      // tried again below
    }
  }
  return null;
}
