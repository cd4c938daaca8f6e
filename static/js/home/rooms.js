// Keeps the marks and words of the open rooms true while the front page stays open.

const EVERY_MS = 10000;

async function refresh() {
  if (document.visibilityState !== "visible") return;
  const answer = await fetch("/").catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const row of document.querySelectorAll(".now-room")) {
    const now = fresh.querySelector(`.now-room[data-slug="${row.dataset.slug}"]`);
    if (!now) continue; // no longer listed: the link says so when it is followed
    row.querySelector(".mark").dataset.state = now.querySelector(".mark").dataset.state;
    row.querySelector("p").textContent = now.querySelector("p").textContent;
  }
}

setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
