# cmake -DCOMPILER=... -DSOURCE=... -DINCLUDES=... -P run.cmake
# Compiles SOURCE and compares the first error with the text that the file expects.
cmake_minimum_required(VERSION 3.25)
file(STRINGS ${SOURCE} expected REGEX "^// expect: " LIMIT_COUNT 1)
if(NOT expected)
  message(FATAL_ERROR "${SOURCE} has no line '// expect: ...'")
endif()
string(REPLACE "// expect: " "" expected "${expected}")

list(TRANSFORM INCLUDES PREPEND -I)
set(ENV{LC_ALL} C)
execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only ${INCLUDES} ${SOURCE}
  RESULT_VARIABLE failed ERROR_VARIABLE output)
string(REGEX MATCH "[^\n]*error: [^\n]*" first "${output}")

if(expected STREQUAL "no error")
  if(failed)
    message(FATAL_ERROR "must compile, but does not:\n${output}")
  endif()
elseif(NOT failed)
  message(FATAL_ERROR "compiles, but must fail with: ${expected}")
else()
  string(FIND "${first}" "${expected}" found)
  if(found EQUAL -1)
    message(FATAL_ERROR "expected: ${expected}\nthe first error is: ${first}\n${output}")
  endif()
endif()
