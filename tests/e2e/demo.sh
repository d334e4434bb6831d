#!/usr/bin/env bash
# The README's first command, with the binaries of any preset: a training that is killed half-way
# goes on from its checkpoint. The demonstration itself says whether all of it held.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
TMPDIR=$folder "$BERTH_SOURCE_DIR/examples/digits/demo.sh" > "$folder/out" || {
  cat "$folder/out"
  exit 1
}
tail -n 10 "$folder/out"
