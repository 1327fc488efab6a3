--------------------------- MODULE CapacityLedger ---------------------------
(***************************************************************************)
(* The capacity ledger: what may happen, and what must then hold. The      *)
(* actions, and what they stand for, are in CapacityLedgerActions.         *)
(***************************************************************************)
EXTENDS CapacityLedgerActions

Ranges == {<<o, n>> \in Offsets \X (1..MaxWriteUnits) : o + n <= MaxUnits}
Values == 1..ValueCount

InFiles ==
    \/ \E f \in Files : Create(f) \/ Open(f) \/ Delete(f) \/ Close(f) \/ Dispose(f)
    \/ \E f \in Files, units \in 0..MaxUnits : Extend(f, units) \/ Truncate(f, units)
    \/ \E f \in Files, pages \in 0..PageCount : SetAllocation(f, pages) \/ Overwrite(f, pages)
    \/ \E f \in Files, range \in Ranges, v \in Values : Write(f, range[1], range[2], v)
    \/ \E f \in Files, n \in 1..MaxWriteUnits, v \in Values : Append(f, n, v)
    \/ \E f \in Files, range \in Ranges, v \in Values : ConstrainedWrite(f, range[1], range[2], v)
    \/ CountBack
    \/ \E f \in Files, range \in Ranges, v \in Values :
          handles[f] > 0 /\ FirstHalf(f, range[1], range[2], v, range[1] = length[f])
    \/ SecondHalf

Next == (UNCHANGED capacity /\ InFiles) \/ \E pages \in 1..PageCount : Resize(pages)

Spec == Init /\ [][Next]_vars

------------------------------------------------------------------------------
\* Invariants, named as in the code's self-check

TypeOK ==
    /\ capacity \in 1..PageCount
    /\ length \in [Files -> 0..MaxUnits]
    /\ reserve \in [Files -> 0..PageCount]
    /\ table \in [Files -> [Indexes -> {Hole} \union Pages]]
    /\ handles \in [Files -> 0..MaxHandles]
    /\ named \in [Files -> BOOLEAN]
    /\ free \subseteq Pages

\* At every instant. The unsigned number an observer is told is neither enormous nor more than there is.
FreeInRange == 0 <= reserved /\ reserved <= capacity
PoolConsistent ==
    /\ FreeInRange
    /\ 0 <= allocated
    /\ allocated <= reserved
    /\ allocated = Sum(Files, AllocatedTo)
    /\ \A f \in Files : AllocatedTo(f) <= reserve[f]

\* Free pages and page tables are disjoint and together are all pages. (A hand exists only where a planted fault
\* interrupts.)
NoPageLeak ==
    \A p \in Pages :
        (IF p \in free THEN 1 ELSE 0)
          + Sum(Files, LAMBDA f : Cardinality({i \in Indexes : table[f][i] = p}))
          + (IF p \in extra.write.hand THEN 1 ELSE 0) = 1

\* What GetVolumeInfo would be told now, against a count of what is promised to files.
VolumeInfoAnswer == IF Fault = "VolumeInfoCountsAllocated" THEN capacity - allocated ELSE capacity - reserved
FreeBytesAccurate == VolumeInfoAnswer = TrueFree

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
    \A f \in Files : ~Alive(f) => length[f] = 0 /\ reserve[f] = 0 /\ table[f] = NoPages

SingleFileCap == \A f \in Files : reserve[f] <= capacity /\ PagesOf(length[f]) <= reserve[f]

AllOrNothing == "AllOrNothing" \notin broken
NoSilentLoss == "NoSilentLoss" \notin broken
NoSpuriousDiskFull == "NoSpuriousDiskFull" \notin broken
NoLostAppend == "NoLostAppend" \notin broken
ConstrainedNeverExtends == "ConstrainedNeverExtends" \notin broken

\* Must fail: shows that the watched branch is reached.
Unreached == Watch \notin broken
=============================================================================
