/* The cache manager and sections, over a driver of this test that keeps one file in an array and notes each paging
 * request. */
#include "check.h"

VOID K_CcInitializeCacheMap(PFILE_OBJECT, PCC_FILE_SIZES, BOOLEAN, PCACHE_MANAGER_CALLBACKS, PVOID);
BOOLEAN K_CcUninitializeCacheMap(PFILE_OBJECT file, PLARGE_INTEGER truncate, PCACHE_UNINITIALIZE_EVENT event);
VOID K_CcSetFileSizes(PFILE_OBJECT file, PCC_FILE_SIZES sizes);
BOOLEAN K_CcCopyRead(PFILE_OBJECT, PLARGE_INTEGER, ULONG, BOOLEAN, PVOID, PIO_STATUS_BLOCK);
BOOLEAN K_CcCopyWrite(PFILE_OBJECT file, PLARGE_INTEGER offset, ULONG length, BOOLEAN wait, PVOID buffer);
VOID K_CcFlushCache(PSECTION_OBJECT_POINTERS, PLARGE_INTEGER, ULONG, PIO_STATUS_BLOCK);
BOOLEAN K_CcPurgeCacheSection(PSECTION_OBJECT_POINTERS, PLARGE_INTEGER, ULONG, ULONG);
VOID K_CcMdlRead(PFILE_OBJECT, PLARGE_INTEGER, ULONG, PMDL *, PIO_STATUS_BLOCK);
VOID K_CcMdlReadComplete(PFILE_OBJECT file, PMDL mdl);
VOID K_CcPrepareMdlWrite(PFILE_OBJECT, PLARGE_INTEGER, ULONG, PMDL *, PIO_STATUS_BLOCK);
VOID K_CcMdlWriteComplete(PFILE_OBJECT file, PLARGE_INTEGER offset, PMDL mdl);
BOOLEAN K_CcCanIWrite(PFILE_OBJECT file, ULONG bytes, BOOLEAN wait, UCHAR retrying);
VOID K_CcDeferWrite(PFILE_OBJECT, PCC_POST_DEFERRED_WRITE, PVOID, PVOID, ULONG, BOOLEAN);
BOOLEAN K_MmCanFileBeTruncated(PSECTION_OBJECT_POINTERS sections, PLARGE_INTEGER size);

#define PAGE 4096
static UCHAR disk[64 * PAGE];
static LONGLONG end_of_file = 3 * PAGE;
static volatile LONG reads, writes, lazy, closed;
static LONGLONG last_write = -1;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION sp = irp->Tail.Overlay.CurrentStackLocation;
    LONGLONG offset = sp->Parameters.Read.ByteOffset.QuadPart;
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = sp->Parameters.Read.Length;
    if (sp->MajorFunction == IRP_MJ_READ) {
        reads++;
        CHECK(irp->Flags & IRP_PAGING_IO);
        if (offset >= end_of_file)
            irp->IoStatus.Status = STATUS_END_OF_FILE;
        else
            RtlCopyMemory(irp->UserBuffer, disk + offset, sp->Parameters.Read.Length);
    } else if (sp->MajorFunction == IRP_MJ_WRITE) {
        writes++;
        last_write = offset;
        RtlCopyMemory(disk + offset, irp->UserBuffer, sp->Parameters.Read.Length);
    } else if (sp->MajorFunction == IRP_MJ_QUERY_INFORMATION) {
        FILE_STANDARD_INFORMATION *info = irp->AssociatedIrp.SystemBuffer;
        info->EndOfFile.QuadPart = end_of_file;
        info->Directory = FALSE;
        irp->IoStatus.Information = sizeof *info;
    } else {
        CHECK_EQUAL(sp->MajorFunction, IRP_MJ_CLOSE);
        closed++;
    }
    irp_complete(irp);
    return STATUS_SUCCESS;
}

static BOOLEAN NTAPI acquire(PVOID context, BOOLEAN wait)
{
    lazy++;
    return TRUE;
}

static VOID NTAPI release(PVOID context) {}

static DRIVER_OBJECT driver;
static FAST_IO_DISPATCH fast_io;
static SECTION_OBJECT_POINTERS sections;
static CACHE_MANAGER_CALLBACKS callbacks = {acquire, release, acquire, release};
static PFILE_OBJECT file;

