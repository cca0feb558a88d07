# For scripts that run the program: give them -DLIVECOUNT=path -DWORK_DIR=folder.
#
#   run(STATUS arguments...)   runs it in an empty folder of the script's own, with the file STDIN, if set, as its
#                              input; fails unless it exits with STATUS. Sets `output` and `errors`.
#   expect(text PART...)       fails unless `text` (a variable) contains each PART
#   expect_equal(text WANTED)  fails unless `text` (a variable) is WANTED
#   fail(message...)

cmake_path(SET program NORMALIZE "${LIVECOUNT}")
if(NOT EXISTS "${program}")
  message(FATAL_ERROR "give -DLIVECOUNT=path of the program")
endif()
set(work "${WORK_DIR}")
file(REMOVE_RECURSE "${work}")
file(MAKE_DIRECTORY "${work}")
unset(ENV{LIVECOUNT_STORE})

function(fail)
  string(JOIN "" text ${ARGV})
  message(FATAL_ERROR "${text}\n-- standard output of the last run:\n${output}\n-- its standard error:\n${errors}")
endfunction()

function(run status)
  set(input)
  if(STDIN)
    set(input INPUT_FILE "${STDIN}")
  endif()
  execute_process(COMMAND "${program}" ${ARGN} WORKING_DIRECTORY "${work}" ${input}
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  set(output "${output}" PARENT_SCOPE)
  set(errors "${errors}" PARENT_SCOPE)
  if(NOT result EQUAL status)
    string(JOIN " " command ${ARGN})
    fail("livecount ${command}\nended with '${result}', not ${status}")
  endif()
endfunction()

function(expect text)
  foreach(part IN LISTS ARGN)
    string(FIND "${${text}}" "${part}" at)
    if(at EQUAL -1)
      fail("'${text}' lacks: ${part}")
    endif()
  endforeach()
endfunction()

function(expect_equal text wanted)
  if(NOT "${${text}}" STREQUAL "${wanted}")
    fail("'${text}' is\n${${text}}\nbut should be\n${wanted}")
  endif()
endfunction()
