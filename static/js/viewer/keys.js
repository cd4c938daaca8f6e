// The viewer's keys. Not while a field has the focus, and never together with Ctrl, Alt or the system key.

export function listenToKeys({ follow, size, fullScreen }) {
  const keys = {
    "+": () => size.step(1),
    "=": () => size.step(1),
    "-": () => size.step(-1),
    f: () => fullScreen.toggle(),
    PageUp: () => follow.page(-1),
    PageDown: () => follow.page(1),
    End: () => follow.toLive(),
    Escape: () => fullScreen.leave(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.isContentEditable || event.target.closest("input, select, textarea")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!Object.hasOwn(keys, key)) return;
    event.preventDefault();
    keys[key]();
  });
}
