#!/bin/sh
# The grid spread over GNU parallel's slots, on one machine or on several (--sshlogin with a shared folder).
# Usage: parallel.sh JOBS FOLDER [options of `holdfast reproduce`, such as --quick or --data-dir DIR]
# Each job writes to a folder of its own, so that no two ever write one file; run it again to go on after an interruption.
set -eu
jobs=$1 folder=$2
shift 2
holdfast=${HOLDFAST:-npx holdfast}
seq "$jobs" | parallel --jobs "$jobs" --line-buffer --tagstring '{}' \
  "$holdfast reproduce $* --shard {}/$jobs --out $folder/shard-{}"
# shellcheck disable=SC2046,SC2086 # The names of shards and the command are words.
$holdfast reproduce "$@" --out "$folder/all" --merge $(seq -f "$folder/shard-%g" "$jobs")
