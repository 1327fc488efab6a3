------------------------------ MODULE Snapshots ------------------------------
(***************************************************************************)
(* Snapshots of one volume: files whose page tables, and then whose pages, *)
(* are shared with snapshots until they are written, rollback, deletion,   *)
(* and an image writer that reads a snapshot page by page while all else   *)
(* goes on. Stands for src/volume/snapshots, volume-snapshots.ts and for   *)
(* what paged-file.ts, page-table.ts and page-pool.ts do about sharing.    *)
(*                                                                         *)
(* One action is one uninterrupted segment of the code, on one thread. The *)
(* image writer is another thread: each page it reads is a step of its own.*)
(*                                                                         *)
(* Page tables have identity, for that is what is shared first: a file and *)
(* snapshots of it have one table (refs counts them) until the file        *)
(* changes; then it gets a table of its own, and pages are in several      *)
(* tables (more counts them). Beside the code's arithmetic stands the      *)
(* ghost truth: what was written (size, truth) and what each snapshot must *)
(* say (kept). Sizes that are promised beyond a length, refusals of the    *)
(* operating system and handles are CapacityLedger's and Namespace's.      *)
(***************************************************************************)
EXTENDS Integers, FiniteSets

CONSTANTS
    FileCount,      \* files are 1..FileCount; each is one name
    SnapshotCount,  \* snapshots at the same time
    ValueCount,     \* different data a write can carry
    PageCount,      \* capacity of the pool in pages
    UnitsPerPage,   \* 1: whole pages only. 2: half pages
    MaxUnits,       \* longest file
    MaxWriteUnits,  \* longest write
    Orphans,        \* TRUE: files may lose their name while they are open
    Saving,         \* TRUE: the image writer is at work
    Fault,          \* name of a planted fault, or "none"
    Watch           \* name of a branch whose being reached is to be shown, or "none"

Files == 1..FileCount
Names == 1..SnapshotCount
Pages == 1..PageCount
Tables == 1..(FileCount * (SnapshotCount + 1))
Offsets == 0..(MaxUnits - 1)
PagesOf(units) == (units + UnitsPerPage - 1) \div UnitsPerPage
IndexCount == PagesOf(MaxUnits)
Indexes == 0..(IndexCount - 1)
Units == 0..(UnitsPerPage - 1)
Hole == 0
NoTable == 0
Zero == 0
Junk == -1
Tag(value, offset) == value * MaxUnits + offset

VARIABLES
    life,          \* of a file: "none", "named", or "orphan" (open, without a name)
    length,        \* PagedFile.lengthBytes, in units
    table,         \* which page table a file has, or NoTable
    entries,       \* PageTable: index in the file -> page, or Hole
    refs,          \* PageTable.references; 0: there is no such table
    more,          \* PagePool: page tables that have a page beside the first
    reserved,      \* PagePool.reservedPages
    allocated,     \* PagePool.allocatedPages
    inSnapshots,   \* Snapshots.reservedPages
    free,          \* the pool's stock of free pages
    content,       \* page memory
    snap,          \* the snapshots: whether it is there; which files it has, their tables and lengths
    saving,        \* the image writer: snapshot and next page (counted over all files); 0: at rest
    size,          \* ghost: acknowledged length
    truth,         \* ghost: acknowledged content
    kept,          \* ghost: size and content that each file of a snapshot must have
    broken         \* ghost: names of rules that an answer has broken; and the watched branch

ledger == <<length, table, entries, refs, more, reserved, allocated, inSnapshots, free, content>>
ghosts == <<size, truth, kept, broken>>
vars == <<life, ledger, snap, saving, ghosts>>

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
NoFile == [has |-> FALSE, table |-> NoTable, length |-> 0]
NoSnapshot == [there |-> FALSE, files |-> [f \in Files |-> NoFile]]
NothingKept == [f \in Files |-> [size |-> 0, truth |-> NoData]]

Alive(f) == life[f] # "none"
PagesIn(e) == {e[i] : i \in Indexes} \ {Hole}
Free == PageCount - reserved
FilePages == Sum({f \in Files : Alive(f)}, LAMBDA f : PagesOf(length[f]))
\* PagedFile.countOwnPages, of a file with table t.
Own(t, e, r, m) == IF t = NoTable \/ r[t] > 1 THEN 0 ELSE Cardinality({p \in PagesIn(e[t]) : m[p] = 0})

\* What the ground says.
TablesOf(s) == {snap[s].files[f].table : f \in Files} \ {NoTable}
SnapshotPages == UNION {PagesIn(entries[t]) : t \in UNION {TablesOf(s) : s \in Names}}
TrueFree == PageCount - Sum({f \in Files : Alive(f)}, LAMBDA f : PagesOf(size[f])) - Cardinality(SnapshotPages)

Mark(name) == IF Watch = name THEN {name} ELSE {}
MarkIf(condition, name) == IF condition THEN Mark(name) ELSE {}
BreakIf(condition, name) == IF condition THEN {name} ELSE {}

\* A refusal that is due when more than TrueFree is `needed`, and must have changed nothing. Comes last in its action.
Refuse(needed, isInside, branch) ==
    /\ broken' = broken \union Mark(branch)
         \union BreakIf(isInside, "NoSilentLoss")
         \union BreakIf(needed <= TrueFree, "NoSpuriousDiskFull")
         \union BreakIf(<<life, ledger, snap>>' # <<life, ledger, snap>>, "AllOrNothing")
    /\ broken' # broken
    /\ UNCHANGED <<size, truth, kept>>

\* PagePool.giveBack of pages that a table no longer has: those that another one has stay with it.
Freed(pages) == IF Fault = "SharedPageFreed" THEN pages ELSE {p \in pages : more[p] = 0}
MoreAfter(m, pages) == [p \in Pages |-> IF p \in pages /\ m[p] > 0 THEN m[p] - 1 ELSE m[p]]

\* Contents give up their tables T: a table that nobody has any more gives back its pages.
Dead(T) == {t \in T : refs[t] = 1}
PagesOfDead(T) == UNION {PagesIn(entries[t]) : t \in Dead(T)}
RefsAfter(T) == [t \in Tables |-> IF t \in T THEN refs[t] - 1 ELSE refs[t]]
EntriesAfter(T) == [t \in Tables |-> IF t \in Dead(T) THEN NoPages ELSE entries[t]]
JunkAfter(pages) == [p \in Pages |-> IF p \in pages THEN JunkPage ELSE content[p]]

\* Before it changes, a file whose table snapshots have too gets one of its own (PageTable.detached).
IsShared(f) == refs[table[f]] > 1
NewTable(f) == IF IsShared(f) THEN Least({t \in Tables : refs[t] = 0}) ELSE table[f]
DetachedRefs(f) ==
    IF IsShared(f) THEN [refs EXCEPT ![table[f]] = @ - 1, ![NewTable(f)] = 1] ELSE refs
DetachedMore(f) ==
    IF IsShared(f) /\ Fault # "DetachForgets"
    THEN [p \in Pages |-> IF p \in PagesIn(entries[table[f]]) THEN more[p] + 1 ELSE more[p]] ELSE more

Init ==
    /\ life = [f \in Files |-> "none"]
    /\ length = [f \in Files |-> 0]
    /\ table = [f \in Files |-> NoTable]
    /\ entries = [t \in Tables |-> NoPages]
    /\ refs = [t \in Tables |-> 0]
    /\ more = [p \in Pages |-> 0]
    /\ reserved = 0
    /\ allocated = 0
    /\ inSnapshots = 0
    /\ free = Pages
    /\ content = [p \in Pages |-> JunkPage]
    /\ snap = [s \in Names |-> NoSnapshot]
    /\ saving = [snapshot |-> 0, next |-> 0]
    /\ size = [f \in Files |-> 0]
    /\ truth = [f \in Files |-> NoData]
    /\ kept = [s \in Names |-> NothingKept]
    /\ broken = {}

------------------------------------------------------------------------------
\* Files

Create(f) ==
    /\ ~Alive(f)
    /\ LET t == Least({t \in Tables : refs[t] = 0})
       IN  /\ table' = [table EXCEPT ![f] = t]
           /\ refs' = [refs EXCEPT ![t] = 1]
    /\ life' = [life EXCEPT ![f] = "named"]
    /\ UNCHANGED <<length, entries, more, reserved, allocated, inSnapshots, free, content, snap, saving, ghosts>>

\* The name goes while the file is open.
Unlink(f) ==
    /\ Orphans
    /\ life[f] = "named"
    /\ life' = [life EXCEPT ![f] = "orphan"]
    /\ UNCHANGED <<ledger, snap, saving, ghosts>>

\* The last of name and handle goes: PagedFile.dispose.
Remove(f) ==
    /\ Alive(f)
    /\ LET pages == PagesOfDead({table[f]})
           freed == Freed(pages)
       IN  /\ free' = free \union freed
           /\ allocated' = allocated - Cardinality(freed)
           /\ more' = MoreAfter(more, pages \ freed)
           /\ content' = JunkAfter(freed)
           /\ refs' = RefsAfter({table[f]})
           /\ entries' = EntriesAfter({table[f]})
           /\ broken' = broken \union MarkIf(pages # freed, "PageStays")
    /\ reserved' = reserved - PagesOf(length[f])
    /\ life' = [life EXCEPT ![f] = "none"]
    /\ length' = [length EXCEPT ![f] = 0]
    /\ table' = [table EXCEPT ![f] = NoTable]
    /\ size' = [size EXCEPT ![f] = 0]
    /\ truth' = [truth EXCEPT ![f] = NoData]
    /\ UNCHANGED <<inSnapshots, snap, saving, kept>>

\* PagedFile.write: finds what is missing and reserves it or is refused; takes pages; places, copies what a snapshot
\* keeps, and writes.
Write(f, offset, count, value) ==
    /\ Alive(f)
    /\ LET end == offset + count
           first == offset \div UnitsPerPage
           last == (end - 1) \div UnitsPerPage
           extension == Max(0, PagesOf(end) - PagesOf(length[f]))
           old == entries[table[f]]
           counted == DetachedMore(f)
           InPlace(i) == old[i] # Hole /\ (counted[old[i]] = 0 \/ Fault = "WriteInPlace")
           needs == {i \in first..last : ~InPlace(i)}
           pages == Lowest(free, Cardinality(needs))
           PageFor(i) == IF i \in needs
                         THEN CHOOSE p \in pages :
                                  Cardinality({q \in pages : q < p}) = Cardinality({j \in needs : j < i})
                         ELSE old[i]
           copied == {i \in needs : old[i] # Hole}
           Covered(x) == offset <= x /\ x < end
           Rest(i, u) == IF i \notin needs THEN content[old[i]][u]
                         ELSE IF i \in copied /\ Fault # "RestNotCopied" THEN content[old[i]][u]
                         ELSE Zero
           IndexOf(p) == CHOOSE i \in first..last : PageFor(i) = p
           written == {PageFor(i) : i \in first..last}
       IN  IF extension > Free \/ Cardinality(pages) < Cardinality(needs)
           THEN /\ UNCHANGED <<life, ledger, snap, saving>>
                /\ Refuse(extension, end <= size[f], "WriteRefused")
           ELSE /\ table' = [table EXCEPT ![f] = NewTable(f)]
                /\ refs' = DetachedRefs(f)
                /\ entries' = [entries EXCEPT ![NewTable(f)] =
                       [i \in Indexes |-> IF i \in first..last THEN PageFor(i) ELSE old[i]]]
                /\ more' = MoreAfter(counted, {old[i] : i \in copied})
                /\ free' = free \ pages
                /\ allocated' = allocated + Cardinality(pages)
                /\ content' = [p \in Pages |->
                       IF p \notin written THEN content[p]
                       ELSE [u \in Units |-> LET x == IndexOf(p) * UnitsPerPage + u
                                             IN  IF Covered(x) THEN Tag(value, x) ELSE Rest(IndexOf(p), u)]]
                /\ reserved' = reserved + extension
                /\ length' = [length EXCEPT ![f] = Max(@, end)]
                /\ size' = [size EXCEPT ![f] = Max(@, end)]
                /\ truth' = [truth EXCEPT ![f] = [x \in Offsets |-> IF Covered(x) THEN Tag(value, x) ELSE @[x]]]
                /\ broken' = broken \union MarkIf(copied # {}, "PageCopied")
                       \union MarkIf(\E i \in copied, u \in Units : ~Covered(i * UnitsPerPage + u), "PartCopied")
                       \union MarkIf(copied # {} /\ saving.snapshot # 0, "CopiedWhileSaving")
                /\ UNCHANGED <<life, inSnapshots, snap, saving, kept>>
    /\ vars' # vars

\* PagedFile.setLength.
Resize(f, units) ==
    /\ Alive(f)
    /\ units # length[f]
    /\ LET pages == PagesOf(units)
           extension == pages - PagesOf(length[f])
       IN  IF units > length[f]
           THEN IF extension > Free
                THEN /\ UNCHANGED <<life, ledger, snap, saving>>
                     /\ Refuse(extension, FALSE, "ExtendRefused")
                ELSE /\ length' = [length EXCEPT ![f] = units]
                     /\ reserved' = reserved + extension
                     /\ size' = [size EXCEPT ![f] = units]
                     /\ UNCHANGED <<life, table, entries, refs, more, allocated, inSnapshots, free, content, snap,
                                    saving, truth, kept, broken>>
           ELSE LET old == entries[table[f]]
                    \* A truncation to nothing only gives its table up, and has an empty one.
                    empties == pages = 0 /\ IsShared(f)
                    counted == IF empties THEN more ELSE DetachedMore(f)
                    gone == IF empties THEN {} ELSE {old[i] : i \in {j \in Indexes : j >= pages}} \ {Hole}
                    freed == {p \in gone : counted[p] = 0 \/ Fault = "SharedPageFreed"}
                    last == IF units % UnitsPerPage # 0 THEN old[pages - 1] ELSE Hole
                    copies == last # Hole /\ counted[last] > 0 /\ Fault # "TailZeroedInPlace"
                    page == IF copies THEN Least(free \union freed) ELSE last
                    Tail(p) == [u \in Units |-> IF u >= units % UnitsPerPage THEN Zero ELSE content[last][u]]
                IN  /\ table' = [table EXCEPT ![f] = NewTable(f)]
                    /\ refs' = DetachedRefs(f)
                    /\ entries' = [entries EXCEPT ![NewTable(f)] =
                           [i \in Indexes |-> IF i >= pages THEN Hole
                                              ELSE IF i = pages - 1 /\ last # Hole THEN page ELSE old[i]]]
                    /\ more' = MoreAfter(counted, (gone \ freed) \union (IF copies THEN {last} ELSE {}))
                    /\ free' = (free \union freed) \ (IF copies THEN {page} ELSE {})
                    /\ allocated' = allocated - Cardinality(freed) + (IF copies THEN 1 ELSE 0)
                    /\ content' = [p \in Pages |-> IF p = page /\ last # Hole THEN Tail(p)
                                                   ELSE IF p \in freed THEN JunkPage ELSE content[p]]
                    /\ reserved' = reserved + extension
                    /\ length' = [length EXCEPT ![f] = units]
                    /\ size' = [size EXCEPT ![f] = units]
                    /\ truth' = [truth EXCEPT ![f] = [x \in Offsets |-> IF x < units THEN @[x] ELSE Zero]]
                    /\ broken' = broken \union MarkIf(copies, "TailCopied") \union MarkIf(gone # freed, "PageStays")
                    /\ UNCHANGED <<life, inSnapshots, snap, saving, kept>>

------------------------------------------------------------------------------
\* Snapshots

\* RamVolume.snapshot: what named files have and no snapshot has yet is reserved, or it is refused.
Take(s) ==
    /\ ~snap[s].there
    /\ LET orphans == {f \in Files : life[f] = "orphan"}
           named == {f \in Files : life[f] = "named"}
           needed == allocated - inSnapshots - Sum(orphans, LAMBDA f : Own(table[f], entries, refs, more))
           added == IF Fault = "SnapshotNotReserved" THEN 0 ELSE needed
       IN  IF needed > Free \/ Fault = "SnapshotAlwaysFull"
           THEN /\ UNCHANGED <<life, ledger, snap, saving>>
                /\ Refuse(Cardinality(UNION {PagesIn(entries[table[f]]) : f \in named} \ SnapshotPages), FALSE,
                          "SnapshotRefused")
           ELSE /\ reserved' = reserved + added
                /\ inSnapshots' = inSnapshots + added
                /\ refs' = [t \in Tables |-> IF \E f \in named : table[f] = t THEN refs[t] + 1 ELSE refs[t]]
                /\ snap' = [snap EXCEPT ![s] = [there |-> TRUE, files |-> [f \in Files |->
                       IF f \in named THEN [has |-> TRUE, table |-> table[f], length |-> length[f]] ELSE NoFile]]]
                /\ kept' = [kept EXCEPT ![s] = [f \in Files |->
                       IF f \in named THEN [size |-> size[f], truth |-> truth[f]] ELSE [size |-> 0, truth |-> NoData]]]
                /\ broken' = broken \union MarkIf(\E f \in named : refs[table[f]] > 1, "TableSharedTwice")
                       \union MarkIf(\E f \in orphans : Own(table[f], entries, refs, more) > 0, "OrphanLeftOut")
                /\ UNCHANGED <<life, length, table, entries, more, allocated, free, content, saving, size, truth>>

