#!/bin/sh
set -e
ctx logger info "saying ${message}"
ctx instance runtime-properties said "${message}"
ctx instance runtime-properties loud "${loud}"
