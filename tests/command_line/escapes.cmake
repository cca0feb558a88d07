# Names are bytes: TAB, line feed and backslash travel escaped, everything else as it is.
include(${CMAKE_CURRENT_LIST_DIR}/support/program.cmake)

string(ASCII 255 not_utf8)
string(ASCII 27 escape)
set(tsv [[
2015-05-17 10:05:03	a\tb	line\nfeed	1
2015-05-17 10:05:03	a\tb	back\\slash\\n	2
2015-05-17 10:05:03	a\tb	ta\tb	3
2015-05-17 10:05:03	a\tb		4
2015-05-17 10:05:03		"quoted": {:}	5
2015-05-17 10:05:03		café 漢字	6
]])
string(APPEND tsv "2015-05-17 10:05:03\t\t${not_utf8}\t7\n2015-05-17 10:05:03\t\t${escape}[31mred\t8\n")
file(WRITE ${work}/events.tsv "${tsv}")
run(0 count --store sqlite:a.db --format tsv --periods day events.tsv)

# The export of a store is its input again.
run(0 export --store sqlite:a.db)
string(REGEX REPLACE "([^\t\n]*)\tday\t([^\t\n]*)\t([^\n]*)\n" "\\2 00:00:00\t\\1\t\\3\n" again "${output}")
file(WRITE ${work}/again.tsv "${again}")
run(0 count --store sqlite:b.db --format tsv --periods day again.tsv)
set(wanted "${output}")
run(0 export --store sqlite:a.db)
set(first "${output}")
run(0 export --store sqlite:b.db)
expect_equal(output "${first}")
expect(output [[a\tb	day	2015-05-17	line\nfeed	1]] [[a\tb	day	2015-05-17	back\\slash\\n	2]]
  [[a\tb	day	2015-05-17	ta\tb	3]] [[	day	2015-05-17	"quoted": {:}	5]])

# JSON is valid whatever the bytes are.
run(0 export --store sqlite:a.db --format json)
string(JSON length LENGTH "${output}")
expect_equal(length 8)
math(EXPR last "${length} - 1")
set(found "")
foreach(i RANGE ${last})
  string(JSON count GET "${output}" ${i} count)
  string(JSON name ERROR_VARIABLE none GET "${output}" ${i} name)
  if(count EQUAL 7)
    string(JSON hex GET "${output}" ${i} name_hex)
    expect_equal(hex ff)
  elseif(none)
    fail("row ${i} has no name")
  elseif(count EQUAL 1)
    expect_equal(name "line\nfeed")
  elseif(count EQUAL 3)
    expect_equal(name "ta\tb")
  elseif(count EQUAL 6)
    expect_equal(name "café 漢字")
  endif()
endforeach()

# A table shows bytes that a terminal would act upon as text, and aligns by the width of what it shows.
run(0 export --store sqlite:a.db --format table)
expect(output [[\x1b[31mred]])
expect(output [[\xff]])
if(output MATCHES "${escape}\\[31m")
  fail("an escape sequence reaches the terminal")
endif()
expect(output "2015-05-17  café 漢字           6" "2015-05-17  \"quoted\": {:}       5" [[2015-05-17  back\\slash\\n      2]] "a\\tb       day     2015-05-17")
