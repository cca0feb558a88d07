# A name or namespace that is too long rejects its whole line: nothing of it counts, however many threads.
include(${CMAKE_CURRENT_LIST_DIR}/support/program.cmake)

string(REPEAT "x" 1023 path)
set(before "1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET /${path}")
file(WRITE ${work}/access.log "${before}?query HTTP/1.1\" 200 10\n${before}x HTTP/1.1\" 500 10\n")
string(REPEAT "n" 255 ns)
file(WRITE ${work}/events.tsv
  "2015-05-17\t${ns}\tfits\t1\n2015-05-17\t${ns}n\ttoo long\t1\n2015-05-17\tn\t/${path}\t1\n2015-05-17\tn\t/${path}x\t1\n")

foreach(threads IN ITEMS 1 4)
  set(store sqlite:${threads}.db)
  run(1 count --store ${store} --periods all --threads ${threads} access.log)
  expect(errors "access.log:2: the name is longer than the 1024 bytes allowed" "1 counted, 1 rejected")
  run(0 export --store ${store} --namespace status --period all)
  expect_equal(output "all\t200\t1\n")
  run(0 export --store ${store} --namespace bytes --period all)
  expect_equal(output "all\t/${path}\t10\n")

  run(1 count --store sqlite:tsv${threads}.db --format tsv --periods all --threads ${threads} events.tsv)
  expect(errors "events.tsv:2: the namespace is longer" "events.tsv:4: the name is longer" "2 counted, 2 rejected")
  run(0 export --store sqlite:tsv${threads}.db)
  expect_equal(output "n\tall\tall\t/${path}\t1\n${ns}\tall\tall\tfits\t1\n")
endforeach()

run(2 increment --store sqlite:1.db /${path}x)
run(0 increment --store sqlite:1.db /${path})
