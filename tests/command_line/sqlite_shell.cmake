# The README's query, in the sqlite3 shell, on a database that the program has made.
include(${CMAKE_CURRENT_LIST_DIR}/support/program.cmake)

find_program(sqlite3 sqlite3)
if(NOT sqlite3)
  message("skipped: there is no sqlite3 shell (Debian: sqlite3)")
  return()
endif()

file(READ ${CMAKE_CURRENT_LIST_DIR}/../../README.md readme)
if(NOT readme MATCHES "sqlite3 hits[.]db \"([^\"]+)\"")
  message(FATAL_ERROR "README.md shows no query of sqlite3")
endif()
set(query "${CMAKE_MATCH_1}")

set(noon "12:00:00\tpath\t")
file(WRITE ${work}/events.tsv
  "2011-06-15 ${noon}/café\t3\n2011-06-15 ${noon}/\t15\n2011-06-16 ${noon}/café\t4\n2011-06-16 12:00:00\tstatus\t200\t99\n")
run(0 count --store sqlite:hits.db --format tsv --periods hour,day events.tsv)

execute_process(COMMAND ${sqlite3} -batch hits.db "${query}" WORKING_DIRECTORY ${work}
  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors)
if(NOT result EQUAL 0)
  fail("sqlite3 ended with '${result}'")
endif()
expect_equal(output "2011-06-15|/|15\n2011-06-16|/café|4\n2011-06-15|/café|3\n")
