/*
 * The user-mode file system API of WinFsp, as much of it as this library provides, for programs that are not built on
 * Windows.
 *
 * Types, layouts, constants and prototypes only. Strings are NUL-terminated UTF-16 in native (little-endian) order;
 * WCHAR is what u"…" literals consist of. Functions whose names begin with FspLinux are this library's own and exist
 * nowhere else.
 */
#ifndef WINFSP_LINUX_WINFSP_H
#define WINFSP_LINUX_WINFSP_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define FSP_API __declspec(dllexport)
#else
#define FSP_API __attribute__((visibility("default")))
#endif

#include "winfsp-layouts.h"

/* ---- file system and its callbacks ---- */

typedef struct fsp_file_system FSP_FILE_SYSTEM;
typedef NTSTATUS FSP_FILE_SYSTEM_OPERATION(FSP_FILE_SYSTEM *, FSP_FSCTL_TRANSACT_REQ *, FSP_FSCTL_TRANSACT_RSP *);
typedef FSP_FILE_SYSTEM_OPERATION FSP_FILE_SYSTEM_OPERATION_GUARD;
typedef enum {
    FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_FINE = 0,
    FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_COARSE = 1
} FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY;

typedef struct {
    NTSTATUS (*GetVolumeInfo)(FSP_FILE_SYSTEM *, FSP_FSCTL_VOLUME_INFO *);
    NTSTATUS (*SetVolumeLabel)(FSP_FILE_SYSTEM *, PWSTR, FSP_FSCTL_VOLUME_INFO *);
    NTSTATUS (*GetSecurityByName)(FSP_FILE_SYSTEM *, PWSTR, PUINT32, PSECURITY_DESCRIPTOR, SIZE_T *);
    NTSTATUS (*Create)(
        FSP_FILE_SYSTEM *, PWSTR, UINT32, UINT32, UINT32, PSECURITY_DESCRIPTOR, UINT64, PVOID *, FSP_FSCTL_FILE_INFO *);
    NTSTATUS (*Open)(FSP_FILE_SYSTEM *, PWSTR, UINT32, UINT32, PVOID *, FSP_FSCTL_FILE_INFO *);
    NTSTATUS (*Overwrite)(FSP_FILE_SYSTEM *, PVOID, UINT32, BOOLEAN, UINT64, FSP_FSCTL_FILE_INFO *);
    void (*Cleanup)(FSP_FILE_SYSTEM *, PVOID, PWSTR, ULONG);
    void (*Close)(FSP_FILE_SYSTEM *, PVOID);
    NTSTATUS (*Read)(FSP_FILE_SYSTEM *, PVOID, PVOID, UINT64, ULONG, PULONG);
    NTSTATUS (*Write)(FSP_FILE_SYSTEM *, PVOID, PVOID, UINT64, ULONG, BOOLEAN, BOOLEAN, PULONG, FSP_FSCTL_FILE_INFO *);
    NTSTATUS (*Flush)(FSP_FILE_SYSTEM *, PVOID, FSP_FSCTL_FILE_INFO *);
    NTSTATUS (*GetFileInfo)(FSP_FILE_SYSTEM *, PVOID, FSP_FSCTL_FILE_INFO *);
    NTSTATUS (*SetBasicInfo)(FSP_FILE_SYSTEM *, PVOID, UINT32, UINT64, UINT64, UINT64, UINT64, FSP_FSCTL_FILE_INFO *);
    NTSTATUS (*SetFileSize)(FSP_FILE_SYSTEM *, PVOID, UINT64, BOOLEAN, FSP_FSCTL_FILE_INFO *);
    NTSTATUS (*CanDelete)(FSP_FILE_SYSTEM *, PVOID, PWSTR);
    NTSTATUS (*Rename)(FSP_FILE_SYSTEM *, PVOID, PWSTR, PWSTR, BOOLEAN);
    NTSTATUS (*GetSecurity)(FSP_FILE_SYSTEM *, PVOID, PSECURITY_DESCRIPTOR, SIZE_T *);
    NTSTATUS (*SetSecurity)(FSP_FILE_SYSTEM *, PVOID, SECURITY_INFORMATION, PSECURITY_DESCRIPTOR);
    NTSTATUS (*ReadDirectory)(FSP_FILE_SYSTEM *, PVOID, PWSTR, PWSTR, PVOID, ULONG, PULONG);
    NTSTATUS (*ResolveReparsePoints)(FSP_FILE_SYSTEM *, PWSTR, UINT32, BOOLEAN, PIO_STATUS_BLOCK, PVOID, PSIZE_T);
    NTSTATUS (*GetReparsePoint)(FSP_FILE_SYSTEM *, PVOID, PWSTR, PVOID, PSIZE_T);
    NTSTATUS (*SetReparsePoint)(FSP_FILE_SYSTEM *, PVOID, PWSTR, PVOID, SIZE_T);
    NTSTATUS (*DeleteReparsePoint)(FSP_FILE_SYSTEM *, PVOID, PWSTR, PVOID, SIZE_T);
    NTSTATUS (*GetStreamInfo)(FSP_FILE_SYSTEM *, PVOID, PVOID, ULONG, PULONG);
    NTSTATUS (*GetDirInfoByName)(FSP_FILE_SYSTEM *, PVOID, PWSTR, FSP_FSCTL_DIR_INFO *);
    NTSTATUS (*Control)(FSP_FILE_SYSTEM *, PVOID, UINT32, PVOID, ULONG, PVOID, ULONG, PULONG);
    NTSTATUS (*SetDelete)(FSP_FILE_SYSTEM *, PVOID, PWSTR, BOOLEAN);
    NTSTATUS (*CreateEx)(FSP_FILE_SYSTEM *, PWSTR, UINT32, UINT32, UINT32, PSECURITY_DESCRIPTOR, UINT64, PVOID, ULONG,
        BOOLEAN, PVOID *, FSP_FSCTL_FILE_INFO *);
    NTSTATUS (*OverwriteEx)(
        FSP_FILE_SYSTEM *, PVOID, UINT32, BOOLEAN, UINT64, PFILE_FULL_EA_INFORMATION, ULONG, FSP_FSCTL_FILE_INFO *);
    NTSTATUS (*GetEa)(FSP_FILE_SYSTEM *, PVOID, PFILE_FULL_EA_INFORMATION, ULONG, PULONG);
    NTSTATUS (*SetEa)(FSP_FILE_SYSTEM *, PVOID, PFILE_FULL_EA_INFORMATION, ULONG, FSP_FSCTL_FILE_INFO *);
    NTSTATUS (*Obsolete0)(void);
    void (*DispatcherStopped)(FSP_FILE_SYSTEM *, BOOLEAN);
    NTSTATUS (*Reserved[31])(void);
} FSP_FILE_SYSTEM_INTERFACE;

