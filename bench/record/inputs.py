"""Files for the sub-commands of mlff, in the formats that they read."""

import math
import random
import struct
import zipfile

from . import structures, toy


def npy(values, shape, code="<f8"):
    """The bytes of an array as NumPy writes them."""
    extents = "(" + "".join(f"{n}, " for n in shape) + ")"
    header = f"{{'descr': '{code}', 'fortran_order': False, 'shape': {extents}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    kind = {"<f8": "d", "<f4": "f", "<i8": "q", "|u1": "B"}[code]
    return (
        b"\x93NUMPY\x01\x00"
        + struct.pack("<H", len(header))
        + header.encode()
        + struct.pack(f"<{len(values)}{kind}", *values)
    )


def write_npz(path, arrays):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in arrays.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), data)


def schnetpack_weights(path):
    """Random weights of a PaiNN model under the names of SchNetPack."""
    generator = random.Random(77)
    features, layers, radial, cutoff = 8, 2, 6, 5.0
    spacing = cutoff / (radial - 1)
    shapes = {
        "representation.embedding.weight": (10, features),
        "representation.filter_net.weight": (3 * features * layers, radial),
        "representation.filter_net.bias": (3 * features * layers,),
        "output_modules.0.outnet.0.weight": (features // 2, features),
        "output_modules.0.outnet.0.bias": (features // 2,),
        "output_modules.0.outnet.1.weight": (1, features // 2),
        "output_modules.0.outnet.1.bias": (1,),
    }
    for layer in range(layers):
        context, mixing = (
            f"representation.interactions.{layer}.interatomic_context_net",
            f"representation.mixing.{layer}",
        )
        shapes |= {
            f"{context}.0.weight": (features, features),
            f"{context}.0.bias": (features,),
            f"{context}.1.weight": (3 * features, features),
            f"{context}.1.bias": (3 * features,),
            f"{mixing}.mu_channel_mix.weight": (2 * features, features),
            f"{mixing}.intraatomic_context_net.0.weight": (features, 2 * features),
            f"{mixing}.intraatomic_context_net.0.bias": (features,),
            f"{mixing}.intraatomic_context_net.1.weight": (3 * features, features),
            f"{mixing}.intraatomic_context_net.1.bias": (3 * features,),
        }
    arrays = {}
    for name, shape in shapes.items():
        values = [generator.random() - 0.5 for _ in range(math.prod(shape))]
        arrays[name] = npy(values, shape, "<f4")
    arrays["representation.cutoff_fn.cutoff"] = npy([cutoff], (1,), "<f4")
    arrays["representation.radial_basis.offsets"] = npy(
        [k * spacing for k in range(radial)], (radial,), "<f4"
    )
    arrays["representation.radial_basis.widths"] = npy([spacing] * radial, (radial,), "<f4")
    arrays["postprocessors.1.mean"] = npy([-3.5], (1,))
    write_npz(path, arrays)


def rmd17(path, frames):
    """Frames as the files of rMD17 hold them, in kcal/mol."""
    numbers = [structures.NUMBERS[symbol] for symbol in frames[0].structure.symbols]

    def flat(rows):
        return [x for frame in rows for p in frame for x in p]

    arrays = {
        "nuclear_charges": npy(numbers, (len(numbers),), "|u1"),
        "coords": npy(
            flat([frame.structure.positions for frame in frames]), (len(frames), len(numbers), 3)
        ),
        "energies": npy([23.0605 * frame.keys["energy"] for frame in frames], (len(frames),)),
        "forces": npy(
            flat([[[23.0605 * x for x in f] for f in frame.columns["forces"]] for frame in frames]),
            (len(frames), len(numbers), 3),
        ),
    }
    write_npz(path, arrays)


def dump_text(frames):
    """Frames as LAMMPS dumps them, atoms out of order, without elements."""
    text = ""
    for frame in frames:
        structure, order = frame.structure, list(range(len(frame.structure.symbols)))[::-1]
        types = structure.elements()
        bounds = "-30 30\n" * 3
        text += f"ITEM: TIMESTEP\n{frame.keys['Timestep']}\nITEM: NUMBER OF ATOMS\n{len(order)}\n"
        text += f"ITEM: BOX BOUNDS ff ff ff\n{bounds}"
        text += "ITEM: ATOMS id type x y z vx vy vz fx fy fz\n"
        for i in order:
            row = (
                structure.positions[i]
                + tuple(frame.columns["vel"][i])
                + tuple(frame.columns["forces"][i])
            )
            text += (
                f"{i + 1} {types.index(structure.symbols[i]) + 1} "
                + " ".join(map(repr, row))
                + "\n"
            )
    return text


def write(work):
    """All files that the commands are given."""
    ethanol, caffeine, pair = (
        structures.molecule("ethanol"),
        structures.molecule("caffeine"),
        structures.ion_pair(),
    )
    frames = toy.rattled_frames(ethanol, 5, 24, 0.08)
    structures.write_xyz(work / "ethanol.xyz", frames)
    structures.write_xyz(work / "caffeine.xyz", toy.rattled_frames(caffeine, 6, 4, 0.05))
    structures.write_xyz(
        work / "pairs.xyz",
        [
            *toy.rattled_frames(pair, 7, 4, 0.05),
            *toy.rattled_frames(pair.moved((0.1, 0.0, 0.0)), 8, 3, 0.03),
        ],
    )
    water = (
        structures.molecule("water").in_cell((4.1, 3.9, 4.3, 0.5, -0.4, 0.6)).replicated((2, 2, 1))
    )
    structures.write_xyz(work / "periodic.xyz", toy.periodic_frames(water, 9, 4))
    rmd17(work / "ethanol.npz", frames)
    for name, seed, temperature in (("a", 21, 300.0), ("b", 22, 300.0), ("c", 23, 330.0)):
        structures.write_xyz(
            work / f"trajectory-{name}.xyz", toy.trajectory(ethanol, seed, 2, 400, temperature)
        )
    windows = toy.trajectory(ethanol, 24, 2, 60)
    structures.write_xyz(work / "windows.xyz", windows)
    (work / "windows.dump").write_text(dump_text(windows), encoding="utf-8")
    schnetpack_weights(work / "weights.npz")
