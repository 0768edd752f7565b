/* A library with one function, EXPORTS, that calls another library's, CALLS. */
#include "minimal_python.h"

#ifdef CALLS
IMPORTED void CALLS(void);
#endif

EXPORTED void EXPORTS(void)
{
#ifdef CALLS
    CALLS();
#endif
}

#ifdef _WIN32
int DllMainCRTStartup(void *handle, unsigned reason, void *reserved)
{
    (void)handle, (void)reason, (void)reserved;
    return 1;
}
#endif
