/* The little of CPython's API that an empty module needs, spelled out so that no header of any Python is needed.
   The layouts are those of the GIL builds of 3.7 to 3.11 (the stable ABI's PyModuleDef; moduleobject.h). */
#ifndef MINIMAL_PYTHON_H
#define MINIMAL_PYTHON_H

#ifdef _WIN32
#define EXPORTED __declspec(dllexport)
#define IMPORTED __declspec(dllimport)
#else
#define EXPORTED __attribute__((visibility("default")))
#define IMPORTED
#endif

typedef struct { long long ob_refcnt; void *ob_type; } PyObject;
typedef struct { PyObject ob_base; PyObject *(*m_init)(void); long long m_index; PyObject *m_copy; } PyModuleDef_Base;
typedef struct {
    PyModuleDef_Base m_base;
    const char *m_name, *m_doc;
    long long m_size;
    void *m_methods, *m_slots, *m_traverse, *m_clear, *m_free;
} PyModuleDef;

IMPORTED PyObject *PyModule_Create2(PyModuleDef *definition, int api_version);
#define PYTHON_ABI_VERSION 3

#endif
