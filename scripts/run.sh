#!/bin/sh
# The main job: builds the program livecount and counts with it. Installs first what is missing.
#   scripts/run.sh           a demonstration and, where ../shared/data is, a real web server's log
#   scripts/run.sh LOG...    counts these logs (combined log format; plain, .gz or .xz)
# The program is build/release/bin/livecount, the counts are in build/release/*.db, made anew each time.
set -eu

for log in "$@"; do  # the names are the caller's: make them independent of the folder
  shift
  case $log in /*) ;; *) log=$PWD/$log ;; esac
  set -- "$@" "$log"
done
cd "$(dirname "$0")/.."

scripts/bootstrap.sh
mkdir -p build/release
livecount=build/release/bin/livecount
[ -x $livecount ] || echo "Building the program: a minute or two, what it says goes to build/run.log" >&2
if ! { cmake --preset release && cmake --build --preset release --target livecount; } >build/run.log 2>&1; then
  cat build/run.log >&2
  exit 1
fi
rm -f build/release/*.db build/release/*.db-wal build/release/*.db-shm

if [ $# = 0 ]; then
  $livecount demo --store sqlite:build/release/demo.db
  log=../shared/data/apache-logs/apache_logs.xz
  if [ ! -e $log ]; then
    echo "Count a log of your own: scripts/run.sh /var/log/apache2/access.log"
    exit 0
  fi
  echo
  set -- $log
fi
status=0
$livecount count --store sqlite:build/release/hits.db --periods hour,day,week "$@" || status=$?
[ $status -le 1 ] || exit $status  # 1: some lines were rejected
$livecount top --store sqlite:build/release/hits.db --namespace path --period day --limit 5
exit $status
