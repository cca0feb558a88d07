# The calendar and the floor belong to the stored counts: others are refused, what is not said is taken from the store.
include(${CMAKE_CURRENT_LIST_DIR}/support/program.cmake)

set(chicago "CST6CDT,M3.2.0/2,M11.1.0/2")
file(WRITE ${work}/events.tsv "2011-07-01 01:30:00\tn\tlocal\t1\n2011-07-01T01:30:00Z\tn\tutc\t1\n")

run(0 count --store sqlite:chicago.db --format tsv --periods day --zone ${chicago} events.tsv)
set(wanted "2011-06-30\tutc\t1\n2011-07-01\tlocal\t1\n")
run(0 export --store sqlite:chicago.db --namespace n --period day)
expect_equal(output "${wanted}")
run(0 get --store sqlite:chicago.db utc --namespace n --period day --at 2011-06-30T23:00:00-05:00)

# The zone of the store is the default; --input-zone reads times only.
run(0 count --store sqlite:chicago.db --format tsv --periods day events.tsv)
run(0 count --store sqlite:chicago.db --format tsv --periods day --input-zone UTC events.tsv)
run(0 export --store sqlite:chicago.db --namespace n --period day)
expect_equal(output "2011-06-30\tlocal\t1\n2011-06-30\tutc\t3\n2011-07-01\tlocal\t2\n")

foreach(choice IN ITEMS "--zone;UTC" "--zone;+05:30")
  run(3 count --store sqlite:chicago.db --format tsv --periods day ${choice} events.tsv)
  list(GET choice 1 zone)
  expect(errors "${zone}" "${chicago}")
endforeach()
run(3 increment --store sqlite:chicago.db x --week-start sunday)
expect(errors "sunday" "monday")
run(3 increment --store sqlite:chicago.db x --signed)
run(2 increment --store sqlite:new.db x --zone Chicago)
expect(errors "Chicago")

run(0 increment --store sqlite:sunday.db x --week-start sunday --periods week --at 2011-06-15)
expect(output "2011-06-12week")
run(0 increment --store sqlite:sunday.db x --periods week --at 2011-06-12)
run(0 get --store sqlite:sunday.db x --period week --at 2011-06-12week)
expect_equal(output "2\n")
