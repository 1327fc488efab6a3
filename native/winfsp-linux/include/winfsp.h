/*
 * The user-mode file system API of WinFsp, as much of it as this library provides, for programs that are not built on Windows.
 *
 * Types, layouts, constants and prototypes only. Layouts are those of the x64 Windows ABI: every offset that a host or this
 * library relies on is asserted below, so a compiler that lays something out differently stops the build.
 * Strings are NUL-terminated UTF-16 in native (little-endian) order; WCHAR is what u"…" literals consist of.
 * Functions whose names begin with FspLinux are this library's own and exist nowhere else.
 */
#ifndef WINFSP_LINUX_WINFSP_H
#define WINFSP_LINUX_WINFSP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define FSP_API __declspec(dllexport)
#else
#define FSP_API __attribute__((visibility("default")))
#endif

/* ---- basic types ---------------------------------------------------------------------------------------------------- */

typedef uint8_t BOOLEAN, UINT8;
typedef uint16_t UINT16, WCHAR;
typedef uint32_t UINT32, ULONG, DWORD, SECURITY_INFORMATION;
typedef uint64_t UINT64;
typedef size_t SIZE_T;
typedef int32_t NTSTATUS;
typedef void *PVOID, *HANDLE, *PSECURITY_DESCRIPTOR, *PSID;
typedef HANDLE *PHANDLE;
typedef WCHAR *PWSTR;
typedef ULONG *PULONG;
typedef UINT32 *PUINT32;
typedef UINT64 *PUINT64;
typedef SIZE_T *PSIZE_T;
typedef NTSTATUS *PNTSTATUS;

#define NT_SUCCESS(status) ((NTSTATUS)(status) >= 0)

/* ---- status codes --------------------------------------------------------------------------------------------------- */

#define STATUS_SUCCESS ((NTSTATUS)0x00000000)
#define STATUS_TIMEOUT ((NTSTATUS)0x00000102)
#define STATUS_PENDING ((NTSTATUS)0x00000103)
#define STATUS_REPARSE ((NTSTATUS)0x00000104)
#define STATUS_OPLOCK_BREAK_IN_PROGRESS ((NTSTATUS)0x00000108)
#define STATUS_BUFFER_OVERFLOW ((NTSTATUS)0x80000005)
#define STATUS_NO_MORE_FILES ((NTSTATUS)0x80000006)
#define STATUS_EA_LIST_INCONSISTENT ((NTSTATUS)0x80000014)
#define STATUS_UNSUCCESSFUL ((NTSTATUS)0xc0000001)
#define STATUS_NOT_IMPLEMENTED ((NTSTATUS)0xc0000002)
#define STATUS_INVALID_INFO_CLASS ((NTSTATUS)0xc0000003)
#define STATUS_INFO_LENGTH_MISMATCH ((NTSTATUS)0xc0000004)
#define STATUS_ACCESS_VIOLATION ((NTSTATUS)0xc0000005)
#define STATUS_INVALID_HANDLE ((NTSTATUS)0xc0000008)
#define STATUS_INVALID_PARAMETER ((NTSTATUS)0xc000000d)
#define STATUS_NO_SUCH_DEVICE ((NTSTATUS)0xc000000e)
#define STATUS_NO_SUCH_FILE ((NTSTATUS)0xc000000f)
#define STATUS_INVALID_DEVICE_REQUEST ((NTSTATUS)0xc0000010)
#define STATUS_END_OF_FILE ((NTSTATUS)0xc0000011)
#define STATUS_NO_MEMORY ((NTSTATUS)0xc0000017)
#define STATUS_ACCESS_DENIED ((NTSTATUS)0xc0000022)
#define STATUS_BUFFER_TOO_SMALL ((NTSTATUS)0xc0000023)
#define STATUS_OBJECT_TYPE_MISMATCH ((NTSTATUS)0xc0000024)
#define STATUS_OBJECT_NAME_INVALID ((NTSTATUS)0xc0000033)
#define STATUS_OBJECT_NAME_NOT_FOUND ((NTSTATUS)0xc0000034)
#define STATUS_OBJECT_NAME_COLLISION ((NTSTATUS)0xc0000035)
#define STATUS_OBJECT_PATH_INVALID ((NTSTATUS)0xc0000039)
#define STATUS_OBJECT_PATH_NOT_FOUND ((NTSTATUS)0xc000003a)
#define STATUS_OBJECT_PATH_SYNTAX_BAD ((NTSTATUS)0xc000003b)
#define STATUS_SHARING_VIOLATION ((NTSTATUS)0xc0000043)
#define STATUS_QUOTA_EXCEEDED ((NTSTATUS)0xc0000044)
#define STATUS_EAS_NOT_SUPPORTED ((NTSTATUS)0xc000004f)
#define STATUS_EA_TOO_LARGE ((NTSTATUS)0xc0000050)
#define STATUS_FILE_LOCK_CONFLICT ((NTSTATUS)0xc0000054)
#define STATUS_LOCK_NOT_GRANTED ((NTSTATUS)0xc0000055)
#define STATUS_DELETE_PENDING ((NTSTATUS)0xc0000056)
#define STATUS_PRIVILEGE_NOT_HELD ((NTSTATUS)0xc0000061)
#define STATUS_INVALID_SECURITY_DESCR ((NTSTATUS)0xc0000079)
#define STATUS_DISK_FULL ((NTSTATUS)0xc000007f)
#define STATUS_INSUFFICIENT_RESOURCES ((NTSTATUS)0xc000009a)
#define STATUS_MEDIA_WRITE_PROTECTED ((NTSTATUS)0xc00000a2)
#define STATUS_INVALID_DEVICE_STATE ((NTSTATUS)0xc0000184)
#define STATUS_IO_TIMEOUT ((NTSTATUS)0xc00000b5)
#define STATUS_FILE_IS_A_DIRECTORY ((NTSTATUS)0xc00000ba)
#define STATUS_NOT_SUPPORTED ((NTSTATUS)0xc00000bb)
#define STATUS_NETWORK_ACCESS_DENIED ((NTSTATUS)0xc00000ca)
#define STATUS_NO_SECURITY_ON_OBJECT ((NTSTATUS)0xc00000d7)
#define STATUS_CANT_WAIT ((NTSTATUS)0xc00000d8)
#define STATUS_INTERNAL_ERROR ((NTSTATUS)0xc00000e5)
#define STATUS_INVALID_USER_BUFFER ((NTSTATUS)0xc00000e8)
#define STATUS_DIRECTORY_NOT_EMPTY ((NTSTATUS)0xc0000101)
#define STATUS_FILE_CORRUPT_ERROR ((NTSTATUS)0xc0000102)
#define STATUS_NOT_A_DIRECTORY ((NTSTATUS)0xc0000103)
#define STATUS_NAME_TOO_LONG ((NTSTATUS)0xc0000106)
#define STATUS_CANCELLED ((NTSTATUS)0xc0000120)
#define STATUS_CANNOT_DELETE ((NTSTATUS)0xc0000121)
#define STATUS_FILE_DELETED ((NTSTATUS)0xc0000123)
#define STATUS_FILE_CLOSED ((NTSTATUS)0xc0000128)
#define STATUS_DLL_NOT_FOUND ((NTSTATUS)0xc0000135)
#define STATUS_TOO_LATE ((NTSTATUS)0xc0000189)
#define STATUS_USER_MAPPED_FILE ((NTSTATUS)0xc0000243)
#define STATUS_DRIVER_UNABLE_TO_LOAD ((NTSTATUS)0xc000026c)
#define STATUS_VOLUME_DISMOUNTED ((NTSTATUS)0xc000026e)
#define STATUS_NOT_A_REPARSE_POINT ((NTSTATUS)0xc0000275)
#define STATUS_IO_REPARSE_TAG_INVALID ((NTSTATUS)0xc0000276)
#define STATUS_IO_REPARSE_TAG_MISMATCH ((NTSTATUS)0xc0000277)
#define STATUS_IO_REPARSE_DATA_INVALID ((NTSTATUS)0xc0000278)
#define STATUS_REPARSE_POINT_NOT_RESOLVED ((NTSTATUS)0xc0000280)
#define STATUS_REPARSE_ATTRIBUTE_CONFLICT ((NTSTATUS)0xc00002b2)
#define STATUS_CANNOT_MAKE ((NTSTATUS)0xc00002ea)

