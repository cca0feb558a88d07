# Prometheus's own promtool finds nothing to say about the output of examples/metrics.cpp: -DMETRICS=program
# -DPROMTOOL=promtool -DWORK_DIR=folder. It is in Debian's package prometheus, which need not be installed:
#   cd build && apt-get download prometheus && dpkg-deb -x prometheus_*.deb prometheus
if(NOT PROMTOOL)
  message("SKIPPED: there is no promtool")
  return()
endif()
file(REMOVE_RECURSE ${WORK_DIR})
file(MAKE_DIRECTORY ${WORK_DIR})
execute_process(COMMAND ${METRICS} WORKING_DIRECTORY ${WORK_DIR} OUTPUT_FILE ${WORK_DIR}/text COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${PROMTOOL} check metrics INPUT_FILE ${WORK_DIR}/text RESULT_VARIABLE result
  OUTPUT_VARIABLE output ERROR_VARIABLE errors)
if(NOT result EQUAL 0 OR NOT "${output}${errors}" STREQUAL "")
  message(FATAL_ERROR "promtool ended with '${result}'\n${output}${errors}")
endif()
