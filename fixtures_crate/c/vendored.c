/* A library that the module may be linked against, and that a wheel then has to bring along. */
#ifdef _WIN32
__declspec(dllexport)
#endif
int vendored_answer(void)
{
    return 0;
}

#ifdef NO_RUNTIME
int DllMainCRTStartup(void *instance, unsigned reason, void *reserved)
{
    (void)instance;
    (void)reason;
    (void)reserved;
    return 1;
}
#endif
