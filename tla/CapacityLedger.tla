--------------------------- MODULE CapacityLedger ---------------------------
(***************************************************************************)
(* The capacity ledger: pages, files and writes in flight of one volume.   *)
(* Stands for src/volume/content/page-pool.ts, paged-file.ts, write-in-flight.ts.  *)
(*                                                                         *)
(* One action is one uninterrupted segment of that code: it runs on one    *)
(* thread and has no await and no callback inside, so nothing comes        *)
(* between. Only a write has several segments; its phases interleave with  *)
(* everything else, other writes of the same file included.                *)
(*                                                                         *)
(* Beside the code's own arithmetic (length, reserve, reserved, allocated, free)  *)
(* stands the ghost truth of what was acknowledged (size, truth, promised).*)
(* Neither is defined by the other; the invariants compare them.           *)
(*                                                                         *)
(* Units are parts of a page, so partial pages exist. A free page is junk, *)
(* always: whoever takes it must write or zero all of it. Free pages are   *)
(* therefore alike, and taking the least one loses nothing but names.      *)
(***************************************************************************)
EXTENDS Integers, FiniteSets

CONSTANTS
    FileCount,      \* files are 1..FileCount
    RequestCount,   \* write requests in flight at most, several of one file
    ValueCount,     \* different data a write can carry
    PageCount,      \* capacity of the pool in pages
    UnitsPerPage,   \* 1: whole pages only. 2: half pages
    MaxUnits,       \* longest file
    MaxWriteUnits,  \* longest write
    MaxHandles,     \* opens of one file at the same time
    FrontEndLocks,  \* TRUE: the front end lets nobody else at a file while a write of it is in flight
    Allocations,    \* TRUE: SetAllocationSize, Overwrite and the trim at Cleanup occur
    DirectWrites,   \* TRUE: appends and constrained writes occur
    MayAbandon,     \* TRUE: a write in flight may be given up between its phases
    OsRefusals,     \* how often the operating system refuses memory, at most
    KeepAnswers,    \* TRUE: a finished request remembers its answer (liveness); FALSE: it is simply idle
    Fault,          \* name of a planted fault, or "none"
    Watch           \* name of a branch whose being reached is to be shown, or "none"

Files == 1..FileCount
Requests == 1..RequestCount
Pages == 1..PageCount
Offsets == 0..(MaxUnits - 1)
PagesOf(units) == (units + UnitsPerPage - 1) \div UnitsPerPage
Indexes == 0..(PagesOf(MaxUnits) - 1)
Units == 0..(UnitsPerPage - 1)
Hole == 0
NoFile == 0
Zero == 0
Junk == -1
\* Data carry who wrote them and where they belong.
Tag(value, offset) == value * MaxUnits + offset

VARIABLES
    length,     \* PagedFile.lengthBytes, in units
    reserve,     \* PagedFile.reservedPages
    table,      \* PageTable: index in the file -> page, or Hole
    handles,    \* opens without their Close
    named,      \* whether a directory entry leads to the file
    reserved,    \* PagePool.reservedPages
    allocated,       \* PagePool.allocatedPages
    free,       \* the pool's stock of free pages
    content,    \* page memory
    requests,   \* the writes in flight (WriteInFlight), one record each
    osRefusals, \* refusals of memory that are left
    extra,      \* state that only planted faults use
    size,       \* ghost: acknowledged length
    truth,      \* ghost: acknowledged content
    promised,   \* ghost: pages promised by SetAllocationSize beyond the size, 0 when the size covers them
    broken      \* ghost: names of rules that an answer has broken; and the watched branch

implementation == <<length, reserve, table, handles, named, reserved, allocated, free, content, requests, osRefusals, extra>>
ghosts == <<size, truth, promised, broken>>
vars == <<implementation, ghosts>>

------------------------------------------------------------------------------
\* CompletionThreads

Max(a, b) == IF a > b THEN a ELSE b
Min(a, b) == IF a < b THEN a ELSE b
Least(S) == CHOOSE x \in S : \A y \in S : x <= y
Lowest(S, k) == {x \in S : Cardinality({y \in S : y < x}) < k}
RECURSIVE Total(_, _)
Total(S, values) == IF S = {} THEN 0 ELSE LET x == Least(S) IN values[x] + Total(S \ {x}, values)
Sum(S, F(_)) == Total(S, [x \in S |-> F(x)])

JunkPage == [u \in Units |-> Junk]
NoPages == [i \in Indexes |-> Hole]
NoData == [o \in Offsets |-> Zero]

Idle(answer) ==
    [pc |-> IF KeepAnswers THEN answer ELSE "idle", file |-> NoFile, offset |-> 0, count |-> 0, value |-> 0,
     append |-> FALSE, reserve |-> 0, hand |-> {}, unreserved |-> 0]
AtRest == {"idle", "ok", "full", "gone"}

Alive(f) == named[f] \/ handles[f] > 0
Free == PageCount - reserved
HeldBy(f) == Cardinality({i \in Indexes : table[f][i] # Hole})
PagesIn(f) == {table[f][i] : i \in Indexes} \ {Hole}
Hands(reqs) == UNION {reqs[r].hand : r \in Requests}
AgainstFile(req) == Max(0, Cardinality(req.hand) - req.reserve)
\* PagedFile.handsAgainstReserve
HandsAgainstReserve(reqs, f, except) ==
    Sum({r \in Requests \ {except} : reqs[r].file = f}, LAMBDA r : AgainstFile(reqs[r]))
\* PagedFile.reclaimFromHands
RECURSIVE Reclaim(_, _, _, _)
Reclaim(reqs, f, excess, candidates) ==
    IF excess <= 0 \/ candidates = {} THEN reqs
    ELSE LET r == Least(candidates)
             count == IF reqs[r].file = f THEN Min(excess, AgainstFile(reqs[r])) ELSE 0
         IN  Reclaim([reqs EXCEPT ![r].hand = Lowest(@, Cardinality(@) - count)], f, excess - count, candidates \ {r})

\* What the ground says, from the acknowledged truth alone.
TrueReserve(f) == Max(PagesOf(size[f]), promised[f])
TrueFree(except) ==
    PageCount - Sum(Files, TrueReserve) - Sum(Requests \ {except}, LAMBDA r : requests[r].reserve)
StillPromised(pages, units) == IF pages > PagesOf(units) THEN pages ELSE 0

Mark(name) == IF Watch = name THEN {name} ELSE {}
MarkIf(condition, name) == IF condition THEN Mark(name) ELSE {}
BreakIf(condition, name) == IF condition THEN {name} ELSE {}

\* A refusal of `pages` more pages to file f (request r) is judged by the ground.
Refusal(f, end, r, byOs) ==
    BreakIf(end <= size[f], "NoSilentLoss")
      \union BreakIf(~byOs /\ Max(0, PagesOf(end) - TrueReserve(f)) <= TrueFree(r), "NoSpuriousDiskFull")
      \union MarkIf(byOs, "OsRefusal")

\* Whether the operating system refuses a reservation of `pages`.
OsAnswers(pages) == IF osRefusals > 0 /\ pages > 0 THEN BOOLEAN ELSE {FALSE}
AfterOs(byOs) == osRefusals' = IF byOs THEN osRefusals - 1 ELSE osRefusals

\* Fault 2: renting a recycled page does not look at what is reserved.
RoomForWrites ==
    CASE Fault = "RecycledIgnoresReservation" -> Max(Free, Cardinality(free \intersect extra.recycled))
      [] Fault = "PushBackBeforeCount" -> Free + extra.uncounted
      [] OTHER -> Free
RoomForLength == IF Fault = "PushBackBeforeCount" THEN Free + extra.uncounted ELSE Free

\* Nobody else may touch f while a write of it is in flight, when the front end locks files.
Unlocked(f) == ~FrontEndLocks \/ \A r \in Requests : requests[r].file # f

Init ==
    /\ length = [f \in Files |-> 0]
    /\ reserve = [f \in Files |-> 0]
    /\ table = [f \in Files |-> NoPages]
    /\ handles = [f \in Files |-> 0]
    /\ named = [f \in Files |-> FALSE]
    /\ reserved = 0
    /\ allocated = 0
    /\ free = Pages
    /\ content = [p \in Pages |-> JunkPage]
    /\ requests = [r \in Requests |-> Idle("idle")]
    /\ osRefusals = OsRefusals
    /\ extra = [recycled |-> {}, uncounted |-> 0]
    /\ size = [f \in Files |-> 0]
    /\ truth = [f \in Files |-> NoData]
    /\ promised = [f \in Files |-> 0]
    /\ broken = {}

------------------------------------------------------------------------------
\* Opening, deleting, closing

Create(f) ==
    /\ ~Alive(f)
    /\ named' = [named EXCEPT ![f] = TRUE]
    /\ handles' = [handles EXCEPT ![f] = 1]
    /\ UNCHANGED <<length, reserve, table, reserved, allocated, free, content, requests, osRefusals, extra, ghosts>>

Open(f) ==
    /\ named[f]
    /\ handles[f] < MaxHandles
    /\ handles' = [handles EXCEPT ![f] = @ + 1]
    /\ UNCHANGED <<length, reserve, table, named, reserved, allocated, free, content, requests, osRefusals, extra, ghosts>>

\* Cleanup with the Delete flag: the name goes, the data stay until the last Close.
Delete(f) ==
    /\ named[f]
    /\ handles[f] > 0
    /\ named' = [named EXCEPT ![f] = FALSE]
    /\ UNCHANGED <<length, reserve, table, handles, reserved, allocated, free, content, requests, osRefusals, extra, ghosts>>

\* A Close after which the file is still there.
Close(f) ==
    /\ handles[f] > 0
    /\ named[f] \/ handles[f] > 1
    /\ Unlocked(f)
    /\ handles' = [handles EXCEPT ![f] = @ - 1]
    /\ UNCHANGED <<length, reserve, table, named, reserved, allocated, free, content, requests, osRefusals, extra, ghosts>>

\* The last Close of a deleted file: PagedFile.dispose. Writes in flight become orphans and lose what they hold.
Dispose(f) ==
    /\ handles[f] = 1
    /\ ~named[f]
    /\ Unlocked(f)
    /\ LET orphans == {r \in Requests : requests[r].file = f}
           hands == IF Fault = "DisposeForgetsHands" THEN {} ELSE UNION {requests[r].hand : r \in orphans}
           back == hands \union PagesIn(f)
       IN  /\ requests' = [r \in Requests |-> IF r \in orphans
                             THEN [requests[r] EXCEPT !.file = NoFile, !.offset = 0, !.count = 0, !.value = 0,
                                                      !.append = FALSE, !.reserve = 0, !.hand = {}, !.unreserved = 0]
                             ELSE requests[r]]
           /\ free' = free \union back
           /\ allocated' = allocated - Cardinality(back)
           /\ content' = [p \in Pages |-> IF p \in back THEN JunkPage ELSE content[p]]
           /\ reserved' = reserved - reserve[f] - Sum(orphans, LAMBDA r : requests[r].reserve)
           /\ broken' = broken \union MarkIf(hands # {}, "OrphanWithPages")
                               \union MarkIf(\E r \in orphans : requests[r].reserve > 0, "OrphanWithReserve")
    /\ handles' = [handles EXCEPT ![f] = 0]
    /\ table' = [table EXCEPT ![f] = NoPages]
    /\ length' = [length EXCEPT ![f] = 0]
    /\ reserve' = [reserve EXCEPT ![f] = 0]
    /\ size' = [size EXCEPT ![f] = 0]
    /\ truth' = [truth EXCEPT ![f] = NoData]
    /\ promised' = [promised EXCEPT ![f] = 0]
    /\ UNCHANGED <<named, osRefusals, extra>>

------------------------------------------------------------------------------
\* Sizes

\* PagedFile.setLength beyond the end: all missing pages are reserved now, or DISK_FULL and nothing changed.
Extend(f, units) ==
    /\ handles[f] > 0
    /\ units > length[f]
    /\ Unlocked(f)
    /\ LET pages == PagesOf(units)
           shortage == Max(0, pages - reserve[f])
           added == IF Fault = "ExtendNotReserved" THEN 0 ELSE shortage
       IN \E byOs \in OsAnswers(shortage) :
          /\ AfterOs(byOs)
          /\ IF shortage > RoomForLength \/ byOs \/ Fault = "ExtendAlwaysFull"
             THEN /\ broken' = broken \union Refusal(f, units, 0, byOs) \union Mark("ExtendRefused")
                  /\ broken' # broken \/ byOs
                  /\ UNCHANGED <<length, reserve, reserved, size, promised>>
             ELSE /\ length' = [length EXCEPT ![f] = IF Fault = "ExtendDoesNothing" THEN @ ELSE units]
                  /\ reserve' = [reserve EXCEPT ![f] = @ + added]
                  /\ reserved' = reserved + added
                  /\ size' = [size EXCEPT ![f] = units]
                  /\ promised' = [promised EXCEPT ![f] = StillPromised(@, units)]
                  /\ broken' = broken
    /\ UNCHANGED <<table, handles, named, allocated, free, content, requests, extra, truth>>

\* PagedFile.setLength below the end, also by way of setAllocation.
Truncate(f, units) ==
    /\ handles[f] > 0
    /\ units < length[f]
    /\ Unlocked(f)
    /\ LET pages == PagesOf(units)
           kept == IF Fault = "TruncateKeepsPages" THEN Indexes ELSE {i \in Indexes : i < pages}
           tail == {table[f][i] : i \in Indexes \ kept} \ {Hole}
           excess == (HeldBy(f) - Cardinality(tail)) + HandsAgainstReserve(requests, f, 0) - pages
           reqs == IF pages < reserve[f] THEN Reclaim(requests, f, excess, Requests) ELSE requests
           back == tail \union (Hands(requests) \ Hands(reqs))
           last == IF units % UnitsPerPage # 0 /\ pages > 0 THEN table[f][pages - 1] ELSE Hole
           given == reserve[f] - Min(pages, reserve[f])
       IN  /\ table' = [table EXCEPT ![f] = [i \in Indexes |-> IF i \in kept \/ Fault = "TruncateForgetsTable"
                                                               THEN @[i] ELSE Hole]]
           /\ free' = free \union back
           /\ allocated' = allocated - Cardinality(back)
           /\ content' = [p \in Pages |->
                  IF p \in back THEN JunkPage
                  ELSE IF p = last /\ Fault # "TailNotZeroed"
                       THEN [u \in Units |-> IF u >= units % UnitsPerPage THEN Zero ELSE content[p][u]]
                       ELSE content[p]]
           /\ requests' = reqs
           /\ reserve' = [reserve EXCEPT ![f] = @ - given]
           /\ reserved' = IF Fault = "PushBackBeforeCount" THEN reserved ELSE reserved - given
           /\ extra' = IF Fault = "PushBackBeforeCount" THEN [extra EXCEPT !.uncounted = @ + given] ELSE extra
           /\ broken' = broken \union MarkIf(reqs # requests, "TruncateReclaims")
                               \union MarkIf(last # Hole, "TailZeroed")
    /\ length' = [length EXCEPT ![f] = units]
    /\ size' = [size EXCEPT ![f] = units]
    /\ truth' = [truth EXCEPT ![f] = [o \in Offsets |-> IF o < units THEN @[o] ELSE Zero]]
    /\ promised' = [promised EXCEPT ![f] = 0]
    /\ UNCHANGED <<handles, named, osRefusals>>

\* PagedFile.setAllocation at or above the end; also what it was told before is given up. trimAllocation is pages of the length.
SetAllocation(f, pages) ==
    /\ Allocations
    /\ handles[f] > 0
    /\ pages >= PagesOf(length[f])
    /\ pages # reserve[f]
    /\ Unlocked(f)
    /\ IF pages < reserve[f]
       THEN LET excess == HeldBy(f) + HandsAgainstReserve(requests, f, 0) - pages
                reqs == Reclaim(requests, f, excess, Requests)
                back == Hands(requests) \ Hands(reqs)
            IN  /\ requests' = reqs
                /\ free' = free \union back
                /\ allocated' = allocated - Cardinality(back)
                /\ reserved' = reserved - (reserve[f] - pages)
                /\ reserve' = [reserve EXCEPT ![f] = pages]
                /\ promised' = [promised EXCEPT ![f] = StillPromised(pages, length[f])]
                /\ broken' = broken \union MarkIf(reqs # requests, "TrimReclaims")
                /\ UNCHANGED osRefusals
       ELSE /\ UNCHANGED <<requests, free, allocated>>
            /\ \E byOs \in OsAnswers(pages - reserve[f]) :
               /\ AfterOs(byOs)
               /\ IF pages - reserve[f] > RoomForLength \/ byOs
                  THEN /\ broken' = broken \union Refusal(f, pages * UnitsPerPage, 0, byOs)
                                           \union Mark("AllocationRefused")
                       /\ broken' # broken \/ byOs
                       /\ UNCHANGED <<reserved, reserve, promised>>
                  ELSE /\ reserved' = IF Fault = "AllocationLies" THEN reserved ELSE reserved + pages - reserve[f]
                       /\ reserve' = IF Fault = "AllocationLies" THEN reserve ELSE [reserve EXCEPT ![f] = pages]
                       /\ promised' = [promised EXCEPT ![f] = pages]
                       /\ broken' = broken
    /\ UNCHANGED <<length, table, handles, named, content, extra, size, truth>>

\* PagedFile.overwrite: the whole content goes and `pages` are promised, or DISK_FULL and the content is still there. On an empty
\* file this is SetAllocation.
Overwrite(f, pages) ==
    /\ Allocations
    /\ handles[f] > 0
    /\ length[f] > 0
    /\ Unlocked(f)
    /\ LET shortage == Max(0, pages - reserve[f])
           reqs == Reclaim(requests, f, HandsAgainstReserve(requests, f, 0) - pages, Requests)
           back == PagesIn(f) \union (Hands(requests) \ Hands(reqs))
       IN \E byOs \in OsAnswers(shortage) :
          /\ AfterOs(byOs)
          /\ IF shortage > RoomForLength \/ byOs
             THEN /\ broken' = broken \union Refusal(f, pages * UnitsPerPage, 0, byOs) \union Mark("OverwriteRefused")
                  /\ broken' # broken \/ byOs
                  /\ length' = IF Fault = "OverwriteDropsFirst" THEN [length EXCEPT ![f] = 0] ELSE length
                  /\ UNCHANGED <<reserve, table, reserved, allocated, free, content, requests, size, truth, promised>>
             ELSE /\ length' = [length EXCEPT ![f] = 0]
                  /\ reserve' = [reserve EXCEPT ![f] = pages]
                  /\ table' = [table EXCEPT ![f] = NoPages]
                  /\ reserved' = reserved + pages - reserve[f]
                  /\ allocated' = allocated - Cardinality(back)
                  /\ free' = free \union back
                  /\ content' = [p \in Pages |-> IF p \in back THEN JunkPage ELSE content[p]]
                  /\ requests' = reqs
                  /\ size' = [size EXCEPT ![f] = 0]
                  /\ truth' = [truth EXCEPT ![f] = NoData]
                  /\ promised' = [promised EXCEPT ![f] = pages]
                  /\ broken' = broken \union MarkIf(reqs # requests, "OverwriteReclaims")
    /\ UNCHANGED <<handles, named, extra>>

\* Fault 6 only: the counter follows the pages later.
CountBack ==
    /\ extra.uncounted > 0
    /\ reserved' = reserved - extra.uncounted
    /\ extra' = [extra EXCEPT !.uncounted = 0]
    /\ UNCHANGED <<length, reserve, table, handles, named, allocated, free, content, requests, osRefusals, ghosts>>

------------------------------------------------------------------------------
\* Writes in flight

BeginWrite(r, f, offset, count, value) ==
    /\ requests[r].pc \in AtRest
    /\ handles[f] > 0
    /\ Unlocked(f)
    /\ requests' = [requests EXCEPT ![r] = [Idle("idle") EXCEPT !.pc = "begun", !.file = f, !.offset = offset,
                                                               !.count = count, !.value = value]]
    /\ UNCHANGED <<length, reserve, table, handles, named, reserved, allocated, free, content, osRefusals, extra, ghosts>>

