#!/bin/sh
# Removes the folder, but only one that create.sh has made: the file in it says so.
set -e

folder=$(ctx instance runtime-properties get folder)
if [ -n "$folder" ] && [ -f "$folder/.hello-world" ]; then
  rm -rf "$folder"
  ctx logger info "removed $folder"
fi
ctx instance runtime-properties clear
