# Plain, gzip, xz, several streams in one file, standard input: the same events give the same counts.
include(${CMAKE_CURRENT_LIST_DIR}/support/program.cmake)

# Some 60,000 lines, over several blocks; the last one without a line feed.
set(log "")
foreach(i RANGE 1 300)
  math(EXPR minute "${i} % 60")
  if(minute LESS 10)
    set(minute 0${minute})
  endif()
  string(APPEND log "1.2.3.${i} - - [17/May/2015:10:${minute}:03 +0000] \"GET /page/${i} HTTP/1.1\" 200 ${i} \"-\" \"agent\"\n")
endforeach()
string(REPEAT "${log}" 200 log)
string(APPEND log "9.9.9.9 - - [17/May/2015:10:00:00 +0000] \"GET /last HTTP/1.1\" 200 1")
file(WRITE ${work}/a.log "${log}")
execute_process(WORKING_DIRECTORY ${work} COMMAND_ERROR_IS_FATAL ANY COMMAND sh -c "
  gzip -c a.log >a.log.gz && xz -0 -c a.log >a.log.xz &&
  head -n 30000 a.log >first && tail -n +30001 a.log >second &&
  { gzip -c first; gzip -c second; } >two.gz && { xz -0 -c first; xz -0 -c second; } >two.xz &&
  head -c 5000 a.log.gz >cut.gz && head -c 2000 a.log.xz >cut.xz && cp a.log not.gz && cp a.log not.xz &&
  : >empty && : >empty.gz && : >empty.xz && mkdir folder")

function(expect_same)
  run(0 export --store sqlite:${store})
  file(WRITE ${work}/export "${output}")
  file(SHA256 ${work}/export found)
  if(NOT wanted)
    set(wanted ${found} PARENT_SCOPE)
    expect(output "path	hour	2015-05-17 10	/last	1" "path	hour	2015-05-17 10	/page/7	200")
  elseif(NOT found STREQUAL wanted)
    fail("the counts of ${ARGN} differ from those of a.log")
  endif()
endfunction()

set(wanted)
set(number 0)
foreach(files IN ITEMS a.log a.log.gz a.log.xz two.gz two.xz "first;second")
  foreach(threads IN ITEMS 1 2)
    math(EXPR number "${number} + 1")
    set(store ${number}.db)
    run(0 count --store sqlite:${store} --synchronous off --threads ${threads} ${files})
    expect(errors "60,001 counted, 0 rejected")
    expect_same(${files})
  endforeach()
endforeach()
set(store stdin.db)
set(STDIN ${work}/a.log)
run(0 count --store sqlite:${store} --synchronous off -)
unset(STDIN)
expect_same(standard input)

# Damaged: what is before the damage counts, and the status says that not all did.
foreach(file IN ITEMS cut.gz cut.xz)
  run(1 count --store sqlite:${file}.db --synchronous off ${file} second)
  expect(errors "${file}: " "too early")
  run(0 get --store sqlite:${file}.db /last --namespace path --period hour --at "2015-05-17 10")
endforeach()
foreach(file IN ITEMS not.gz not.xz)
  run(1 count --store sqlite:${file}.db ${file})
  expect(errors "${file}: " "damaged")
endforeach()

# Nothing to count.
run(0 count --store sqlite:empty.db empty)
expect(errors "read 0 lines")
run(1 count --store sqlite:empty.db empty.gz)
run(1 count --store sqlite:empty.db empty.xz)

# What cannot be read is refused before anything is counted.
run(2 count --store sqlite:never.db a.log missing)
expect(errors "missing: cannot open it")
run(2 count --store sqlite:never.db folder)
expect(errors "folder: is a directory")
run(2 count --store sqlite:never.db)
if(EXISTS ${work}/never.db)
  fail("a store was made although nothing could be counted")
endif()

# A line longer than a block is one rejected line; its neighbours count.
string(REPEAT "x" 3000000 long)
set(line "1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 10")
file(WRITE ${work}/long.log "${line}\n${long}\n${line}\n")
run(1 count --store sqlite:long.db long.log)
expect(errors "long.log:2: the line is longer" "read 3 lines: 2 counted, 1 rejected")
