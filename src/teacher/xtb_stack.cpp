// Calls with as large a stack as they need.
#include "teacher/xtb_stack.h"

#include "teacher/xtb_calculator.h"

#include <dlfcn.h>
#include <pthread.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <string>

namespace mlff {

namespace {

  constexpr std::size_t kilobyte = 1024, megabyte = 1024 * kilobyte;

  /// Bytes of the stack of this thread below the present frame.
  std::size_t stack_left()
  {
    static thread_local const char *const lowest = [] {
      pthread_attr_t attributes;
      void *address = nullptr;
      std::size_t size = 0;
      if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &address, &size);
        pthread_attr_destroy(&attributes);
      }
      return static_cast<const char *>(address);
    }();
    const auto *here = static_cast<const char *>(__builtin_frame_address(0));
    return lowest && here > lowest ? std::size_t(here - lowest) : 0;
  }

  /// The variable that sets the stacks of OpenMP threads, and its value; libgomp reads
  /// OMP_STACKSIZE first.
  struct StackVariable {
    const char *name;
    std::string value;
    double bytes;
  };

  /// "512", "64 M", "1g": a number of kilobytes, or with one of the units B, K, M, G.
  std::optional<StackVariable> stack_variable()
  {
    for (const char *name : {"OMP_STACKSIZE", "GOMP_STACKSIZE"}) {
      const char *value = std::getenv(name);
      if (!value) continue;
      char *end = nullptr;
      double bytes = std::strtod(value, &end);
      if (end == value) continue;
      while (std::isspace(static_cast<unsigned char>(*end))) end++;
      const char unit = *end ? char(std::toupper(static_cast<unsigned char>(*end))) : 'K';
      if (unit != 'B') bytes *= unit == 'K' ? kilobyte : unit == 'M' ? megabyte : 1024.0 * megabyte;
      return StackVariable{name, value, bytes};
    }
    return {};
  }

  bool has_openmp_threads()
  {
    using Count = int (*)();
    const auto count = reinterpret_cast<Count>(dlsym(RTLD_DEFAULT, "omp_get_max_threads"));
    return count && count() > 1;
  }

  std::string in_megabytes(double bytes)
  {
    return std::to_string(long(bytes / megabyte) + 1) + " MB";
  }

  struct Call {
    const std::function<void()> &work;
    std::exception_ptr error;
  };

  void *run_call(void *argument)
  {
    auto &call = *static_cast<Call *>(argument);
    try {
      call.work();
    } catch (...) {
      call.error = std::current_exception();
    }
    return nullptr;
  }

  /// While it lives, threads that ask for no size (those of libgomp) get stacks of at least this
  /// size.
  class DefaultStackSize {
   public:
    explicit DefaultStackSize(std::size_t bytes)
    {
      pthread_attr_t attributes;
      if (pthread_getattr_default_np(&attributes) != 0) return;
      pthread_attr_getstacksize(&attributes, &before);
      if (before < bytes)
        set(bytes);
      else
        before = 0;
      pthread_attr_destroy(&attributes);
    }
    ~DefaultStackSize()
    {
      if (before > 0) set(before);
    }
    DefaultStackSize(const DefaultStackSize &) = delete;
    DefaultStackSize &operator=(const DefaultStackSize &) = delete;

   private:
    std::size_t before = 0;

    static void set(std::size_t bytes)
    {
      pthread_attr_t attributes;
      if (pthread_getattr_default_np(&attributes) != 0) return;
      pthread_attr_setstacksize(&attributes, bytes);
      pthread_setattr_default_np(&attributes);
      pthread_attr_destroy(&attributes);
    }
  };

}    // namespace

std::size_t xtb_stack_size(int orbitals)
{
  // libxtb 6.5.1 takes one matrix and 0.1 MB
  const auto n = std::size_t(orbitals);
  return 3 * sizeof(double) * n * n + 512 * kilobyte;
}

void call_with_stack(std::size_t bytes, const std::function<void()> &work, XtbThread where)
{
  const bool threads = has_openmp_threads();
  if (threads)
    if (const auto variable = stack_variable(); variable && variable->bytes < double(bytes))
      throw XtbError(std::string(variable->name) + "=" + variable->value +
                     " makes the stacks of OpenMP threads too small for so many atoms; use " +
                     in_megabytes(double(bytes)) + " or more, unset it, or set OMP_NUM_THREADS=1");
  // a thread of OpenMP that is there already has 2 MB or more
  if (!(threads && where == XtbThread::apart) && bytes <= 2 * megabyte &&
      bytes + 128 * kilobyte <= stack_left())
    return work();

  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  int status = pthread_attr_setstacksize(&attributes, bytes + megabyte);
  Call call{work, nullptr};
  if (status == 0) {
    const DefaultStackSize of_others(bytes + megabyte);
    pthread_t thread;
    status = pthread_create(&thread, &attributes, run_call, &call);
    if (status == 0) pthread_join(thread, nullptr);
  }
  pthread_attr_destroy(&attributes);
  if (status != 0)
    throw XtbError("a stack of " + in_megabytes(double(bytes)) + " cannot be had (" +
                   std::strerror(status) +
                   "); so many atoms need more memory, or a larger limit of it ('ulimit -v')");
  if (call.error) std::rethrow_exception(call.error);
}

}    // namespace mlff
