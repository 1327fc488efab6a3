------------------------------ MODULE Namespace ------------------------------
(***************************************************************************)
(* Names, handles and listings of one volume. Stands for RamVolume and its *)
(* inodes: create, open, cleanup, close, rename, exchange, link, list.      *)
(*                                                                         *)
(* Every operation is one step, as it is in the code (one thread, no await *)
(* inside). Only a listing is several requests, each with the marker where *)
(* the last one ended.                                                     *)
(*                                                                         *)
(* A name is a number, the folded name, whose order is the listing's order;*)
(* beside it stands a spelling. Two spellings of one number differ only by *)
(* case.                                                                   *)
(*                                                                         *)
(* A file may have several names. One of them is the inode's own (parent,  *)
(* name); when that goes, another takes its place, any one of them here.   *)
(***************************************************************************)
EXTENDS Integers, FiniteSets

CONSTANTS
    InodeCount,     \* inodes 1..InodeCount; the root is inode 0 and always there
    NameCount,
    SpellingCount,
    MaxHandles,     \* of one inode
    Directories,    \* TRUE: directories below the root
    Posix,          \* TRUE: a name can go at once while handles stay; rename may replace what is open
    Listing,        \* TRUE: someone lists the root
    ChunkSize,      \* entries that fit into one listing request
    Links,          \* TRUE: files may get further names
    Exchanges,      \* TRUE: two inodes may take each other's place
    Fault, Watch

Inodes == 1..InodeCount
Root == 0
Unlinked == -1
Nobody == 0
Names == 1..NameCount
Spellings == 1..SpellingCount
Places == Inodes \union {Root}

\* The spelling of further names is left out.
ASSUME Links \/ Exchanges => SpellingCount = 1

VARIABLES
    children,  \* directory -> name -> inode, or Nobody
    parent,    \* Inode.parent, Unlinked without a name
    name,      \* Inode.name, folded; the inode's own, if it has several
    spelling,  \* Inode.name, as it was given
    isDirectory,
    opens,     \* handles without Cleanup
    cleaned,   \* handles with Cleanup and without Close
    pending,   \* delete-on-close was asked for
    data,      \* 1 while the inode's content is there
    list,      \* the listing: active, marker, entries seen, entries that were there throughout (count: only for a fault)
    renaming,  \* only a fault: a rename that is half done
    owned,     \* ghost: directory -> name -> inode that applications were told is there
    broken     \* ghost: rules that were broken, and the watched branch

vars == <<children, parent, name, spelling, isDirectory, opens, cleaned, pending, data, list, renaming, owned, broken>>

NoEntries == [n \in Names |-> Nobody]
NoList == [active |-> FALSE, marker |-> 0, count |-> 0, seen |-> {}, throughout |-> {}]
BreakIf(condition, rule) == IF condition THEN {rule} ELSE {}
MarkIf(condition, branch) == IF condition /\ Watch = branch THEN {branch} ELSE {}

Named(x) == parent[x] # Unlinked
Handles(x) == opens[x] + cleaned[x]
Exists(x) == Named(x) \/ Handles(x) > 0
Entries(d) == {n \in Names : children[d][n] # Nobody}
Entry == Places \X Names
NamesOf(x) == {e \in Entry : children[e[1]][e[2]] = x}
Own(x) == <<parent[x], name[x]>>

\* A directory that a path leads to. The root, or one with a name whose parents have names.
RECURSIVE Below(_, _, _)
Below(x, top, steps) == x = top \/ (steps > 0 /\ x \in Inodes /\ Named(x) /\ Below(parent[x], top, steps - 1))
Reachable(d) == d = Root \/ (d \in Inodes /\ Exists(d) /\ isDirectory[d] /\ Named(d) /\ Below(d, Root, InodeCount))

Init ==
    /\ children = [d \in Places |-> NoEntries]
    /\ parent = [x \in Inodes |-> Unlinked]
    /\ name = [x \in Inodes |-> 0]
    /\ spelling = [x \in Inodes |-> 0]
    /\ isDirectory = [x \in Inodes |-> FALSE]
    /\ opens = [x \in Inodes |-> 0]
    /\ cleaned = [x \in Inodes |-> 0]
    /\ pending = [x \in Inodes |-> FALSE]
    /\ data = [x \in Inodes |-> 0]
    /\ list = NoList
    /\ renaming = [inode |-> Nobody, directory |-> Root, name |-> 0, spelling |-> 0]
    /\ owned = [d \in Places |-> NoEntries]
    /\ broken = {}

\* What a listing that is under way may still be asked for.
Vanish(l, d, n) == IF d = Root THEN [l EXCEPT !.throughout = @ \ {n}] ELSE l

------------------------------------------------------------------------------

\* FILE_CREATE. Inodes are interchangeable, so the least unused one is taken. A name that is there is a collision: no step.
Create(d, n, s, directory) ==
    /\ directory => Directories
    /\ Reachable(d)
    /\ children[d][n] = Nobody
    /\ \E x \in Inodes :
         /\ ~Exists(x)
         /\ \A y \in Inodes : y < x => Exists(y)
         /\ children' = [children EXCEPT ![d][n] = x]
         /\ owned' = [owned EXCEPT ![d][n] = x]
         /\ parent' = [parent EXCEPT ![x] = d]
         /\ name' = [name EXCEPT ![x] = n]
         /\ spelling' = [spelling EXCEPT ![x] = s]
         /\ isDirectory' = [isDirectory EXCEPT ![x] = directory]
         /\ opens' = [opens EXCEPT ![x] = 1]
         /\ data' = [data EXCEPT ![x] = 1]
    /\ UNCHANGED <<cleaned, pending, list, renaming, broken>>

\* By name: the front end lets nobody open what is to be deleted.
Open(d, n) ==
    /\ Reachable(d)
    /\ children[d][n] # Nobody
    /\ LET x == children[d][n]
       IN  /\ ~pending[x]
           /\ Handles(x) < MaxHandles
           /\ opens' = [opens EXCEPT ![x] = @ + 1]
    /\ UNCHANGED <<children, parent, name, spelling, isDirectory, cleaned, pending, data, list, renaming, owned, broken>>

\* CanDelete, then the disposition; or FILE_DELETE_ON_CLOSE, where nobody asks CanDelete.
MarkForDelete(x) ==
    /\ Named(x)
    /\ opens[x] > 0
    /\ ~pending[x]
    /\ pending' = [pending EXCEPT ![x] = TRUE]
    /\ UNCHANGED <<children, parent, name, spelling, isDirectory, opens, cleaned, data, list, renaming, owned, broken>>

UnmarkForDelete(x) ==
    /\ opens[x] > 0
    /\ pending[x]
    /\ pending' = [pending EXCEPT ![x] = FALSE]
    /\ UNCHANGED <<children, parent, name, spelling, isDirectory, opens, cleaned, data, list, renaming, owned, broken>>

\* A name e of x goes; the content stays while there are names or handles. If e was the inode's own, another takes its place.
Unlink(x, e) ==
    /\ children' = [children EXCEPT ![e[1]][e[2]] = Nobody]
    /\ owned' = [owned EXCEPT ![e[1]][e[2]] = Nobody]
    /\ list' = Vanish(list, e[1], e[2])
    /\ LET others == IF Fault = "LinksForgotten" THEN {} ELSE NamesOf(x) \ {e}
       IN  IF e # Own(x) THEN UNCHANGED <<parent, name, spelling>>
           ELSE IF others = {}
           THEN /\ parent' = [parent EXCEPT ![x] = Unlinked]
                /\ name' = [name EXCEPT ![x] = 0]
                /\ spelling' = [spelling EXCEPT ![x] = 0]
           ELSE \E heir \in others :
                /\ parent' = [parent EXCEPT ![x] = heir[1]]
                /\ name' = [name EXCEPT ![x] = heir[2]]
                /\ UNCHANGED spelling

CleanupUnlinks(x) == pending[x] /\ opens[x] = 1 /\ Named(x) /\ (Entries(x) = {} \/ Fault = "DeletesFullDirectory")

\* Cleanup; with the last handle the marked name goes, unless it is a directory that is not empty. Of several, any: it is the one by
\* which the handle was opened, which nothing else here depends on.
Cleanup(x) ==
    /\ opens[x] > 0
    /\ opens' = [opens EXCEPT ![x] = @ - 1]
    /\ cleaned' = [cleaned EXCEPT ![x] = @ + 1]
    /\ pending' = [pending EXCEPT ![x] = IF opens[x] = 1 THEN FALSE ELSE @]
    /\ data' = IF Fault = "CleanupDestroys" /\ CleanupUnlinks(x) THEN [data EXCEPT ![x] = 0] ELSE data
    /\ IF CleanupUnlinks(x) THEN \E e \in NamesOf(x) : Unlink(x, e) ELSE UNCHANGED <<children, owned, parent, name, spelling, list>>
    /\ broken' = broken \union MarkIf(pending[x] /\ opens[x] = 1 /\ Entries(x) # {}, "FullDirectoryStays")
                        \union MarkIf(CleanupUnlinks(x) /\ cleaned[x] > 0, "CleanupWithOthersNotClosed")
                        \union MarkIf(CleanupUnlinks(x) /\ Cardinality(NamesOf(x)) > 1, "OtherNamesStay")
    /\ UNCHANGED <<isDirectory, renaming>>

\* POSIX delete through one handle: Cleanup with Delete while others may stay open.
PosixDelete(x) ==
    /\ Posix
    /\ opens[x] > 0
    /\ Named(x)
    /\ Entries(x) = {}
    /\ opens' = [opens EXCEPT ![x] = @ - 1]
    /\ cleaned' = [cleaned EXCEPT ![x] = @ + 1]
    /\ pending' = [pending EXCEPT ![x] = FALSE]
    /\ \E e \in NamesOf(x) : Unlink(x, e)
    /\ broken' = broken \union MarkIf(opens[x] > 1, "UnlinkedWhileOpen")
    /\ UNCHANGED <<isDirectory, data, renaming>>

\* The last one of an inode without a name destroys it.
Close(x) ==
    /\ cleaned[x] > 0
    /\ cleaned' = [cleaned EXCEPT ![x] = @ - 1]
    /\ LET last == Handles(x) = 1 /\ ~Named(x)
       IN  /\ data' = [data EXCEPT ![x] = IF last /\ Fault # "NeverDestroyed" THEN 0 ELSE @]
           /\ isDirectory' = [isDirectory EXCEPT ![x] = IF last THEN FALSE ELSE @]
           /\ broken' = broken \union BreakIf(last /\ data[x] = 0, "DestroyedOnce")
    /\ UNCHANGED <<children, parent, name, spelling, opens, pending, list, renaming, owned>>

------------------------------------------------------------------------------

\* Rename x, by its name e, to (d, n, s). An entry there that is e itself is only another spelling. Another name of x there: POSIX
\* does nothing, otherwise e goes. Another inode is replaced, if that was asked for and it is a file (which, without POSIX semantics,
\* nobody has open); else it is a collision and nothing happens.
MayRename(x, e, d, n, s, replace) ==
    /\ Reachable(e[1])
    /\ opens[x] > 0
    /\ Reachable(d)
    /\ Fault = "DirectoryIntoItself" \/ ~Below(d, x, InodeCount)
    /\ <<e, spelling[x]>> # <<<<d, n>>, s>>
    /\ LET target == children[d][n]
       IN  IF target = Nobody \/ e = <<d, n>> THEN TRUE
           ELSE IF target = x THEN replace /\ ~Posix
           ELSE replace /\ ~isDirectory[target] /\ (Posix \/ Handles(target) = 0)

Rename(x, e, d, n, s, replace) ==
    /\ renaming.inode = Nobody
    /\ MayRename(x, e, d, n, s, replace)
    /\ LET target == children[d][n]
           replaced == IF target \notin {Nobody, x} THEN {target} ELSE {}
           \* The names that a replaced inode keeps. If its own goes, one of them takes its place.
           kept == IF replaced = {} THEN {} ELSE NamesOf(target) \ {<<d, n>>}
           heirs == IF kept # {} /\ Own(target) = <<d, n>> THEN kept ELSE {<<Root, 0>>}
           unlinked == IF kept = {} \/ Fault = "ReplaceForgetsLinks" THEN replaced ELSE {}
           destroyed == {y \in unlinked : Handles(y) = 0}
                          \union (IF Fault = "CaseRenameDestroys" /\ target = x THEN {x} ELSE {})
           moved == IF Fault = "OldNameStays" THEN children ELSE [children EXCEPT ![e[1]][e[2]] = Nobody]
       IN  IF Fault = "ReplaceInTwoSteps" /\ replaced # {}
           THEN /\ children' = [children EXCEPT ![d][n] = Nobody]
                /\ owned' = [owned EXCEPT ![d][n] = Nobody]
                /\ parent' = [parent EXCEPT ![target] = Unlinked]
                /\ name' = [name EXCEPT ![target] = 0]
                /\ spelling' = [spelling EXCEPT ![target] = 0]
                /\ data' = [y \in Inodes |-> IF y \in destroyed THEN 0 ELSE data[y]]
                /\ renaming' = [inode |-> x, directory |-> d, name |-> n, spelling |-> s]
                /\ UNCHANGED <<pending, list, broken>>
           ELSE IF target = x /\ e # <<d, n>>
           THEN /\ Unlink(x, e)
                /\ broken' = broken \union MarkIf(TRUE, "OntoItself")
                /\ UNCHANGED <<data, pending, renaming>>
           ELSE \E heir \in heirs :
                /\ children' = [moved EXCEPT ![d][n] = x]
                /\ owned' = [[owned EXCEPT ![e[1]][e[2]] = Nobody] EXCEPT ![d][n] = x]
                /\ parent' = [y \in Inodes |-> IF y = x /\ e = Own(x) THEN d
                                               ELSE IF y \in unlinked THEN Unlinked
                                               ELSE IF y \in replaced /\ Own(y) = <<d, n>> THEN heir[1] ELSE parent[y]]
                /\ name' = [y \in Inodes |-> IF y = x /\ e = Own(x) THEN n
                                             ELSE IF y \in unlinked THEN 0
                                             ELSE IF y \in replaced /\ Own(y) = <<d, n>> THEN heir[2] ELSE name[y]]
                /\ spelling' = [y \in Inodes |-> IF y = x THEN s ELSE IF y \in unlinked THEN 0 ELSE spelling[y]]
                /\ data' = [y \in Inodes |-> IF y \in destroyed THEN 0 ELSE data[y]]
                /\ pending' = [y \in Inodes |-> IF y \in unlinked THEN FALSE ELSE pending[y]]
                \* An entry that keeps its name, though with other content or spelling, is still there.
                /\ list' = IF e = <<d, n>> THEN list ELSE Vanish(list, e[1], e[2])
                /\ broken' = broken \union MarkIf(target = x, "CaseOnly")
                                    \union MarkIf(unlinked # {} /\ destroyed = {}, "ReplacedWhileOpen")
                                    \union MarkIf(destroyed # {}, "ReplacedClosed")
                                    \union MarkIf(kept # {}, "ReplacedKeepsNames")
                                    \union MarkIf(isDirectory[x] /\ Entries(x) # {}, "FullDirectoryMoves")
                                    \union MarkIf(list.active /\ d = Root /\ n <= list.marker /\ e[1] = Root
                                                    /\ e[2] > list.marker, "RenamedBehindMarker")
                /\ UNCHANGED renaming
    /\ UNCHANGED <<isDirectory, opens, cleaned>>

\* A file gets one more name, or one again that has none left.
Link(x, d, n) ==
    /\ Links
    /\ opens[x] > 0
    /\ ~isDirectory[x]
    /\ Reachable(d)
    /\ children[d][n] = Nobody
    /\ children' = [children EXCEPT ![d][n] = x]
    /\ owned' = [owned EXCEPT ![d][n] = x]
    /\ IF Named(x) THEN UNCHANGED <<parent, name, spelling>>
       ELSE /\ parent' = [parent EXCEPT ![x] = d]
            /\ name' = [name EXCEPT ![x] = n]
            /\ spelling' = [spelling EXCEPT ![x] = 1]
    /\ broken' = broken \union MarkIf(~Named(x), "LinkedWithoutName")
    /\ UNCHANGED <<isDirectory, opens, cleaned, pending, data, list, renaming>>

\* Two inodes of any kind take each other's place, in one step; none may lie within the other.
Exchange(x, e, d, n) ==
    /\ Exchanges
    /\ opens[x] > 0
    /\ Reachable(e[1])
    /\ Reachable(d)
    /\ children[d][n] \notin {Nobody, x}
    /\ LET other == children[d][n]
       IN  /\ ~Below(d, x, InodeCount)
           /\ ~Below(e[1], other, InodeCount) \/ Fault = "ExchangeIntoItself"
           /\ children' = [[children EXCEPT ![e[1]][e[2]] = other] EXCEPT ![d][n] = x]
           /\ owned' = [[owned EXCEPT ![e[1]][e[2]] = other] EXCEPT ![d][n] = x]
           /\ parent' = [y \in Inodes |-> IF y = x /\ e = Own(x) THEN d
                                          ELSE IF y = other /\ <<d, n>> = Own(y) THEN e[1] ELSE parent[y]]
           /\ name' = [y \in Inodes |-> IF y = x /\ e = Own(x) THEN n
                                        ELSE IF y = other /\ <<d, n>> = Own(y) THEN e[2] ELSE name[y]]
           /\ broken' = broken \union MarkIf(isDirectory[x] # isDirectory[other], "UnlikeExchanged")
    /\ UNCHANGED <<spelling, isDirectory, opens, cleaned, pending, data, list, renaming>>

\* Only as a fault: the second half.
RenameOn ==
    /\ renaming.inode # Nobody
    /\ LET x == renaming.inode
       IN  /\ children' = [[children EXCEPT ![parent[x]][name[x]] = Nobody] EXCEPT ![renaming.directory][renaming.name] = x]
           /\ owned' = children'
           /\ parent' = [parent EXCEPT ![x] = renaming.directory]
           /\ name' = [name EXCEPT ![x] = renaming.name]
           /\ spelling' = [spelling EXCEPT ![x] = renaming.spelling]
    /\ renaming' = [inode |-> Nobody, directory |-> Root, name |-> 0, spelling |-> 0]
    /\ UNCHANGED <<isDirectory, opens, cleaned, pending, data, list, broken>>

------------------------------------------------------------------------------

StartList ==
    /\ Listing
    /\ ~list.active
    /\ list' = [NoList EXCEPT !.active = TRUE, !.throughout = Entries(Root)]
    /\ UNCHANGED <<children, parent, name, spelling, isDirectory, opens, cleaned, pending, data, renaming, owned, broken>>

\* One listing request: entries behind the marker, by order and not by looking the marker up.
ListOn ==
    /\ list.active
    /\ LET behind ==
             CASE Fault = "MarkerLookedUp" /\ list.marker # 0 /\ children[Root][list.marker] = Nobody -> {}
               [] Fault = "MarkerIsIndex" ->
                    {n \in Entries(Root) : Cardinality({m \in Entries(Root) : m < n}) >= list.count}
               [] Fault = "MarkerInclusive" -> {n \in Entries(Root) : n >= list.marker}
               [] Fault = "MarkerIgnored" -> Entries(Root)
               [] OTHER -> {n \in Entries(Root) : n > list.marker}
           chunk == {n \in behind : Cardinality({m \in behind : m < n}) < ChunkSize}
           end == Cardinality(behind) < ChunkSize
           missed == list.throughout \ (list.seen \union chunk)
       IN  /\ broken' = broken
                \union BreakIf(chunk \intersect list.seen # {}, "ListedOnce")
                \union BreakIf(end /\ missed # {}, "ListedAll")
                \union MarkIf(list.marker # 0 /\ children[Root][list.marker] = Nobody, "MarkerGone")
                \union MarkIf(\E n \in chunk : n \notin list.throughout, "ListedNew")
           /\ list' = IF end THEN NoList
                      ELSE [list EXCEPT !.marker = CHOOSE n \in chunk : \A m \in chunk : m <= n,
                                        !.count = IF Fault = "MarkerIsIndex" THEN @ + Cardinality(chunk) ELSE 0,
                                        !.seen = (@ \union chunk) \intersect list.throughout]
    /\ UNCHANGED <<children, parent, name, spelling, isDirectory, opens, cleaned, pending, data, renaming, owned>>

Next ==
    \/ \E d \in Places, n \in Names, s \in Spellings, directory \in BOOLEAN : Create(d, n, s, directory)
    \/ \E d \in Places, n \in Names : Open(d, n)
    \/ \E x \in Inodes : MarkForDelete(x) \/ UnmarkForDelete(x) \/ Cleanup(x) \/ PosixDelete(x) \/ Close(x)
    \/ \E x \in Inodes : \E e \in NamesOf(x), d \in Places, n \in Names :
          Exchange(x, e, d, n) \/ \E s \in Spellings, replace \in BOOLEAN : Rename(x, e, d, n, s, replace)
    \/ \E x \in Inodes, d \in Places, n \in Names : Link(x, d, n)
    \/ RenameOn
    \/ StartList
    \/ ListOn

Spec == Init /\ [][Next]_vars
FairSpec == Spec /\ WF_vars(ListOn) /\ \A x \in Inodes : WF_vars(Cleanup(x)) /\ WF_vars(Close(x))

------------------------------------------------------------------------------

TypeOK ==
    /\ children \in [Places -> [Names -> Inodes \union {Nobody}]]
    /\ parent \in [Inodes -> Places \union {Unlinked}]
    /\ \A x \in Inodes : Handles(x) \in 0..MaxHandles
    /\ data \in [Inodes -> {0, 1}]

\* Every named inode stands in exactly one directory, under the name it believes, and nothing else stands there; with links there too.
SingleOwner ==
    \A x \in Inodes :
        IF ~Named(x) THEN NamesOf(x) = {}
        ELSE IF Links /\ ~isDirectory[x] THEN Own(x) \in NamesOf(x)
        ELSE NamesOf(x) = {Own(x)}

\* What applications were told is there is there.
NamesTrue == children = owned

\* Content lives exactly as long as a name or a handle.
DeadFilesClean == \A x \in Inodes : (data[x] = 1) = Exists(x)
DestroyedOnce == "DestroyedOnce" \notin broken

\* Only a directory has children, and only while a name or a handle leads to it.
ParentsAreDirectories == \A d \in Inodes : Entries(d) # {} => isDirectory[d] /\ Named(d)
NoCycle == \A x \in Inodes : Named(x) => Below(x, Root, InodeCount)

ListedOnce == "ListedOnce" \notin broken
ListedAll == "ListedAll" \notin broken

\* A name vanishes only when its own inode is deleted or renamed: never for a moment while it is replaced.
ReplaceIsAtomic ==
    [][\A n \in Names :
         children[Root][n] # Nobody /\ children'[Root][n] = Nobody =>
            LET x == children[Root][n]
            IN  opens'[x] < opens[x] \/ parent'[x] # Unlinked]_vars

Unreached == Watch \notin broken

\* Liveness: a listing ends however the directory changes; a name to be deleted goes.
ListingEnds == list.active ~> ~list.active
DeadInodesGo == \A x \in Inodes : (~Named(x) /\ Handles(x) > 0) ~> data[x] = 0
=============================================================================
