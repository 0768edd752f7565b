/* An empty module. INIT is the name of its initialisation function; TAKES a function of another library, whose
   address is taken so that the loader must find it, or with WEAKLY may; TAKES_DATA the same for a variable. */
#include "minimal_python.h"

#ifndef INIT
#define INIT PyInit__core
#endif

#ifdef WEAKLY
#define STRENGTH __attribute__((weak))
#else
#define STRENGTH
#endif

#ifdef TAKES
STRENGTH IMPORTED void TAKES(void);
void (*volatile taken)(void);
#endif
#ifdef TAKES_DATA
extern char TAKES_DATA;
char *volatile taken_data;
#endif

static PyModuleDef definition = {.m_base = {.ob_base = {.ob_refcnt = 1}}, .m_name = "_core", .m_size = -1};

EXPORTED PyObject *INIT(void)
{
#ifdef TAKES
    taken = TAKES;
#endif
#ifdef TAKES_DATA
    taken_data = &TAKES_DATA;
#endif
    return PyModule_Create2(&definition, PYTHON_ABI_VERSION);
}

#ifdef _WIN32
int DllMainCRTStartup(void *handle, unsigned reason, void *reserved)
{
    (void)handle, (void)reason, (void)reserved;
    return 1;
}
#endif
