/* SPDX-License-Identifier: BSL-1.0
 *
 * A stored count comes into its entry beside an add and a batch (counter/loader.hpp: load; entry.hpp: add_stored,
 * freeze; counter/write_behind.hpp: settle). The loader holds `busy` from before the store is read until word and
 * watermark have both moved, and so does a batch from its freezing until the store has answered.
 *
 * Law: a reader sees what is stored and what was added, each once; the store gets each add once.
 *
 *   -DREAD_BEFORE   the store is read before busy is taken
 *   -DFREEZE_BUSY   a batch is formed while a loader holds the entry
 *   -DRELEASE_EARLY a batch gives busy back when it is sent, not when it is answered
 *   -DWORD_ONLY     the loader moves the word and leaves the watermark
 */
#define STORED 2
#define ADDS 2

byte store = STORED;
byte count; byte watermark;      /* what was added; what of it is in batches, and after loading in the store */
bool queued; bool busy; bool loaded;
byte added;                      /* by adds that have returned */
byte ended;

proctype adder() {
  byte i;
  for (i : 1 .. ADDS) {
    atomic { count++; queued = true };
    added++
  }
  ended++
}

proctype worker() {
  byte batch;
  do
  :: queued ->
#ifdef FREEZE_BUSY
     atomic { queued -> queued = false; batch = count - watermark; watermark = count; busy = true };
#else
     atomic { queued && !busy -> queued = false; busy = true; batch = count - watermark; watermark = count };
#endif
#ifdef RELEASE_EARLY
     busy = false;
#endif
     store = store + batch; batch = 0;
     busy = false
  :: !queued && ended == 1 && loaded -> break
  od;
  ended++
}

proctype reader() {
  byte base; byte before;
  do
  :: loaded -> break
  :: !loaded ->
#ifdef READ_BEFORE
     base = store;
     atomic { !busy -> busy = true };
#else
     atomic { !busy -> busy = true };
     base = store;
#endif
     /* what the store has beyond the watermark goes to both */
     atomic {
       count = count + base - watermark;
#ifndef WORD_ONLY
       watermark = base;
#endif
       loaded = true
     };
     busy = false
  od;
  before = added;
  atomic { assert(count >= STORED + before && count <= STORED + ADDS) }
}

init {
  atomic { run adder(); run worker(); run reader() };
  ended == 2 && loaded;
  assert(store == STORED + ADDS && count == STORED + ADDS)
}
