// expect: fortnight
// A period type that does not exist: the error names it.
#include <livecount/livecount.hpp>

int main() { return static_cast<int>(livecount::PeriodType::fortnight); }
