----------------------------- MODULE KernelCache -----------------------------
(***************************************************************************)
(* The kernel's file cache in front of the volume (FileInfoTimeout         *)
(* infinite, docs/winfsp.md#caching): a write that extends sends SetFileSize   *)
(* first and is then only in the cache; dirty units are written back later *)
(* in any order, also after Cleanup; the kernel believes the sizes it is   *)
(* answered. Stands for RamVolume as WinFsp's cached mode uses it.         *)
(*                                                                         *)
(* A request is sent, performed by the volume in one step, and its answer  *)
(* is applied in a third step, for answers of one dispatcher may overtake  *)
(* each other (src/winfsp/threads/answer-routing.ts). FrontEndLocks says that the  *)
(* kernel has no other request at a file whose size may be changing.       *)
(*                                                                         *)
(* A unit is a page: parts of pages are CapacityLedger's business.         *)
(***************************************************************************)
EXTENDS Integers, FiniteSets

CONSTANTS
    FileCount, RequestCount, ValueCount,
    Capacity,       \* units of room
    MaxUnits,       \* longest file
    FrontEndLocks,  \* TRUE: as the driver's file locks
    DirectWrites,   \* TRUE: some writes go past the cache (FILE_NO_INTERMEDIATE_BUFFERING)
    Queries,        \* TRUE: sizes are also asked for
    Fault, Watch

Files == 1..FileCount
Requests == 1..RequestCount
Values == 1..ValueCount
Offsets == 0..(MaxUnits - 1)
Clean == 0
Zero == 0
Tag(value, offset) == value * MaxUnits + offset

VARIABLES
    life,      \* absent, open, cleaned (Cleanup, no Close), closed, deleted (Cleanup with Delete, no Close)
    size,      \* volume: length of the file
    data,      \* volume: content, zero in holes
    reserved,   \* volume: the ledger's counter
    cacheSize, \* kernel: size it believes
    dirty,     \* kernel: units not written back yet, or Clean
    requests,  \* requests under way
    trueSize,  \* ghost: size that applications were told
    truth,     \* ghost: content that applications were told is written
    broken     \* ghost: rules that an answer has broken, and the watched branch

vars == <<life, size, data, reserved, cacheSize, dirty, requests, trueSize, truth, broken>>

Max(a, b) == IF a > b THEN a ELSE b
Least(S) == CHOOSE x \in S : \A y \in S : x <= y
RECURSIVE Total(_, _)
Total(S, values) == IF S = {} THEN 0 ELSE LET x == Least(S) IN values[x] + Total(S \ {x}, values)
BreakIf(condition, name) == IF condition THEN {name} ELSE {}
MarkIf(condition, name) == IF condition /\ Watch = name THEN {name} ELSE {}

NoData == [o \in Offsets |-> Zero]
Idle == [pc |-> "idle", kind |-> "", file |-> 0, offset |-> 0, value |-> 0, info |-> 0, status |-> ""]
Exists(f) == life[f] \in {"open", "cleaned", "closed"}
\* What the volume has room for; the fault reserves a hole when it is written.
Room == IF Fault = "ExtendNotReserved"
        THEN Capacity - Total(Files, [f \in Files |-> Cardinality({o \in Offsets : data[f][o] # Zero})])
        ELSE Capacity - reserved

Init ==
    /\ life = [f \in Files |-> "absent"]
    /\ size = [f \in Files |-> 0]
    /\ data = [f \in Files |-> NoData]
    /\ reserved = 0
    /\ cacheSize = [f \in Files |-> 0]
    /\ dirty = [f \in Files |-> NoData]
    /\ requests = [r \in Requests |-> Idle]
    /\ trueSize = [f \in Files |-> 0]
    /\ truth = [f \in Files |-> NoData]
    /\ broken = {}

At(f) == {r \in Requests : requests[r].file = f}
SizeChanging(f) == \E r \in At(f) : requests[r].kind \in {"resize", "direct"}
\* A size may change only when nothing else is under way at the file; the rest only when no size is changing.
MaySend(f, kind) ==
    ~FrontEndLocks \/ IF kind \in {"resize", "direct"} THEN At(f) = {} ELSE ~SizeChanging(f)

Send(r, kind, f, offset, value) ==
    /\ requests[r].pc = "idle"
    /\ MaySend(f, kind)
    /\ requests' = [requests EXCEPT ![r] = [Idle EXCEPT !.pc = "sent", !.kind = kind, !.file = f, !.offset = offset,
                                                        !.value = value]]

------------------------------------------------------------------------------
\* Applications

Open(f) ==
    /\ life[f] \in {"absent", "closed", "cleaned"}
    /\ life' = [life EXCEPT ![f] = "open"]
    /\ broken' = broken \union MarkIf(life[f] = "cleaned" /\ dirty[f] # NoData, "OpenedDirty")
    /\ UNCHANGED <<size, data, reserved, cacheSize, dirty, requests, trueSize, truth>>

\* Inside the size the kernel knows: nobody is asked.
WriteCached(f, offset, value) ==
    /\ life[f] = "open"
    /\ offset < cacheSize[f]
    /\ FrontEndLocks => ~SizeChanging(f)
    /\ dirty[f][offset] # Tag(value, offset)
    /\ dirty' = [dirty EXCEPT ![f][offset] = Tag(value, offset)]
    /\ truth' = [truth EXCEPT ![f][offset] = Tag(value, offset)]
    /\ broken' = broken \union MarkIf(\E r \in At(f) : requests[r].kind = "page" /\ requests[r].offset = offset,
                                      "DirtiedInFlight")
    /\ UNCHANGED <<life, size, data, reserved, cacheSize, requests, trueSize>>

\* SetFileSize to offset + 1; with a value it comes from a write behind the end, which continues when it is answered.
Resize(r, f, end, value) ==
    /\ life[f] = "open"
    /\ IF value = 0 THEN end # cacheSize[f] ELSE end > cacheSize[f]
    /\ Send(r, "resize", f, end, value)
    /\ UNCHANGED <<life, size, data, reserved, cacheSize, dirty, trueSize, truth, broken>>

\* Past the cache. The kernel has flushed the range before.
WriteDirect(r, f, offset, value) ==
    /\ DirectWrites
    /\ life[f] = "open"
    /\ dirty[f][offset] = Clean
    /\ \A other \in At(f) : requests[other].offset # offset
    /\ Send(r, "direct", f, offset, value)
    /\ UNCHANGED <<life, size, data, reserved, cacheSize, dirty, trueSize, truth, broken>>

Query(r, f) ==
    /\ Queries
    /\ life[f] = "open"
    /\ Send(r, "query", f, 0, 0)
    /\ UNCHANGED <<life, size, data, reserved, cacheSize, dirty, trueSize, truth, broken>>

\* The last handle goes; what is dirty stays dirty.
Cleanup(f, delete) ==
    /\ life[f] = "open"
    /\ \A r \in At(f) : requests[r].kind = "page"
    /\ life' = [life EXCEPT ![f] = IF delete THEN "deleted" ELSE "cleaned"]
    /\ data' = IF Fault = "CleanupDropsData" THEN [data EXCEPT ![f] = NoData] ELSE data
    /\ UNCHANGED <<size, reserved, cacheSize, dirty, requests, trueSize, truth, broken>>

\* The kernel lets go: nothing is dirty, or nobody will ever read it.
Close(f) ==
    /\ At(f) = {}
    /\ \/ /\ life[f] = "cleaned"
          /\ Fault = "CloseForgetsDirty" \/ dirty[f] = NoData
          /\ life' = [life EXCEPT ![f] = "closed"]
          /\ dirty' = [dirty EXCEPT ![f] = NoData]
          /\ UNCHANGED <<size, data, reserved, cacheSize, trueSize, truth>>
       \/ /\ life[f] = "deleted"
          /\ life' = [life EXCEPT ![f] = "absent"]
          /\ size' = [size EXCEPT ![f] = 0]
          /\ data' = [data EXCEPT ![f] = NoData]
          /\ reserved' = reserved - size[f]
          /\ cacheSize' = [cacheSize EXCEPT ![f] = 0]
          /\ dirty' = [dirty EXCEPT ![f] = NoData]
          /\ trueSize' = [trueSize EXCEPT ![f] = 0]
          /\ truth' = [truth EXCEPT ![f] = NoData]
    /\ UNCHANGED <<requests, broken>>

\* Lazy writer, flush, mapped page writer: any dirty unit at any time. Not two writes of one unit at once.
WriteBack(r, f, offset) ==
    /\ Fault # "NeverWritesBack"
    /\ dirty[f][offset] # Clean
    /\ Fault = "TwoWriteBacks" \/ \A other \in At(f) : ~(requests[other].kind = "page" /\ requests[other].offset = offset)
    /\ Send(r, "page", f, offset, dirty[f][offset])
    /\ dirty' = [dirty EXCEPT ![f][offset] = Clean]
    /\ UNCHANGED <<life, size, data, reserved, cacheSize, trueSize, truth, broken>>

------------------------------------------------------------------------------
\* The volume: one uninterrupted step each

Answer(r, status) ==
    requests' = [requests EXCEPT ![r].pc = "answered", ![r].status = status,
                                 ![r].info = IF Fault = "OldSizeAnswered" THEN size[requests[r].file]
                                             ELSE size'[requests[r].file]]

\* Grows to `end` or refuses; a refusal is judged by what applications were told.
Grow(r, f, end, unit) ==
    LET more == Max(0, end - size[f])
        refused == more > Room \/ Fault = "AlwaysDiskFull"
    IN  IF refused
        THEN /\ broken' = broken \union MarkIf(TRUE, "DiskFullAtResize")
                   \union BreakIf(more <= Capacity - Total(Files, trueSize)
                                    /\ \A other \in Requests \ {r} : requests[other].kind \notin {"resize", "direct"},
                                  "NoSpuriousDiskFull")
             /\ size' = IF Fault = "RefusedButGrown" THEN [size EXCEPT ![f] = Max(@, end)] ELSE size
             /\ Answer(r, "full")
             /\ UNCHANGED <<data, reserved>>
        ELSE /\ size' = [size EXCEPT ![f] = Max(@, end)]
             /\ reserved' = reserved + more
             /\ data' = [data EXCEPT ![f] = [o \in Offsets |-> IF unit # Zero /\ o = end - 1 THEN unit ELSE @[o]]]
             /\ Answer(r, "ok")
             /\ UNCHANGED broken

Perform(r) ==
    /\ requests[r].pc = "sent"
    /\ LET req == requests[r]
           f == req.file
       IN CASE req.kind = "resize" /\ req.offset < size[f] ->
                 /\ size' = [size EXCEPT ![f] = req.offset]
                 /\ data' = IF Fault = "TruncateKeepsData" THEN data
                            ELSE [data EXCEPT ![f] = [o \in Offsets |-> IF o < req.offset THEN @[o] ELSE Zero]]
                 /\ reserved' = reserved - (size[f] - req.offset)
                 /\ Answer(r, "ok")
                 /\ UNCHANGED broken
            [] req.kind = "resize" /\ req.offset >= size[f] -> Grow(r, f, req.offset, Zero)
            [] req.kind = "direct" /\ req.offset >= size[f] -> Grow(r, f, req.offset + 1, Tag(req.value, req.offset))
            [] req.kind = "direct" /\ req.offset < size[f] ->
                 /\ data' = [data EXCEPT ![f][req.offset] = Tag(req.value, req.offset)]
                 /\ size' = size
                 /\ Answer(r, "ok")
                 /\ UNCHANGED <<reserved, broken>>
            [] req.kind = "query" ->
                 /\ size' = size
                 /\ Answer(r, "ok")
                 /\ UNCHANGED <<data, reserved, broken>>
            [] req.kind = "page" ->
                 \* ConstrainedIo: never extends; nothing behind the end.
                 LET inside == req.offset < size[f]
                     refused == \/ Fault = "ExtendNotReserved" /\ data[f][req.offset] = Zero /\ Room <= 0
                                \/ Fault = "RefusedAfterCleanup" /\ life[f] # "open"
                     lost == Fault = "PageWriteLost"
                 IN  /\ data' = IF inside /\ ~refused /\ ~lost THEN [data EXCEPT ![f][req.offset] = req.value] ELSE data
                     /\ size' = size
                     /\ Answer(r, IF refused /\ inside THEN "full" ELSE "ok")
                     /\ broken' = broken \union BreakIf(refused /\ inside, "NoSilentLoss")
                          \union MarkIf(life[f] = "cleaned", "WriteAfterCleanup")
                          \union MarkIf(life[f] = "deleted", "WriteAfterDelete")
                          \union MarkIf(~inside, "WriteBehindEnd")
                     /\ UNCHANGED reserved
    /\ UNCHANGED <<life, cacheSize, dirty, trueSize, truth>>

------------------------------------------------------------------------------
\* The kernel applies an answer

Apply(r) ==
    /\ Fault # "NeverApplies"
    /\ requests[r].pc = "answered"
    /\ requests' = [requests EXCEPT ![r] = Idle]
    /\ LET req == requests[r]
           f == req.file
           believes == req.kind \in {"resize", "direct", "query"} /\ req.status = "ok"
           new == IF believes THEN req.info ELSE cacheSize[f]
           told == IF req.status # "ok" THEN trueSize[f]
                   ELSE IF req.kind = "resize" THEN req.offset
                   ELSE IF req.kind = "direct" THEN Max(trueSize[f], req.offset + 1)
                   ELSE trueSize[f]
           at == IF req.kind = "resize" THEN req.offset - 1 ELSE req.offset
           written == req.status = "ok" /\ req.value # 0 /\ req.kind \in {"resize", "direct"}
       IN  /\ cacheSize' = [cacheSize EXCEPT ![f] = new]
           /\ dirty' = [dirty EXCEPT ![f] = [o \in Offsets |->
                  IF o >= new THEN Clean
                  ELSE IF written /\ req.kind = "resize" /\ o = at THEN Tag(req.value, o) ELSE @[o]]]
           /\ trueSize' = [trueSize EXCEPT ![f] = told]
           /\ truth' = [truth EXCEPT ![f] = [o \in Offsets |->
                  IF o >= told THEN Zero ELSE IF written /\ o = at THEN Tag(req.value, o) ELSE @[o]]]
    /\ UNCHANGED <<life, size, data, reserved, broken>>

Next ==
    \/ \E f \in Files : Open(f) \/ Close(f) \/ \E delete \in BOOLEAN : Cleanup(f, delete)
    \/ \E f \in Files, o \in Offsets, v \in Values : WriteCached(f, o, v)
    \/ \E r \in Requests, f \in Files, end \in 0..MaxUnits : Resize(r, f, end, 0)
    \/ \E r \in Requests, f \in Files, o \in Offsets, v \in Values : Resize(r, f, o + 1, v) \/ WriteDirect(r, f, o, v)
    \/ \E r \in Requests, f \in Files : Query(r, f)
    \/ \E r \in Requests, f \in Files, o \in Offsets : WriteBack(r, f, o)
    \/ \E r \in Requests : Perform(r) \/ Apply(r)

Spec == Init /\ [][Next]_vars
WriteBackAny(f, o) == \E r \in Requests : WriteBack(r, f, o)
\* The write-back comes to its turn among others, so it needs strong fairness: slots and locks come and go.
FairSpec == /\ Spec
            /\ \A r \in Requests : WF_vars(Perform(r)) /\ WF_vars(Apply(r))
            /\ \A f \in Files, o \in Offsets : SF_vars(WriteBackAny(f, o))

------------------------------------------------------------------------------

TypeOK ==
    /\ life \in [Files -> {"absent", "open", "cleaned", "closed", "deleted"}]
    /\ size \in [Files -> 0..MaxUnits]
    /\ cacheSize \in [Files -> 0..MaxUnits]
    /\ \A r \in Requests : requests[r].pc \in {"idle", "sent", "answered"}

FreeBytesAccurate == reserved = Total(Files, size) /\ reserved <= Capacity

Quiet(f) == \A r \in At(f) : requests[r].kind = "page"

\* When no answer that carries a size is under way, kernel, volume and applications agree.
CacheSizeTrue == \A f \in Files : Quiet(f) => cacheSize[f] = size[f] /\ cacheSize[f] = trueSize[f]

\* What a reader would get now: the cache, what is on its way to the volume, or the volume.
Seen(f, o) ==
    LET flying == {r \in At(f) : requests[r].kind = "page" /\ requests[r].offset = o /\ requests[r].pc = "sent"}
    IN  IF dirty[f][o] # Clean THEN dirty[f][o]
        ELSE IF flying # {} THEN requests[Least(flying)].value
        ELSE data[f][o]
DataIntegrity ==
    \A f \in Files, o \in Offsets : Quiet(f) /\ life[f] # "deleted" /\ o < trueSize[f] => Seen(f, o) = truth[f][o]

\* What a new machine would find: everything that is closed is in the volume.
ClosedIsStored == \A f \in Files, o \in Offsets : life[f] = "closed" => data[f][o] = truth[f][o]

DeadFilesClean == \A f \in Files : life[f] = "absent" => size[f] = 0 /\ data[f] = NoData /\ dirty[f] = NoData

\* DISK_FULL is said when a size changes, or to a direct write; never to a write-back.
DiskFullOnlyAtResize == \A r \in Requests : requests[r].status = "full" => requests[r].kind \in {"resize", "direct"}
NoSilentLoss == "NoSilentLoss" \notin broken
NoSpuriousDiskFull == "NoSpuriousDiskFull" \notin broken
AllOrNothing == \A r \in Requests : requests[r].status = "full" => FreeBytesAccurate

Unreached == Watch \notin broken

\* Liveness.
EveryRequestEnds == \A r \in Requests : requests[r].pc = "sent" ~> requests[r].pc = "idle"
EverythingIsWrittenBack == \A f \in Files, o \in Offsets : dirty[f][o] # Clean ~> dirty[f][o] = Clean
=============================================================================