struct fsp_file_system {
    UINT16 Version;
    PVOID UserContext;
    WCHAR VolumeName[256];
    HANDLE VolumeHandle;
    FSP_FILE_SYSTEM_OPERATION_GUARD *EnterOperation, *LeaveOperation;
    FSP_FILE_SYSTEM_OPERATION *Operations[FspFsctlTransactKindCount];
    const FSP_FILE_SYSTEM_INTERFACE *Interface;
    HANDLE DispatcherThread;
    ULONG DispatcherThreadCount;
    NTSTATUS DispatcherResult;
    PWSTR MountPoint;
    HANDLE MountHandle;
    UINT32 DebugLog;
    FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY OpGuardStrategy;
    PVOID OpGuardLock;
    BOOLEAN UmFileContextIsUserContext2, UmFileContextIsFullContext;
    UINT16 UmNoReparsePointsDirCheck : 1, UmReservedFlags : 14, DispatcherStopping : 1;
};

typedef struct {
    FSP_FSCTL_TRANSACT_REQ *Request;
    FSP_FSCTL_TRANSACT_RSP *Response;
} FSP_FILE_SYSTEM_OPERATION_CONTEXT;

/* ---- functions ---- */

FSP_API NTSTATUS FspFsctlCreateVolume(PWSTR DevicePath, const FSP_FSCTL_VOLUME_PARAMS *VolumeParams,
    WCHAR *VolumeNameBuf, SIZE_T VolumeNameSize, PHANDLE PVolumeHandle);