\* WriteInFlight.scanAndReserve. A refusal is advice only: the commit point decides again.
ScanAndReserve(r) ==
    /\ requests[r].pc = "begun"
    /\ IF requests[r].file = NoFile
       THEN /\ requests' = [requests EXCEPT ![r].pc = "scanned"]
            /\ UNCHANGED <<reserved, osRefusals, broken>>
       ELSE LET req == requests[r]
                f == req.file
                end == req.offset + req.count
                shortage == Max(0, PagesOf(end) - reserve[f] - req.reserve)
            IN \E byOs \in OsAnswers(shortage) :
               /\ AfterOs(byOs)
               /\ IF shortage > RoomForWrites \/ byOs
                  THEN IF Fault = "EarlyRefusalIsFinal"
                       THEN /\ requests' = [requests EXCEPT ![r].pc = "denied"]
                            /\ UNCHANGED <<reserved, broken>>
                       ELSE LET grabbed == IF Fault = "GrabHalf" THEN Min(shortage, Free) ELSE 0
                            IN  /\ requests' = [requests EXCEPT ![r].pc = "denied", ![r].reserve = @ + grabbed]
                                /\ reserved' = reserved + grabbed
                                /\ broken' = broken \union MarkIf(byOs, "OsRefusal")
                  ELSE /\ requests' = [requests EXCEPT ![r].pc = "scanned", ![r].reserve = @ + shortage]
                       /\ reserved' = IF Fault = "CheckThenReserve" THEN reserved ELSE reserved + shortage
                       /\ UNCHANGED broken
    /\ UNCHANGED <<length, reserve, table, handles, named, allocated, free, content, extra, size, truth, promised>>