/* ---- attributes, options, rights ------------------------------------------------------------------------------------- */

#define FILE_ATTRIBUTE_READONLY 0x00000001u
#define FILE_ATTRIBUTE_HIDDEN 0x00000002u
#define FILE_ATTRIBUTE_SYSTEM 0x00000004u
#define FILE_ATTRIBUTE_DIRECTORY 0x00000010u
#define FILE_ATTRIBUTE_ARCHIVE 0x00000020u
#define FILE_ATTRIBUTE_DEVICE 0x00000040u
#define FILE_ATTRIBUTE_NORMAL 0x00000080u
#define FILE_ATTRIBUTE_TEMPORARY 0x00000100u
#define FILE_ATTRIBUTE_SPARSE_FILE 0x00000200u
#define FILE_ATTRIBUTE_REPARSE_POINT 0x00000400u
#define INVALID_FILE_ATTRIBUTES 0xffffffffu

#define FILE_SUPERSEDE 0u
#define FILE_OPEN 1u
#define FILE_CREATE 2u
#define FILE_OPEN_IF 3u
#define FILE_OVERWRITE 4u
#define FILE_OVERWRITE_IF 5u

#define FILE_SUPERSEDED 0u
#define FILE_OPENED 1u
#define FILE_CREATED 2u
#define FILE_OVERWRITTEN 3u
#define FILE_EXISTS 4u
#define FILE_DOES_NOT_EXIST 5u

#define FILE_DIRECTORY_FILE 0x00000001u
#define FILE_WRITE_THROUGH 0x00000002u
#define FILE_NO_INTERMEDIATE_BUFFERING 0x00000008u
#define FILE_NON_DIRECTORY_FILE 0x00000040u
#define FILE_NO_EA_KNOWLEDGE 0x00000200u
#define FILE_DELETE_ON_CLOSE 0x00001000u
#define FILE_OPEN_BY_FILE_ID 0x00002000u
#define FILE_OPEN_FOR_BACKUP_INTENT 0x00004000u
#define FILE_OPEN_REPARSE_POINT 0x00200000u

#define FILE_READ_DATA 0x00000001u
#define FILE_LIST_DIRECTORY 0x00000001u
#define FILE_WRITE_DATA 0x00000002u
#define FILE_ADD_FILE 0x00000002u
#define FILE_APPEND_DATA 0x00000004u
#define FILE_ADD_SUBDIRECTORY 0x00000004u
#define FILE_READ_EA 0x00000008u
#define FILE_WRITE_EA 0x00000010u
#define FILE_EXECUTE 0x00000020u
#define FILE_TRAVERSE 0x00000020u
#define FILE_DELETE_CHILD 0x00000040u
#define FILE_READ_ATTRIBUTES 0x00000080u
#define FILE_WRITE_ATTRIBUTES 0x00000100u
#define DELETE 0x00010000u
#define READ_CONTROL 0x00020000u
#define WRITE_DAC 0x00040000u
#define WRITE_OWNER 0x00080000u
#define SYNCHRONIZE 0x00100000u
#define ACCESS_SYSTEM_SECURITY 0x01000000u
#define MAXIMUM_ALLOWED 0x02000000u
#define GENERIC_ALL 0x10000000u
#define GENERIC_EXECUTE 0x20000000u
#define GENERIC_WRITE 0x40000000u
#define GENERIC_READ 0x80000000u
#define FILE_ALL_ACCESS 0x001f01ffu
#define FILE_GENERIC_READ 0x00120089u
#define FILE_GENERIC_WRITE 0x00120116u
#define FILE_GENERIC_EXECUTE 0x001200a0u

