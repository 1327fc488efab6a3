/*
 * The NT client: control codes, by fast I/O first as the I/O manager does it for NtDeviceIoControlFile. It notes which
 * answer a thread is delivering in a Transact call, so that paging I/O below that call can be counted (rig_nested).
 */
#include "kernel.h"

#define FUNCTION_TRANSACT (0x800 + 'T')
#define FUNCTION(code) ((code) >> 2 & 0xfff)

static BOOLEAN by_fast_io(PFILE_OBJECT file, uint32_t code, const void *in, uint32_t in_length, void *out,
    uint32_t out_length, PIO_STATUS_BLOCK iosb)
{
    PDEVICE_OBJECT device = file_device(file);
    PFAST_IO_DISPATCH fast = device->DriverObject->FastIoDispatch;
    if (fast == NULL || fast->FastIoDeviceControl == NULL)
        return FALSE;
    return fast->FastIoDeviceControl(file, TRUE, (void *)in, in_length, out, out_length, code, iosb, device);
}

static NTSTATUS by_request(PFILE_OBJECT file, int fs, uint32_t code, const void *in, uint32_t in_length, void *out,
    uint32_t out_length, uint32_t *done)
{
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(
        file, fs ? IRP_MJ_FILE_SYSTEM_CONTROL : IRP_MJ_DEVICE_CONTROL, fs ? IRP_MN_USER_FS_REQUEST : 0, UserMode, &sp);
    sp->Parameters.FileSystemControl.FsControlCode = code;
    sp->Parameters.FileSystemControl.InputBufferLength = in_length;
    sp->Parameters.FileSystemControl.OutputBufferLength = out_length;
    switch (code & 3) {
    case METHOD_BUFFERED:
        irp_buffer(irp, in, in_length, out, out_length);
        break;
    case METHOD_NEITHER:
        sp->Parameters.FileSystemControl.Type3InputBuffer = (void *)in;
        irp->UserBuffer = out;
        break;
    default:
        if (in_length != 0)
            irp_buffer(irp, in, in_length, NULL, 0);
        if (out_length != 0)
            mdl_create(out, out_length, irp);
    }
    return irp_run(file, irp, done);
}

RIG_API int32_t rig_control(void *file, int fs, uint32_t code, const void *in, uint32_t in_length, void *out,
    uint32_t out_length, uint32_t *done)
{
    IO_STATUS_BLOCK iosb = {{0}, 0};
    uint32_t bytes = 0;
    NTSTATUS status;
    BOOLEAN transact = FUNCTION(code) == FUNCTION_TRANSACT;
    /* An answer begins with version, size and kind. */
    if (transact && in_length >= 8)
        host_serving_set(1 + ((const ULONG *)in)[1]);
    if (!fs && by_fast_io(file, code, in, in_length, out, out_length, &iosb)) {
        count(COUNT_FAST_TRANSACTS);
        status = iosb.Status;
        bytes = (uint32_t)iosb.Information;
    } else {
        if (transact)
            count(COUNT_TRANSACTS);
        status = by_request(file, fs, code, in, in_length, out, out_length, &bytes);
    }
    if (transact)
        host_serving_set(0);
    if (done != NULL)
        *done = bytes;
    return status;
}

RIG_API int32_t rig_control_start(void *file, uint32_t code, const void *in, uint32_t in_length, void *out,
    uint32_t out_length, void **request)
{
    PIO_STACK_LOCATION sp;
    PIRP irp = irp_for(file, IRP_MJ_FILE_SYSTEM_CONTROL, IRP_MN_USER_FS_REQUEST, UserMode, &sp);
    if ((code & 3) != METHOD_BUFFERED)
        NOT_IMPLEMENTED("a method other than buffered");
    sp->Parameters.FileSystemControl.FsControlCode = code;
    sp->Parameters.FileSystemControl.InputBufferLength = in_length;
    sp->Parameters.FileSystemControl.OutputBufferLength = out_length;
    irp_buffer(irp, in, in_length, out, out_length);
    return request_send(file, irp, request);
}
