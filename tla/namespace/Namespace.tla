------------------------------ MODULE Namespace ------------------------------
(***************************************************************************)
(* Names, handles and listings of one volume. Stands for RamVolume and its *)
(* inodes: create, open, cleanup, close, rename, list.                      *)
(*                                                                         *)
(* Every operation is one step, as it is in the code (one thread, no await *)
(* inside). Only a listing is several requests, each with the marker where *)
(* the last one ended.                                                     *)
(*                                                                         *)
(* A name is a number, the folded name, whose order is the listing's order;*)
(* beside it stands a spelling. Two spellings of one number differ only by *)
(* case.                                                                   *)
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
    Fault, Watch

Inodes == 1..InodeCount
Root == 0
Unlinked == -1
Nobody == 0
Names == 1..NameCount
Spellings == 1..SpellingCount
Places == Inodes \union {Root}

VARIABLES
    children,  \* directory -> name -> inode, or Nobody
    parent,    \* Inode.parent, Unlinked without a name
    name,      \* Inode.name, folded
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

\* The name of x goes; its content stays while there are handles.
Unlink(x) ==
    /\ children' = [children EXCEPT ![parent[x]][name[x]] = Nobody]
    /\ owned' = [owned EXCEPT ![parent[x]][name[x]] = Nobody]
    /\ parent' = [parent EXCEPT ![x] = Unlinked]
    /\ name' = [name EXCEPT ![x] = 0]
    /\ spelling' = [spelling EXCEPT ![x] = 0]
    /\ list' = Vanish(list, parent[x], name[x])

CleanupUnlinks(x) == pending[x] /\ opens[x] = 1 /\ Named(x) /\ (Entries(x) = {} \/ Fault = "DeletesFullDirectory")

\* Cleanup; with the last handle the marked name goes, unless it is a directory that is not empty.
Cleanup(x) ==
    /\ opens[x] > 0
    /\ opens' = [opens EXCEPT ![x] = @ - 1]
    /\ cleaned' = [cleaned EXCEPT ![x] = @ + 1]
    /\ pending' = [pending EXCEPT ![x] = IF opens[x] = 1 THEN FALSE ELSE @]
    /\ data' = IF Fault = "CleanupDestroys" /\ CleanupUnlinks(x) THEN [data EXCEPT ![x] = 0] ELSE data
    /\ IF CleanupUnlinks(x) THEN Unlink(x) ELSE UNCHANGED <<children, owned, parent, name, spelling, list>>
    /\ broken' = broken \union MarkIf(pending[x] /\ opens[x] = 1 /\ Entries(x) # {}, "FullDirectoryStays")
                        \union MarkIf(CleanupUnlinks(x) /\ cleaned[x] > 0, "CleanupWithOthersNotClosed")
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
    /\ Unlink(x)
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

\* Rename x to (d, n, s). An entry there that is x itself is only another spelling; another one is replaced, if that was asked
\* for and it is a file (which, without POSIX semantics, nobody has open); else it is a collision and nothing happens.
MayRename(x, d, n, s, replace) ==
    /\ Named(x)
    /\ Reachable(parent[x])
    /\ opens[x] > 0
    /\ Reachable(d)
    /\ Fault = "DirectoryIntoItself" \/ ~Below(d, x, InodeCount)
    /\ <<parent[x], name[x], spelling[x]>> # <<d, n, s>>
    /\ LET target == children[d][n]
       IN  IF target \in {Nobody, x} THEN TRUE
           ELSE replace /\ ~isDirectory[target] /\ (Posix \/ Handles(target) = 0)

Rename(x, d, n, s, replace) ==
    /\ renaming.inode = Nobody
    /\ MayRename(x, d, n, s, replace)
    /\ LET target == children[d][n]
           replaced == IF target \notin {Nobody, x} THEN {target} ELSE {}
           destroyed == {y \in replaced : Handles(y) = 0}
                          \union (IF Fault = "CaseRenameDestroys" /\ target = x THEN {x} ELSE {})
           moved == IF Fault = "OldNameStays" THEN children ELSE [children EXCEPT ![parent[x]][name[x]] = Nobody]
       IN  IF Fault = "ReplaceInTwoSteps" /\ replaced # {}
           THEN /\ children' = [children EXCEPT ![d][n] = Nobody]
                /\ owned' = [owned EXCEPT ![d][n] = Nobody]
                /\ parent' = [parent EXCEPT ![target] = Unlinked]
                /\ name' = [name EXCEPT ![target] = 0]
                /\ spelling' = [spelling EXCEPT ![target] = 0]
                /\ data' = [y \in Inodes |-> IF y \in destroyed THEN 0 ELSE data[y]]
                /\ renaming' = [inode |-> x, directory |-> d, name |-> n, spelling |-> s]
                /\ UNCHANGED <<pending, list, broken>>
           ELSE /\ children' = [moved EXCEPT ![d][n] = x]
                /\ owned' = [[owned EXCEPT ![parent[x]][name[x]] = Nobody] EXCEPT ![d][n] = x]
                /\ parent' = [y \in Inodes |-> IF y = x THEN d ELSE IF y \in replaced THEN Unlinked ELSE parent[y]]
                /\ name' = [y \in Inodes |-> IF y = x THEN n ELSE IF y \in replaced THEN 0 ELSE name[y]]
                /\ spelling' = [y \in Inodes |-> IF y = x THEN s ELSE IF y \in replaced THEN 0 ELSE spelling[y]]
                /\ data' = [y \in Inodes |-> IF y \in destroyed THEN 0 ELSE data[y]]
                /\ pending' = [y \in Inodes |-> IF y \in replaced THEN FALSE ELSE pending[y]]
                \* An entry that keeps its name, though with other content or spelling, is still there.
                /\ list' = IF <<parent[x], name[x]>> = <<d, n>> THEN list ELSE Vanish(list, parent[x], name[x])
                /\ broken' = broken \union MarkIf(target = x, "CaseOnly")
                                    \union MarkIf(replaced # {} /\ destroyed = {}, "ReplacedWhileOpen")
                                    \union MarkIf(destroyed # {}, "ReplacedClosed")
                                    \union MarkIf(isDirectory[x] /\ Entries(x) # {}, "FullDirectoryMoves")
                                    \union MarkIf(list.active /\ d = Root /\ n <= list.marker /\ parent[x] = Root
                                                    /\ name[x] > list.marker, "RenamedBehindMarker")
                /\ UNCHANGED renaming
    /\ UNCHANGED <<isDirectory, opens, cleaned>>

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
    \/ \E x \in Inodes, d \in Places, n \in Names, s \in Spellings, replace \in BOOLEAN : Rename(x, d, n, s, replace)
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

\* Every named inode stands in exactly one directory, under the name it believes; and nothing else stands there.
SingleOwner ==
    \A x \in Inodes :
        {<<d, n>> \in Places \X Names : children[d][n] = x} = IF Named(x) THEN {<<parent[x], name[x]>>} ELSE {}

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