#define FILE_SHARE_READ 1u
#define FILE_SHARE_WRITE 2u
#define FILE_SHARE_DELETE 4u

#define OWNER_SECURITY_INFORMATION 0x00000001u
#define GROUP_SECURITY_INFORMATION 0x00000002u
#define DACL_SECURITY_INFORMATION 0x00000004u
#define SACL_SECURITY_INFORMATION 0x00000008u
#define LABEL_SECURITY_INFORMATION 0x00000010u
#define PROTECTED_DACL_SECURITY_INFORMATION 0x80000000u
#define PROTECTED_SACL_SECURITY_INFORMATION 0x40000000u
#define UNPROTECTED_DACL_SECURITY_INFORMATION 0x20000000u
#define UNPROTECTED_SACL_SECURITY_INFORMATION 0x10000000u

#define FileBasicInformation 4u
#define FileRenameInformation 10u
#define FileDispositionInformation 13u
#define FileAllocationInformation 19u
#define FileEndOfFileInformation 20u
#define FileDispositionInformationEx 64u
#define FileRenameInformationEx 65u
#define FileFsLabelInformation 2u

#define FILE_DISPOSITION_DELETE 0x01u
#define FILE_DISPOSITION_POSIX_SEMANTICS 0x02u
#define FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK 0x04u
#define FILE_DISPOSITION_ON_CLOSE 0x08u
#define FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE 0x10u
#define FILE_RENAME_REPLACE_IF_EXISTS 0x01u
#define FILE_RENAME_POSIX_SEMANTICS 0x02u
#define FILE_RENAME_IGNORE_READONLY_ATTRIBUTE 0x40u

#define FILE_NOTIFY_CHANGE_FILE_NAME 0x001u
#define FILE_NOTIFY_CHANGE_DIR_NAME 0x002u
#define FILE_NOTIFY_CHANGE_ATTRIBUTES 0x004u
#define FILE_NOTIFY_CHANGE_SIZE 0x008u
#define FILE_NOTIFY_CHANGE_LAST_WRITE 0x010u
#define FILE_NOTIFY_CHANGE_SECURITY 0x100u
#define FILE_ACTION_ADDED 1u
#define FILE_ACTION_REMOVED 2u
#define FILE_ACTION_MODIFIED 3u
#define FILE_ACTION_RENAMED_OLD_NAME 4u
#define FILE_ACTION_RENAMED_NEW_NAME 5u

#define FSCTL_SET_REPARSE_POINT 0x000900a4u
#define FSCTL_GET_REPARSE_POINT 0x000900a8u
#define FSCTL_DELETE_REPARSE_POINT 0x000900acu
#define IO_REPARSE_TAG_SYMLINK 0xa000000cu
#define IO_REPARSE_TAG_MOUNT_POINT 0xa0000003u
#define SYMLINK_FLAG_RELATIVE 1u

/* ---- request kinds, limits -------------------------------------------------------------------------------------------- */

enum {
    FspFsctlTransactReservedKind = 0,
    FspFsctlTransactCreateKind = 1,
    FspFsctlTransactOverwriteKind = 2,
    FspFsctlTransactCleanupKind = 3,
    FspFsctlTransactCloseKind = 4,
    FspFsctlTransactReadKind = 5,
    FspFsctlTransactWriteKind = 6,
    FspFsctlTransactQueryInformationKind = 7,
    FspFsctlTransactSetInformationKind = 8,
    FspFsctlTransactQueryEaKind = 9,
    FspFsctlTransactSetEaKind = 10,
    FspFsctlTransactFlushBuffersKind = 11,
    FspFsctlTransactQueryVolumeInformationKind = 12,
    FspFsctlTransactSetVolumeInformationKind = 13,
    FspFsctlTransactQueryDirectoryKind = 14,
    FspFsctlTransactFileSystemControlKind = 15,
    FspFsctlTransactDeviceControlKind = 16,
    FspFsctlTransactShutdownKind = 17,
    FspFsctlTransactLockControlKind = 18,
    FspFsctlTransactQuerySecurityKind = 19,
    FspFsctlTransactSetSecurityKind = 20,
    FspFsctlTransactQueryStreamInformationKind = 21,
    FspFsctlTransactKindCount = 22
};

#define FSP_FSCTL_TRANSACT_REQ_SIZEMAX 16320u
#define FSP_FSCTL_TRANSACT_RSP_SIZEMAX 16384u
#define FSP_FSCTL_TRANSACT_REQ_BUFFER_SIZEMAX 16232u
#define FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX 16256u
#define FSP_FSCTL_TRANSACT_BUFFER_SIZEMIN 16320u
#define FSP_FSCTL_TRANSACT_BATCH_BUFFER_SIZEMIN 65536u
#define FSP_FSCTL_TRANSACT_PATH_SIZEMAX 2048u
#define FSP_FSCTL_DEVICECONTROL_SIZEMAX 4096u
#define FSP_FSCTL_DEFAULT_ALIGNMENT 8u
#define FSP_FSCTL_DEFAULT_ALIGN_UP(x) (((x) + 7u) & ~(size_t)7u)

enum {
    FspCleanupDelete = 0x01,
    FspCleanupSetAllocationSize = 0x02,
    FspCleanupSetArchiveBit = 0x10,
    FspCleanupSetLastAccessTime = 0x20,
    FspCleanupSetLastWriteTime = 0x40,
    FspCleanupSetChangeTime = 0x80
};

