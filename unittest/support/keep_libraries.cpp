// Keeps every library loaded until a program with sanitizers has ended. A report of leaks cannot
// name a library that was unloaded, and then unittest/lsan.supp cannot name it either.

extern "C" int dlclose(void *)
{
  return 0;
}