static volatile LONG posted;

static VOID post_later(PVOID first, PVOID second) { posted = first == &file && second == NULL; }

static LARGE_INTEGER at(LONGLONG offset) { return (LARGE_INTEGER){.QuadPart = offset}; }

static void put(LONGLONG offset, int value, ULONG length)
{
    UCHAR data[2 * PAGE];
    LARGE_INTEGER where = at(offset);
    RtlFillMemory(data, length, value);
    CHECK(K_CcCopyWrite(file, &where, length, TRUE, data));
}

static int byte_at(LONGLONG offset)
{
    UCHAR value;
    IO_STATUS_BLOCK iosb;
    LARGE_INTEGER where = at(offset);
    CHECK(K_CcCopyRead(file, &where, 1, TRUE, &value, &iosb));
    return value;
}

static void resize(LONGLONG size)
{
    CC_FILE_SIZES sizes = {at(size), at(size), at(size)};
    end_of_file = size;
    K_CcSetFileSizes(file, &sizes);
}

static void open_file(void)
{
    driver.FastIoDispatch = &fast_io;
    for (int i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        driver.MajorFunction[i] = dispatch;
    PDEVICE_OBJECT device = ob_create(OB_DEVICE, sizeof *device);
    device->DriverObject = &driver;
    device->StackSize = 1;
    file = ob_create(OB_FILE, sizeof *file);
    file->Type = IO_TYPE_FILE;
    file->DeviceObject = device;
    file->SectionObjectPointer = &sections;
    file->Flags = FO_HANDLE_CREATED;
    ob_reference(device);
    CC_FILE_SIZES sizes = {at(end_of_file), at(end_of_file), at(end_of_file)};
    K_CcInitializeCacheMap(file, &sizes, FALSE, &callbacks, NULL);
}

int main(void)
{
    IO_STATUS_BLOCK iosb;
    for (size_t i = 0; i < sizeof disk; i++)
        disk[i] = (UCHAR)(i / PAGE);
    rig_lazy(1500); /* all but the end is over before its first round */
    system_threads_start();
    open_file();

    CHECK_EQUAL(byte_at(PAGE), 1);
    CHECK_EQUAL(byte_at(PAGE + 7), 1);
    CHECK_EQUAL(reads, 1);
    put(PAGE + 1, 0x77, 10); /* in the cache only */
    CHECK_EQUAL(disk[PAGE + 1], 1);
    CHECK_EQUAL(byte_at(PAGE + 10), 0x77);
    put(2 * PAGE, 0x22, PAGE); /* a whole page is not read first */
    CHECK_EQUAL(reads, 1);
    K_CcFlushCache(&sections, NULL, 0, &iosb);
    CHECK_EQUAL(writes, 1); /* neighbours together */
    CHECK(disk[PAGE + 1] == 0x77 && disk[PAGE] == 1 && disk[3 * PAGE - 1] == 0x22);
    disk[PAGE] = 0x55; /* as an uncached write does it */
    CHECK_EQUAL(byte_at(PAGE), 1);
    CHECK(K_CcPurgeCacheSection(&sections, NULL, 0, 0));
    CHECK_EQUAL(byte_at(PAGE), 0x55);

    /* Truncated and longer again: the tail is zero. */
    put(2 * PAGE, 0x33, PAGE);
    resize(2 * PAGE + 100);
    CHECK_EQUAL(byte_at(2 * PAGE + 99), 0x33);
    CHECK_EQUAL(byte_at(2 * PAGE + 100), 0);
    K_CcFlushCache(&sections, NULL, 0, &iosb);

    /* A page with an end of the file is written at a change of size once the file was mapped: which one is a switch. */
    put(2 * PAGE, 0x44, 10);
    LONG before = writes;
    resize(2 * PAGE + 90);
    CHECK_EQUAL(writes, before);
    UCHAR poked = 0x66;
    CHECK_EQUAL(rig_poke(file, &poked, 1, 2 * PAGE + 5), STATUS_SUCCESS);
    resize(2 * PAGE + 80);
    CHECK_EQUAL(writes, before + 1);
    CHECK_EQUAL(disk[2 * PAGE + 5], 0x66);
    rig_poke(file, &poked, 1, 2 * PAGE + 6);
    resize(5 * PAGE + 10); /* the page with the old end is dirty, that with the new one is not there */
    CHECK_EQUAL(writes, before + 1);
    resize(2 * PAGE + 80);
    CHECK_EQUAL(writes, before + 2);
    rig_write_old_end(1);
    rig_poke(file, &poked, 1, 2 * PAGE + 7);
    resize(5 * PAGE + 10);
    CHECK_EQUAL(writes, before + 3);
    CHECK_EQUAL(last_write, 2 * PAGE);
    rig_write_old_end(0);

    /* A view: what the program changes is found and written; a viewed file cannot be truncated before the view's end.
     */
    void *section, *view;
    CHECK_EQUAL(rig_section(file, 0, 1, &section), STATUS_SUCCESS);
    CHECK_EQUAL(rig_section_bytes(section), 5 * PAGE + 10);
    CHECK_EQUAL(rig_view(section, 0, 0, &view), STATUS_SUCCESS);
    ((UCHAR *)view)[4 * PAGE] = 0x99;
    CHECK_EQUAL(byte_at(4 * PAGE), 0x99);
    LARGE_INTEGER shorter = at(PAGE), longer = at(6 * PAGE);
    CHECK(!K_MmCanFileBeTruncated(&sections, &shorter));
    CHECK(K_MmCanFileBeTruncated(&sections, &longer));
    CHECK(!K_CcPurgeCacheSection(&sections, NULL, 0, 0));
    K_CcFlushCache(&sections, NULL, 0, &iosb);
    CHECK_EQUAL(disk[4 * PAGE], 0x99);
    rig_unview(section);
    rig_section_close(section);
    CHECK(K_MmCanFileBeTruncated(&sections, &shorter));

    /* A descriptor list leads to the pages themselves, and keeps them. */
    PMDL mdl = NULL;
    LARGE_INTEGER first = at(PAGE + 5);
    K_CcMdlRead(file, &first, PAGE, &mdl, &iosb);
    CHECK_EQUAL(iosb.Information, PAGE);
    CHECK_EQUAL(*(UCHAR *)mdl->MappedSystemVa, byte_at(PAGE + 5));
    CHECK(!K_CcPurgeCacheSection(&sections, NULL, 0, 0));
    K_CcMdlReadComplete(file, mdl);
    CHECK(K_CcPurgeCacheSection(&sections, NULL, 0, 0));
    K_CcPrepareMdlWrite(file, &first, PAGE, &mdl, &iosb);
    RtlFillMemory(mdl->MappedSystemVa, PAGE, 0xab);
    K_CcMdlWriteComplete(file, &first, mdl);
    K_CcFlushCache(&sections, NULL, 0, &iosb);
    CHECK(disk[PAGE + 5] == 0xab && disk[2 * PAGE + 4] == 0xab && disk[PAGE + 4] != 0xab);

    /* While too much is dirty a write is put off, unless it has been tried before. */
    rig_dirty_limit(1);
    CHECK(K_CcCanIWrite(file, 8 * PAGE, FALSE, FALSE)); /* nothing is dirty */
    put(PAGE, 0x12, 5);
    CHECK(!K_CcCanIWrite(file, PAGE, FALSE, FALSE));
    CHECK(K_CcCanIWrite(file, PAGE, FALSE, TRUE));
    K_CcDeferWrite(file, post_later, &file, NULL, PAGE, FALSE);
    CHECK_EQUAL(posted, 0);
    CHECK(becomes(&posted, 1));
    CHECK(K_CcCanIWrite(file, PAGE, TRUE, FALSE));
    rig_dirty_limit(0);

    /* The lazy writer writes what is left, and lets the file go when nobody has it open. */
    put(10, 0x11, 5);
    CHECK(K_CcUninitializeCacheMap(file, NULL, NULL));
    ob_dereference(file);
    CHECK_EQUAL(closed, 0);
    CHECK(becomes(&closed, 1));
    CHECK(lazy > 0 && disk[10] == 0x11);
    CHECK(sections.SharedCacheMap == NULL && sections.DataSectionObject == NULL);
    CHECK_EQUAL(rig_counter(COUNT_FAILED_PAGE_OUTS), 0);
    CHECK_EQUAL(rig_irps(), 0);
    return passed("cache manager, sections");
}
