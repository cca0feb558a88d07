# SIGINT and SIGTERM: what was read is counted and written, and the message says how far that is.
include(${CMAKE_CURRENT_LIST_DIR}/support/program.cmake)

string(REPEAT "1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 10\n" 1000 log)
file(WRITE ${work}/access.log "${log}")

foreach(signal IN ITEMS INT TERM)
  foreach(threads IN ITEMS 1 2)
    # The input stays open, so the program waits for more when the signal comes; it must not wait on (status 99).
    execute_process(WORKING_DIRECTORY ${work} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors COMMAND
      sh -c "mkfifo pipe && { cat access.log; exec sleep 60; } >pipe & writer=$!
        while ! [ -p pipe ]; do sleep 0.1; done
        \"$1\" count --store sqlite:$2$3.db --periods day --threads $3 access.log - <pipe & program=$!
        until [ \"$(\"$1\" get --store sqlite:$2$3.db /a --namespace path --period day --at 2015-05-17 2>/dev/null)\" = 2000 ]
        do sleep 0.1; kill -0 $program || break; done
        kill -s $2 $program
        wait $program; status=$?
        kill $writer || status=99; rm pipe; exit $status" sh ${program} ${signal} ${threads})
    math(EXPR wanted "128 + 2")
    if(signal STREQUAL "TERM")
      math(EXPR wanted "128 + 15")
    endif()
    if(NOT result EQUAL wanted)
      fail("SIG${signal}: ended with ${result}, not ${wanted}")
    endif()
    expect(errors "stopped by a signal: counted up to line 1000 of -" "read 2,000 lines: 2,000 counted")
    run(0 get --store sqlite:${signal}${threads}.db /a --namespace bytes --period day --at 2015-05-17)
    expect_equal(output "20000\n")
  endforeach()
endforeach()