/* ---- volume and file information --------------------------------------------------------------------------------------- */

typedef struct {
    UINT16 Version, SectorSize, SectorsPerAllocationUnit, MaxComponentLength;
    UINT64 VolumeCreationTime;
    UINT32 VolumeSerialNumber, TransactTimeout, IrpTimeout, IrpCapacity, FileInfoTimeout;
    UINT32 CaseSensitiveSearch : 1, CasePreservedNames : 1, UnicodeOnDisk : 1, PersistentAcls : 1;
    UINT32 ReparsePoints : 1, ReparsePointsAccessCheck : 1, NamedStreams : 1, HardLinks : 1;
    UINT32 ExtendedAttributes : 1, ReadOnlyVolume : 1, PostCleanupWhenModifiedOnly : 1, PassQueryDirectoryPattern : 1;
    UINT32 AlwaysUseDoubleBuffering : 1, PassQueryDirectoryFileName : 1, FlushAndPurgeOnCleanup : 1, DeviceControl : 1;
    UINT32 UmFileContextIsUserContext2 : 1, UmFileContextIsFullContext : 1, UmNoReparsePointsDirCheck : 1, UmReservedFlags : 5;
    UINT32 AllowOpenInKernelMode : 1, CasePreservedExtendedAttributes : 1, WslFeatures : 1, DirectoryMarkerAsNextOffset : 1;
    UINT32 RejectIrpPriorToTransact0 : 1, SupportsPosixUnlinkRename : 1, PostDispositionWhenNecessaryOnly : 1, KmReservedFlags : 1;
    WCHAR Prefix[192];
    WCHAR FileSystemName[16];
    UINT32 VolumeInfoTimeoutValid : 1, DirInfoTimeoutValid : 1, SecurityTimeoutValid : 1, StreamInfoTimeoutValid : 1;
    UINT32 EaTimeoutValid : 1, KmAdditionalReservedFlags : 27;
    UINT32 VolumeInfoTimeout, DirInfoTimeout, SecurityTimeout, StreamInfoTimeout, EaTimeout, FsextControlCode;
    UINT32 Reserved32[1];
    UINT64 Reserved64[2];
} FSP_FSCTL_VOLUME_PARAMS;

typedef struct {
    UINT64 TotalSize, FreeSize;
    UINT16 VolumeLabelLength; /* bytes */
    WCHAR VolumeLabel[32];
} FSP_FSCTL_VOLUME_INFO;

typedef struct {
    UINT32 FileAttributes, ReparseTag;
    UINT64 AllocationSize, FileSize, CreationTime, LastAccessTime, LastWriteTime, ChangeTime, IndexNumber;
    UINT32 HardLinks, EaSize;
} FSP_FSCTL_FILE_INFO;

typedef struct {
    FSP_FSCTL_FILE_INFO FileInfo;
    PWSTR NormalizedName;
    UINT16 NormalizedNameSize; /* bytes: capacity in, length out */
} FSP_FSCTL_OPEN_FILE_INFO;

typedef struct {
    UINT16 Size; /* 104 + name bytes */
    FSP_FSCTL_FILE_INFO FileInfo;
    union {
        UINT64 NextOffset;
        UINT8 Padding[24];
    };
    WCHAR FileNameBuf[];
} FSP_FSCTL_DIR_INFO;

typedef struct {
    UINT16 Size; /* 24 + name bytes */
    UINT64 StreamSize, StreamAllocationSize;
    WCHAR StreamNameBuf[];
} FSP_FSCTL_STREAM_INFO;

typedef struct {
    UINT16 Size; /* 12 + name bytes */
    UINT32 Filter, Action;
    WCHAR FileNameBuf[];
} FSP_FSCTL_NOTIFY_INFO;

typedef struct {
    UINT32 NextEntryOffset;
    UINT8 Flags, EaNameLength;
    UINT16 EaValueLength;
    char EaName[1];
} FILE_FULL_EA_INFORMATION, *PFILE_FULL_EA_INFORMATION;

typedef struct {
    union {
        NTSTATUS Status;
        PVOID Pointer;
    };
    UINT64 Information;
} IO_STATUS_BLOCK, *PIO_STATUS_BLOCK;

typedef struct {
    ULONG GenericRead, GenericWrite, GenericExecute, GenericAll;
} GENERIC_MAPPING, *PGENERIC_MAPPING;

typedef struct {
    ULONG ReparseTag;
    UINT16 ReparseDataLength, Reserved;
    union {
        struct {
            UINT16 SubstituteNameOffset, SubstituteNameLength, PrintNameOffset, PrintNameLength;
            ULONG Flags;
            WCHAR PathBuffer[1];
        } SymbolicLinkReparseBuffer;
        struct {
            UINT16 SubstituteNameOffset, SubstituteNameLength, PrintNameOffset, PrintNameLength;
            WCHAR PathBuffer[1];
        } MountPointReparseBuffer;
        struct {
            UINT8 DataBuffer[1];
        } GenericReparseBuffer;
    };
} REPARSE_DATA_BUFFER, *PREPARSE_DATA_BUFFER;

/* ---- requests and responses --------------------------------------------------------------------------------------------- */

typedef struct {
    UINT64 UserContext, UserContext2;
} FSP_FSCTL_TRANSACT_FULL_CONTEXT;

typedef struct {
    UINT16 Offset, Size; /* Offset counts from the message's Buffer */
} FSP_FSCTL_TRANSACT_BUF;

