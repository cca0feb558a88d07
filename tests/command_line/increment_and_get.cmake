# One counter from the command line: changed, asked, refused.
include(${CMAKE_CURRENT_LIST_DIR}/support/program.cmake)

run(3 get foo)
expect(errors "livecount.db")

set(header "namespace\tperiod\tbucket\tname\tcount\n")
run(0 increment foo)
expect_equal(output "${header}default\tall\tall\tfoo\t1\n")
run(0 increment foo --delta 41)
run(0 get foo)
expect_equal(output "42\n")
run(0 increment foo --delta -2 --format json)
string(JSON count GET "${output}" 0 count)
expect_equal(count 40)

# Several periods, a time, a namespace.
run(0 increment --store sqlite:other.db foo --namespace n --periods hour,day,week --at 2011-06-15T18:11:32Z --delta 5)
expect_equal(output
  "${header}n\thour\t2011-06-15 18\tfoo\t5\nn\tday\t2011-06-15\tfoo\t5\nn\tweek\t2011-06-13week\tfoo\t5\n")
foreach(at IN ITEMS 2011-06-13week 2011-06-19 "2011-06-13 00:00:00" 2011-06-14T01:00:00+02:00)
  run(0 get --store sqlite:other.db foo --namespace n --period week --at ${at})
  expect_equal(output "5\n")
endforeach()
run(0 get --store sqlite:other.db foo --namespace n --period hour --at "2011-06-15 18" --format json)
string(JSON bucket GET "${output}" 0 bucket)
expect_equal(bucket "2011-06-15 18")
run(0 get --store sqlite:other.db foo --namespace n --period hour --at "2011-06-15 18" --format table)
expect(output "namespace  period  bucket         name  count" "n          hour    2011-06-15 18  foo       5")

# There is no such counter.
run(1 get bar)
expect(errors "there is no counter default:all:all:bar in sqlite:livecount.db")
run(1 get foo --period day)
run(1 get foo --namespace n)

# The floor, and none.
run(0 increment foo --delta -1000)
run(0 get foo)
expect_equal(output "0\n")
run(0 increment --store sqlite:signed.db foo --signed --delta -7)
run(0 increment --store sqlite:signed.db foo --delta -1)
run(0 get --store sqlite:signed.db foo)
expect_equal(output "-8\n")

# The store by the environment.
set(ENV{LIVECOUNT_STORE} sqlite:signed.db)
run(0 get foo)
expect_equal(output "-8\n")
unset(ENV{LIVECOUNT_STORE})

# Wrong usage: one line that says what would be right.
run(2 increment foo --periods daily)
expect(errors "daily" "day")
run(2 get foo --period daily)
run(2 get foo --period day --at yesterday)
expect(errors "yesterday")
run(2 increment foo --at 2011-02-30)
run(2 increment foo --delta many)
run(2 increment foo --delta 999999999999999999)
run(2 increment --store hits.db foo)
expect(errors "sqlite:PATH")
run(2 increment --store redis:host foo)
expect(errors "sqlite:PATH")
run(2 increment)
run(2 frobnicate)
run(2)
run(3 increment --store sqlite:no/such/folder/hits.db foo)
foreach(command IN ITEMS count increment get top export demo)
  run(0 ${command} --help)
  expect(output "Example: livecount ${command}")
endforeach()
run(0 --version)
expect(output "livecount 0.")
