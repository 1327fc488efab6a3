------------------------------ MODULE LedgerTrace ------------------------------
(***************************************************************************)
(* A history of the real volume, followed by the model: each event of the  *)
(* recorded trace must be one step of CapacityLedger with the same answer  *)
(* and the same length, reservation and ledger after it.                   *)
(*                                                                         *)
(* LedgerTraceData.tla holds the events as a sequence. A test records them *)
(* anew from the running code and compares (tests/spec/ledger-trace.test). *)
(* NotAtEnd must be violated: the end of the trace is reached. With        *)
(* Tampered, one event is not what happened, and it must hold.             *)
(***************************************************************************)
EXTENDS CapacityLedger, Sequences, LedgerTraceData

CONSTANT Tampered \* 0, or the number of the event that is changed

VARIABLE at \* the next event

Event(i) == IF i = Tampered THEN [Trace[i] EXCEPT !.reserved = @ + 1] ELSE Trace[i]

\* A write that is the same as the one before changes nothing, and is no step of the model.
Written(f, offset, count, value) ==
    /\ handles[f] > 0
    /\ Commit(f, offset, count, value, "", 0, {})
    /\ UNCHANGED <<handles, named, extra>>

\* A refusal changes nothing, and must be due: there is no room for the pages up to `end`.
Refused(f, end) ==
    /\ PagesOf(end) - reserve[f] > Free
    /\ UNCHANGED vars

Done(e) ==
    CASE e.op = "create" -> Create(e.file)
      [] e.op = "open" -> Open(e.file)
      [] e.op = "delete" -> Delete(e.file)
      [] e.op = "close" -> Close(e.file) \/ Dispose(e.file)
      [] e.op = "write" -> Written(e.file, e.from, e.count, e.value)
      [] e.op = "append" -> Append(e.file, e.count, e.value)
      [] e.op = "constrained" -> ConstrainedWrite(e.file, e.from, e.count, e.value)
      [] e.op = "resize" -> Extend(e.file, e.count) \/ Truncate(e.file, e.count)
      [] e.op = "allocate" -> SetAllocation(e.file, e.count)
      [] e.op = "overwrite" -> Overwrite(e.file, e.count)
      [] e.op = "nothing" -> UNCHANGED vars

End(e) ==
    CASE e.op = "write" -> e.from + e.count
      [] e.op = "append" -> length[e.file] + e.count
      [] e.op = "resize" -> e.count
      [] OTHER -> e.count * UnitsPerPage

TraceInit == Init /\ at = 1
TraceNext ==
    /\ at <= Len(Trace)
    /\ at' = at + 1
    /\ UNCHANGED capacity
    /\ LET e == Event(at)
       IN  /\ IF e.answer = "ok" THEN Done(e) ELSE Refused(e.file, End(e))
           /\ length'[e.file] = e.length
           /\ reserve'[e.file] = e.reserve
           /\ reserved' = e.reserved
           /\ allocated' = e.allocated
TraceSpec == TraceInit /\ [][TraceNext]_<<vars, at>>

NotAtEnd == at <= Len(Trace)
=============================================================================