FSP_API NTSTATUS FspFsctlTransact(HANDLE VolumeHandle, PVOID ResponseBuf, SIZE_T ResponseBufSize, PVOID RequestBuf,
    SIZE_T *PRequestBufSize, BOOLEAN Batch);
FSP_API NTSTATUS FspFsctlStop(HANDLE VolumeHandle);
FSP_API NTSTATUS FspFsctlStop0(HANDLE VolumeHandle);
FSP_API NTSTATUS FspFsctlNotify(HANDLE VolumeHandle, FSP_FSCTL_NOTIFY_INFO *NotifyInfo, SIZE_T Size);
FSP_API NTSTATUS FspFsctlGetVolumeList(PWSTR DevicePath, WCHAR *VolumeListBuf, PSIZE_T PVolumeListSize);
FSP_API NTSTATUS FspFsctlPreflight(PWSTR DevicePath);
FSP_API NTSTATUS FspFsctlServiceVersion(PUINT32 PVersion);
FSP_API NTSTATUS FspFsctlStartService(void);

FSP_API NTSTATUS FspFileSystemPreflight(PWSTR DevicePath, PWSTR MountPoint);
FSP_API NTSTATUS FspFileSystemCreate(PWSTR DevicePath, const FSP_FSCTL_VOLUME_PARAMS *VolumeParams,
    const FSP_FILE_SYSTEM_INTERFACE *Interface, FSP_FILE_SYSTEM **PFileSystem);
FSP_API void FspFileSystemDelete(FSP_FILE_SYSTEM *FileSystem);
FSP_API NTSTATUS FspFileSystemSetMountPoint(FSP_FILE_SYSTEM *FileSystem, PWSTR MountPoint);
FSP_API NTSTATUS FspFileSystemSetMountPointEx(
    FSP_FILE_SYSTEM *FileSystem, PWSTR MountPoint, PSECURITY_DESCRIPTOR SecurityDescriptor);
FSP_API void FspFileSystemRemoveMountPoint(FSP_FILE_SYSTEM *FileSystem);
FSP_API PWSTR FspFileSystemMountPointF(FSP_FILE_SYSTEM *FileSystem);
FSP_API NTSTATUS FspFileSystemStartDispatcher(FSP_FILE_SYSTEM *FileSystem, ULONG ThreadCount);
FSP_API void FspFileSystemStopDispatcher(FSP_FILE_SYSTEM *FileSystem);
FSP_API void FspFileSystemSendResponse(FSP_FILE_SYSTEM *FileSystem, FSP_FSCTL_TRANSACT_RSP *Response);
FSP_API FSP_FILE_SYSTEM_OPERATION_CONTEXT *FspFileSystemGetOperationContext(void);
FSP_API NTSTATUS FspFileSystemEnterOperationF(FSP_FILE_SYSTEM *, FSP_FSCTL_TRANSACT_REQ *, FSP_FSCTL_TRANSACT_RSP *);
FSP_API NTSTATUS FspFileSystemLeaveOperationF(FSP_FILE_SYSTEM *, FSP_FSCTL_TRANSACT_REQ *, FSP_FSCTL_TRANSACT_RSP *);
FSP_API void FspFileSystemSetOperationGuardF(
    FSP_FILE_SYSTEM *, FSP_FILE_SYSTEM_OPERATION_GUARD *Enter, FSP_FILE_SYSTEM_OPERATION_GUARD *Leave);
