#!/bin/sh
# Imports counts, killed after ever longer times, until a run gets to its end.
#   import_killed.sh PROGRAM STORE FILE [option of import...]
# Prints the number of runs that found a part of the file imported.
set -eu
program=$1 store=$2 file=$3
shift 3
resumed=0
delay=5
while :; do
  "$program" import --quiet --store "$store" "$@" "$file" 2>errors &
  pid=$!
  [ $delay -ge 900 ] || { sleep "$(printf '0.%03d' $delay)" && kill -s KILL $pid 2>/dev/null; } || true
  status=0
  wait $pid 2>/dev/null || status=$?
  [ $status != 0 ] || break
  [ $status = 137 ] || { echo "ended with $status: $(cat errors)" >&2; exit 1; }
  delay=$((delay * 4 / 3 + 1))
  if "$program" names --store "$store" --namespace livecount.positions 2>/dev/null | grep -q :lines; then
    resumed=$((resumed + 1))
  fi
done
echo $resumed
