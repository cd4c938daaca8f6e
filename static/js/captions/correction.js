// What a correction changed. Pure.

/**
 * Split the corrected text into what stands as before, what was changed, and the rest, at word boundaries.
 * changedWords("above the Ogmor, and", "above the Ogmore, and") -> { before: "above the ", changed: "Ogmore,", after: " and" }
 */
export function changedWords(old, text) {
  const was = old.split(/(\s+)/);
  const is = text.split(/(\s+)/);
  const most = Math.min(was.length, is.length);
  let head = 0;
  while (head < most && was[head] === is[head]) head += 1;
  let tail = 0;
  while (tail < most - head && was[was.length - 1 - tail] === is[is.length - 1 - tail]) tail += 1;
  return {
    before: is.slice(0, head).join(""),
    changed: is.slice(head, is.length - tail).join(""),
    after: is.slice(is.length - tail).join(""),
  };
}
