# A copy of a store, made while another process counts into it; and the store restored from it.
include(${CMAKE_CURRENT_LIST_DIR}/support/program.cmake)

set(text "")
foreach(i RANGE 1 2000)
  math(EXPR name "${i} % 97")
  string(APPEND text "2011-06-15 12:00:00\tx\t${name}\t1\n")
endforeach()
file(WRITE ${work}/events.tsv "${text}")
foreach(kind IN ITEMS sqlite file)
  # Five copies while a process counts.
  file(WRITE ${work}/beside.sh "for i in 1 2 3 4 5 6 7 8; do cat events.tsv; sleep 0.1; done |
    \"$1\" count --resume --store ${kind}:live-${kind} --format tsv --periods day,all - >count.log 2>&1 &
    i=0; until \"$1\" names --store ${kind}:live-${kind} --namespace x 2>/dev/null | grep -q . || [ $((i += 1)) -gt 500 ]; do sleep 0.02; done
    for i in 1 2 3 4 5; do \"$1\" backup --store ${kind}:live-${kind} copy-${kind}-$i || exit 1; sleep 0.05; done
    wait\n")
  execute_process(COMMAND sh ${work}/beside.sh ${program} WORKING_DIRECTORY ${work}
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  if(NOT result EQUAL 0)
    fail("${kind}: a backup failed")
  endif()
  expect(errors "is backed up in ${kind}:copy-${kind}-1" "livecount verify --store")
  foreach(i RANGE 1 5)
    run(0 verify --store ${kind}:copy-${kind}-${i})
    # Of one moment: what was counted by day was counted in all, and the position stands behind just these lines.
    run(0 export --store ${kind}:copy-${kind}-${i} --namespace x --period day)
    string(REGEX REPLACE "2011-06-15" "all" by_day "${output}")
    string(REGEX MATCHALL "\t[0-9]+\n" counts "${output}")
    string(REGEX REPLACE "[^0-9;]" "" counts "${counts}")
    string(REPLACE ";" " + " sum "${counts}")
    math(EXPR sum "${sum}")
    run(0 export --store ${kind}:copy-${kind}-${i} --namespace x --period all)
    expect_equal(output "${by_day}")
    run(0 export --store ${kind}:copy-${kind}-${i} --namespace livecount.positions --period all)
    expect(output ":lines\t${sum}\n")
  endforeach()
  run(0 top --store ${kind}:live-${kind} --namespace x --period all --limit 1)
  expect_equal(output "namespace\tbucket\trank\tname\tcount\nx\tall\t1\t1\t168\n")

  # Restored, it counts on; with --resume from where it was.
  foreach(file IN ITEMS live-${kind} live-${kind}-wal live-${kind}-shm live-${kind}.snapshot live-${kind}.lock)
    file(REMOVE ${work}/${file})
  endforeach()
  file(RENAME ${work}/copy-${kind}-5 ${work}/live-${kind})
  if(EXISTS ${work}/copy-${kind}-5.snapshot)
    file(RENAME ${work}/copy-${kind}-5.snapshot ${work}/live-${kind}.snapshot)
  endif()
  execute_process(COMMAND sh -c "for i in 1 2 3 4 5 6 7 8; do cat events.tsv; done >all.tsv" WORKING_DIRECTORY ${work})
  set(STDIN ${work}/all.tsv)
  run(0 count --resume --store ${kind}:live-${kind} --format tsv --periods day,all -)
  unset(STDIN)
  run(0 top --store ${kind}:live-${kind} --namespace x --period all --limit 1)
  expect_equal(output "namespace\tbucket\trank\tname\tcount\nx\tall\t1\t1\t168\n")

  # Nothing is replaced.
  run(2 backup --store ${kind}:live-${kind} copy-${kind}-4)
  expect(errors "copy-${kind}-4 exists")
  run(2 backup --store ${kind}:live-${kind} ${kind}:new)
  run(3 backup --store ${kind}:live-${kind} no/folder/copy)
  run(3 backup --store ${kind}:none copy)
endforeach()