\* RamVolume.rollback: live files go, those of the snapshot take their place; room goes over from the former to the
\* latter.
Rollback(s) ==
    /\ snap[s].there
    /\ LET files == snap[s].files
           needed == Sum(Files, LAMBDA f : PagesOf(files[f].length))
           live == reserved - inSnapshots
           missing == Max(0, needed - live)
           alive == {f \in Files : Alive(f)}
           dropped == IF Fault = "RollbackLeaks" THEN {} ELSE {table[f] : f \in alive}
           pages == PagesOfDead(dropped)
           freed == Freed(pages)
       IN  IF missing > Free /\ Fault # "RollbackNotReserved"
           THEN /\ UNCHANGED <<life, ledger, snap, saving>>
                /\ Refuse(Sum(Files, LAMBDA f : PagesOf(kept[s][f].size))
                            - Sum(alive, LAMBDA f : PagesOf(size[f])), FALSE, "RollbackRefused")
           ELSE /\ life' = [f \in Files |-> IF files[f].has THEN "named" ELSE "none"]
                /\ length' = [f \in Files |-> files[f].length]
                /\ table' = [f \in Files |-> files[f].table]
                /\ refs' = [t \in Tables |-> RefsAfter(dropped)[t]
                                               + (IF \E f \in Files : files[f].table = t THEN 1 ELSE 0)]
                /\ entries' = EntriesAfter(dropped)
                /\ free' = free \union freed
                /\ allocated' = allocated - Cardinality(freed)
                /\ more' = MoreAfter(more, pages \ freed)
                /\ content' = JunkAfter(freed)
                /\ reserved' = inSnapshots + needed
                /\ size' = [f \in Files |-> kept[s][f].size]
                /\ truth' = [f \in Files |-> kept[s][f].truth]
                /\ broken' = broken \union MarkIf(saving.snapshot = s, "RolledBackWhileSaving")
                       \union MarkIf(missing > 0, "RollbackReserves")
                /\ UNCHANGED <<inSnapshots, snap, saving, kept>>
    /\ vars' # vars

