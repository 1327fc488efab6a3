------------------------------ MODULE CopyLanes ------------------------------
(***************************************************************************)
(* Large reads that lanes copy while the dispatcher thread M goes on.      *)
(* Stands for src/volume/content/page-readers.ts, paged-file.ts, and       *)
(* src/winfsp/threads/lanes, of which docs/winfsp.md#copy-lanes tells.     *)
(*                                                                         *)
(* M decides about a read: which pages, which answer; a lane copies page   *)
(* by page, says so, and delivers. What changes pages of a file waits for  *)
(* the copies of that file's reads, and for nothing else. A file is a      *)
(* sequence of pages without holes, a read is of a whole file.             *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    FileCount,
    PageCount,   \* of the volume
    FilePages,   \* of a file at most
    ValueCount,  \* what a page can hold
    LaneCount,
    SlotCount,   \* reads that a lane takes
    MayStop,     \* TRUE: the volume is stopped at some moment
    MayDie,      \* TRUE: lanes may die
    Fault,       \* name of a planted fault, or "none"
    Watch        \* name of a branch whose being reached is to be shown, or "none"

Files == 1..FileCount
Pages == 1..PageCount
Lanes == 1..LaneCount
NoChange == <<>>

VARIABLES
    table,    \* file -> its pages
    content,  \* page -> value, 0 before the first write
    free,     \* pages that the ledger counts as free
    jobs,     \* lane -> reads not delivered: file, pages, due, how many are copied, whether that was told (COPIED)
    waiting,  \* NoChange, or what M is about to do: what, file, index or length, value
    dead,     \* lanes
    stop,     \* running, ended (M's loop), stopped (FspFsctlStop: the buffers are gone)
    torn,     \* a lane has copied something else than what the read was to answer
    touched,  \* a lane has copied after Stop
    seen      \* the watched branch, once it was taken

vars == <<table, content, free, jobs, waiting, dead, stop, torn, touched, seen>>

Mark(condition, name) == IF condition /\ Watch = name THEN {name} ELSE {}

Init ==
    /\ table = [f \in Files |-> <<>>]
    /\ content = [p \in Pages |-> 0]
    /\ free = Pages
    /\ jobs = [l \in Lanes |-> <<>>]
    /\ waiting = NoChange
    /\ dead = {}
    /\ stop = "running"
    /\ torn = FALSE
    /\ touched = FALSE
    /\ seen = {}

IsOpen == stop = "running" /\ waiting = NoChange

\* InlineDispatcher hands a read to a lane that is not full.
Read(f, l) ==
    /\ IsOpen
    /\ table[f] # <<>>
    /\ Len(jobs[l]) < SlotCount
    /\ jobs' = [jobs EXCEPT ![l] = Append(@, [file |-> f, pages |-> table[f],
                   due |-> [i \in 1..Len(table[f]) |-> content[table[f][i]]], next |-> 0, told |-> FALSE])]
    /\ seen' = seen \cup Mark(\E other \in Lanes \ {l} : \E i \in 1..Len(jobs[other]) : jobs[other][i].file = f, "BothLanes")
    /\ UNCHANGED <<table, content, free, waiting, dead, stop, torn, touched>>

\* A file whose reads are being copied, as far as what M is about to do looks.
IsRead(f, what) ==
    \E l \in Lanes \ dead : \E i \in 1..Len(jobs[l]) :
        /\ jobs[l][i].file = f
        /\ ~jobs[l][i].told
        /\ ~(Fault = "WriteDoesNotWait" /\ what = "write")
        /\ ~(Fault = "CutDoesNotWait" /\ what = "cut")
        /\ ~(Fault = "WaitsForOneLane" /\ l # 1)
        /\ ~(Fault = "WaitsForOneRead" /\ i # 1)

Used(t) == UNION {{t[f][i] : i \in 1..Len(t[f])} : f \in Files}

\* PagedFile.write of one page: in place, or a page more.
WriteNow(f, i, v, page) ==
    /\ content' = [content EXCEPT ![page] = v]
    /\ IF i <= Len(table[f])
       THEN page = table[f][i] /\ UNCHANGED <<table, free>>
       ELSE page \in free /\ table' = [table EXCEPT ![f] = Append(@, page)] /\ free' = free \ {page}

\* Truncation, overwriting, the end of a file.
CutNow(f, n) ==
    /\ table' = [table EXCEPT ![f] = SubSeq(@, 1, n)]
    /\ free' = free \cup {table[f][i] : i \in (n + 1)..Len(table[f])}
    /\ UNCHANGED content

MayWrite(f, i) == i <= Len(table[f]) + 1 /\ i <= FilePages /\ (i <= Len(table[f]) \/ free # {})

Write(f, i, v, page) ==
    /\ IsOpen
    /\ MayWrite(f, i)
    /\ ~IsRead(f, "write")
    /\ WriteNow(f, i, v, page)
    /\ seen' = seen \cup Mark(i > Len(table[f]) /\ \E l \in Lanes : \E k \in 1..Len(jobs[l]) :
                   \E j \in 1..Len(jobs[l][k].pages) : jobs[l][k].pages[j] = page, "ReuseBeforeDelivery")
    /\ UNCHANGED <<jobs, waiting, dead, stop, torn, touched>>

Cut(f, n) ==
    /\ IsOpen
    /\ n < Len(table[f])
    /\ ~IsRead(f, "cut")
    /\ CutNow(f, n)
    /\ UNCHANGED <<jobs, waiting, dead, stop, torn, touched, seen>>

\* PageReaders.settle waits in CopyLane.untilCopied.
WaitToWrite(f, i, v) ==
    /\ IsOpen
    /\ MayWrite(f, i)
    /\ IsRead(f, "write")
    /\ waiting' = <<"write", f, i, v>>
    /\ seen' = seen \cup Mark(TRUE, "Waits")
    /\ UNCHANGED <<table, content, free, jobs, dead, stop, torn, touched>>

WaitToCut(f, n) ==
    /\ IsOpen
    /\ n < Len(table[f])
    /\ IsRead(f, "cut")
    /\ waiting' = <<"cut", f, n, 0>>
    /\ seen' = seen \cup Mark(TRUE, "Waits")
    /\ UNCHANGED <<table, content, free, jobs, dead, stop, torn, touched>>

\* The wait ends: all copies of the file are done, or their lane is dead.
Wake(page) ==
    /\ waiting # NoChange
    /\ ~IsRead(waiting[2], waiting[1])
    /\ IF waiting[1] = "write" THEN WriteNow(waiting[2], waiting[3], waiting[4], page)
       ELSE page = 1 /\ CutNow(waiting[2], waiting[3])
    /\ waiting' = NoChange
    /\ seen' = seen \cup Mark(\E l \in dead : \E i \in 1..Len(jobs[l]) : jobs[l][i].file = waiting[2] /\ ~jobs[l][i].told,
                   "WakesByDeath")
    /\ UNCHANGED <<jobs, dead, stop, torn, touched>>

IsBusy(l) == l \notin dead /\ jobs[l] # <<>>

\* copyPieces, one page.
Copy(l) ==
    /\ IsBusy(l)
    /\ LET job == Head(jobs[l]) IN
        /\ job.next < Len(job.pages)
        /\ torn' = (torn \/ content[job.pages[job.next + 1]] # job.due[job.next + 1])
        /\ jobs' = [jobs EXCEPT ![l] = <<[job EXCEPT !.next = @ + 1]>> \o Tail(@)]
    /\ touched' = (touched \/ stop = "stopped")
    /\ UNCHANGED <<table, content, free, waiting, dead, stop, seen>>

\* COPIED is stored, after the last page.
Tell(l) ==
    /\ IsBusy(l)
    /\ LET job == Head(jobs[l]) IN
        /\ ~job.told
        /\ job.next >= (IF Fault = "TellsEarly" THEN Len(job.pages) - 1 ELSE Len(job.pages))
        /\ jobs' = [jobs EXCEPT ![l] = <<[job EXCEPT !.told = TRUE]>> \o Tail(@)]
    /\ UNCHANGED <<table, content, free, waiting, dead, stop, torn, touched, seen>>

\* Transact with the answer has returned; the slot is free.
Deliver(l) ==
    /\ IsBusy(l)
    /\ Head(jobs[l]).told
    /\ Head(jobs[l]).next = Len(Head(jobs[l]).pages)
    /\ jobs' = [jobs EXCEPT ![l] = Tail(@)]
    /\ UNCHANGED <<table, content, free, waiting, dead, stop, torn, touched, seen>>

Die(l) ==
    /\ MayDie
    /\ stop = "running"
    /\ l \notin dead
    /\ dead' = dead \cup {l}
    /\ UNCHANGED <<table, content, free, jobs, waiting, stop, torn, touched, seen>>

\* M's loop ends: asked to, or because a lane is dead.
EndLoop ==
    /\ IsOpen
    /\ MayStop \/ dead # {}
    /\ stop' = "ended"
    /\ UNCHANGED <<table, content, free, jobs, waiting, dead, torn, touched, seen>>

\* CopyLanes.end, then FspFsctlStop, which cancels what a dead lane held.
Stop ==
    /\ stop = "ended"
    /\ Fault = "StopDoesNotWait" \/ \A l \in Lanes \ dead : jobs[l] = <<>>
    /\ stop' = "stopped"
    /\ jobs' = [l \in Lanes |-> IF l \in dead THEN <<>> ELSE jobs[l]]
    /\ UNCHANGED <<table, content, free, waiting, dead, torn, touched, seen>>

Done == stop = "stopped" /\ (\A l \in Lanes : jobs[l] = <<>>) /\ UNCHANGED vars

LaneStep == \E l \in Lanes : Copy(l) \/ Tell(l) \/ Deliver(l)

Next ==
    \/ \E f \in Files, l \in Lanes : Read(f, l)
    \/ \E f \in Files, i \in 1..FilePages, v \in 1..ValueCount, page \in Pages : Write(f, i, v, page)
    \/ \E f \in Files, n \in 0..(FilePages - 1) : Cut(f, n)
    \/ \E f \in Files, i \in 1..FilePages, v \in 1..ValueCount : WaitToWrite(f, i, v)
    \/ \E f \in Files, n \in 0..(FilePages - 1) : WaitToCut(f, n)
    \/ \E page \in Pages : Wake(page)
    \/ LaneStep
    \/ \E l \in Lanes : Die(l)
    \/ EndLoop
    \/ Stop
    \/ Done

Spec == Init /\ [][Next]_vars
FairSpec == Spec /\ \A l \in Lanes : WF_vars(Copy(l)) /\ WF_vars(Tell(l)) /\ WF_vars(Deliver(l))
                 /\ WF_vars(\E page \in Pages : Wake(page)) /\ WF_vars(Stop)

-----------------------------------------------------------------------------

TypeOK ==
    /\ \A f \in Files : Len(table[f]) <= FilePages
    /\ free \subseteq Pages
    /\ \A l \in Lanes : Len(jobs[l]) <= SlotCount
    /\ waiting = NoChange \/ waiting[1] \in {"write", "cut"}
    /\ stop \in {"running", "ended", "stopped"}

\* A read answers what the file held when M decided about it.
ReadConsistent == ~torn

\* A page that a lane has still to copy is the file's that was read.
NoReuseBeforeDone ==
    \A l \in Lanes \ dead : \A i \in 1..Len(jobs[l]) : LET job == jobs[l][i] IN
        \A k \in (job.next + 1)..Len(job.pages) :
            /\ job.pages[k] \notin free
            /\ k <= Len(table[job.file]) /\ table[job.file][k] = job.pages[k]

\* At every instant: each page is free or one file's.
FreeBytesAccurate ==
    /\ free = Pages \ Used(table)
    /\ \A f, g \in Files : \A i \in 1..Len(table[f]), k \in 1..Len(table[g]) :
          table[f][i] = table[g][k] => f = g /\ i = k

NoBufferTouchedAfterStop == ~touched

\* Whatever M waits for, a lane that lives is about to do.
WaitsForACopyOnly == waiting = NoChange \/ ~IsRead(waiting[2], waiting[1]) \/ \E l \in Lanes : IsBusy(l)

WaitEnds == (waiting # NoChange) ~> (waiting = NoChange)
StopEnds == (stop = "ended") ~> (stop = "stopped")

Unreached == seen = {}
=============================================================================
