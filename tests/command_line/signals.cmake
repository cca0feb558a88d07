# SIGINT, SIGTERM and SIGHUP: what was read is counted and written, and the message says how far that is.
include(${CMAKE_CURRENT_LIST_DIR}/support/program.cmake)

string(REPEAT "1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 10\n" 1000 log)
file(WRITE ${work}/access.log "${log}")

set(status_of_INT 130)
set(status_of_TERM 143)
set(status_of_HUP 129)
foreach(signal IN ITEMS INT TERM HUP)
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
    if(NOT result EQUAL status_of_${signal})
      fail("SIG${signal}: ended with ${result}, not ${status_of_${signal}}")
    endif()
    expect(errors "stopped by a signal: counted up to line 1000 of -" "read 2,000 lines: 2,000 counted")
    run(0 get --store sqlite:${signal}${threads}.db /a --namespace bytes --period day --at 2015-05-17)
    expect_equal(output "20000\n")
  endforeach()
endforeach()

# With --resume a stream is counted as it comes, and goes on from there; another process is kept from it. Nobody reads what is acknowledged any more: it
# stops. SIGHUP stays ignored under nohup.
execute_process(WORKING_DIRECTORY ${work} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors COMMAND
  sh -c "mkfifo pipe && { cat access.log; exec sleep 60; } >pipe & writer=$!
    while ! [ -p pipe ]; do sleep 0.1; done
    \"$1\" count --resume --ack --store sqlite:resumed.db --periods day - <pipe >acks & program=$!
    until grep -q 1000 acks; do sleep 0.1; kill -0 $program || break; done
    \"$1\" count --resume --store sqlite:resumed.db --periods day access.log 2>second; echo $? >>second
    kill -s TERM $program
    wait $program; status=$?
    kill $writer || status=99; rm pipe; exit $status" sh ${program})
if(NOT result EQUAL 143)
  fail("ended with ${result}, not 143")
endif()
expect(errors "stopped by a signal: counted up to line 1000 of -; the same command goes on")
file(READ ${work}/second second)
expect(second "access.log: another livecount is counting it into sqlite:resumed.db" "read 0 lines" "\n1\n")
run(0 count --resume --store sqlite:resumed.db --periods day access.log)
expect(errors "read 0 lines")
run(0 get --store sqlite:resumed.db /a --namespace path --period day --at 2015-05-17)
expect_equal(output "1000\n")

execute_process(WORKING_DIRECTORY ${work} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors COMMAND
  sh -c "mkfifo pipe; { \"$1\" count --resume --ack --store sqlite:unread.db --periods day access.log
    echo $? >status; } >pipe & head -c 0 <pipe; wait; rm pipe; exit $(cat status)" sh ${program})
if(NOT result EQUAL 1)
  fail("ended with ${result}, not 1")
endif()
expect(errors "cannot write to standard output: stopped; access.log is counted up to line 1000")
run(0 count --resume --ack --store sqlite:unread.db --periods day access.log)
expect_equal(output "access.log\t1000\n")

execute_process(WORKING_DIRECTORY ${work} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors COMMAND
  sh -c "trap '' HUP; \"$1\" count --quiet --store sqlite:nohup.db --periods day access.log & program=$!
    kill -s HUP $program; wait $program" sh ${program})
if(NOT result EQUAL 0)
  fail("SIGHUP that was ignored before ends the program with ${result}")
endif()
