// expect: deleted
// A counter stays where it is: handles and the queue's thread refer to it.
#include <livecount/livecount.hpp>

livecount::TestCounter counter;
livecount::TestCounter moved = std::move(counter);
