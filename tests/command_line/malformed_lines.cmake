# Lines that cannot be read are counted, the first five are shown, and the others count.
include(${CMAKE_CURRENT_LIST_DIR}/support/program.cmake)

set(good [[1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 10 "-" "-"]])
set(log "${good}\n")
set(faults 0)
foreach(bad IN ITEMS
    [[]]
    [[nonsense]]
    [[1.2.3.4 - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 10]]
    [[1.2.3.4 - - [31/Feb/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 10]]
    [[1.2.3.4 - - [17/Mai/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 10]]
    [[1.2.3.4 - - [17/May/2015:10:05:60 +0000] "GET /a HTTP/1.1" 200 10]]
    [[1.2.3.4 - - [17/May/2015:24:05:03 +0000] "GET /a HTTP/1.1" 200 10]]
    [[1.2.3.4 - - [17/May/2015:10:05:03 0000] "GET /a HTTP/1.1" 200 10]]
    [[1.2.3.4 - - [17/May/2015:10:05:03 +0060] "GET /a HTTP/1.1" 200 10]]
    [[1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a" 200 10]]
    [[1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET HTTP/1.1" 200 10]]
    [[1.2.3.4 - - [17/May/2015:10:05:03 +0000] "-" 408 10]]
    [[1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1]]
    [[1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a FTP/1.1" 200 10]]
    [[1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 20 10]]
    [[1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200]]
    [[1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 ten]]
    [[1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 -5]]
    [[1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 999999999999999999]]
    [[1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 99999999999999999999]]
    [[1.2.3.4 - - [17/May/1399:10:05:03 +0000] "GET /a HTTP/1.1" 200 10]])
  string(APPEND log "${bad}\n")
  math(EXPR faults "${faults} + 1")
endforeach()
string(APPEND log [[::1 ident Jane [x] Doe [17/May/2015:12:05:03 +0200] "GET /a\"b c?q=1 HTTP/2.0" 304 - "cut of]])
file(WRITE ${work}/access.log "${log}")
math(EXPR lines "${faults} + 2")

foreach(threads IN ITEMS 1 3)
  set(store sqlite:bad${threads}.db)
  run(1 count --store ${store} --periods hour --threads ${threads} access.log)
  expect(errors "access.log:2: " "access.log:3: " "access.log:4: " "access.log:5: the time" "access.log:6: "
    "read ${lines} lines: 2 counted, ${faults} rejected")
  if(errors MATCHES "access.log:7:")
    fail("more than five rejected lines are shown")
  endif()
  run(0 export --store ${store})
  expect_equal(output [[
bytes	hour	2015-05-17 10	/a	10
bytes	hour	2015-05-17 10	/a\\"b c	0
path	hour	2015-05-17 10	/a	1
path	hour	2015-05-17 10	/a\\"b c	1
status	hour	2015-05-17 10	200	1
status	hour	2015-05-17 10	304	1
]])
endforeach()

# --strict: what is before the fault counts, what is behind it does not.
foreach(threads IN ITEMS 1 3)
  run(1 count --store sqlite:strict${threads}.db --strict --threads ${threads} access.log)
  expect(errors "access.log:2: " "stopped at the first fault" "1 counted, 1 rejected")
  run(0 get --store sqlite:strict${threads}.db /a --namespace path --period day --at 2015-05-17)
  expect_equal(output "1\n")
  run(1 get --store sqlite:strict${threads}.db 304 --namespace status --period day --at 2015-05-17)
endforeach()

# --quiet: the faults, but no summary.
run(1 count --store sqlite:quiet.db --quiet access.log)
expect(errors "access.log:2: ")
if(errors MATCHES "[0-9] counted")
  fail("--quiet shows a summary")
endif()

# Malformed lines of the other format.
string(ASCII 13 return)
set(tsv "2015-05-17 10:05:03\tn\tgood\t1\n")
set(faults 0)
foreach(bad IN ITEMS "" "2015-05-17 10:05:03\tn\tx" "2015-05-17 10:05:03\tn\tx\t" "2015-05-17 10:05:03\tn\tx\t1\t"
    "2015-05-17 10:05:03\tn\tx\t1.5" "2015-05-17 10:05:03\tn\tx\t+1" "2015-05-17 10:05:03\tn\tx\t1${return}" "2015-02-29 10:05:03\tn\tx\t1"
    "2015-05-17 25:05:03\tn\tx\t1" "soon\tn\tx\t1" "2015-05-17 10:05:03\tn\tx\\x\t1" "2015-05-17 10:05:03\tn\tx\\\t1"
    "2015-05-17 10:05:03\tn\\r\tx\t1" "2015-05-17 10:05:03\tn\tx\t999999999999999999"
    "2015-05-17 10:05:03\tn\tx\t-99999999999999999999")
  string(APPEND tsv "${bad}\n")
  math(EXPR faults "${faults} + 1")
endforeach()
file(WRITE ${work}/events.tsv "${tsv}")
run(1 count --store sqlite:tsv.db --format tsv --periods all events.tsv)
expect(errors "1 counted, ${faults} rejected" "events.tsv:2: it has fewer than the four fields")
run(0 export --store sqlite:tsv.db)
expect_equal(output "n\tall\tall\tgood\t1\n")
