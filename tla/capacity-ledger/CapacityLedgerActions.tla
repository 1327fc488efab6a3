----------------------- MODULE CapacityLedgerActions -------------------------
(***************************************************************************)
(* The capacity ledger: pages and files of one volume.                     *)
(* Stands for src/volume/content/page-pool.ts, paged-file.ts and           *)
(* page-table.ts.                                                          *)
(*                                                                         *)
(* One action is one uninterrupted segment of that code: it runs on one    *)
(* thread and has no await and no callback inside, so nothing comes        *)
(* between. A write is one such segment, from finding what is missing to   *)
(* the last byte copied. What happens when it is not, faults show: those   *)
(* marked "interrupted" below cut a write in two, and each loses data or   *)
(* room that a write of one piece does not lose.                           *)
(*                                                                         *)
(* Beside the code's own arithmetic (length, reserve, reserved, allocated, *)
(* free) stands the ghost truth of what was acknowledged (size, truth,     *)
(* promised). Neither is defined by the other; the invariants compare them.*)
(*                                                                         *)
(* Units are parts of a page, so partial pages exist. A free page is junk, *)
(* always: a taker must write or zero all of it. Free pages are therefore  *)
(* alike, and taking the least one loses nothing but names.                *)
(***************************************************************************)
EXTENDS Integers, FiniteSets

CONSTANTS
    FileCount,      \* files are 1..FileCount
    ValueCount,     \* different data a write can carry
    PageCount,      \* pages that there are addresses for: the first and the largest capacity
    UnitsPerPage,   \* 1: whole pages only. 2: half pages
    MaxUnits,       \* longest file
    MaxWriteUnits,  \* longest write
    MaxHandles,     \* opens of one file at the same time
    Allocations,    \* TRUE: SetAllocationSize, Overwrite and the trim at Cleanup occur
    Resizes,        \* TRUE: the capacity is changed while files are there
    OsRefusals,     \* how often the operating system refuses memory, at most
    Fault,          \* name of a planted fault, or "none"
    Watch           \* name of a branch whose being reached is to be shown, or "none"

Files == 1..FileCount
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
    capacity,   \* PagePool.capacityPages
    length,     \* PagedFile.lengthBytes, in units
    reserve,    \* PagedFile.reservedPages
    table,      \* PageTable: index in the file -> page, or Hole
    handles,    \* opens without their Close
    named,      \* whether a directory entry leads to the file
    reserved,   \* PagePool.reservedPages
    allocated,  \* PagePool.allocatedPages
    free,       \* the pool's stock of free pages
    content,    \* page memory
    osRefusals, \* refusals of memory that are left
    extra,      \* state that only planted faults use
    size,       \* ghost: acknowledged length
    truth,      \* ghost: acknowledged content
    promised,   \* ghost: pages promised by SetAllocationSize beyond the size, 0 when the size covers them
    broken      \* ghost: names of rules that an answer has broken; and the watched branch

ledger == <<length, reserve, table, reserved, allocated, free, content>>
ghosts == <<size, truth, promised, broken>>
vars == <<capacity, ledger, handles, named, osRefusals, extra, ghosts>>

------------------------------------------------------------------------------
\* Operators

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