FSP_API void FspFileSystemSetOperationGuardStrategyF(FSP_FILE_SYSTEM *, FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY);
FSP_API void FspFileSystemSetOperationF(FSP_FILE_SYSTEM *, ULONG Index, FSP_FILE_SYSTEM_OPERATION *Operation);
FSP_API void FspFileSystemGetDispatcherResultF(FSP_FILE_SYSTEM *, NTSTATUS *PDispatcherResult);
FSP_API void FspFileSystemSetDispatcherResultF(FSP_FILE_SYSTEM *, NTSTATUS DispatcherResult);
FSP_API void FspFileSystemSetDebugLogF(FSP_FILE_SYSTEM *, UINT32 DebugLog);
FSP_API BOOLEAN FspFileSystemIsOperationCaseSensitiveF(void);
FSP_API UINT32 FspFileSystemOperationProcessIdF(void);
FSP_API void FspFileSystemStopServiceIfNecessary(FSP_FILE_SYSTEM *, BOOLEAN Normally);

FSP_API FSP_FILE_SYSTEM_OPERATION FspFileSystemOpEnter, FspFileSystemOpLeave, FspFileSystemOpCreate,
    FspFileSystemOpOverwrite, FspFileSystemOpCleanup, FspFileSystemOpClose, FspFileSystemOpRead, FspFileSystemOpWrite,
    FspFileSystemOpQueryInformation, FspFileSystemOpSetInformation, FspFileSystemOpQueryEa, FspFileSystemOpSetEa,
    FspFileSystemOpFlushBuffers, FspFileSystemOpQueryVolumeInformation, FspFileSystemOpSetVolumeInformation,
    FspFileSystemOpQueryDirectory, FspFileSystemOpFileSystemControl, FspFileSystemOpDeviceControl,
    FspFileSystemOpQuerySecurity, FspFileSystemOpSetSecurity, FspFileSystemOpQueryStreamInformation;

FSP_API NTSTATUS FspFileSystemNotifyBegin(FSP_FILE_SYSTEM *, ULONG Timeout);
FSP_API NTSTATUS FspFileSystemNotifyEnd(FSP_FILE_SYSTEM *);
FSP_API NTSTATUS FspFileSystemNotify(FSP_FILE_SYSTEM *, FSP_FSCTL_NOTIFY_INFO *NotifyInfo, SIZE_T Size);
FSP_API BOOLEAN FspFileSystemAddNotifyInfo(
    FSP_FSCTL_NOTIFY_INFO *, PVOID Buffer, ULONG Length, PULONG PBytesTransferred);

FSP_API BOOLEAN FspFileSystemAddDirInfo(FSP_FSCTL_DIR_INFO *, PVOID Buffer, ULONG Length, PULONG PBytesTransferred);
FSP_API BOOLEAN FspFileSystemAddStreamInfo(
    FSP_FSCTL_STREAM_INFO *, PVOID Buffer, ULONG Length, PULONG PBytesTransferred);
FSP_API BOOLEAN FspFileSystemAddEa(
    PFILE_FULL_EA_INFORMATION SingleEa, PFILE_FULL_EA_INFORMATION Ea, ULONG EaLength, PULONG PBytesTransferred);
FSP_API NTSTATUS FspFileSystemEnumerateEa(FSP_FILE_SYSTEM *,
    NTSTATUS (*Each)(FSP_FILE_SYSTEM *, PVOID, PFILE_FULL_EA_INFORMATION), PVOID Context, PFILE_FULL_EA_INFORMATION Ea,
    ULONG EaLength);
FSP_API BOOLEAN FspFileSystemAcquireDirectoryBuffer(PVOID *PDirBuffer, BOOLEAN Reset, PNTSTATUS PResult);
FSP_API BOOLEAN FspFileSystemAcquireDirectoryBufferEx(
    PVOID *PDirBuffer, BOOLEAN Reset, ULONG CapacityHint, PNTSTATUS PResult);
FSP_API BOOLEAN FspFileSystemFillDirectoryBuffer(PVOID *PDirBuffer, FSP_FSCTL_DIR_INFO *, PNTSTATUS PResult);
FSP_API void FspFileSystemReleaseDirectoryBuffer(PVOID *PDirBuffer);
FSP_API void FspFileSystemReadDirectoryBuffer(
    PVOID *PDirBuffer, PWSTR Marker, PVOID Buffer, ULONG Length, PULONG PBytesTransferred);