\* WriteInFlight.takePages: as many of the holes as there is reservation for.
TakePages(r) ==
    /\ requests[r].pc \in {"scanned", "denied"}
    /\ ~(Fault = "EarlyRefusalIsFinal" /\ requests[r].pc = "denied")
    /\ IF requests[r].file = NoFile
       THEN /\ requests' = [requests EXCEPT ![r].pc = "taken"]
            /\ UNCHANGED <<free, allocated, extra, reserve, reserved>>
       ELSE LET req == requests[r]
                f == req.file
                first == req.offset \div UnitsPerPage
                last == (req.offset + req.count - 1) \div UnitsPerPage
                holes == Cardinality({i \in first..last : table[f][i] = Hole})
                room == reserve[f] - HeldBy(f) - HandsAgainstReserve(requests, f, r) + req.reserve - Cardinality(req.hand)
                count == Max(0, Min(room, holes - Cardinality(req.hand)))
                \* Faults 4 and 7: the room is given up here, to be rented again at the commit point.
                loose == IF Fault \in {"UnreserveThenRent", "RestoreUnchecked"} THEN count ELSE 0
                pages == Lowest(free, count - loose)
            IN  /\ requests' = [requests EXCEPT ![r].pc = "taken", ![r].hand = @ \union pages,
                                                ![r].unreserved = Min(loose, reserve[f])]
                /\ free' = free \ pages
                /\ allocated' = allocated + Cardinality(pages)
                /\ extra' = IF Fault = "RecycledIgnoresReservation"
                            THEN [extra EXCEPT !.recycled = @ \union pages] ELSE extra
                /\ reserve' = [reserve EXCEPT ![f] = @ - Min(loose, reserve[f])]
                /\ reserved' = reserved - Min(loose, reserve[f])
    /\ UNCHANGED <<length, table, handles, named, content, osRefusals, size, truth, promised, broken>>

