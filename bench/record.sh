#!/usr/bin/env bash
# Records the numbers that a build computes as JSON, or times two builds in turn. See README.md beside this script.
#
#   bench/record.sh [--build FOLDER] [--only PART,...] [--quick] [--full] -o record.json
#   bench/record.sh --paired FOLDER_A FOLDER_B [--repeats 7] [--match PATTERN] [-o ratios.json]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PYTHONPATH=$here exec python3 -B -m record "$@"
