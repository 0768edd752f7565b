/* The few declarations of CPython's C API that ext.c uses, so that no Python headers are needed.
 *
 * All functions and structures belong to the stable ABI since Python 3.5, unless it is said otherwise: "Stable
 * Application Binary Interface" and "Module Objects" in CPython's C API documentation, and PEP 489.
 * The layout of an object is that of builds with a GIL on 64-bit machines.
 */
#ifndef MINIPY_H
#define MINIPY_H

#include <stddef.h>

typedef ptrdiff_t Py_ssize_t;
typedef struct _object PyObject;
typedef PyObject *(*PyCFunction)(PyObject *self, PyObject *arguments);

typedef struct {
    const char *name;
    PyCFunction function;
    int flags;
    const char *documentation;
} PyMethodDef;

typedef struct {
    Py_ssize_t reference_count;
    void *type;
    PyObject *(*initialise)(void);
    Py_ssize_t index;
    PyObject *copy;
} PyModuleDef_Base;

typedef struct {
    PyModuleDef_Base base;
    const char *name;
    const char *documentation;
    Py_ssize_t state_size;
    PyMethodDef *methods;
    void *slots;
    void *traverse;
    void *clear;
    void *free;
} PyModuleDef;

#define METH_VARARGS 0x0001

/* Windows takes functions out of a DLL through a pointer that the import library names. */
#ifdef _WIN32
#define IMPORTED __declspec(dllimport)
#define EXPORTED __declspec(dllexport)
#else
#define IMPORTED
#define EXPORTED __attribute__((visibility("default")))
#endif

IMPORTED int PyArg_ParseTuple(PyObject *arguments, const char *format, ...);
IMPORTED PyObject *PyLong_FromLong(long value);
IMPORTED PyObject *PyModuleDef_Init(PyModuleDef *definition);

/* Part of the stable ABI since Python 3.10. */
IMPORTED PyObject *Py_NewRef(PyObject *object);

/* Exported up to Python 3.11, and never part of the stable ABI. */
IMPORTED void *PyUnicode_AsUnicode(PyObject *text);

#endif
