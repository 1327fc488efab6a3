/* A WinFsp library that is too old: it says 1.9, and has nothing else. */
__declspec(dllexport) int FspVersion(unsigned *version)
{
    *version = 0x00010009;
    return 0;
}
