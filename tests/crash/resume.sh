#!/bin/sh
# Counts a log with --resume, killed by signals at random moments, until a run gets to its end.
#   resume.sh PROGRAM STORE LOG SIGNAL KILLS [option of count...]
# After KILLS kills it is left alone. Prints how many runs there were. Acknowledged lines go to the file acks.
# A run is killed some milliseconds after its start: at first up to 20, more while runs bring nothing.
set -eu
program=$1 store=$2 log=$3 signal=$4 kills=$5
shift 5
: >acks
longest=20
runs=0
lines=
status=1
while [ $status != 0 ]; do
  "$program" count --resume --quiet --store "$store" "$@" "$log" >>acks 2>errors &
  pid=$!
  runs=$((runs + 1))
  if [ $runs -le "$kills" ]; then
    random=$(od -An -N4 -tu4 /dev/urandom)
    sleep "$(printf '0.%03d' $((random % longest)))"
    kill -s "$signal" $pid 2>/dev/null || true
  fi
  status=0
  wait $pid 2>/dev/null || status=$?
  case $status in
    0 | 129 | 130 | 137 | 143) ;;
    *) echo "run $runs ended with $status: $(cat errors)" >&2; exit 1 ;;
  esac
  before=$lines
  lines=$("$program" export --store "$store" --namespace livecount.positions --period all 2>/dev/null |
    sed -n 's/.*:lines\t//p')
  acknowledged=$(tail -n 1 acks | cut -f 2)
  if [ "${acknowledged:-0}" -gt "${lines:-0}" ]; then
    echo "line $acknowledged was acknowledged, but the store has ${lines:-0} lines" >&2
    exit 1
  fi
  [ "$lines" != "$before" ] || longest=$((longest + 20 < 1000 ? longest + 20 : 999))
done
echo $runs
