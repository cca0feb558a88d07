/* SPDX-License-Identifier: BSL-1.0
 *
 * Closing beside calls (counter/lifetime.hpp: Call, close; counter/core.hpp: close). Atomics are sequentially
 * consistent here, as the source asks for.
 *
 * Laws: a call is accepted and then written by the last flush, or it finds the counter closed; closing ends.
 *
 *   -DLOOK_FIRST     a call looks whether it is closed before it says that it is there
 *   -DNO_WAIT        closing does not wait for calls
 *   -DFLUSH_FIRST    the last flush comes before the closing
 *   -DFORGET_TO_LEAVE a call that finds it closed does not say that it has gone
 */
#define CALLERS 2

bool closed; byte calls; byte memory; byte store; byte accepted; byte refused; byte ended; bool finished;

inline leave() { calls-- }

proctype caller() {
#ifdef LOOK_FIRST
  bool open = !closed;
  calls++;
#else
  bool open;
  calls++;
  open = !closed;
#endif
  if
  :: open -> memory++; accepted++; leave()
  :: else -> refused++;
#ifndef FORGET_TO_LEAVE
     leave()
#endif
  fi;
  ended++
}

inline flush() { atomic { store = store + memory; memory = 0 } }

proctype closer() {
#ifdef FLUSH_FIRST
  flush();
#endif
  closed = true;
#ifndef NO_WAIT
  calls == 0;
#endif
#ifndef FLUSH_FIRST
  flush();
#endif
  finished = true
}

init {
  atomic { run caller(); run caller(); run closer() };
  ended == CALLERS;
  finished;
  assert(accepted + refused == CALLERS && store == accepted && memory == 0)
}
