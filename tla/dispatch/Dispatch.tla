------------------------------ MODULE Dispatch ------------------------------
(***************************************************************************)
(* Who delivers which answer, and whether anyone can wait forever.       *)
(* Stands for src/winfsp/dispatch/inline-dispatcher.ts, answer-routing.ts,          *)
(* completion-threads.ts, completion-ring.ts, completion-worker.ts, and for the driver as     *)
(* docs/winfsp.md#answers-that-may-nest describes it.                                        *)
(*                                                                         *)
(* The dispatcher thread M receives requests one by one, answers each at   *)
(* once and delivers the answer with its next call, or hands it to completion thread  *)
(* 1, 2 or 3. Delivering runs the driver's completion on that thread; some    *)
(* completions wait for another request to be answered, or for the mutex   *)
(* that a directory rename holds while it waits for paging requests.       *)
(*                                                                         *)
(* The asynchronous dispatcher only receives; its handlers finish late, in *)
(* any order, and each answer is delivered by a call of its own.           *)
(*                                                                         *)
(* Requests are used once, so every run ends. With MayStop = FALSE nothing *)
(* releases those who wait: then a deadlock of the drive is a deadlock of  *)
(* the model.                                                              *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    RequestCount,  \* requests of applications; each may bring nested ones
    Dispatcher,    \* "inline": handlers finish at once. "async": M only receives, each answer has a call of its own
    MayStop,       \* TRUE: the volume is stopped at some moment
    Streams,       \* TRUE: a volume with named streams, and so with completion thread 3
    Filters,       \* TRUE: a filter driver may come back into the volume while a rename completes
    Fault,         \* name of a planted fault, or "none"
    Watch          \* name of a branch whose being reached is to be shown, or "none"

Applications == 1..RequestCount
Requests == 1..(3 * RequestCount)
\* The request that the completion of r may bring; r + 2 * RequestCount has no child.
Child(r) == r + RequestCount
None == 0
CompletionThreads == {1, 2, 3}

\* leaf: paging Read or Write. plain: completes without waiting. safe: carries FILE_INFO, but nothing to flush.
\* info: carries FILE_INFO and may flush. cleanup. rename: of a directory.
\* stream: Cleanup of a stream. failure: a Create or Overwrite of a stream that fails. Both close the stream's file.
StreamKinds == {"stream", "failure"}
Kinds == {"leaf", "plain", "safe", "info", "cleanup", "rename"} \union (IF Streams THEN StreamKinds ELSE {})

VARIABLES
    queue,        \* the driver's FIFO of requests nobody has received
    state,        \* unused, queued, inside (received), ignored (answer came after Stop0), done, cancelled
    kind,         \* "" when unused or finished
    stage,        \* progress of the completion: "", answered, locked, nested
    mPc,          \* M: receive, handle, push (only a fault), complete, ended
    mRequest,     \* what M handles or completes
    completionQueue,  \* completionThread -> answers handed over (CompletionRing)
    completionRequest,\* completionThread -> answer whose delivering call has not returned
    late,         \* requests whose handlers have not finished
    calls,        \* late answers in delivering calls of their own
    mutex,        \* the rename that holds the driver's mutex
    rename,       \* InlineDispatcher: the directory rename believed to be under way
    stop,         \* running, stop0, stopped, freed
    deliveries,   \* answers given to the driver and not thrown away, per request
    seen          \* the watched branch, once it was taken

vars == <<queue, state, kind, stage, mPc, mRequest, completionQueue, completionRequest, late, calls, mutex, rename, stop,
          deliveries, seen>>

Mark(condition, name) == IF condition /\ Watch = name THEN {name} ELSE {}
Finished == {"done", "cancelled"}

Init ==
    /\ queue = <<>>
    /\ state = [r \in Requests |-> "unused"]
    /\ kind = [r \in Requests |-> ""]
    /\ stage = [r \in Requests |-> ""]
    /\ mPc = "receive"
    /\ mRequest = None
    /\ completionQueue = [h \in CompletionThreads |-> <<>>]
    /\ completionRequest = [h \in CompletionThreads |-> None]
    /\ late = {}
    /\ calls = {}
    /\ mutex = None
    /\ rename = None
    /\ stop = "running"
    /\ deliveries = [r \in Requests |-> 0]
    /\ seen = {}

Outstanding(r) == state[r] \in {"queued", "inside", "ignored"}

\* An application sends a request; requests are numbered in this order. The volume's rename lock admits one rename at a time.
Submit(r, k) ==
    /\ stop = "running"
    /\ state[r] = "unused"
    /\ \A earlier \in Applications : earlier < r => state[earlier] # "unused"
    /\ k = "rename" => \A other \in Requests : kind[other] # "rename"
    /\ queue' = Append(queue, r)
    /\ state' = [state EXCEPT ![r] = "queued"]
    /\ kind' = [kind EXCEPT ![r] = k]
    /\ UNCHANGED <<stage, mPc, mRequest, completionQueue, completionRequest, late, calls, mutex, rename, stop, deliveries, seen>>

\* FspFsctlTransact of M returns a request.
Receive ==
    /\ mPc = "receive"
    /\ stop = "running"
    /\ queue # <<>>
    /\ mRequest' = Head(queue)
    /\ queue' = Tail(queue)
    /\ state' = [state EXCEPT ![Head(queue)] = "inside"]
    /\ mPc' = "handle"
    /\ UNCHANGED <<kind, stage, completionQueue, completionRequest, late, calls, mutex, rename, stop, deliveries, seen>>

\* It returns CANCELLED.
EndLoop ==
    /\ mPc = "receive"
    /\ stop # "running"
    /\ mPc' = "ended"
    /\ UNCHANGED <<queue, state, kind, stage, mRequest, completionQueue, completionRequest, late, calls, mutex, rename, stop,
                   deliveries, seen>>

\* CompletionRing.isDelivered: the completionThread's call has returned, not only the driver's work.
Delivered(r) == /\ completionRequest[1] # r
                /\ \A i \in 1..Len(completionQueue[1]) : completionQueue[1][i] # r
RenameNow == IF rename # None /\ Delivered(rename) THEN None ELSE rename

\* AnswerRouting.route: 0 is M itself.
Route(k) ==
    CASE Fault = "NoCompletionThreads" -> 0
      [] k = "rename" -> IF Fault = "RenameInline" THEN 0 ELSE 1
      [] k = "info" -> IF Fault = "InfoInline" THEN 0 ELSE IF Fault = "OneCompletionThread" THEN 1 ELSE 2
      [] k = "safe" -> IF RenameNow = None \/ Fault = "SafeInlineDuringRename" THEN 0
                       ELSE IF Fault = "OneCompletionThread" THEN 1 ELSE 2
      [] k = "cleanup" -> IF RenameNow = None \/ Fault = "CleanupInlineDuringRename" THEN 0
                          ELSE IF Fault = "OneCompletionThread" THEN 1 ELSE 2
      [] k = "stream" -> CASE Fault = "StreamInline" -> 0
                           [] Fault = "StreamWithInfo" -> 2
                           [] Fault = "StreamWithRenames" -> 1
                           [] OTHER -> 3
      [] k = "failure" -> IF Fault = "FailureInline" THEN 0 ELSE 3
      [] OTHER -> 0

\* The handler has run; the answer goes to M's next call.
AnswerInline ==
    /\ Dispatcher = "inline" \/ Fault = "LateBesideInline"
    /\ mPc = "handle"
    /\ Route(kind[mRequest]) = 0
    /\ stage' = [stage EXCEPT ![mRequest] = "answered"]
    /\ deliveries' = [deliveries EXCEPT ![mRequest] = @ + 1]
    /\ rename' = RenameNow
    /\ mPc' = "complete"
    /\ UNCHANGED <<queue, state, kind, mRequest, completionQueue, completionRequest, late, calls, mutex, stop, seen>>

\* The handler has run; the answer is pushed into a completionThread's ring, which never makes M wait.
AnswerByCompletionThread ==
    /\ Dispatcher = "inline"
    /\ mPc = "handle"
    /\ Route(kind[mRequest]) # 0
    /\ LET h == Route(kind[mRequest])
           full == Fault = "DispatcherWaitsForCompletion" /\ (completionQueue[h] # <<>> \/ completionRequest[h] # None)
       IN  /\ ~full
           /\ completionQueue' = [completionQueue EXCEPT ![h] = Append(@, mRequest)]
           /\ seen' = seen \union Mark(h = 2 /\ kind[mRequest] = "cleanup", "CleanupByCompletionThread")
                           \union Mark(h = 2 /\ kind[mRequest] = "safe", "SafeByCompletionThread")
                           \union Mark(completionQueue[h] # <<>>, "TwoInRing")
                           \union Mark(h = 3 /\ completionRequest[3] # None, "StreamBehindStream")
    /\ stage' = [stage EXCEPT ![mRequest] = "answered"]
    /\ deliveries' = [deliveries EXCEPT ![mRequest] = @ + 1]
    /\ rename' = IF kind[mRequest] = "rename" THEN mRequest ELSE RenameNow
    /\ mPc' = IF Fault = "AnsweredTwice" THEN "complete" ELSE "receive"
    /\ mRequest' = IF Fault = "AnsweredTwice" THEN mRequest ELSE None
    /\ UNCHANGED <<queue, state, kind, completionRequest, late, calls, mutex, stop>>

\* The handler returned STATUS_PENDING.
PutAside ==
    /\ Dispatcher = "async"
    /\ mPc = "handle"
    /\ late' = IF Fault = "AnswerForgotten" THEN late ELSE late \union {mRequest}
    /\ rename' = RenameNow
    /\ mPc' = "receive"
    /\ mRequest' = None
    /\ UNCHANGED <<queue, state, kind, stage, completionQueue, completionRequest, calls, mutex, stop, deliveries, seen>>

\* The handler finishes, and touches the request's transfer buffer until now.
FinishLate(r) ==
    /\ r \in late
    /\ late' = late \ {r}
    /\ calls' = calls \union {r}
    /\ stage' = [stage EXCEPT ![r] = "answered"]
    /\ deliveries' = [deliveries EXCEPT ![r] = @ + 1]
    /\ UNCHANGED <<queue, state, kind, mPc, mRequest, completionQueue, completionRequest, mutex, rename, stop, seen>>

\* A completionThread takes the next answer and calls the driver.
CompletionTake(h) ==
    /\ completionRequest[h] = None
    /\ completionQueue[h] # <<>>
    /\ completionRequest' = [completionRequest EXCEPT ![h] = Head(completionQueue[h])]
    /\ completionQueue' = [completionQueue EXCEPT ![h] = Tail(@)]
    /\ UNCHANGED <<queue, state, kind, stage, mPc, mRequest, late, calls, mutex, rename, stop, deliveries, seen>>

------------------------------------------------------------------------------
\* The driver: completion of r on the thread that delivers its answer

Delivering(r) == (mPc = "complete" /\ mRequest = r) \/ (\E h \in CompletionThreads : completionRequest[h] = r) \/ r \in calls

Finish(r, how) ==
    /\ state' = [state EXCEPT ![r] = how]
    /\ kind' = [kind EXCEPT ![r] = ""]
    /\ stage' = [stage EXCEPT ![r] = ""]

\* After Stop0 an answer is thrown away and its request waits for Stop.
CompleteIgnored(r) ==
    /\ Delivering(r)
    /\ state[r] = "inside"
    /\ stage[r] = "answered"
    /\ stop # "running"
    /\ Finish(r, "ignored")
    /\ UNCHANGED <<queue, mPc, mRequest, completionQueue, completionRequest, late, calls, mutex, rename, stop, deliveries, seen>>

\* Without waiting for user mode. FILE_INFO and Cleanup take the mutex for a moment.
TakesMutex == {"safe", "info", "cleanup", "stream"}
Complete(r) ==
    /\ Delivering(r)
    /\ stage[r] = "answered"
    /\ stop = "running"
    /\ kind[r] # "rename"
    /\ kind[r] \in TakesMutex => mutex = None
    /\ Finish(r, "done")
    /\ seen' = seen \union Mark(rename # None /\ mutex = None /\ kind[r] = "cleanup", "CleanupAfterMutex")
    /\ UNCHANGED <<queue, mPc, mRequest, completionQueue, completionRequest, late, calls, mutex, rename, stop, deliveries>>

\* The completion of `parent` sends a request k of its own and waits for it.
Nest(parent, k) ==
    /\ Child(parent) \in Requests
    /\ state[Child(parent)] = "unused"
    /\ queue' = Append(queue, Child(parent))
    /\ state' = [state EXCEPT ![Child(parent)] = "queued"]
    /\ kind' = [kind EXCEPT ![Child(parent)] = k]
    /\ stage' = [stage EXCEPT ![parent] = "nested"]

\* Setting the cache's sizes flushes the last page.
CompleteFlushing(r) ==
    /\ Delivering(r)
    /\ stage[r] = "answered"
    /\ stop = "running"
    /\ kind[r] = "info"
    /\ mutex = None
    /\ Nest(r, "leaf")
    /\ seen' = seen \union Mark(r > RequestCount, "NestedTwice") \union Mark(rename # None, "FlushDuringRename")
    /\ UNCHANGED <<mPc, mRequest, completionQueue, completionRequest, late, calls, mutex, rename, stop, deliveries>>

\* Closing the stream's file sends its Cleanup, and waits for the answer. (Not if that was modified by nobody: Complete.)
CompleteStream(r) ==
    /\ Delivering(r)
    /\ stage[r] = "answered"
    /\ stop = "running"
    /\ kind[r] \in StreamKinds
    /\ kind[r] \in TakesMutex => mutex = None
    /\ Nest(r, "cleanup")
    /\ seen' = seen \union Mark(rename # None, "StreamDuringRename") \union Mark(r > RequestCount, "StreamOfFilter")
    /\ UNCHANGED <<mPc, mRequest, completionQueue, completionRequest, late, calls, mutex, rename, stop, deliveries>>

RenameLocks(r) ==
    /\ Delivering(r)
    /\ stage[r] = "answered"
    /\ stop = "running"
    /\ kind[r] = "rename"
    /\ mutex = None
    /\ mutex' = r
    /\ stage' = [stage EXCEPT ![r] = "locked"]
    /\ seen' = seen \union Mark(\E o \in Requests : kind[o] = "leaf", "RenameWaitsForPaging")
    /\ UNCHANGED <<queue, state, kind, mPc, mRequest, completionQueue, completionRequest, late, calls, rename, stop, deliveries>>

\* It has the locks of all files below: no paging request is outstanding. Then it is done.
RenameCompletes(r) ==
    /\ stage[r] = "locked"
    /\ \A other \in Requests : Outstanding(other) => kind[other] # "leaf"
    /\ mutex' = None
    /\ Finish(r, "done")
    /\ UNCHANGED <<queue, mPc, mRequest, completionQueue, completionRequest, late, calls, rename, stop, deliveries, seen>>

\* Or a filter driver uses the volume before the call returns; the mutex is free again.
RenameFiltered(r, k) ==
    /\ Filters
    /\ stop = "running"
    /\ stage[r] = "locked"
    /\ \A other \in Requests : Outstanding(other) => kind[other] # "leaf"
    /\ mutex' = None
    /\ Nest(r, k)
    /\ UNCHANGED <<mPc, mRequest, completionQueue, completionRequest, late, calls, rename, stop, deliveries, seen>>

CompleteNested(r) ==
    /\ stage[r] = "nested"
    /\ state[Child(r)] \in Finished
    /\ Finish(r, "done")
    /\ UNCHANGED <<queue, mPc, mRequest, completionQueue, completionRequest, late, calls, mutex, rename, stop, deliveries, seen>>

\* The delivering call returns to M, to a completionThread, or ends.
Returned(r) == state[r] \notin {"queued", "inside"}
ReturnToM ==
    /\ mPc = "complete"
    /\ Returned(mRequest)
    /\ mPc' = "receive"
    /\ mRequest' = None
    /\ UNCHANGED <<queue, state, kind, stage, completionQueue, completionRequest, late, calls, mutex, rename, stop, deliveries, seen>>
ReturnToCompletionThread(h) ==
    /\ completionRequest[h] # None
    /\ Returned(completionRequest[h])
    /\ completionRequest' = [completionRequest EXCEPT ![h] = None]
    /\ UNCHANGED <<queue, state, kind, stage, mPc, mRequest, completionQueue, late, calls, mutex, rename, stop, deliveries, seen>>
ReturnToCall(r) ==
    /\ r \in calls
    /\ Returned(r)
    /\ calls' = calls \ {r}
    /\ UNCHANGED <<queue, state, kind, stage, mPc, mRequest, completionQueue, completionRequest, late, mutex, rename, stop,
                   deliveries, seen>>

------------------------------------------------------------------------------
\* The end

\* FspFsctlStop0, from any thread at any moment, or by the driver itself: nothing is received any more.
Stop0 ==
    /\ MayStop
    /\ stop = "running"
    /\ stop' = "stop0"
    /\ seen' = seen \union Mark(\E r \in Requests : stage[r] = "nested", "Stop0WhileNested")
                    \union Mark(late # {}, "Stop0WhileLate")
    /\ UNCHANGED <<queue, state, kind, stage, mPc, mRequest, completionQueue, completionRequest, late, calls, mutex, rename, deliveries>>

\* InlineDispatcher.finish: FspFsctlStop, after the loop has ended and every handler has; a completionThread may still wait inside the
\* driver, and this releases it. Everything left is cancelled and the transfer buffers are gone.
Stop ==
    /\ stop = "stop0"
    /\ Fault = "StopWhileLoopRuns" \/ mPc = "ended"
    /\ Fault = "StopBeforeHandlersEnd" \/ late = {}
    /\ Fault = "StopWaitsForCompletions" => \A h \in CompletionThreads : completionRequest[h] = None /\ completionQueue[h] = <<>>
    /\ stop' = "stopped"
    /\ queue' = <<>>
    /\ state' = [r \in Requests |-> IF Outstanding(r) THEN "cancelled" ELSE state[r]]
    /\ kind' = [r \in Requests |-> ""]
    /\ stage' = [r \in Requests |-> ""]
    /\ mutex' = None
    /\ seen' = seen \union Mark(\E h \in CompletionThreads : completionRequest[h] # None /\ stage[completionRequest[h]] = "nested",
                                "StopReleasesCompletion")
    /\ UNCHANGED <<mPc, mRequest, completionQueue, completionRequest, late, calls, rename, deliveries>>

\* The completionThreads have left; the memory of rings and answers is given back.
Release ==
    /\ stop = "stopped"
    /\ \/ Fault = "FreedTooEarly"
       \/ /\ \A h \in CompletionThreads : completionRequest[h] = None /\ completionQueue[h] = <<>>
          /\ calls = {}
    /\ stop' = "freed"
    /\ UNCHANGED <<queue, state, kind, stage, mPc, mRequest, completionQueue, completionRequest, late, calls, mutex, rename,
                   deliveries, seen>>

AllServed == /\ \A r \in Applications : state[r] \in Finished
             /\ mPc = "receive"
             /\ \A h \in CompletionThreads : completionRequest[h] = None
             /\ calls = {}
\* The only state without a successor.
End == (stop = "freed" \/ (~MayStop /\ AllServed)) /\ UNCHANGED vars

Drive == \/ Receive \/ EndLoop \/ AnswerInline \/ AnswerByCompletionThread \/ ReturnToM
         \/ \E r \in Requests : FinishLate(r) \/ ReturnToCall(r)
         \/ \E h \in CompletionThreads : CompletionTake(h) \/ ReturnToCompletionThread(h)
         \/ Stop \/ Release
Driver == \E r \in Requests :
            \/ CompleteIgnored(r) \/ Complete(r) \/ CompleteFlushing(r) \/ CompleteStream(r)
            \/ RenameLocks(r) \/ RenameCompletes(r) \/ CompleteNested(r)
            \/ \E k \in Kinds \ {"rename"} : RenameFiltered(r, k)
Next == \/ \E r \in Applications, k \in Kinds : Submit(r, k)
        \/ PutAside
        \/ Drive
        \/ Driver
        \/ Stop0
        \/ End

Spec == Init /\ [][Next]_vars
\* M, the completionThreads, the main thread and the driver each go on while they can. Applications and Stop0 need not.
FairSpec == /\ Spec
            /\ WF_vars(Receive \/ EndLoop \/ PutAside \/ AnswerInline \/ AnswerByCompletionThread \/ ReturnToM)
            /\ \A h \in CompletionThreads : WF_vars(CompletionTake(h) \/ ReturnToCompletionThread(h))
            /\ \A r \in Requests :
                 /\ WF_vars(FinishLate(r))
                 /\ WF_vars(ReturnToCall(r))
                 /\ WF_vars(CompleteIgnored(r) \/ Complete(r) \/ RenameLocks(r) \/ RenameCompletes(r) \/ CompleteNested(r))
            /\ WF_vars(Stop)
            /\ WF_vars(Release)

------------------------------------------------------------------------------

TypeOK ==
    /\ state \in [Requests -> {"unused", "queued", "inside", "ignored", "done", "cancelled"}]
    /\ kind \in [Requests -> Kinds \union {""}]
    /\ stage \in [Requests -> {"", "answered", "locked", "nested"}]
    /\ mPc \in {"receive", "handle", "complete", "ended"}
    /\ late \subseteq Requests
    /\ calls \subseteq Requests
    /\ stop \in {"running", "stop0", "stopped", "freed"}

\* How often the process has request r in hand.
Places(r) ==
    (IF mRequest = r THEN 1 ELSE 0) + (IF r \in late THEN 1 ELSE 0) + (IF r \in calls THEN 1 ELSE 0)
      + Cardinality({h \in CompletionThreads : completionRequest[h] = r})
      + Cardinality({<<h, i>> \in CompletionThreads \X (1..Cardinality(Requests)) :
                        i <= Len(completionQueue[h]) /\ completionQueue[h][i] = r})

AnsweredOnce ==
    \A r \in Requests :
        /\ deliveries[r] <= 1
        /\ Places(r) <= 1
        /\ state[r] = "done" => deliveries[r] = 1
NothingForgotten == \A r \in Requests : state[r] = "inside" => Places(r) = 1

\* Handlers touch transfer buffers; after Stop there are none.
NoBufferTouchedAfterStop == stop \in {"stopped", "freed"} => mPc = "ended" /\ late = {}
NoAnswerReadAfterFree == stop = "freed" => calls = {} /\ \A h \in CompletionThreads : completionRequest[h] = None

\* The rule that makes all this work, seen from the driver: M never completes what may wait.
MNeverWaits ==
    mPc = "complete" => /\ stage[mRequest] \notin {"locked", "nested"}
                        /\ kind[mRequest] \in TakesMutex => mutex = None

EndsClean == stop = "freed" => \A r \in Requests : state[r] \in {"unused", "done", "cancelled"}

Unreached == Watch \notin seen

\* Liveness: a request that is sent is answered, or cancelled by the end; what is stopped ends.
EveryRequestEnds == \A r \in Requests : state[r] = "queued" ~> state[r] \in Finished
StopEnds == stop = "stop0" ~> stop = "freed"
=============================================================================
