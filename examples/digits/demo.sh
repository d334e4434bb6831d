#!/usr/bin/env bash
# Starts a controller and two agents, trains on the digits with two ranks, kills one on purpose and
# shows that the training goes on. Needs the release build; `./dev demo` makes it.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
exec /usr/bin/python3 -B demo.py "${BERTH_BUILD_DIR:-../../build/release}/berth"
