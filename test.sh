#!/usr/bin/env bash
# Builds everything as quickstart.sh does, and the tests, and runs them. Arguments go to ctest: ./test.sh -R pair
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cmake/setup.sh"

configure_and_build ON all
say "testing"
cd "$build"
exec ctest --output-on-failure "$@"
