/* SPDX-License-Identifier: BSL-1.0
 *
 * A counter leaves the cache and comes back, beside adds and batches (entry.hpp: add, mark, freeze, try_seal;
 * cache/lock_free_cache.hpp: pin). Two adders, a worker with an evictor in one, and a store.
 *
 * Law: what was added arrives in the store once.
 *
 *   -DEVICT_DIRTY   seals whatever the watermark is
 *   -DMARK_LATE     the worker takes the count first and clears `queued` in a second step
 *   -DBLIND_SEAL    looks whether the entry is clean, and seals in a second step without comparing
 */
#define ADDERS 2
#define ADDS 2
#ifdef EVICT_DIRTY
#define CLEAN true
#else
#define CLEAN (count == watermark)
#endif

byte count;      /* the word: the count ... */
bool live;       /* ... and the flags */
bool queued;
bool busy;
byte watermark;
bool gate;       /* inside: an adder that marks, or the worker that collects */
byte store;
byte batch;
byte done;

inline enter() { atomic { !gate -> gate = true } }
inline leave() { gate = false }

/* A sealed entry is found by nobody: a new one takes its place. Here it is the same memory, clean again. */
inline pin() {
  atomic { if :: !live -> count = 0; watermark = 0; queued = false; busy = false; live = true :: else fi }
}

proctype adder() {
  byte i; bool was_live; bool was_queued;
  for (i : 1 .. ADDS) {
    pin();
again:
    /* one fetch_add; to a sealed entry it is void */
    atomic { was_live = live; was_queued = queued; if :: live -> count++ :: else fi }
    if
    :: !was_live -> pin(); goto again
    :: was_live && !was_queued ->
       enter();
       /* It may have left: another one's mark may have brought this add into a batch. Then it only marks anew. */
mark:
       atomic { if :: live -> queued = true; was_live = true :: else -> was_live = false fi };
       leave();
       if :: !was_live -> pin(); enter(); goto mark :: else fi
    :: else
    fi
  }
  done++
}

proctype worker() {
  do
  :: queued && !busy ->                                   /* collect and send */
     enter();
#ifdef MARK_LATE
     if :: queued -> busy = true; batch = count - watermark; watermark = count; leave(); skip; queued = false
        :: else -> leave() fi;
#else
     atomic { if :: queued -> queued = false; busy = true; batch = count - watermark; watermark = count :: else fi };
     leave();
#endif
     store = store + batch; batch = 0;
     busy = false
#ifdef BLIND_SEAL
  :: live && !queued && !busy && count == watermark -> live = false
#else
  :: atomic { live && !queued && !busy && CLEAN -> live = false }
#endif
  :: done == ADDERS && !queued -> break
  od;
  assert(store == ADDERS * ADDS)
}

init { live = true; atomic { run adder(); run adder(); run worker() } }
