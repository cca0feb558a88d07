// expect: no error
// The positive control: it includes what the mistakes beside it include.
#include <livecount/livecount.hpp>

int main() { return livecount::to_string(livecount::Errc::ok).empty() ? 1 : 0; }