FSP_API void FspFileSystemDeleteDirectoryBuffer(PVOID *PDirBuffer);

FSP_API PGENERIC_MAPPING FspGetFileGenericMapping(void);
FSP_API NTSTATUS FspAccessCheckEx(FSP_FILE_SYSTEM *, FSP_FSCTL_TRANSACT_REQ *, BOOLEAN CheckParentOrMain,
    BOOLEAN AllowTraverseCheck, UINT32 DesiredAccess, PUINT32 PGrantedAccess,
    PSECURITY_DESCRIPTOR *PSecurityDescriptor);
FSP_API NTSTATUS FspCreateSecurityDescriptor(FSP_FILE_SYSTEM *, FSP_FSCTL_TRANSACT_REQ *,
    PSECURITY_DESCRIPTOR ParentDescriptor, PSECURITY_DESCRIPTOR *PSecurityDescriptor);
FSP_API NTSTATUS FspSetSecurityDescriptor(PSECURITY_DESCRIPTOR InputDescriptor, SECURITY_INFORMATION,
    PSECURITY_DESCRIPTOR ModificationDescriptor, PSECURITY_DESCRIPTOR *PSecurityDescriptor);
FSP_API void FspDeleteSecurityDescriptor(PSECURITY_DESCRIPTOR, NTSTATUS (*CreateFunc)(void));

FSP_API NTSTATUS FspNtStatusFromWin32(DWORD Error);
FSP_API DWORD FspWin32FromNtStatus(NTSTATUS Status);
FSP_API NTSTATUS FspVersion(PUINT32 PVersion);
FSP_API void FspDebugLogSetHandle(HANDLE Handle); /* here: a file descriptor number in a pointer */

/* ---- this library's own ---- */

/* Whether completing a request may need another request answered first: 0, as it never does over FUSE. */
FSP_API BOOLEAN FspLinuxCompletionsNest(void);
/*
 * FileSystem NULL: the default for volumes made later. Unknown name: STATUS_INVALID_PARAMETER.
 *
 * - "strict" 0, 1, 2: 2 prints violations to stderr as well.
 *
 * - "spin_us", "direct_io", "allow_other", "uid", "gid", "umask" (uid and gid: 0xffffffff is the mounting user's own).
 *
 * - "rename_extension" 0, 1: Rename may come with the bits FSP_LINUX_RENAME_… in ReplaceIfExists.
 *
 * - "hard_links" 0, 1: Rename may come with the bit FSP_LINUX_RENAME_LINK, and HardLinks in every FileInfo is what
 *   st_nlink shall be, 0 for a file without a name.
 *
 * - "unnamed_files" 0, 1: Create may come with the bit FSP_LINUX_CREATE_UNNAMED in CreateOptions; needs "hard_links".
 *
 * - "client_memory": bytes that the library may keep for its clients, for what they look up, open and list.
 *
 * - "wake" n: n receives return 0 bytes.
 */
#define FSP_LINUX_RENAME_POSIX 0x02u    /* the rules of rename(2): an empty directory gives way to another one */
#define FSP_LINUX_RENAME_EXCHANGE 0x04u /* the two names change places */
#define FSP_LINUX_RENAME_LINK 0x08u     /* the file gets the new name beside those it has */
/* with POSIX: a character device 0:0 takes the old name, in the same step; its owner and mode are set behind it */
#define FSP_LINUX_RENAME_WHITEOUT 0x10u
#define FSP_LINUX_RENAME_SHIFT 24       /* of these bits in the Flags of FileRenameInformationEx */
/*
 * The file gets no name: the last one of the path says nothing, and the directory stays as it is. It lives until its
 * last Close, or gets a name by FSP_LINUX_RENAME_LINK. No option of Windows has this bit.
 */
