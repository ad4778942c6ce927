#!/bin/sh
# A student's first start: a copy of the handout. Later ones add what is new and leave what is there.
set -eu
mkdir -p "$TMPDIR" "$SSLKIT_CACHE" "$MPLCONFIGDIR"
cp --recursive --no-clobber /srv/handout/. "$HOME/" || true
exec "$@"
