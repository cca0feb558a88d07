/* SPDX-License-Identifier: BSL-1.0
 *
 * A batch and its number, a store whose answers may be unclear, and a crash (counter/write_behind.hpp: send and settle;
 * concepts.hpp: what a store that says exactly_once does; record.hpp: Batch).
 *
 * Law: each batch of which the writer knows that it was applied is in the store once; one more may be, after a crash.
 *
 *   -DNEW_NUMBER    sends an unclear batch again under the next number
 *   -DADD_BACK      after an unclear answer counts the batch back into the next one
 *   -DTWO_STEPS     commits records and number in two transactions
 *   -DSETTLE_EARLY  takes an unclear answer for applied
 *   -DREUSE_WRITER  a writer that starts again keeps its identity, and begins with number 1
 */
#define BATCHES 3
#define FAILURES 3

mtype = { applied, not_applied, unknown };

byte stored;           /* what is in the store */
byte last[2];          /* its ledger, by writer */
byte failures;
bool crashed;
byte settled;          /* what the writer has been told is in the store */

/* One transaction: all of it, or nothing. The answer may be lost, and so may be the batch. */
inline apply(writer, number, sum, answer) {
  if
  :: failures < FAILURES -> failures++; answer = unknown      /* the batch is lost */
  :: failures < FAILURES -> failures++; answer = not_applied  /* and the store says so */
  :: true ->
#ifdef TWO_STEPS
     if :: number > last[writer] -> stored = stored + sum :: else fi;
     if
     :: failures < FAILURES -> failures++; answer = unknown; goto answered
     :: true
     fi;
     atomic { if :: number > last[writer] -> last[writer] = number :: else fi; answer = applied };
#else
     atomic {
       if
       :: number == last[writer] + 1 -> stored = stored + sum; last[writer] = number
       :: number <= last[writer]
       fi;
       answer = applied
     };
#endif
     if
     :: failures < FAILURES -> failures++; answer = unknown    /* only the answer is lost */
     :: true
     fi
  fi;
answered: skip
}

proctype writer(byte me) {
  byte number = 1; byte made = 0; byte batch = 0; mtype answer;
  byte id = me;
  do
  :: batch == 0 && made + settled < BATCHES -> batch = 1; made++
  :: batch != 0 ->
     apply(id, number, batch, answer);
     if
     :: answer == applied -> settled = settled + batch; number++; batch = 0; made--
#ifdef SETTLE_EARLY
     :: answer == unknown -> settled = settled + batch; number++; batch = 0; made--
#endif
#ifdef NEW_NUMBER
     :: answer == unknown -> if :: number == last[id] -> number++ :: else fi
#endif
#ifdef ADD_BACK
     :: answer == unknown -> batch = 0; made--; if :: last[id] == number -> number++ :: else fi
#endif
     :: else
     fi
  :: atomic { !crashed && batch != 0 && me == 0 ->
     /* what was not applied is lost with the process; the next one draws another identity */
     crashed = true; batch = 0; made = 0; number = 1;
#ifndef REUSE_WRITER
     id = 1
#endif
     }
  :: batch == 0 && made + settled >= BATCHES -> break
  od;
  assert(stored >= settled);
  assert(stored <= settled + (crashed -> 1 : 0))
}

init { run writer(0) }