typedef struct {
    UINT16 Version, Size;
    UINT32 Kind;
    UINT64 Hint;
    union {
        struct {
            UINT32 CreateOptions, FileAttributes;
            FSP_FSCTL_TRANSACT_BUF SecurityDescriptor;
            UINT64 AllocationSize;
            UINT64 AccessToken; /* process id in the high half */
            UINT32 DesiredAccess, GrantedAccess, ShareAccess;
            FSP_FSCTL_TRANSACT_BUF Ea;
            UINT32 UserMode : 1, HasTraversePrivilege : 1, HasBackupPrivilege : 1, HasRestorePrivilege : 1;
            UINT32 OpenTargetDirectory : 1, CaseSensitive : 1, HasTrailingBackslash : 1, AcceptsSecurityDescriptor : 1;
            UINT32 EaIsReparsePoint : 1, Unused : 23;
            UINT32 ReservedFlags : 24, Unused2 : 8;
            UINT16 NamedStream;
        } Create;
        struct {
            UINT64 UserContext, UserContext2;
            UINT32 FileAttributes;
            UINT64 AllocationSize;
            UINT32 Supersede : 1, Unused : 31;
            FSP_FSCTL_TRANSACT_BUF Ea;
        } Overwrite;
        struct {
            UINT64 UserContext, UserContext2;
            UINT32 Delete : 1, SetAllocationSize : 1, SetArchiveBit : 1, SetLastAccessTime : 1, SetLastWriteTime : 1;
            UINT32 SetChangeTime : 1, Unused : 26;
        } Cleanup;
        struct {
            UINT64 UserContext, UserContext2;
        } Close, QueryInformation, QueryEa, FlushBuffers, QuerySecurity, QueryStreamInformation, Context;
        struct {
            UINT64 UserContext, UserContext2;
            UINT64 Address, Offset;
            UINT32 Length, Key;
        } Read;
        struct {
            UINT64 UserContext, UserContext2;
            UINT64 Address, Offset;
            UINT32 Length, Key;
            UINT32 ConstrainedIo : 1, Unused : 31;
        } Write;
        struct {
            UINT64 UserContext, UserContext2;
            UINT32 FileInformationClass;
            union {
                struct {
                    UINT64 AllocationSize;
                } Allocation;
                struct {
                    UINT32 FileAttributes;
                    UINT64 CreationTime, LastAccessTime, LastWriteTime, ChangeTime;
                } Basic;
                struct {
                    UINT32 Delete : 1, Unused : 31;
                } Disposition;
                struct {
                    UINT32 Flags;
                } DispositionEx;
                struct {
                    UINT64 FileSize;
                } EndOfFile;
                struct {
                    FSP_FSCTL_TRANSACT_BUF NewFileName;
                    UINT64 AccessToken;
                } Rename;
                struct {
                    FSP_FSCTL_TRANSACT_BUF NewFileName;
                    UINT64 AccessToken;
                    UINT32 Flags;
                } RenameEx;
            } Info;
        } SetInformation;
        struct {
            UINT64 UserContext, UserContext2;
            FSP_FSCTL_TRANSACT_BUF Ea;
        } SetEa;
        struct {
            UINT32 FsInformationClass;
            union {
                struct {
                    FSP_FSCTL_TRANSACT_BUF VolumeLabel;
                } Label;
            } Info;
        } SetVolumeInformation;
        struct {
            UINT64 UserContext, UserContext2;
            UINT64 Address;
            UINT32 Length;
            FSP_FSCTL_TRANSACT_BUF Pattern, Marker;
            UINT32 CaseSensitive : 1, PatternIsFileName : 1, Unused : 30;
        } QueryDirectory;
        struct {
            UINT64 UserContext, UserContext2;
            UINT32 FsControlCode;
            FSP_FSCTL_TRANSACT_BUF Buffer;
            UINT16 TargetOnFileSystem;
        } FileSystemControl;
        struct {
            UINT64 UserContext, UserContext2;
            UINT32 IoControlCode;
            FSP_FSCTL_TRANSACT_BUF Buffer;
            UINT32 OutputLength;
        } DeviceControl;
        struct {
            UINT64 UserContext, UserContext2;
            UINT32 SecurityInformation;
            FSP_FSCTL_TRANSACT_BUF SecurityDescriptor;
        } SetSecurity;
        UINT8 Bytes[64];
    } Req;
    FSP_FSCTL_TRANSACT_BUF FileName;
    _Alignas(8) UINT8 Buffer[];
} FSP_FSCTL_TRANSACT_REQ;

typedef struct {
    UINT16 Version, Size;
    UINT32 Kind;
    UINT64 Hint;
    struct {
        UINT32 Information;
        UINT32 Status;
    } IoStatus;
    union {
        union {
            struct {
                UINT64 UserContext, UserContext2;
                UINT32 GrantedAccess;
                FSP_FSCTL_TRANSACT_BUF SecurityDescriptor;
                FSP_FSCTL_FILE_INFO FileInfo;
                FSP_FSCTL_TRANSACT_BUF FileName;
                UINT32 DisableCache : 1, HasSecurityDescriptor : 1, Unused : 30;
            } Opened;
            struct {
                FSP_FSCTL_TRANSACT_BUF Buffer;
            } Reparse;
        } Create;
        struct {
            FSP_FSCTL_FILE_INFO FileInfo;
        } Overwrite, Write, QueryInformation, SetInformation, FlushBuffers;
        struct {
            FSP_FSCTL_FILE_INFO FileInfo;
            FSP_FSCTL_TRANSACT_BUF Ea;
        } SetEa;
        struct {
            FSP_FSCTL_TRANSACT_BUF Ea;
        } QueryEa;
        struct {
            FSP_FSCTL_VOLUME_INFO VolumeInfo;
        } QueryVolumeInformation, SetVolumeInformation;
        struct {
            FSP_FSCTL_TRANSACT_BUF Buffer;
        } FileSystemControl, DeviceControl, QueryStreamInformation;
        struct {
            FSP_FSCTL_TRANSACT_BUF SecurityDescriptor;
        } QuerySecurity, SetSecurity;
        UINT8 Bytes[104];
    } Rsp;
    _Alignas(8) UINT8 Buffer[];
} FSP_FSCTL_TRANSACT_RSP;

