/* Alone here: the types of <windows.h> would collide with those of winfsp.h. */
#if defined(_WIN32)
#include <windows.h>

int script_environment(const char *name, char *value, size_t size);

int script_environment(const char *name, char *value, size_t size)
{
    /* not the C library's copy, which a program's changes never reach */
    DWORD length = GetEnvironmentVariableA(name, value, (DWORD)size);
    return length != 0 && length < size;
}
#else
typedef int environment_is_for_windows; /* a source must not be empty */
#endif