Alive(f) == named[f] \/ handles[f] > 0
Free == capacity - reserved
AllocatedTo(f) == Cardinality({i \in Indexes : table[f][i] # Hole})
PagesIn(f) == {table[f][i] : i \in Indexes} \ {Hole}

\* What the ground says, from the acknowledged truth alone.
TrueReserve(f) == Max(PagesOf(size[f]), promised[f])
TrueFree == capacity - Sum(Files, TrueReserve)
StillPromised(pages, units) == IF pages > PagesOf(units) THEN pages ELSE 0

Mark(name) == IF Watch = name THEN {name} ELSE {}
MarkIf(condition, name) == IF condition THEN Mark(name) ELSE {}
BreakIf(condition, name) == IF condition THEN {name} ELSE {}

\* A refusal of room up to `end` to file f is judged by the ground, and must have changed nothing. Comes last in its
\* action.
Refuse(f, end, byOs, branch) ==
    /\ broken' = broken \union Mark(branch) \union MarkIf(byOs, "OsRefusal")
         \union BreakIf(end <= size[f], "NoSilentLoss")
         \union BreakIf(~byOs /\ Max(0, PagesOf(end) - TrueReserve(f)) <= TrueFree, "NoSpuriousDiskFull")
         \union BreakIf(ledger' # ledger, "AllOrNothing")
    /\ broken' # broken \/ byOs
    /\ UNCHANGED <<size, truth, promised>>

\* Whether the operating system refuses a reservation of `pages`.
OsAnswers(pages) == IF osRefusals > 0 /\ pages > 0 THEN BOOLEAN ELSE {FALSE}
AfterOs(byOs) == osRefusals' = IF byOs THEN osRefusals - 1 ELSE osRefusals

\* Fault 2: taking a recycled page does not look at what is reserved. Fault 6: pages are free before they are counted.
Room ==
    CASE Fault = "RecycledIgnoresReservation" -> Max(Free, Cardinality(free \intersect extra.recycled))
      [] Fault = "PushBackBeforeCount" -> Free + extra.uncounted
      [] OTHER -> Free
Recycled(pages) ==
    IF Fault = "RecycledIgnoresReservation" THEN [extra EXCEPT !.recycled = @ \union pages] ELSE extra

\* A write that a planted fault has cut in two: what its first half did.
NoWrite == [file |-> NoFile, offset |-> 0, count |-> 0, value |-> 0, room |-> 0, hand |-> {}, append |-> FALSE]
Interrupted == Fault \in {"CheckThenReserve", "UnreserveThenTake", "GrabHalf", "RestoreUnchecked",
                          "DisposeForgetsHand", "AppendOffsetEarly"}

Init ==
    /\ capacity = PageCount
    /\ length = [f \in Files |-> 0]
    /\ reserve = [f \in Files |-> 0]
    /\ table = [f \in Files |-> NoPages]
    /\ handles = [f \in Files |-> 0]
    /\ named = [f \in Files |-> FALSE]
    /\ reserved = 0
    /\ allocated = 0
    /\ free = Pages
    /\ content = [p \in Pages |-> JunkPage]
    /\ osRefusals = OsRefusals
    /\ extra = [recycled |-> {}, uncounted |-> 0, write |-> NoWrite]
    /\ size = [f \in Files |-> 0]
    /\ truth = [f \in Files |-> NoData]
    /\ promised = [f \in Files |-> 0]
    /\ broken = {}

------------------------------------------------------------------------------
\* Another capacity: PagePool.resize. Refused below what is reserved, and then nothing has changed.

Resize(pages) ==
    /\ Resizes
    /\ pages # capacity
    /\ UNCHANGED <<ledger, handles, named, osRefusals, extra, size, truth, promised>>
    /\ LET kept == CASE Fault = "ShrinkBelowReserved" -> allocated
                     [] Fault = "ShrinkAlwaysRefused" -> PageCount
                     [] OTHER -> reserved
       IN  IF pages < kept
           THEN /\ UNCHANGED capacity
                /\ broken' = broken \union Mark("ShrinkRefused")
                     \union BreakIf(pages >= Sum(Files, TrueReserve), "NoSpuriousDiskFull")
                /\ broken' # broken
           ELSE /\ capacity' = pages
                /\ broken' = broken \union Mark(IF pages < capacity THEN "Shrunk" ELSE "GrownAgain")

------------------------------------------------------------------------------
\* Opening, deleting, closing

Create(f) ==
    /\ ~Alive(f)
    /\ named' = [named EXCEPT ![f] = TRUE]
    /\ handles' = [handles EXCEPT ![f] = 1]
    /\ UNCHANGED <<ledger, osRefusals, extra, ghosts>>

Open(f) ==
    /\ named[f]
    /\ handles[f] < MaxHandles
    /\ handles' = [handles EXCEPT ![f] = @ + 1]
    /\ UNCHANGED <<ledger, named, osRefusals, extra, ghosts>>

\* Cleanup with the Delete flag: the name goes, the data stay until the last Close.
Delete(f) ==
    /\ named[f]
    /\ handles[f] > 0
    /\ named' = [named EXCEPT ![f] = FALSE]
    /\ UNCHANGED <<ledger, handles, osRefusals, extra, ghosts>>

\* A Close after which the file is still there.
Close(f) ==
    /\ handles[f] > 0
    /\ named[f] \/ handles[f] > 1
    /\ handles' = [handles EXCEPT ![f] = @ - 1]
    /\ UNCHANGED <<ledger, named, osRefusals, extra, ghosts>>

\* The last Close of a deleted file: PagedFile.dispose.
Dispose(f) ==
    /\ handles[f] = 1
    /\ ~named[f]
    /\ LET back == PagesIn(f)
       IN  /\ free' = free \union back
           /\ allocated' = allocated - Cardinality(back)
           /\ content' = [p \in Pages |-> IF p \in back THEN JunkPage ELSE content[p]]
           /\ reserved' = reserved - reserve[f]
           /\ extra' = IF extra.write.file = f THEN [extra EXCEPT !.write = NoWrite] ELSE extra
    /\ handles' = [handles EXCEPT ![f] = 0]
    /\ table' = [table EXCEPT ![f] = NoPages]
    /\ length' = [length EXCEPT ![f] = 0]
    /\ reserve' = [reserve EXCEPT ![f] = 0]
    /\ size' = [size EXCEPT ![f] = 0]
    /\ truth' = [truth EXCEPT ![f] = NoData]
    /\ promised' = [promised EXCEPT ![f] = 0]
    /\ UNCHANGED <<named, osRefusals, broken>>

------------------------------------------------------------------------------
\* Sizes

\* PagedFile.setLength beyond the end: all missing pages are reserved now, or DISK_FULL and nothing changed.
Extend(f, units) ==
    /\ handles[f] > 0
    /\ units > length[f]
    /\ LET shortage == Max(0, PagesOf(units) - reserve[f])
           added == IF Fault = "ExtendNotReserved" THEN 0 ELSE shortage
       IN \E byOs \in OsAnswers(shortage) :
          /\ AfterOs(byOs)
          /\ UNCHANGED <<table, allocated, free, content, handles, named, extra>>
          /\ IF shortage > Room \/ byOs \/ Fault = "ExtendAlwaysFull"
             THEN /\ UNCHANGED <<length, reserve, reserved>>
                  /\ Refuse(f, units, byOs, "ExtendRefused")
             ELSE /\ length' = [length EXCEPT ![f] = IF Fault = "ExtendDoesNothing" THEN @ ELSE units]
                  /\ reserve' = [reserve EXCEPT ![f] = @ + added]
                  /\ reserved' = reserved + added
                  /\ size' = [size EXCEPT ![f] = units]
                  /\ promised' = [promised EXCEPT ![f] = StillPromised(@, units)]
                  /\ UNCHANGED <<truth, broken>>

\* PagedFile.setLength below the end, also by way of setAllocation.
Truncate(f, units) ==
    /\ handles[f] > 0
    /\ units < length[f]
    /\ LET pages == PagesOf(units)
           kept == IF Fault = "TruncateKeepsPages" THEN Indexes ELSE {i \in Indexes : i < pages}
           back == {table[f][i] : i \in Indexes \ kept} \ {Hole}
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
           /\ reserve' = [reserve EXCEPT ![f] = @ - given]
           /\ reserved' = IF Fault = "PushBackBeforeCount" THEN reserved ELSE reserved - given
           /\ extra' = IF Fault = "PushBackBeforeCount" THEN [extra EXCEPT !.uncounted = @ + given] ELSE extra
           /\ broken' = broken \union MarkIf(last # Hole, "TailZeroed")
    /\ length' = [length EXCEPT ![f] = units]
    /\ size' = [size EXCEPT ![f] = units]
    /\ truth' = [truth EXCEPT ![f] = [o \in Offsets |-> IF o < units THEN @[o] ELSE Zero]]
    /\ promised' = [promised EXCEPT ![f] = 0]
    /\ UNCHANGED <<handles, named, osRefusals>>

\* PagedFile.setAllocation at or above the end; also what it was told before is given up. trimAllocation is pages of the
\* length.
SetAllocation(f, pages) ==
    /\ Allocations
    /\ handles[f] > 0
    /\ pages >= PagesOf(length[f])
    /\ pages # reserve[f]
    /\ \E byOs \in OsAnswers(pages - reserve[f]) :
       /\ AfterOs(byOs)
       /\ UNCHANGED <<length, table, allocated, free, content, handles, named, extra>>
       /\ IF pages - reserve[f] > Room \/ byOs
          THEN /\ UNCHANGED <<reserved, reserve>>
               /\ Refuse(f, pages * UnitsPerPage, byOs, "AllocationRefused")
          ELSE /\ reserved' = IF Fault = "AllocationLies" THEN reserved ELSE reserved + pages - reserve[f]
               /\ reserve' = IF Fault = "AllocationLies" THEN reserve ELSE [reserve EXCEPT ![f] = pages]
               /\ promised' = [promised EXCEPT ![f] = StillPromised(pages, length[f])]
               /\ UNCHANGED <<size, truth, broken>>

\* PagedFile.overwrite: the whole content goes and `pages` are promised, or DISK_FULL and the content is still there. On
\* an empty file this is SetAllocation.
Overwrite(f, pages) ==
    /\ Allocations
    /\ handles[f] > 0
    /\ length[f] > 0
    /\ LET shortage == Max(0, pages - reserve[f])
           back == PagesIn(f)
       IN \E byOs \in OsAnswers(shortage) :
          /\ AfterOs(byOs)
          /\ UNCHANGED <<handles, named, extra>>
          /\ IF shortage > Room \/ byOs
             THEN /\ length' = IF Fault = "OverwriteDropsFirst" THEN [length EXCEPT ![f] = 0] ELSE length
                  /\ UNCHANGED <<reserve, table, reserved, allocated, free, content>>
                  /\ Refuse(f, pages * UnitsPerPage, byOs, "OverwriteRefused")
             ELSE /\ length' = [length EXCEPT ![f] = 0]
                  /\ reserve' = [reserve EXCEPT ![f] = pages]
                  /\ table' = [table EXCEPT ![f] = NoPages]
                  /\ reserved' = reserved + pages - reserve[f]
                  /\ allocated' = allocated - Cardinality(back)
                  /\ free' = free \union back
                  /\ content' = [p \in Pages |-> IF p \in back THEN JunkPage ELSE content[p]]
                  /\ size' = [size EXCEPT ![f] = 0]
                  /\ truth' = [truth EXCEPT ![f] = NoData]
                  /\ promised' = [promised EXCEPT ![f] = pages]
                  /\ UNCHANGED broken

\* Fault 6 only: the counter follows the pages later.
CountBack ==
    /\ extra.uncounted > 0
    /\ reserved' = reserved - extra.uncounted
    /\ extra' = [extra EXCEPT !.uncounted = 0]
    /\ UNCHANGED <<length, reserve, table, allocated, free, content, handles, named, osRefusals, ghosts>>

------------------------------------------------------------------------------
\* Writes

\* PagedFile.write. What is missing is reserved, or the write is refused; pages are taken; they are placed and the data
\* copied.
\* `room` and `hand` are what the first half of an interrupted write has already: 0 and {} but for planted faults.
Commit(f, offset, count, value, rule, room, hand) ==
    LET end == offset + count
        first == offset \div UnitsPerPage
        last == (end - 1) \div UnitsPerPage
        extension == Max(0, PagesOf(end) - reserve[f])
        holes == {i \in first..last : table[f][i] = Hole}
        missing == Cardinality(holes)
        shortage == IF Fault = "CheckThenReserve" THEN 0 ELSE Max(0, extension - room)
        new == Lowest(free, missing - Cardinality(hand))
        pages == hand \union new
        PageFor(i) == CHOOSE p \in pages :
            Cardinality({q \in pages : q < p}) = Cardinality({j \in holes : j < i})
        Covered(x) == offset <= x /\ x < end
        Landing(x) == IF Fault = "WrongOffset" THEN Tag(value, offset) ELSE Tag(value, x)
        IndexOf(p) == CHOOSE i \in first..last : IF i \in holes THEN PageFor(i) = p ELSE table[f][i] = p
        written == pages \union {table[f][i] : i \in (first..last) \ holes}
        Unwritten(p, u) == IF p \in pages /\ Fault # "NewPageNotZeroed" THEN Zero ELSE content[p][u]
    IN \E byOs \in OsAnswers(extension) :
       /\ AfterOs(byOs)
       /\ IF shortage > Room \/ byOs \/ Cardinality(pages) # missing \/ Fault = "AlwaysDiskFull"
          THEN \* Refused: everything goes back.
               /\ IF Fault = "ShortSuccess" /\ holes # {} /\ Free > 0 /\ free # {}
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
                       /\ reserved' = reserved - (IF Fault \in {"GrabHalf", "DisposeForgetsHand"} THEN room ELSE 0)
                                               + (IF Fault = "RefusedKeepsReserve" THEN Free ELSE 0)
                       \* Fault 7: what the first half gave up is restored without looking whether there is room.
                       /\ reserve' = [reserve EXCEPT ![f] = @ + (IF Fault = "RestoreUnchecked" THEN room ELSE 0)]
                       /\ UNCHANGED <<table, content>>
               /\ UNCHANGED length
               /\ Refuse(f, end, byOs, "WriteRefused")
          ELSE /\ table' = [table EXCEPT ![f] = [i \in Indexes |-> IF i \in holes THEN PageFor(i) ELSE @[i]]]
               /\ content' = [p \in Pages |->
                      IF p \in written /\ Fault # "WriteLost"
                      THEN [u \in Units |-> LET x == IndexOf(p) * UnitsPerPage + u
                                            IN  IF Covered(x) THEN Landing(x) ELSE Unwritten(p, u)]
                      ELSE IF p \in pages THEN [u \in Units |-> Zero]
                      ELSE content[p]]
               /\ free' = free \ new
               /\ allocated' = allocated + Cardinality(new)
               /\ reserve' = [reserve EXCEPT ![f] = @ + extension]
               /\ reserved' = reserved + (IF Fault \in {"GrabHalf", "DisposeForgetsHand"} THEN shortage ELSE extension)
               /\ length' = [length EXCEPT ![f] = Max(@, end)]
               /\ size' = [size EXCEPT ![f] = Max(@, end)]
               /\ truth' = [truth EXCEPT ![f] = [x \in Offsets |-> IF Covered(x) THEN Tag(value, x) ELSE @[x]]]
               /\ promised' = [promised EXCEPT ![f] = StillPromised(@, Max(size[f], end))]
               /\ broken' = broken \union BreakIf(rule = "append" /\ offset # size[f], "NoLostAppend")
                      \union BreakIf(rule = "constrained" /\ end > size[f], "ConstrainedNeverExtends")
                      \union MarkIf(rule = "append" /\ ~named[f], "AppendAfterDelete")
                      \union MarkIf(rule = "constrained" /\ holes # {}, "ConstrainedFillsHole")
                      \union MarkIf(~named[f], "WriteAfterDelete")
                      \union MarkIf(missing > extension, "PromisedHoleFilled")
                      \union MarkIf(end > size[f] /\ first > PagesOf(size[f]), "GapLeft")

\* Planted faults only: what a write does before it is interrupted.
FirstHalf(f, offset, count, value, append) ==
    LET end == offset + count
        extension == Max(0, PagesOf(end) - reserve[f])
        holes == Cardinality({i \in (offset \div UnitsPerPage)..((end - 1) \div UnitsPerPage) : table[f][i] = Hole})
        loose == Min(holes, reserve[f])
        Put(room, hand) == extra' = [extra EXCEPT !.write =
            [file |-> f, offset |-> offset, count |-> count, value |-> value, room |-> room, hand |-> hand,
             append |-> append]]
    IN  /\ Interrupted
        /\ extra.write = NoWrite
        /\ CASE Fault = "CheckThenReserve" ->
                    extension <= Free /\ Put(0, {}) /\ UNCHANGED <<reserve, reserved, allocated, free>>
             [] Fault \in {"UnreserveThenTake", "RestoreUnchecked"} ->
                    /\ loose > 0
                    /\ reserve' = [reserve EXCEPT ![f] = @ - loose]
                    /\ reserved' = reserved - loose
                    /\ Put(IF Fault = "RestoreUnchecked" THEN loose ELSE 0, {})
                    /\ UNCHANGED <<allocated, free>>
             [] Fault = "GrabHalf" ->
                    LET grabbed == Min(extension, Free)
                    IN  grabbed > 0 /\ reserved' = reserved + grabbed /\ Put(grabbed, {})
                          /\ UNCHANGED <<reserve, allocated, free>>
             [] Fault = "DisposeForgetsHand" ->
                    LET hand == Lowest(free, holes)
                    IN  /\ extension <= Free /\ holes > 0 /\ Cardinality(hand) = holes
                        /\ reserved' = reserved + extension
                        /\ free' = free \ hand
                        /\ allocated' = allocated + holes
                        /\ Put(extension, hand)
                        /\ UNCHANGED reserve
             [] Fault = "AppendOffsetEarly" ->
                    append /\ Put(0, {}) /\ UNCHANGED <<reserve, reserved, allocated, free>>
        /\ UNCHANGED <<length, table, content, handles, named, osRefusals, ghosts>>

SecondHalf ==
    LET w == extra.write
    IN  /\ w # NoWrite
        /\ Commit(w.file, w.offset, w.count, w.value, IF w.append THEN "append" ELSE "", w.room, w.hand)
        /\ extra' = [extra EXCEPT !.write = NoWrite]
        /\ UNCHANGED <<handles, named>>

\* One step that changes nothing is none; a refusal that is judged does.
Write(f, offset, count, value) ==
    /\ handles[f] > 0
    /\ Commit(f, offset, count, value, "", 0, {})
    /\ extra' = Recycled(free \ free')
    /\ UNCHANGED <<handles, named>>
    /\ vars' # vars

\* RamVolume.write to the end of the file: the offset is found and the data are there in one step.
Append(f, count, value) ==
    /\ handles[f] > 0
    /\ length[f] + count <= MaxUnits
    /\ Commit(f, length[f], count, value, "append", 0, {})
    /\ extra' = Recycled(free \ free')
    /\ UNCHANGED <<handles, named>>
    /\ vars' # vars

\* A paging write (ConstrainedIo): never extends, is cut at the end, succeeds with nothing behind it.
ConstrainedWrite(f, offset, count, value) ==
    /\ handles[f] > 0
    /\ offset < length[f]
    /\ LET inside == IF Fault = "ConstrainedExtends" THEN count ELSE Min(count, length[f] - offset)
       IN  Commit(f, offset, inside, value, "constrained", 0, {})
    /\ extra' = Recycled(free \ free')
    /\ UNCHANGED <<handles, named>>
    /\ vars' # vars

=============================================================================
