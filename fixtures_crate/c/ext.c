/* The smallest useful extension module: `_core.add(left, right)`.
 *
 * Each macro plants one defect; fixtures_crate/defects/recipes.py says which macro is for which rule.
 */
#include "minipy.h"

#ifdef WRONG_INIT
#define INIT PyInit__kernel
#else
#define INIT PyInit__core
#endif

/* Functions of the C library: one of glibc 2.17, and one of 2.38. */
#ifdef NEEDS_CLOCK
int clock_gettime(int clock, void *time);
#endif
#ifdef NEEDS_STRLCPY
size_t strlcpy(char *destination, const char *source, size_t size);
static const char *volatile text = "text";
#endif

/* A function of another library, whether or not the linker is told of one. */
#ifdef NEEDS_VENDORED
IMPORTED int vendored_answer(void);
#endif

/* A function that only the debug build of the C runtime has. */
#ifdef NEEDS_DEBUG_RUNTIME
IMPORTED int _CrtDbgReport(int kind, const char *file, int line, const char *module, const char *format, ...);
#endif

/* Division of 128-bit integers is done by a function of the compiler's own runtime library. */
#ifdef NEEDS_COMPILER_RUNTIME
static volatile __int128 wide = 42;
#endif

static PyObject *add(PyObject *self, PyObject *arguments)
{
    int left, right;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "ii", &left, &right))
        return NULL;
#ifdef NEEDS_CLOCK
    {
        long long time[2];
        right -= clock_gettime(0, time);
    }
#endif
#ifdef NEEDS_STRLCPY
    {
        char copy[8];
        right += (int)strlcpy(copy, text, sizeof copy) - 4;
    }
#endif
#ifdef NEEDS_VENDORED
    right += vendored_answer();
#endif
#ifdef NEEDS_DEBUG_RUNTIME
    right += _CrtDbgReport(0, NULL, 0, NULL, NULL);
#endif
#ifdef NEEDS_COMPILER_RUNTIME
    right += (int)(wide / (wide + 1));
#endif
#ifdef NEEDS_OLD_UNICODE
    if (right == 0x7fffffff)
        PyUnicode_AsUnicode(arguments);
#endif
#ifdef NEEDS_NEW_REFERENCE
    if (right == 0x7fffffff)
        Py_NewRef(arguments);
#endif
    return PyLong_FromLong((long)left + right);
}

static PyMethodDef methods[] = {
    {"add", add, METH_VARARGS, "Return the sum of two integers."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    .base = {.reference_count = 1},
    .name = "_core",
    .documentation = "A module in C.",
    .methods = methods,
};

EXPORTED PyObject *INIT(void)
{
    return PyModuleDef_Init(&definition);
}

/* Without a C runtime of its own, a DLL needs this entry point. */
#ifdef NO_RUNTIME
int DllMainCRTStartup(void *instance, unsigned reason, void *reserved)
{
    (void)instance;
    (void)reason;
    (void)reserved;
    return 1;
}
#endif
