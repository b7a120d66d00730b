#!/usr/bin/env python3
"""The command ``mlff-ase-client``: any calculator of ASE as a client of the i-PI protocol."""

import argparse
import importlib
import inspect
import json
import os
import sys
import time
from importlib import metadata
from types import SimpleNamespace

try:
    import ase
    import ase.calculators.socketio as socketio
    import ase.io
    from ase.calculators.calculator import Calculator
except ImportError as error:
    sys.exit(f"mlff-ase-client: {sys.executable} lacks the package ase: {error}; install it there")

# The units of the other end (CODATA 2018); those of ASE are of 2014, 8e-9 smaller.
socketio.units = SimpleNamespace(Ha=27.211386245988, Bohr=0.529177210903)


def calculator_class(name):
    """The class that MODULE:CLASS names."""
    module, _, attribute = name.partition(":")
    if not attribute:
        sys.exit(f"mlff-ase-client: '{name}' names no class; accepted: MODULE:CLASS")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        sys.exit(f"mlff-ase-client: the module '{module}' cannot be imported: {error}")
    except AttributeError:
        sys.exit(f"mlff-ase-client: the module '{module}' has no class '{attribute}'")


def keywords(text):
    """A JSON object as a dictionary."""
    try:
        value = json.loads(text)
    except ValueError as error:
        sys.exit(f"mlff-ase-client: --kwargs {text} is no JSON: {error}")
    if not isinstance(value, dict):
        sys.exit(f"mlff-ase-client: --kwargs {text} is no object; accepted: {{\"name\": value}}")
    return value


def make(name, arguments):
    """The calculator. ASE takes any keyword without a word, so that those are compared here that a
    calculator lists."""
    kind = calculator_class(name)
    try:
        calculator = kind(**arguments)
    except Exception as error:
        sys.exit(
            f"mlff-ase-client: {name} cannot be made with --kwargs {json.dumps(arguments)}: "
            f"{type(error).__name__}: {error}"
        )
    known = set(getattr(kind, "default_parameters", {}))
    writes_files = any("FileIO" in base.__name__ for base in kind.__mro__)
    if known and not writes_files:
        for one in (kind, Calculator):
            known |= set(inspect.signature(one).parameters)
        for word in set(arguments) - known:
            sys.exit(
                f"mlff-ase-client: {name} has no keyword '{word}', which --kwargs names; "
                f"accepted: {', '.join(sorted(known - {'self', 'kwargs'}))}"
            )
    return calculator


def structure(path):
    """Atoms of a file. Its keys charge and spin become initial charges and magnetic moments, whose
    sums many calculators take for the state of the system."""
    try:
        atoms = ase.io.read(path)
    except (OSError, ValueError) as error:
        sys.exit(f"mlff-ase-client: --structure {path} cannot be read: {error}")
    charge, spin = atoms.info.get("charge", 0), atoms.info.get("spin", 1)
    if charge:
        atoms.set_initial_charges([charge / len(atoms)] * len(atoms))
    if spin != 1:
        atoms.set_initial_magnetic_moments([(spin - 1) / len(atoms)] * len(atoms))
    return atoms


def connect(options):
    """Tries again while nobody listens there yet."""
    end = time.monotonic() + options.wait
    place = f"/tmp/ipi_{options.socket}" if options.socket else f"{options.host}:{options.port}"
    while True:
        try:
            if options.socket:
                return socketio.SocketClient(unixsocket=options.socket)
            return socketio.SocketClient(host=options.host, port=options.port)
        except OSError as error:
            if time.monotonic() > end:
                sys.exit(f"mlff-ase-client: cannot connect to {place}: {error}")
        time.sleep(0.1)


def versions(name):
    """ASE, and the package that the calculator is from."""
    calculator_class(name)
    packages = metadata.packages_distributions().get(name.partition(".")[0].partition(":")[0], [])
    return ", ".join(f"{one} {metadata.version(one)}" for one in dict.fromkeys(["ase", *packages]))


def parse(words):
    variable = os.environ.get
    parser = argparse.ArgumentParser(prog="mlff-ase-client", description=__doc__)
    parser.add_argument("calculator", metavar="MODULE:CLASS", help="as ase.calculators.emt:EMT")
    parser.add_argument("--kwargs", default="{}", help="arguments of the class, a JSON object")
    parser.add_argument("--structure", default=variable("MLFF_CLIENT_STRUCTURE"), metavar="FILE",
                        help="elements, their order, periodic directions; charge and spin")
    parser.add_argument("--socket", default=variable("MLFF_CLIENT_SOCKET"), metavar="NAME",
                        help="UNIX socket /tmp/ipi_NAME")
    parser.add_argument("--host", default=variable("MLFF_CLIENT_HOST", "localhost"))
    parser.add_argument("--port", type=int, default=variable("MLFF_CLIENT_PORT"))
    parser.add_argument("--wait", type=float, default=30.0, metavar="SECONDS",
                        help="how long to try to connect (default: 30)")
    parser.add_argument("--no-stress", action="store_true", help="send no virial")
    parser.add_argument("--versions", action="store_true",
                        help="print the versions of ASE and the calculator, and nothing else")
    options = parser.parse_args(words)
    if not options.versions and not options.structure:
        parser.error("--structure is needed: a file that ASE reads")
    if not options.versions and not options.socket and not options.port:
        parser.error("--socket NAME, or --host and --port, is needed")
    return options


def main(words=None):
    options = parse(words)
    if options.versions:
        print(versions(options.calculator))
        return
    arguments, atoms = keywords(options.kwargs), structure(options.structure)
    atoms.calc = make(options.calculator, arguments)
    has_stress = "stress" in getattr(atoms.calc, "implemented_properties", [])
    connect(options).run(atoms, use_stress=has_stress and atoms.pbc.any() and not options.no_stress)


if __name__ == "__main__":
    main()
