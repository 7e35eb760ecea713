#!/bin/sh
# Makes the folder the site lives in. Run again after an interruption, it keeps the folder it made before.
set -e

folder=$(ctx instance runtime-properties get folder)
if [ -n "$folder" ] && [ -f "$folder/.hello-world" ]; then
  ctx logger info "the folder $folder is there already"
  exit 0
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/hello-world.XXXXXXXX")
: > "$folder/.hello-world"
ctx instance runtime-properties folder "$folder"
ctx instance runtime-properties node_version "$(node --version)"
# Known to the server now, not only when this script has ended: nothing is lost if everything stops here.
ctx instance update
ctx logger info "the site will live in $folder"
