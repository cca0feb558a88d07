# All questions against SQL over a table of all events: -DQUESTIONS=program of questions.cpp, -DSET=apache-logs or hflights,
# for which -DHFLIGHTS_TO_TSV=program.
include(${CMAKE_CURRENT_LIST_DIR}/support/compare.cmake)
if(NOT work)
  return()
endif()

if(SET STREQUAL "hflights")
  execute_process(COMMAND xz -dc ${SHARED_DIR}/data/hflights/hflights.csv.xz COMMAND ${HFLIGHTS_TO_TSV}
    OUTPUT_FILE ${work}/events.tsv ERROR_QUIET COMMAND_ERROR_IS_FATAL ANY)
  set(arguments tsv ${work}/events.tsv)
else()
  set(arguments combined ${SHARED_DIR}/data/apache-logs/apache_logs.xz)
endif()
execute_process(COMMAND ${QUESTIONS} ${arguments} ${work} OUTPUT_VARIABLE output ERROR_VARIABLE errors RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  fail("it ended with '${result}'\n${errors}")
endif()
message(STATUS "${output}")
finish()