/* ---- file system and its callbacks ---------------------------------------------------------------------------------------- */

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
    NTSTATUS (*Create)(FSP_FILE_SYSTEM *, PWSTR, UINT32, UINT32, UINT32, PSECURITY_DESCRIPTOR, UINT64, PVOID *, FSP_FSCTL_FILE_INFO *);
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
    NTSTATUS (*CreateEx)(FSP_FILE_SYSTEM *, PWSTR, UINT32, UINT32, UINT32, PSECURITY_DESCRIPTOR, UINT64, PVOID, ULONG, BOOLEAN, PVOID *, FSP_FSCTL_FILE_INFO *);
    NTSTATUS (*OverwriteEx)(FSP_FILE_SYSTEM *, PVOID, UINT32, BOOLEAN, UINT64, PFILE_FULL_EA_INFORMATION, ULONG, FSP_FSCTL_FILE_INFO *);
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

/* ---- functions -------------------------------------------------------------------------------------------------------------- */

FSP_API NTSTATUS FspFsctlCreateVolume(PWSTR DevicePath, const FSP_FSCTL_VOLUME_PARAMS *VolumeParams, WCHAR *VolumeNameBuf,
    SIZE_T VolumeNameSize, PHANDLE PVolumeHandle);
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
FSP_API NTSTATUS FspFileSystemSetMountPointEx(FSP_FILE_SYSTEM *FileSystem, PWSTR MountPoint, PSECURITY_DESCRIPTOR SecurityDescriptor);
FSP_API void FspFileSystemRemoveMountPoint(FSP_FILE_SYSTEM *FileSystem);
FSP_API PWSTR FspFileSystemMountPointF(FSP_FILE_SYSTEM *FileSystem);
FSP_API NTSTATUS FspFileSystemStartDispatcher(FSP_FILE_SYSTEM *FileSystem, ULONG ThreadCount);
FSP_API void FspFileSystemStopDispatcher(FSP_FILE_SYSTEM *FileSystem);
FSP_API void FspFileSystemSendResponse(FSP_FILE_SYSTEM *FileSystem, FSP_FSCTL_TRANSACT_RSP *Response);
FSP_API FSP_FILE_SYSTEM_OPERATION_CONTEXT *FspFileSystemGetOperationContext(void);
FSP_API NTSTATUS FspFileSystemEnterOperationF(FSP_FILE_SYSTEM *, FSP_FSCTL_TRANSACT_REQ *, FSP_FSCTL_TRANSACT_RSP *);
FSP_API NTSTATUS FspFileSystemLeaveOperationF(FSP_FILE_SYSTEM *, FSP_FSCTL_TRANSACT_REQ *, FSP_FSCTL_TRANSACT_RSP *);
FSP_API void FspFileSystemSetOperationGuardF(FSP_FILE_SYSTEM *, FSP_FILE_SYSTEM_OPERATION_GUARD *Enter, FSP_FILE_SYSTEM_OPERATION_GUARD *Leave);
FSP_API void FspFileSystemSetOperationGuardStrategyF(FSP_FILE_SYSTEM *, FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY);
FSP_API void FspFileSystemSetOperationF(FSP_FILE_SYSTEM *, ULONG Index, FSP_FILE_SYSTEM_OPERATION *Operation);
FSP_API void FspFileSystemGetDispatcherResultF(FSP_FILE_SYSTEM *, NTSTATUS *PDispatcherResult);
FSP_API void FspFileSystemSetDispatcherResultF(FSP_FILE_SYSTEM *, NTSTATUS DispatcherResult);
FSP_API void FspFileSystemSetDebugLogF(FSP_FILE_SYSTEM *, UINT32 DebugLog);
FSP_API BOOLEAN FspFileSystemIsOperationCaseSensitiveF(void);
FSP_API UINT32 FspFileSystemOperationProcessIdF(void);
FSP_API void FspFileSystemStopServiceIfNecessary(FSP_FILE_SYSTEM *, BOOLEAN Normally);

FSP_API FSP_FILE_SYSTEM_OPERATION FspFileSystemOpEnter, FspFileSystemOpLeave, FspFileSystemOpCreate, FspFileSystemOpOverwrite,
    FspFileSystemOpCleanup, FspFileSystemOpClose, FspFileSystemOpRead, FspFileSystemOpWrite, FspFileSystemOpQueryInformation,
    FspFileSystemOpSetInformation, FspFileSystemOpQueryEa, FspFileSystemOpSetEa, FspFileSystemOpFlushBuffers,
    FspFileSystemOpQueryVolumeInformation, FspFileSystemOpSetVolumeInformation, FspFileSystemOpQueryDirectory,
    FspFileSystemOpFileSystemControl, FspFileSystemOpDeviceControl, FspFileSystemOpQuerySecurity, FspFileSystemOpSetSecurity,
    FspFileSystemOpQueryStreamInformation;

FSP_API NTSTATUS FspFileSystemNotifyBegin(FSP_FILE_SYSTEM *, ULONG Timeout);
FSP_API NTSTATUS FspFileSystemNotifyEnd(FSP_FILE_SYSTEM *);
FSP_API NTSTATUS FspFileSystemNotify(FSP_FILE_SYSTEM *, FSP_FSCTL_NOTIFY_INFO *NotifyInfo, SIZE_T Size);
FSP_API BOOLEAN FspFileSystemAddNotifyInfo(FSP_FSCTL_NOTIFY_INFO *, PVOID Buffer, ULONG Length, PULONG PBytesTransferred);

