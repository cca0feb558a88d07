# When the store fails the status is 3, and the message says what is lost and why.
include(${CMAKE_CURRENT_LIST_DIR}/support/program.cmake)

file(WRITE ${work}/events.tsv "2015-05-17\tn\tx\t1\n")
file(WRITE ${work}/text.db "this is not a database, but a text that is long enough to be looked at as if it were one\n")
run(3 count --store sqlite:text.db --format tsv events.tsv)
expect(errors "text.db")
run(3 get --store sqlite:text.db x)
expect(errors "text.db")
run(3 top --store sqlite:missing.db)
expect(errors "missing.db")

# Files may not grow beyond 100 KiB: as if the disk were full.
set(tsv "")
foreach(i RANGE 1 9000)
  string(APPEND tsv "2015-05-17\tn\tthis is the name of counter ${i}\t1\n")
endforeach()
file(WRITE ${work}/many.tsv "${tsv}")
foreach(threads IN ITEMS 1 2)
  execute_process(WORKING_DIRECTORY ${work} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors
    COMMAND sh -c "trap '' XFSZ; ulimit -f 200; exec \"$0\" count --store sqlite:full${threads}.db --format tsv \
      --periods day,all --threads ${threads} many.tsv" ${program})
  if(NOT result EQUAL 3)
    fail("ended with ${result}, not 3")
  endif()
  expect(errors "could not be written to sqlite:full${threads}.db" "the store has a part of their counts")
endforeach()

# With --resume there is no part of a chunk in the store, and the next run counts the rest.
run(0 count --store sqlite:whole.db --synchronous off --format tsv --periods day,all many.tsv)
run(0 export --store sqlite:whole.db)
set(wanted "${output}")
foreach(kind IN ITEMS sqlite file)
  execute_process(WORKING_DIRECTORY ${work} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors
    COMMAND sh -c "trap '' XFSZ; ulimit -f 200; exec \"$0\" count --resume --ack --store ${kind}:resumed.${kind} \
      --cache-entries 2000 --format tsv --periods day,all many.tsv" ${program})
  if(NOT result EQUAL 3 OR NOT output MATCHES "many.tsv\t([0-9]+)\n$")
    fail("${kind}: ended with ${result}, not 3, or nothing was acknowledged before")
  endif()
  set(acknowledged ${CMAKE_MATCH_1})
  expect(errors "the same command goes on from where the store is, and counts each line once")
  run(0 count --resume --ack --store ${kind}:resumed.${kind} --synchronous off --format tsv --periods day,all many.tsv)
  string(REGEX MATCH "[0-9]+" first "${output}")
  if(first LESS acknowledged)
    fail("${kind}: line ${acknowledged} was acknowledged, but the store has ${first} lines")
  endif()
  run(0 export --store ${kind}:resumed.${kind})
  expect_equal(output "${wanted}")
endforeach()
