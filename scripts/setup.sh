#!/bin/sh
# Makes .venv and installs one of the lock files into it. Does nothing when that is done already.
#   scripts/setup.sh requirements-engine.txt
# PYTHON names the Python to use; else the first of python3, python3.14, ... that is new enough.
# The packages come through uv, which itself comes from PyPI into .venv; where uv cannot reach what pip can
# (pip's configuration is not uv's), through pip.
set -u
cd "$(dirname "$0")/.." || exit 1
lock=$1
venv=.venv
log=$venv/setup.log

stop() {
    echo "$*" >&2
    exit 1
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        new_enough "$PYTHON" || stop "PYTHON=$PYTHON is no Python 3.11 or newer. Name another one, or leave PYTHON out."
        echo "$PYTHON"
        return
    fi
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if new_enough "$name"; then
            echo "$name"
            return
        fi
    done
    found=$(python3 --version 2>/dev/null || echo "no Python 3")
    stop "Captions needs Python 3.11 or newer, and here is $found. Install it (Debian, Ubuntu: apt-get install python3.11-venv; macOS: brew install python@3.13) or name one: make PYTHON=/path/to/python3.11"
}

# What pip says when it cannot reach any index is long; these words are in it.
explain_failure() {
    if grep -qiE 'No space left' "$log"; then
        stop "Installing packages failed: the disk is full. The log is $log."
    fi
    if grep -qiE 'hashes? (do not|mismatch|does not)|HASHES' "$log"; then
        stop "Installing packages failed: a package is not the one that $lock names. The log is $log."
    fi
    if grep -qiE 'connection|resolve|resolution|unreachable|timed? ?out|proxy|ssl|dns error' "$log"; then
        stop "Installing packages failed: PyPI cannot be reached. Check the network, HTTPS_PROXY, or pip's index-url. The log is $log."
    fi
    tail -n 5 "$log" >&2
    stop "Installing packages failed. The log is $log."
}

# The lock file's fingerprint and the Python it went into.
wanted() { printf '%s %s' "$(cksum <"$1")" "$($venv/bin/python -V 2>/dev/null)"; }

installed() { [ -f "$venv/installed-$1" ] && [ "$(cat "$venv/installed-$1")" = "$(wanted "$1")" ]; }

mark() { wanted "$1" >"$venv/installed-$1"; }

# requirements-dev.txt holds all of requirements-engine.txt, which holds all of requirements.txt.
for larger in "$lock" requirements-engine.txt requirements-dev.txt; do
    case "$lock $larger" in
        "requirements-dev.txt requirements-engine.txt") continue ;;
    esac
    if installed "$larger"; then
        exit 0
    fi
done

[ -w . ] || stop "Cannot write to $(pwd). Give this user the right to, or make a copy of the project elsewhere."
[ ! -e $venv ] || [ -w $venv ] || stop "Cannot write to $(pwd)/$venv. Give this user the right to, or delete that folder."

if ! { new_enough $venv/bin/python && $venv/bin/python -c 'import pip' 2>/dev/null; }; then
    python=$(find_python) || exit 1
    # Debian keeps this part of Python in a package of its own.
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        stop "This Python has no venv module. Install it: apt-get install $("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    echo "Making $venv with $("$python" -V)"
    "$python" -m venv --clear $venv || stop "Could not make $venv (see above)."
fi

# uv in the version that the lock file of the tests names, with its hashes.
uv_lock=$venv/uv.txt
sed -n '/^uv==/,/[^\\]$/p' requirements-dev.txt >$uv_lock
uv_version=$(sed -n 's/^uv==\([^ ]*\).*/uv \1/p' $uv_lock)
echo "Installing the packages of $lock"
case "$($venv/bin/uv --version 2>/dev/null) " in
    "$uv_version "*) ;;
    *)
        $venv/bin/python -m pip install --quiet --disable-pip-version-check --retries 2 --require-hashes \
            --only-binary :all: -r $uv_lock >"$log" 2>&1 || explain_failure
        ;;
esac

# uv does not read pip's configuration: the main index and the certificates are handed over.
pip_setting() { $venv/bin/python -m pip config list 2>/dev/null | sed -n "s/^[^ ]*\.$1='\(.*\)'\$/\1/p" | tail -n 1; }
index=$(pip_setting index-url)
certificates=$(pip_setting cert)
[ -z "$index" ] || [ -n "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX="$index"
[ -z "$certificates" ] || [ -n "${SSL_CERT_FILE:-}" ] || export SSL_CERT_FILE="$certificates"

$venv/bin/uv pip install --quiet --python $venv/bin/python --require-hashes -r "$lock" >"$log" 2>&1 ||
    $venv/bin/python -m pip install --quiet --disable-pip-version-check --retries 2 --require-hashes -r "$lock" \
        >>"$log" 2>&1 || explain_failure
mark "$lock"
