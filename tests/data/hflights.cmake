# Every count of a year of departures: input out of order, in local time, counted by UTC and by the local calendar.
# Also needs -DHFLIGHTS_TO_TSV=path of the program of hflights_to_tsv.cpp.
include(${CMAKE_CURRENT_LIST_DIR}/support/compare.cmake)
if(NOT work)
  return()
endif()

set(data ${SHARED_DIR}/data/hflights)
set(chicago "CST6CDT,M3.2.0/2,M11.1.0/2")
execute_process(COMMAND xz -dc ${data}/hflights.csv.xz COMMAND ${HFLIGHTS_TO_TSV}
  OUTPUT_FILE ${work}/events.tsv ERROR_VARIABLE said RESULTS_VARIABLE results)
if(NOT results STREQUAL "0;0" OR NOT said STREQUAL "skipped 2905\n")
  fail("the events could not be made: ${results} ${said}")
endif()

function(check zone suffix threads entries)
  count(--threads ${threads} --cache-entries ${entries} --format tsv --zone ${zone} --input-zone ${chicago}
    ${work}/events.tsv)
  if(NOT errors MATCHES "673,773 counted, 0 rejected")
    fail("not every line was counted: ${errors}")
  endif()
  compare_digests(${data}/expected-digests${suffix}.tsv)
  foreach(period IN ITEMS hour day week month year all)
    compare_table(${period} ${data}/expected-${period}${suffix}.tsv)
  endforeach()
  set(compared ${compared} PARENT_SCOPE)
endfunction()

foreach(threads IN ITEMS 1 4)
  foreach(entries IN ITEMS 1000 1000000)  # of 280,142 counters a few, and all; with fewer nearly all time goes into commits
    check(UTC "" ${threads} ${entries})
    check(${chicago} -local ${threads} ${entries})
  endforeach()
endforeach()
message(STATUS "${compared} digests agree")
finish()