\* RamVolume.deleteSnapshot: refused while it is read. What only it had comes back; pages that only live files have now
\* are reserved by these alone.
Forget(s) ==
    /\ snap[s].there
    /\ saving.snapshot # s \/ Fault = "DeleteWhileSaving"
    /\ LET dropped == TablesOf(s)
           pages == PagesOfDead(dropped)
           freed == Freed(pages)
           refsAfter == RefsAfter(dropped)
           moreAfter == MoreAfter(more, pages \ freed)
           isLast == \A other \in Names \ {s} : ~snap[other].there
           own == Sum({f \in Files : Alive(f)}, LAMBDA f : Own(table[f], entries, refsAfter, moreAfter))
           left == IF isLast THEN 0 ELSE allocated - Cardinality(freed) - own
       IN  /\ refs' = refsAfter
           /\ entries' = EntriesAfter(dropped)
           /\ more' = moreAfter
           /\ free' = free \union freed
           /\ allocated' = allocated - Cardinality(freed)
           /\ content' = JunkAfter(freed)
           /\ inSnapshots' = left
           /\ reserved' = IF Fault = "DeleteKeepsReserve" THEN reserved ELSE reserved - (inSnapshots - left)
           /\ broken' = broken \union MarkIf(pages # freed, "PageStays")
                               \union MarkIf(~isLast /\ left < inSnapshots - Cardinality(freed), "PageIsLiveAgain")
    /\ snap' = [snap EXCEPT ![s] = NoSnapshot]
    /\ kept' = [kept EXCEPT ![s] = NothingKept]
    /\ UNCHANGED <<life, length, table, saving, size, truth>>