FSP_API BOOLEAN FspFileSystemAddDirInfo(FSP_FSCTL_DIR_INFO *, PVOID Buffer, ULONG Length, PULONG PBytesTransferred);
FSP_API BOOLEAN FspFileSystemAddStreamInfo(FSP_FSCTL_STREAM_INFO *, PVOID Buffer, ULONG Length, PULONG PBytesTransferred);
FSP_API BOOLEAN FspFileSystemAddEa(PFILE_FULL_EA_INFORMATION SingleEa, PFILE_FULL_EA_INFORMATION Ea, ULONG EaLength, PULONG PBytesTransferred);
FSP_API NTSTATUS FspFileSystemEnumerateEa(FSP_FILE_SYSTEM *, NTSTATUS (*Each)(FSP_FILE_SYSTEM *, PVOID, PFILE_FULL_EA_INFORMATION),
    PVOID Context, PFILE_FULL_EA_INFORMATION Ea, ULONG EaLength);
FSP_API BOOLEAN FspFileSystemAcquireDirectoryBuffer(PVOID *PDirBuffer, BOOLEAN Reset, PNTSTATUS PResult);
FSP_API BOOLEAN FspFileSystemAcquireDirectoryBufferEx(PVOID *PDirBuffer, BOOLEAN Reset, ULONG CapacityHint, PNTSTATUS PResult);
FSP_API BOOLEAN FspFileSystemFillDirectoryBuffer(PVOID *PDirBuffer, FSP_FSCTL_DIR_INFO *, PNTSTATUS PResult);
FSP_API void FspFileSystemReleaseDirectoryBuffer(PVOID *PDirBuffer);
FSP_API void FspFileSystemReadDirectoryBuffer(PVOID *PDirBuffer, PWSTR Marker, PVOID Buffer, ULONG Length, PULONG PBytesTransferred);
FSP_API void FspFileSystemDeleteDirectoryBuffer(PVOID *PDirBuffer);

FSP_API PGENERIC_MAPPING FspGetFileGenericMapping(void);
FSP_API NTSTATUS FspAccessCheckEx(FSP_FILE_SYSTEM *, FSP_FSCTL_TRANSACT_REQ *, BOOLEAN CheckParentOrMain, BOOLEAN AllowTraverseCheck,
    UINT32 DesiredAccess, PUINT32 PGrantedAccess, PSECURITY_DESCRIPTOR *PSecurityDescriptor);
FSP_API NTSTATUS FspCreateSecurityDescriptor(FSP_FILE_SYSTEM *, FSP_FSCTL_TRANSACT_REQ *, PSECURITY_DESCRIPTOR ParentDescriptor,
    PSECURITY_DESCRIPTOR *PSecurityDescriptor);
FSP_API NTSTATUS FspSetSecurityDescriptor(PSECURITY_DESCRIPTOR InputDescriptor, SECURITY_INFORMATION, PSECURITY_DESCRIPTOR ModificationDescriptor,
    PSECURITY_DESCRIPTOR *PSecurityDescriptor);
FSP_API void FspDeleteSecurityDescriptor(PSECURITY_DESCRIPTOR, NTSTATUS (*CreateFunc)(void));

FSP_API NTSTATUS FspNtStatusFromWin32(DWORD Error);
FSP_API DWORD FspWin32FromNtStatus(NTSTATUS Status);
FSP_API NTSTATUS FspVersion(PUINT32 PVersion);
FSP_API void FspDebugLogSetHandle(HANDLE Handle); /* here: a file descriptor number in a pointer */

/* ---- this library's own -------------------------------------------------------------------------------------------------------- */

/* Whether completing a request may need another request answered first. 0 over FUSE; the option "force_nest" says 1. */
FSP_API BOOLEAN FspLinuxCompletionsNest(void);
/*
 * FileSystem NULL: the default for volumes made later. Unknown name: STATUS_INVALID_PARAMETER.
 * "strict" 0, 1, 2: 2 prints violations to stderr as well, and seals transfer buffers after the answer (a touch is then a crash, as on Windows).
 * "spin_us", "direct_io", "allow_other", "uid", "gid", "umask" (uid and gid: 0xffffffff is the mounting user's own).
 * "force_nest" 1: FspLinuxCompletionsNest says 1. "hold_completion" 0: off; 1: every answer whose completion may nest on Windows blocks its Transact until
 * a request of the library's own was answered; otherwise a mask of kinds (bit 1 << Kind) that do so always. "hold_timeout_ms": how long before that
 * counts as a deadlock (a violation; the answer is then delivered). "wake" n: n receives return 0 bytes.
 */
FSP_API NTSTATUS FspLinuxSetOption(FSP_FILE_SYSTEM *FileSystem, const char *Name, UINT64 Value);
/* Strict checks. FileSystem NULL: those of the whole process, volumes already deleted included. */
FSP_API UINT32 FspLinuxViolationCount(FSP_FILE_SYSTEM *FileSystem);
FSP_API UINT32 FspLinuxViolationText(FSP_FILE_SYSTEM *FileSystem, UINT32 Index, char *Buffer, UINT32 Size); /* bytes needed with NUL; 0: none */
FSP_API UINT64 FspLinuxOpenHandles(FSP_FILE_SYSTEM *FileSystem);
FSP_API UINT64 FspLinuxPendingRequests(FSP_FILE_SYSTEM *FileSystem);

/* Scripted requests: any bytes, from any thread, on any volume, mounted or not. */
/*
 * Submit: Request.Size bytes at Request; the ticket is the Hint that the host will see. Read, Write and QueryDirectory with Address 0 get a guarded transfer
 * buffer of Length bytes; for a Write, the bytes from Request.Size to Size fill it. STATUS_CANCELLED before Transact0 and after Stop0.
 * Wait: STATUS_TIMEOUT when nothing came; *ResponseSize: room in, Size out (STATUS_BUFFER_TOO_SMALL); 0xffffffff waits for ever.
 * Data: what the host put into the transfer buffer (Information bytes), or what it was given to write. *Size: room in, bytes there out.
 * Forget: frees the ticket, at once or when its answer comes.
 */
