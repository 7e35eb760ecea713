#!/bin/sh
echo "this is meant to fail" >&2
exit 3