------------------------------------------------------------------------------
\* The image writer. It was told which pages to read; each is one step, and anything may happen in between.

SaveStart(s) ==
    /\ Saving
    /\ saving.snapshot = 0
    /\ snap[s].there
    /\ saving' = [snapshot |-> s, next |-> 0]
    /\ UNCHANGED <<life, ledger, snap, ghosts>>

SaveNext ==
    /\ saving.snapshot # 0
    /\ LET s == saving.snapshot
           f == 1 + (saving.next \div IndexCount)
           i == saving.next % IndexCount
           file == snap[s].files[f]
           page == IF file.table = NoTable THEN Hole ELSE entries[file.table][i]
           Told(u) == IF page = Hole THEN Zero ELSE content[page][u]
           Due(u) == LET x == i * UnitsPerPage + u
                     IN  IF x \in Offsets /\ x < kept[s][f].size THEN kept[s][f].truth[x] ELSE Zero
           isLast == saving.next = FileCount * IndexCount - 1
       IN  /\ broken' = broken \union
                  BreakIf(~snap[s].there \/ \E u \in Units : Told(u) # Due(u), "SavedImageIsOneMoment")
           /\ saving' = IF isLast THEN [snapshot |-> 0, next |-> 0] ELSE [saving EXCEPT !.next = @ + 1]
    /\ UNCHANGED <<life, ledger, snap, size, truth, kept>>

------------------------------------------------------------------------------

Ranges == {<<o, n>> \in Offsets \X (1..MaxWriteUnits) : o + n <= MaxUnits}

Next ==
    \/ \E f \in Files : Create(f) \/ Unlink(f) \/ Remove(f)
    \/ \E f \in Files, range \in Ranges, v \in 1..ValueCount : Write(f, range[1], range[2], v)
    \/ \E f \in Files, units \in 0..MaxUnits : Resize(f, units)
    \/ \E s \in Names : Take(s) \/ Rollback(s) \/ Forget(s) \/ SaveStart(s)
    \/ SaveNext

Spec == Init /\ [][Next]_vars

------------------------------------------------------------------------------
\* Invariants, named as in the code's self-check

TypeOK ==
    /\ life \in [Files -> {"none", "named", "orphan"}]
    /\ length \in [Files -> 0..MaxUnits]
    /\ table \in [Files -> {NoTable} \union Tables]
    /\ free \subseteq Pages
    /\ inSnapshots \in 0..PageCount

InUse == {t \in Tables : refs[t] > 0}

PoolConsistent ==
    /\ 0 <= allocated
    /\ allocated <= reserved
    /\ reserved <= PageCount
    /\ allocated = Cardinality(UNION {PagesIn(entries[t]) : t \in InUse})

\* Each page is free or in a page table; tables and pages count who has them.
NoPageLeak ==
    /\ \A p \in Pages :
          LET count == Cardinality({t \in InUse : p \in PagesIn(entries[t])})
          IN  /\ (p \in free) = (count = 0)
              /\ more[p] = Max(0, count - 1)
    /\ \A t \in Tables :
          refs[t] = Cardinality({f \in Files : table[f] = t})
                      + Sum(Names, LAMBDA s : Cardinality({f \in Files : snap[s].files[f].table = t}))

FreeBytesAccurate ==
    /\ inSnapshots = Cardinality(SnapshotPages)
    /\ Free = TrueFree

Stored(t, x) == LET p == IF t = NoTable THEN Hole ELSE entries[t][x \div UnitsPerPage]
                IN  IF p = Hole THEN Zero ELSE content[p][x % UnitsPerPage]

DataIntegrity ==
    \A f \in Files :
        /\ length[f] = size[f]
        /\ \A x \in Offsets : x < length[f] => Stored(table[f], x) = truth[f][x]

NothingBehindTheEnd == \A f \in Files, x \in Offsets : x >= length[f] => Stored(table[f], x) = Zero

SnapshotImmutable ==
    \A s \in Names, f \in Files :
        LET file == snap[s].files[f]
        IN  /\ file.length = kept[s][f].size
            /\ \A x \in Offsets : x < file.length => Stored(file.table, x) = kept[s][f].truth[x]

AllOrNothing == "AllOrNothing" \notin broken
NoSilentLoss == "NoSilentLoss" \notin broken
NoSpuriousDiskFull == "NoSpuriousDiskFull" \notin broken
SavedImageIsOneMoment == "SavedImageIsOneMoment" \notin broken

\* Must fail: shows that the watched branch is reached.
Unreached == Watch \notin broken
=============================================================================
