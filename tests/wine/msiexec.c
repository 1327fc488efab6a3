/*
 * Stands in for Windows' msiexec in tests of the installer: keeps what it was asked and the file that it was given, and
 * ends with the exit code in RAMDRIVE_TEST_MSIEXEC. Wine's own waits without end in the first custom action of WinFsp's
 * MSI, which lies in a 32-bit library.
 */
#include <windows.h>
#include <shellapi.h>
#include <stdlib.h>

int main(void)
{
    const wchar_t *line = GetCommandLineW();
    DWORD written, bytes = (DWORD)(lstrlenW(line) * sizeof *line);
    HANDLE file = CreateFileW(L"C:\\ramdrive msi\\asked.txt", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE || !WriteFile(file, line, bytes, &written, NULL) || !CloseHandle(file))
        return 1;
    int count = 0;
    wchar_t **arguments = CommandLineToArgvW(line, &count);
    if (count < 3 || !CopyFileW(arguments[2], L"C:\\ramdrive msi\\given.msi", FALSE))
        return 1;
    const char *code = getenv("RAMDRIVE_TEST_MSIEXEC");
    return code == NULL ? 1 : atoi(code);
}
