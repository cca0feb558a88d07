# verify: sound stores, of both kinds, also beside a process that counts; stores that are not, and ones that cannot be read.
include(${CMAKE_CURRENT_LIST_DIR}/support/program.cmake)

set(log "")
foreach(i RANGE 1 500)
  string(APPEND log "1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET /${i} HTTP/1.1\" 200 10\n")
endforeach()
file(WRITE ${work}/access.log "${log}")

foreach(kind IN ITEMS sqlite file)
  run(0 count --store ${kind}:${kind} --resume --periods all access.log)
  run(0 verify --store ${kind}:${kind})
  expect_equal(output "${kind}:${kind} is sound: 1,006 counters, positions of 1 input\n")
endforeach()

# A flipped byte, in the middle of the file; bytes of the journal that follow one another no more.
execute_process(WORKING_DIRECTORY ${work} COMMAND_ERROR_IS_FATAL ANY COMMAND sh -c "
  flip() { printf '\\377\\376\\375\\374' | dd of=$1 bs=1 seek=$2 conv=notrunc 2>/dev/null; }
  cp file flipped && flip flipped 5000
  cp sqlite damaged && flip damaged 4096 && flip damaged 8192 && flip damaged 12288 && flip damaged 16384
  echo 'this is a text and no store of livecount' >text")
run(4 verify --store file:flipped)
expect(output "flipped" "file:flipped is not sound: 1 finding")
run(4 verify --store sqlite:damaged)
expect(output "damaged" "sqlite:damaged is not sound: ")
foreach(kind IN ITEMS sqlite file)
  run(4 verify --store ${kind}:text)
  expect(output "text" "${kind}:text is not sound: 1 finding")
  run(3 verify --store ${kind}:missing)
  expect(errors "missing")
endforeach()

run(0 increment --store file:none x --delta 0)
run(0 verify --store file:none)
expect_equal(output "file:none is sound: 1 counter, positions of 0 inputs\n")