\* The commit point, WriteInFlight.assignAndCopy, for request r (0: a write whose phases all happen now).
Commit(r, f, offset, count, value, own, hand, rule, unreserved) ==
    LET end == offset + count
        first == offset \div UnitsPerPage
        last == (end - 1) \div UnitsPerPage
        extension == Max(0, PagesOf(end) - reserve[f])
        holes == {i \in first..last : table[f][i] = Hole}
        missing == Cardinality(holes)
        shortage == Max(0, extension - own)
        kept == Lowest(hand, missing)
        reqs == IF r = 0 THEN requests ELSE [requests EXCEPT ![r] = Idle("ok")]
        reclaimed == Reclaim(reqs, f, HeldBy(f) + missing + HandsAgainstReserve(reqs, f, 0) - (reserve[f] + extension),
                             Requests)
        fromHands == Hands(reqs) \ Hands(reclaimed)
        back == (hand \ kept) \union fromHands
        stock == free \union back
        new == Lowest(stock, missing - Cardinality(kept))
        pages == kept \union new
        surplus == own + shortage - extension
        PageFor(i) == CHOOSE p \in pages :
            Cardinality({q \in pages : q < p}) = Cardinality({j \in holes : j < i})
        Covered(x) == offset <= x /\ x < end
        Landing(x) == IF Fault = "WrongOffset" THEN Tag(value, offset) ELSE Tag(value, x)
        IndexOf(p) == CHOOSE i \in first..last : IF i \in holes THEN PageFor(i) = p ELSE table[f][i] = p
        written == pages \union {table[f][i] : i \in (first..last) \ holes}
        Unwritten(p, u) == IF p \in pages /\ Fault # "NewPageNotZeroed" THEN Zero ELSE content[p][u]
    IN \E byOs \in OsAnswers(shortage) :
       /\ AfterOs(byOs)
       /\ IF (IF Fault = "CheckThenReserve" THEN FALSE ELSE shortage > RoomForWrites)
             \/ byOs \/ Cardinality(pages) < missing \/ Fault = "AlwaysDiskFull"
          THEN \* Refused: everything goes back.
               /\ IF Fault = "ShortSuccess" /\ holes # {} /\ Free > 0 /\ free # {} /\ own = 0 /\ hand = {}
                  THEN LET p == Least(free)
                           i == Least(holes)
                       IN  /\ table' = [table EXCEPT ![f][i] = p]
                           /\ content' = [content EXCEPT ![p] = [u \in Units |->
                                  IF Covered(i * UnitsPerPage + u) THEN Tag(value, i * UnitsPerPage + u) ELSE Zero]]
                           /\ free' = free \ {p}
                           /\ allocated' = allocated + 1
                           /\ reserve' = [reserve EXCEPT ![f] = @ + 1]
                           /\ reserved' = reserved + 1
                  ELSE /\ free' = free \union hand
                       /\ allocated' = allocated - Cardinality(hand)
                       /\ reserved' = reserved - (IF Fault = "RefusedKeepsReserve" THEN 0 ELSE own)
                       /\ reserve' = IF Fault = "RestoreUnchecked" THEN [reserve EXCEPT ![f] = @ + unreserved] ELSE reserve
                       /\ UNCHANGED <<table, content>>
               /\ requests' = IF r = 0 THEN requests ELSE [requests EXCEPT ![r] = Idle("full")]
               /\ broken' = broken \union Refusal(f, end, r, byOs) \union Mark("WriteRefused")
                                   \union MarkIf(hand # {}, "RefusedWithPages")
               /\ UNCHANGED <<length, size, truth, promised>>
          ELSE /\ table' = [table EXCEPT ![f] = [i \in Indexes |-> IF i \in holes THEN PageFor(i) ELSE @[i]]]
               /\ content' = [p \in Pages |->
                      IF p \in written /\ Fault # "WriteLost"
                      THEN [u \in Units |-> LET x == IndexOf(p) * UnitsPerPage + u
                                            IN  IF Covered(x) THEN Landing(x) ELSE Unwritten(p, u)]
                      ELSE IF p \in pages THEN [u \in Units |-> Zero]
                      ELSE content[p]]
               /\ free' = stock \ new
               /\ allocated' = allocated - Cardinality(back) + Cardinality(new)
               /\ reserve' = [reserve EXCEPT ![f] = @ + extension]
               /\ reserved' = (IF Fault = "CheckThenReserve" THEN reserved + own ELSE reserved) + shortage
                               - (IF Fault = "SurplusKept" THEN 0 ELSE surplus)
               /\ length' = [length EXCEPT ![f] = Max(@, end)]
               /\ requests' = reclaimed
               /\ size' = [size EXCEPT ![f] = Max(@, end)]
               /\ truth' = [truth EXCEPT ![f] = [x \in Offsets |-> IF Covered(x) THEN Tag(value, x) ELSE @[x]]]
               /\ promised' = [promised EXCEPT ![f] = StillPromised(@, Max(size[f], end))]
               /\ broken' = broken \union BreakIf(rule = "append" /\ offset # size[f], "NoLostAppend")
                      \union BreakIf(rule = "constrained" /\ end > size[f], "ConstrainedNeverExtends")
                      \union MarkIf(rule = "append" /\ ~named[f], "AppendAfterDelete")
                      \union MarkIf(rule = "constrained" /\ holes # {}, "ConstrainedFillsHole")
                      \union MarkIf(fromHands # {}, "CommitReclaims")
                      \union MarkIf(hand # kept, "HandTooFull")
                      \union MarkIf(surplus > 0, "SurplusReserve")
                      \union MarkIf(r # 0 /\ own = 0 /\ shortage > 0, "ReservedAtCommit")
                      \union MarkIf(r # 0 /\ requests[r].pc = "taken" /\ ~named[f], "WriteAfterDelete")
                      \union MarkIf(end > size[f] /\ first > PagesOf(size[f]), "GapLeft")

AssignAndCopy(r) ==
    /\ Fault # "NeverCommits"
    /\ requests[r].pc = "taken"
    /\ requests[r].file # NoFile
    /\ LET req == requests[r]
       IN  Commit(r, req.file, req.offset, req.count, req.value, req.reserve, req.hand,
                  IF req.append THEN "append" ELSE "", req.unreserved)
    /\ extra' = IF Fault = "RecycledIgnoresReservation"
                THEN [extra EXCEPT !.recycled = @ \union (free \ free')] ELSE extra
    /\ UNCHANGED <<handles, named>>

\* The commit point of an orphan: FILE_DELETED.
AssignToNothing(r) ==
    /\ requests[r].pc = "taken"
    /\ requests[r].file = NoFile
    /\ requests' = [requests EXCEPT ![r] = Idle("gone")]
    /\ broken' = broken \union Mark("CommittedToNothing")
    /\ UNCHANGED <<length, reserve, table, handles, named, reserved, allocated, free, content, osRefusals, extra, size, truth, promised>>

\* WriteInFlight.abandon, between any two phases.
Abandon(r) ==
    /\ MayAbandon
    /\ requests[r].pc \notin AtRest
    /\ free' = free \union requests[r].hand
    /\ allocated' = allocated - Cardinality(requests[r].hand)
    /\ reserved' = reserved - requests[r].reserve
    /\ requests' = [requests EXCEPT ![r] = Idle("idle")]
    /\ broken' = broken \union MarkIf(requests[r].hand # {}, "AbandonedWithPages")
    /\ UNCHANGED <<length, reserve, table, handles, named, content, osRefusals, extra, size, truth, promised>>

\* Only as a fault: the refusal of phase 1 is taken for the answer.
AnswerEarly(r) ==
    /\ Fault = "EarlyRefusalIsFinal"
    /\ requests[r].pc = "denied"
    /\ requests[r].file # NoFile
    /\ requests' = [requests EXCEPT ![r] = Idle("full")]
    /\ broken' = broken \union
         BreakIf(requests[r].offset + requests[r].count <= size[requests[r].file], "NoSilentLoss")
    /\ UNCHANGED <<length, reserve, table, handles, named, reserved, allocated, free, content, osRefusals, extra, size, truth, promised>>

\* RamVolume.write to the end of the file: the offset is found and the data are there in one step.
Append(f, count, value) ==
    /\ DirectWrites
    /\ handles[f] > 0
    /\ Unlocked(f)
    /\ length[f] + count <= MaxUnits
    /\ IF Fault = "AppendOffsetEarly"
       THEN \E r \in Requests :
              /\ requests[r].pc \in AtRest
              /\ requests' = [requests EXCEPT ![r] = [Idle("idle") EXCEPT !.pc = "begun", !.file = f, !.offset = length[f],
                                                   !.count = count, !.value = value, !.append = TRUE]]
              /\ UNCHANGED <<length, reserve, table, reserved, allocated, free, content, osRefusals, ghosts>>
       ELSE Commit(0, f, length[f], count, value, 0, {}, "append", 0)
    /\ UNCHANGED <<handles, named, extra>>
    /\ vars' # vars

\* A paging write (ConstrainedIo): never extends, is cut at the end, succeeds with nothing behind it.
ConstrainedWrite(f, offset, count, value) ==
    /\ DirectWrites
    /\ handles[f] > 0
    /\ Unlocked(f)
    /\ offset < length[f]
    /\ LET inside == IF Fault = "ConstrainedExtends" THEN count ELSE Min(count, length[f] - offset)
       IN  Commit(0, f, offset, inside, value, 0, {}, "constrained", 0)
    /\ UNCHANGED <<handles, named, extra>>
    /\ vars' # vars

------------------------------------------------------------------------------

Ranges == {<<o, n>> \in Offsets \X (1..MaxWriteUnits) : o + n <= MaxUnits}
Values == 1..ValueCount

RequestStep(r) ==
    ScanAndReserve(r) \/ TakePages(r) \/ AssignAndCopy(r) \/ AssignToNothing(r) \/ AnswerEarly(r)

Next ==
    \/ \E f \in Files : Create(f) \/ Open(f) \/ Delete(f) \/ Close(f) \/ Dispose(f)
    \/ \E f \in Files, units \in 0..MaxUnits : Extend(f, units) \/ Truncate(f, units)
    \/ \E f \in Files, pages \in 0..PageCount : SetAllocation(f, pages) \/ Overwrite(f, pages)
    \/ \E r \in Requests, f \in Files, range \in Ranges, v \in Values : BeginWrite(r, f, range[1], range[2], v)
    \/ \E r \in Requests : RequestStep(r) \/ Abandon(r)
    \/ \E f \in Files, n \in 1..MaxWriteUnits, v \in Values : Append(f, n, v)
    \/ \E f \in Files, range \in Ranges, v \in Values : ConstrainedWrite(f, range[1], range[2], v)
    \/ CountBack

Spec == Init /\ [][Next]_vars
FairSpec == Spec /\ \A r \in Requests : WF_vars(RequestStep(r))

------------------------------------------------------------------------------
\* Invariants, named as in the code's self-check

TypeOK ==
    /\ length \in [Files -> 0..MaxUnits]
    /\ reserve \in [Files -> 0..PageCount]
    /\ table \in [Files -> [Indexes -> {Hole} \union Pages]]
    /\ handles \in [Files -> 0..MaxHandles]
    /\ named \in [Files -> BOOLEAN]
    /\ free \subseteq Pages
    /\ \A r \in Requests : requests[r].pc \in AtRest \union {"begun", "scanned", "denied", "taken"}

\* At every instant. The unsigned number an observer is told is neither enormous nor more than there is.
FreeInRange == 0 <= reserved /\ reserved <= PageCount
PoolConsistent ==
    /\ FreeInRange
    /\ 0 <= allocated
    /\ allocated <= reserved
    /\ allocated = Sum(Files, HeldBy) + Cardinality(Hands(requests))
    /\ \A f \in Files : HeldBy(f) + HandsAgainstReserve(requests, f, 0) <= reserve[f]

\* Free pages, page tables and hands are disjoint and together are all pages.
NoPageLeak ==
    \A p \in Pages :
        (IF p \in free THEN 1 ELSE 0)
          + Sum(Files, LAMBDA f : Cardinality({i \in Indexes : table[f][i] = p}))
          + Sum(Requests, LAMBDA r : IF p \in requests[r].hand THEN 1 ELSE 0) = 1

\* What GetVolumeInfo would be told now, against a count of what is promised to files and writes.
VolumeInfoAnswer == IF Fault = "VolumeInfoCountsHeld" THEN PageCount - allocated ELSE PageCount - reserved
FreeBytesAccurate == VolumeInfoAnswer = TrueFree(0)

\* What a GetFileInfo would be told now.
FileInfoTrue ==
    \A f \in Files : length[f] = size[f] /\ reserve[f] = Max(PagesOf(size[f]), promised[f])

Stored(f, x) == LET p == table[f][x \div UnitsPerPage] IN IF p = Hole THEN Zero ELSE content[p][x % UnitsPerPage]

DataIntegrity == \A f \in Files, x \in Offsets : x < length[f] => Stored(f, x) = truth[f][x]

\* What a read of `count` from `offset` would be answered now; PagedFile.read is one step.
ReadAnswer(f, offset, count) ==
    LET n == Max(0, Min(count, length[f] - offset))
    IN  [k \in 0..(n - 1) |->
            IF Fault = "ReadIgnoresOffset" THEN Stored(f, k)
            ELSE IF Fault = "ReadAnswersZeros" THEN Zero
            ELSE Stored(f, offset + k)]
ReadConsistent ==
    \A f \in Files, o \in Offsets, n \in 1..MaxUnits :
        LET due == Max(0, Min(n, size[f] - o))
        IN  ReadAnswer(f, o, n) = [k \in 0..(due - 1) |-> truth[f][o + k]]

\* Bytes behind the length in the last page, and whole pages there, do not exist or are zero.
NothingBehindTheEnd ==
    \A f \in Files, x \in Offsets :
        x >= length[f] => Stored(f, x) = Zero /\ (x \div UnitsPerPage >= PagesOf(length[f]) =>
                                                    table[f][x \div UnitsPerPage] = Hole)

DeadFilesClean ==
    \A f \in Files : ~Alive(f) =>
        /\ length[f] = 0
        /\ reserve[f] = 0
        /\ table[f] = NoPages
        /\ \A r \in Requests : requests[r].file # f

SingleFileCap == \A f \in Files : reserve[f] <= PageCount /\ PagesOf(length[f]) <= reserve[f]

\* A request at rest has nothing; one that was denied was reserved nothing.
AllOrNothing ==
    \A r \in Requests :
        /\ requests[r].pc \in AtRest => requests[r].reserve = 0 /\ requests[r].hand = {}
        /\ requests[r].pc = "denied" => requests[r].reserve = 0

NoSilentLoss == "NoSilentLoss" \notin broken
NoSpuriousDiskFull == "NoSpuriousDiskFull" \notin broken
NoLostAppend == "NoLostAppend" \notin broken
ConstrainedNeverExtends == "ConstrainedNeverExtends" \notin broken

\* Must fail: shows that the watched branch is reached.
Unreached == Watch \notin broken

\* Liveness, with KeepAnswers and no MayAbandon.
WriteTerminates == \A r \in Requests : requests[r].pc = "begun" ~> requests[r].pc \in {"ok", "full", "gone"}
\* On a disk that is large enough for all: every write succeeds, unless its file is gone.
WriteSucceeds == \A r \in Requests : requests[r].pc = "begun" ~> requests[r].pc \in {"ok", "gone"}
=============================================================================
