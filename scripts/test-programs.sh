#!/bin/sh
# Sees to the programs that the tests run: redis-server, PostgreSQL, Chromium. Installs Debian's where it may.
set -u

missing=""
command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server"
command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "${CAPTIONS_TEST_CHROMIUM:-}" ] || command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
    missing="$missing chromium"
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
    if sudo -n true 2>/dev/null; then as_root="sudo -n"; else as_root="no"; fi
fi
if ! command -v apt-get >/dev/null 2>&1 || [ "$as_root" = no ]; then
    echo "The tests need programs that are not installed:$missing. Install them (Debian, Ubuntu: apt-get install$missing)." >&2
    exit 1
fi
log=$(mktemp)
echo "Installing for the tests:$missing"
# No cluster of Debian's own is made or started: the tests make theirs.
if $as_root apt-get -qq update >"$log" 2>&1 &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends $missing >>"$log" 2>&1; then
    rm -f "$log"
else
    tail -n 5 "$log" >&2
    echo "Installing$missing failed; the log is $log. Install them by hand, then run make test again." >&2
    exit 1
fi
