#!/bin/sh
set -e
ctx instance runtime-properties said ""