#define FSP_LINUX_CREATE_UNNAMED 0x00080000u
/* GetVolumeInfo: behind VOLUME_INFO there is room for these, zeros at first; what statvfs says of files. */
typedef struct {
    UINT64 TotalFiles, FreeFiles;
} FSP_LINUX_FILE_COUNTS;
/*
 * Control of an open file, to a host that makes holes by it (FSCTL_SET_ZERO_DATA) or not: the content of another one is
 * copied into it as a write would, all of it, or as much as there is room for. In: context and offset of the other
 * file, offset in this one, length; 64 bits each. Out: bytes copied, 64 bits; fewer at the end of the other file.
 * A host that fails with STATUS_INVALID_DEVICE_REQUEST is not asked again.
 */
#define FSP_LINUX_COPY_RANGE 0x0022a000u
FSP_API NTSTATUS FspLinuxSetOption(FSP_FILE_SYSTEM *FileSystem, const char *Name, UINT64 Value);
/* Strict checks. FileSystem NULL: those of the whole process, volumes already deleted included. */
FSP_API UINT32 FspLinuxViolationCount(FSP_FILE_SYSTEM *FileSystem);
/* bytes needed with NUL; 0: none */
FSP_API UINT32 FspLinuxViolationText(FSP_FILE_SYSTEM *FileSystem, UINT32 Index, char *Buffer, UINT32 Size);
/* As FspFileSystemRemoveMountPoint, unless programs use the mount: STATUS_SHARING_VIOLATION, nothing has changed. */
FSP_API NTSTATUS FspLinuxRemoveIdleMountPoint(FSP_FILE_SYSTEM *FileSystem);
/* Why the last SetMountPoint was refused, in fusermount3's words. Bytes needed with NUL; 0: none */
FSP_API UINT32 FspLinuxMountMessage(FSP_FILE_SYSTEM *FileSystem, char *Buffer, UINT32 Size);
FSP_API UINT64 FspLinuxOpenHandles(FSP_FILE_SYSTEM *FileSystem);
/* Bytes; see the option client_memory. FileSystem NULL: of the whole process. */
FSP_API UINT64 FspLinuxClientMemory(FSP_FILE_SYSTEM *FileSystem);
FSP_API UINT64 FspLinuxPendingRequests(FSP_FILE_SYSTEM *FileSystem);

/* Values for the low half of Create.AccessToken. Every other value is the ordinary test user, a member of
 * Administrators. */
#define FSP_LINUX_TOKEN_GRANT_ALL 0x6c6c6101u /* the kernel has checked: every ACL grants */
#define FSP_LINUX_TOKEN_RESTRICTED 0x72730001u /* another user, member of Everyone and Authenticated Users only */

/* In the response, too. */
typedef struct {
    FSP_FSCTL_VOLUME_INFO info;
    FSP_LINUX_FILE_COUNTS counts;
} FSP_LINUX_VOLUME_INFO;

FSP_ASSERT_SIZE(FSP_LINUX_VOLUME_INFO, 104);
FSP_ASSERT_SIZE(FSP_FILE_SYSTEM, 792);
FSP_ASSERT_AT(FSP_FILE_SYSTEM, VolumeName, 16);
FSP_ASSERT_AT(FSP_FILE_SYSTEM, VolumeHandle, 528);
FSP_ASSERT_AT(FSP_FILE_SYSTEM, Operations, 552);
FSP_ASSERT_AT(FSP_FILE_SYSTEM, Interface, 728);
FSP_ASSERT_AT(FSP_FILE_SYSTEM, MountPoint, 752);
FSP_ASSERT_AT(FSP_FILE_SYSTEM, DebugLog, 768);
FSP_ASSERT_AT(FSP_FILE_SYSTEM, OpGuardLock, 776);
FSP_ASSERT_SIZE(FSP_FILE_SYSTEM_INTERFACE, 512);
FSP_ASSERT_AT(FSP_FILE_SYSTEM_INTERFACE, DispatcherStopped, 256);

#ifdef __cplusplus
}
#endif
#endif