FSP_API NTSTATUS FspLinuxScriptSubmit(HANDLE Volume, const void *Request, UINT32 Size, UINT64 *Ticket);
FSP_API NTSTATUS FspLinuxScriptWait(HANDLE Volume, UINT64 Ticket, UINT32 TimeoutMs, void *Response, UINT32 *ResponseSize);
FSP_API NTSTATUS FspLinuxScriptData(HANDLE Volume, UINT64 Ticket, void *Buffer, UINT32 *Size);
FSP_API NTSTATUS FspLinuxScriptForget(HANDLE Volume, UINT64 Ticket);
/* The delivery of Ticket's answer blocks inside Transact until Nested was answered (or the volume is stopped). Call before the answer can come. */
FSP_API NTSTATUS FspLinuxScriptHold(HANDLE Volume, UINT64 Ticket, UINT64 NestedTicket);
/* Puts bytes into the transfer buffer of a Write before it is submitted: Submit with this function instead. */
FSP_API NTSTATUS FspLinuxScriptSubmitData(HANDLE Volume, const void *Request, UINT32 Size, const void *Data, UINT32 DataSize, UINT64 *Ticket);

/* Values for the low half of Create.AccessToken. Every other value is the ordinary test user, a member of Administrators. */
#define FSP_LINUX_TOKEN_GRANT_ALL 0x6c6c6101u /* the kernel has checked: every ACL grants */
#define FSP_LINUX_TOKEN_RESTRICTED 0x72730001u /* another user, member of Everyone and Authenticated Users only */

/* ---- layout ----------------------------------------------------------------------------------------------------------------------- */

#define FSP_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " has another size")
#define FSP_ASSERT_AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field " lies elsewhere")
FSP_ASSERT_SIZE(FSP_FSCTL_VOLUME_PARAMS, 504);
FSP_ASSERT_AT(FSP_FSCTL_VOLUME_PARAMS, VolumeCreationTime, 8);
FSP_ASSERT_AT(FSP_FSCTL_VOLUME_PARAMS, FileInfoTimeout, 32);
FSP_ASSERT_AT(FSP_FSCTL_VOLUME_PARAMS, Prefix, 40);
FSP_ASSERT_AT(FSP_FSCTL_VOLUME_PARAMS, FileSystemName, 424);
FSP_ASSERT_AT(FSP_FSCTL_VOLUME_PARAMS, VolumeInfoTimeout, 460);
FSP_ASSERT_AT(FSP_FSCTL_VOLUME_PARAMS, FsextControlCode, 480);
FSP_ASSERT_SIZE(FSP_FSCTL_VOLUME_INFO, 88);
FSP_ASSERT_AT(FSP_FSCTL_VOLUME_INFO, VolumeLabel, 18);
FSP_ASSERT_SIZE(FSP_FSCTL_FILE_INFO, 72);
FSP_ASSERT_AT(FSP_FSCTL_FILE_INFO, IndexNumber, 56);
FSP_ASSERT_AT(FSP_FSCTL_FILE_INFO, EaSize, 68);
FSP_ASSERT_SIZE(FSP_FSCTL_OPEN_FILE_INFO, 88);
FSP_ASSERT_AT(FSP_FSCTL_OPEN_FILE_INFO, NormalizedNameSize, 80);
FSP_ASSERT_SIZE(FSP_FSCTL_DIR_INFO, 104);
FSP_ASSERT_AT(FSP_FSCTL_DIR_INFO, FileInfo, 8);
FSP_ASSERT_AT(FSP_FSCTL_DIR_INFO, NextOffset, 80);
FSP_ASSERT_SIZE(FSP_FSCTL_STREAM_INFO, 24);
FSP_ASSERT_SIZE(FSP_FSCTL_NOTIFY_INFO, 12);
FSP_ASSERT_SIZE(FILE_FULL_EA_INFORMATION, 12);
FSP_ASSERT_SIZE(IO_STATUS_BLOCK, 16);
FSP_ASSERT_SIZE(REPARSE_DATA_BUFFER, 24);
FSP_ASSERT_AT(REPARSE_DATA_BUFFER, SymbolicLinkReparseBuffer.PathBuffer, 20);
FSP_ASSERT_AT(REPARSE_DATA_BUFFER, MountPointReparseBuffer.PathBuffer, 16);
FSP_ASSERT_SIZE(FSP_FSCTL_TRANSACT_REQ, 88);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Hint, 8);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.Create.AccessToken, 40);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.Create.Ea, 60);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.Create.NamedStream, 72);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.Overwrite.AllocationSize, 40);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.Overwrite.Ea, 52);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.Read.Address, 32);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.Write.Length, 48);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.SetInformation.FileInformationClass, 32);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.SetInformation.Info.Basic.CreationTime, 48);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.SetInformation.Info.RenameEx.Flags, 56);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.SetEa.Ea, 32);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.SetVolumeInformation.Info.Label.VolumeLabel, 20);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.QueryDirectory.Length, 40);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.QueryDirectory.Marker, 48);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.FileSystemControl.TargetOnFileSystem, 40);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.DeviceControl.OutputLength, 40);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Req.SetSecurity.SecurityDescriptor, 36);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, FileName, 80);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_REQ, Buffer, 88);
FSP_ASSERT_SIZE(FSP_FSCTL_TRANSACT_RSP, 128);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_RSP, IoStatus.Status, 20);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_RSP, Rsp.Create.Opened.FileInfo, 48);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_RSP, Rsp.Create.Opened.FileName, 120);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_RSP, Rsp.SetEa.Ea, 96);
FSP_ASSERT_AT(FSP_FSCTL_TRANSACT_RSP, Buffer, 128);
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
