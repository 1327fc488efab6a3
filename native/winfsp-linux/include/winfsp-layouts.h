/*
 * Structures. Layouts are those of the x64 Windows ABI: every offset that a host or this library relies on is asserted
 * below, so a compiler that lays something out differently stops the build.
 */
#ifndef WINFSP_LINUX_LAYOUTS_H
#define WINFSP_LINUX_LAYOUTS_H

#include "winfsp-constants.h"

/* ---- volume and file information ---- */

typedef struct {
    UINT16 Version, SectorSize, SectorsPerAllocationUnit, MaxComponentLength;
    UINT64 VolumeCreationTime;
    UINT32 VolumeSerialNumber, TransactTimeout, IrpTimeout, IrpCapacity, FileInfoTimeout;
    UINT32 CaseSensitiveSearch : 1, CasePreservedNames : 1, UnicodeOnDisk : 1, PersistentAcls : 1;
    UINT32 ReparsePoints : 1, ReparsePointsAccessCheck : 1, NamedStreams : 1, HardLinks : 1;
    UINT32 ExtendedAttributes : 1, ReadOnlyVolume : 1, PostCleanupWhenModifiedOnly : 1, PassQueryDirectoryPattern : 1;
    UINT32 AlwaysUseDoubleBuffering : 1, PassQueryDirectoryFileName : 1, FlushAndPurgeOnCleanup : 1, DeviceControl : 1;
    UINT32 UmFileContextIsUserContext2 : 1, UmFileContextIsFullContext : 1, UmNoReparsePointsDirCheck : 1,
        UmReservedFlags : 5;
    UINT32 AllowOpenInKernelMode : 1, CasePreservedExtendedAttributes : 1, WslFeatures : 1,
        DirectoryMarkerAsNextOffset : 1;
    UINT32 RejectIrpPriorToTransact0 : 1, SupportsPosixUnlinkRename : 1, PostDispositionWhenNecessaryOnly : 1,
        KmReservedFlags : 1;
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

/* ---- requests and responses ---- */

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

/* ---- layout ---- */

#define FSP_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " has another size")
#define FSP_ASSERT_AT(type, field, offset) \
    _Static_assert(offsetof(type, field) == (offset), #type "." #field " lies elsewhere")
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

#endif
