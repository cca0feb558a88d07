# cmake -P tests/check_readme.cmake
# Is the first C++ block of README.md a part of examples/quick_start.cpp, byte for byte? That example is a test.
cmake_minimum_required(VERSION 3.25)
set(root ${CMAKE_CURRENT_LIST_DIR}/..)
file(READ ${root}/README.md readme)
file(READ ${root}/examples/quick_start.cpp example)

set(fence "\n```cpp\n")
string(FIND "${readme}" "${fence}" begin)
if(begin EQUAL -1)
  message(FATAL_ERROR "README.md has no block that begins with ```cpp")
endif()
string(LENGTH "${fence}" length)
math(EXPR begin "${begin} + ${length}")
string(SUBSTRING "${readme}" ${begin} -1 block)
string(FIND "${block}" "```" end)
string(SUBSTRING "${block}" 0 ${end} block)

string(FIND "${example}" "${block}" found)
if(found EQUAL -1)
  message(FATAL_ERROR "README.md shows code that is not in examples/quick_start.cpp:\n${block}")
endif()
