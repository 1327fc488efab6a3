/**
 * The conformance cases that are not reached by NT calls through the driver, by reason: "no call", there is none that
 * makes such a request; "driver", the driver or Windows decides otherwise; "not run", it would show nothing, or not
 * always the same.
 */
const REASONS: Readonly<Record<string, readonly string[]>> = {
  'driver: POSIX deletes are switched off on Windows': [
    'READONLY refuses a disposition, unless it is to be ignored; undo is never refused',
  ],
  'driver: POSIX renames are switched off on Windows': [
    'a READONLY target refuses, unless it is to be ignored',
  ],
  'driver: a directory with open files below is not renamed': [
    'a directory: everything below it moves, open files too',
  ],
  'driver: it asks about the directory while the child that was deleted is still open': [
    'a directory that is not empty refuses, until it is empty',
  ],
  'driver: it overwrites with the open; the case looks in between': [
    'OVERWRITE, OVERWRITE_IF, SUPERSEDE: what Information says, for files that are there and that are not',
  ],
  'driver: it refuses to overwrite a hidden file by a create without that attribute, as Windows does': [
    'Overwrite: the file is empty, attributes added (OVERWRITE) or replaced (SUPERSEDE), ARCHIVE stays',
  ],
  'driver: no program sees contexts': [
    'one context per file: equal for all opens, another for another file, not 0',
  ],
  'driver: the name stays, delete pending, until the last handle is closed': [
    'Cleanup with Delete: the name is free at once, the data are there for other handles until the last Close',
    'two handles, both delete: the second finds the name gone and takes nothing else away',
    'nothing is made in a directory that was deleted but is open',
  ],
  'driver: what is to be deleted cannot be opened meanwhile': [
    'a disposition asks only: the file is there until Cleanup, and undo keeps it',
  ],
  'no call: a listing from a name on': [
    'markers: ., .., any spelling, the last name, names that are gone, names that never were',
  ],
  'no call: a write of the cache': [
    'constrained writes inside, over and past the end',
    'a constrained write into an empty file, and into one that was just cut',
    'constrained writes after Cleanup, seen by the next one who opens',
    'constrained writes to a file that its last handle deleted: taken, and nothing comes back to life',
    'what SetFileSize acknowledged can be written when the drive is full of other files',
    'writing, truncating and setting attributes move the right times',
  ],
  'no call: acceptsSecurityDescriptor of a create request': [
    'an open that takes a descriptor gets it, beside the name',
  ],
  'no call: accessToken of a create request': [
    'what is made on the drive can be opened again, by others too: files, directories, and what is in them',
    'a new file gets the entries of its directory that are for files, a new directory those for directories',
    'a descriptor given at creation decides',
    'the parent decides who may add files',
    'streams: who may not write the file makes none of it, and reads those that there are',
    'without traverse privilege every directory on the way is asked',
    'a descriptor larger than the first buffer is asked for again and obeyed',
  ],
  'no call: an Overwrite apart from its open': [
    'Overwrite with an allocation size',
    'READONLY: no writing, no DELETE_ON_CLOSE, no OVERWRITE; SUPERSEDE passes',
    'streams: room is counted as that of files, a stream that finds none changes nothing, an overwrite gives it back',
    'streams: an overwrite of one empties it alone',
  ],
  'no call: counts of our own library': [
    'an Overwrite that finds no room: DISK_FULL, old content kept, the library has closed the handle',
    'a sharing violation: Close without Cleanup, again and again',
  ],
  'no call: openTargetDirectory of a create request': [
    "a rename's target is opened by its parent: EXISTS or DOES_NOT_EXIST",
  ],
  'no call: options of our own library': [
    'receives of 0 bytes in between change nothing',
    'Stop0 while requests are in the queue, in a handler and undelivered: an orderly end',
    'set A is delivered by the serving thread',
    'set B goes to the second completionThread, a rename to the first; each completion gets its nested answer',
    'condition 1: a directory is answered inline',
    'condition 2: a size of whole pages is answered inline, one byte more is not',
    'condition 3: a size is set inline when neither its old nor its new end lies in a page that was there before',
    'condition 4: with a finite timeout, inline until someone has read whole pages',
    'all answers through completionThreads: everything works, held completions too',
    'held completions under a mixed load on twenty files: all answered, none late',
  ],
  'no call: single requests': [
    'extended attributes: room is taken for them, and an overwrite takes them away',
    'the root: opened with every option of a directory, more than once, whatever else is open',
    'the label: set, empty, refused beyond 32 characters with nothing changed',
    '200 appends in the queue at once, through two handles: each lands once, none over another',
    'Flush of a file returns all of its FILE_INFO; context 0, the root and an empty file are fine',
    'a reparse point: set, read back to the byte, found by its attribute, deleted by its tag',
    'extended attributes: those that a create or an overwrite brings are there at once, or nothing happens',
    'one name: found in any spelling, told in its own; absent: an empty answer',
    'kinds that do not exist are refused, and the next request is served',
    'streams: a handle that ends is delivered when the Cleanup of its file is, while both other threads are stuck',
    'while a directory rename is being delivered, Cleanup and set B stay off the serving thread',
    'both completionThreads stuck in a delivery, each until the other kind of nested request is answered',
    'a flood of 700 answers for a stuck completionThread with a ring of 4: the serving thread goes on, order is kept',
  ],
  'no call: reparsePoint of a create request': [
    'a reparse point that a create brings is there at once, or there is no file',
  ],
  'no call: single requests of a listing': [
    'an empty directory is . and .., an empty root nothing',
    'records end where the buffer ends: exactly full, and one byte short',
    'names that come and go while a listing is under way do not double or hide the others',
    'a listing begun again starts from the front',
    'what is listed of a file is what its own query says; . and .. are the directory and its parent',
    'a pattern hides nothing that matches it',
  ],
  'no call: the flags of a Cleanup': [
    'free space follows every step, by exactly what files reserve',
    'Cleanup sets ARCHIVE and the times that it names, and no others',
    'Cleanup trims what was allocated beyond the size',
  ],
  'no call: the name that a rename request says the file has': [
    'directories on the way come in capitals: found, and their own spelling kept',
  ],
  'no call: the serving process': [
    'streams: what ends a handle of one goes to the third completion thread, all else to none or its own',
    'a stop that the driver makes by itself ends the volume, as one that is gone',
  ],
  'not run: POSIX renames are switched off on Windows': [
    'POSIX: an open file is replaced; who has it open keeps its data, and its room until Close',
  ],
  'not run: Windows refuses such a descriptor before a file system sees it; the rig does not look': [
    'a malformed descriptor is refused and changes nothing',
  ],
  'not run: when the driver closes a file is up to the cache manager': [
    'the room of a deleted file comes back with the last Close, not before',
    '1000 files made and deleted leave the volume as it was',
  ],
};

/** Name of the case, and why. */
export const UNREACHED: ReadonlyMap<string, string> = new Map(
  Object.entries(REASONS).flatMap(([reason, names]) => names.map((name) => [name, reason] as const)),
);
