// Our errors as Python's.
#include "errors.h"

#include "core/errors.h"

#include <nanobind/nanobind.h>

#include <exception>

namespace nb = nanobind;

namespace mlff {

namespace {

  void raise(const char *text)
  {
    PyErr_SetString(PyExc_ValueError, text);
  }

  void translate(const std::exception_ptr &pointer, void *)
  {
    try {
      std::rethrow_exception(pointer);
    } catch (const FileError &error) {
      raise(error.what());
    } catch (const PotentialError &error) {
      raise(error.what());
    } catch (const StructureError &error) {
      raise(error.what());
    } catch (const MoleculeMismatch &error) {
      raise(error.what());
    } catch (const EngineError &error) {
      raise(error.what());
    }
  }

}    // namespace

void register_errors()
{
  nb::register_exception_translator(translate);
}

}    // namespace mlff
