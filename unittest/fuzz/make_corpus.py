#!/usr/bin/env python3
"""Writes the inputs that the fuzz targets begin with: make_corpus.py FOLDER (unittest/fuzz/corpus).

Small files of every kind that the readers take, always the same bytes. Inputs that once broke a reader lie beside them, with names that begin
with fixed-; they are not touched.
"""
import hashlib
import json
import pathlib
import struct
import sys
import zipfile

folder = pathlib.Path(sys.argv[1])


def put(target, name, content):
    (folder / target).mkdir(parents=True, exist_ok=True)
    (folder / target / name).write_bytes(content if isinstance(content, bytes) else content.encode())


# ---- extended XYZ, LAMMPS dumps

ethanol = """C 0.01 -0.02 0.03 {} 12.011
O 1.41 0.05 -0.04 {} 15.999
D -0.35 1.02 0.01 {} 2.014
"""
full = ethanol.format("1 2 3 0.1 0.2 0.3", "4 5 6 -0.1 -0.2 -0.3", "-9 8 -7 0 0 0")
put("extended_xyz", "frames.xyz",
    '3\nTimestep=100 Time=0.05 pbc="T T F" Lattice="4 0 0 1 5 0 0 0 6" Potential_energy=-1.5e0 Properties=species:S:1:pos:R:3:vel:R:3:forces:R:3:mass:R:1\n' + full +
    '\n1\nenergy=2 comment=\'two words\' Properties=id:I:1:species:S:1:pos:R:3:force:R:3\n7 O 1 2 +3 4 5 6\n1\nplain XYZ\n8 1 2 3 and more\n')
put("extended_xyz", "keys.xyz",
    '2\nconfig_type="md run" stress="1 0 0 0 1 0 0 0 1" virial="-125 0 0 0 -125 0 0 0 -125" Lattice="5.0 0.0 0.0 0.0 5.0 0.0 0.0 0.0 5.0" pbc="F F F" '
    'Properties=id:I:1:species:S:1:pos:R:3:move_mask:L:1:momenta:R:3:masses:R:1:REF_forces:R:3:residue:S:1 REF_energy=-5.250 converged '
    'd="_JSON {\\"a\\": [1]}" charge=+1 uhf=1 nothing=\n7 C 0 0.5 1 F 0.100 0 0 13.003 1 2 3 ALA\n8 O 1.5 0 0 T 0.300 0 0 15.999 4 5 6 GLY\n')
put("extended_xyz", "grammar.xyz",
    "2\nLattice = [3.9, 0, 0, 0, 4, 0, 0, 0, 4.1] pbc={1 1 0} energy=-0.5D+01 'a b'=\"c\\nd\" spread=1 energy_spread=0.1 Properties=\"species:S:1:pos:R:3:spread:R:1\"\n"
    "C 0.1 0.2 0.3 0.01\r\nO 1.9 2.1 1.8 1e-3\r\n")
put("extended_xyz", "stress.xyz",
    '1\nstress="0.1 0.2 -0.3 0.2 0.5 0.4 -0.3 0.4 0.7" virial="-6 -12 18 -12 -30 -24 18 -24 -42" Lattice="3 0 0 0.5 4 0 -0.25 1 5" Properties=species:S:1:pos:R:3\nC 0 0 0\n'
    "1\nREF_stress=[1, 2, 3, 4, 5, 6] Lattice='3 0 0 0 4 0 0 0 5' pbc='T T T'\nC 0 0 0\n"
    '1\nvirials=[[1, 2, 3], [2, 4, 5], [3, 5, 6]] dft_stress="1 2" Lattice="3 0 0 0 4 0 0 0 5" Stress="1 2 3"\nC 0 0 0\n')
put("extended_xyz", "types.xyz", "2\nAtoms. Timestep: 7\n1 0 0 0\n3 1 2 1e-1\n2\nProperties=Z:I:1:pos:R:3 spin=3 Stress=\"1 2 3\"\n1 0 0 0\n8 0 0 1\n")

box = "ITEM: BOX BOUNDS pp pp ff\n0 4\n0 5\n0 6\n"
put("lammps_dump", "custom.dump",
    "ITEM: UNITS\nmetal\nITEM: TIME\n0.5\nITEM: TIMESTEP\n7\nITEM: NUMBER OF ATOMS\n2\n" + box +
    "ITEM: ATOMS id type element q x y z ix c_s[2] vx vy vz fx fy fz mass\n2 1 O -0.5 1 2 3 -1 0.25 1 2 3 4 5 6 15.999\n1 2 D 0.5 0 0 1 0 1 -1 -2 -3 0 0 0 2.014\n")
put("lammps_dump", "types.dump",
    "".join(f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n3\nITEM: BOX BOUNDS xy xz yz pp pp pp\n-1 5 0.5\n-1 5 -0.25\n0 6 1\n"
            "ITEM: ATOMS id type xs ys zs\n3 1 0.1 0.2 0.3\n1 2 0.5 0.5 0.5\n2 3 0.9 0.9 0.9\n" for step in (0, 10)))
put("lammps_dump", "units.dump", "ITEM: UNITS\nreal\nITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n3\n" + box + "ITEM: ATOMS id xu yu zu vx vy vz\n"
    "1 0 0 0 0.001 0 0\n2 1 1 1 0 0.01 0\n3 2 2 2 0 0 0.1\n")

# ---- NumPy


def npy(descr, shape, values, fortran=False, version=1):
    code = {"f8": "d", "f4": "f", "i8": "q", "i4": "i", "i2": "h", "i1": "b", "u8": "Q", "u4": "I", "u2": "H", "u1": "B", "b1": "B"}[descr[1:]]
    extents = "".join(f"{n}, " for n in shape)
    header = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({extents}), }}\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + struct.pack(f"<{len(values)}{code}", *values)


for descr in ("<f8", "<f4", "<i8", "<i4", "<i2", "|i1", "<u8", "<u4", "<u2", "|u1", "|b1"):
    put("npy", descr[1:] + ".npy", npy(descr, (2, 3), [1, 0, 1, 1, 0, 1], fortran=descr == "<i4", version=2 if descr == "<i8" else 1))
put("npy", "scalar.npy", npy("<f8", (), [0.5]))
put("npy", "empty.npy", npy("<f4", (0, 3), []))


def npz(name, arrays, method=zipfile.ZIP_STORED):
    (folder / "npz").mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "npz" / name, "w", method) as archive:
        for key, content in arrays.items():
            info = zipfile.ZipInfo(key + ".npy")
            info.compress_type = method
            archive.writestr(info, content)


frames = {"nuclear_charges": npy("|u1", (2,), [8, 1]), "coords": npy("<f8", (2, 2, 3), range(12)), "energies": npy("<f8", (2,), [-10, 20]),
          "forces": npy("<f4", (2, 2, 3), range(12))}
npz("stored.npz", frames)
npz("deflated.npz", frames, zipfile.ZIP_DEFLATED)


def ramp(n):
    return [0.01 * (k % 7 - 3) for k in range(n)]


def weight(*shape):
    n = 1
    for extent in shape:
        n *= extent
    return npy("<f4", shape, ramp(n))


F, K = 2, 3
schnetpack = {"representation.embedding.weight": weight(9, F), "representation.filter_net.weight": weight(3 * F, K),
              "representation.filter_net.bias": weight(3 * F), "representation.cutoff_fn.cutoff": npy("<f4", (1,), [4.0]),
              "representation.radial_basis.offsets": npy("<f4", (K,), [0.0, 2.0, 4.0]), "representation.radial_basis.widths": npy("<f4", (K,), [2.0] * 3),
              "representation.mixing.0.mu_channel_mix.weight": weight(2 * F, F), "postprocessors.1.mean": npy("<f8", (), [-100.0]),
              "postprocessors.1.atomref": weight(9)}
for name, shapes in {"representation.interactions.0.interatomic_context_net.": ((F, F), (3 * F, F)),
                     "representation.mixing.0.intraatomic_context_net.": ((F, 2 * F), (3 * F, F)),
                     "output_modules.0.outnet.": ((F // 2, F), (1, F // 2))}.items():
    for k, shape in enumerate(shapes):
        schnetpack[f"{name}{k}.weight"], schnetpack[f"{name}{k}.bias"] = weight(*shape), weight(shape[0])
npz("schnetpack.npz", schnetpack)

# ---- potentials


def painn_layers(shapes, layers=1):
    shapes |= {"filter.weight": (3 * F * layers, K), "filter.bias": (3 * F * layers,)}
    for l in range(layers):
        for name, shape in {"message.%d.0": (F, F), "message.%d.1": (3 * F, F), "update.%d.0": (F, 2 * F), "update.%d.1": (3 * F, F)}.items():
            shapes |= {name % l + ".weight": shape, name % l + ".bias": shape[:1]}
        shapes[f"update.{l}.mix.weight"] = (2 * F, F)
    return shapes


def potential(name, model, shapes, hyperparameters, elements=("H", "O"), **more):
    header, data = {}, b""
    for tensor in sorted(shapes):
        n = 1
        for extent in shapes[tensor]:
            n *= extent
        wide = tensor in ("reference_energy", "scale", "linear", "input_scale", "input_mean", "target_scale")
        values = [1.0] * n if tensor.endswith(("_scale", "input_mean")) else ramp(n)
        begin = len(data)
        data += struct.pack(f"<{n}{'d' if wide else 'f'}", *values)
        header[tensor] = {"dtype": "F64" if wide else "F32", "shape": shapes[tensor], "data_offsets": [begin, len(data)]}
    text = {key: json.dumps(value) for key, value in more.items()}
    header["__metadata__"] = {"format": "mlff", "format_version": "1", "model": model, "hyperparameters": json.dumps(hyperparameters),
                              "elements": json.dumps(elements), "cutoff": "4.5", "date": "2026-01-01", "citation": "", "training": "{}",
                              "units": json.dumps({"energy": "eV", "length": "Angstrom", "velocity": "Angstrom/ps", "time": "fs"}),
                              "sha256": hashlib.sha256(data).hexdigest()} | text
    head = json.dumps(header).encode()
    put("potential", name + ".safetensors", struct.pack("<Q", len(head)) + head + data)


sizes = {"features": F, "layers": 1, "radial": K}
readout = {"readout.0.weight": (F // 2, F), "readout.0.bias": (F // 2,), "readout.1.weight": (1, F // 2), "readout.1.bias": (1,)}
painn = painn_layers({"embedding": (2, F), "reference_energy": (2,), "scale": ()} | readout)
potential("painn", "painn", painn, sizes | {"norm_floor": 0.01}, range={"H": {"force": 7.5, "nearest": 0.9}, "O": {"force": 8.5, "nearest": 0.9}})
potential("painn-core", "painn", painn, sizes,
          core={"zbl": {pair: {"inner": 0.25, "outer": 0.5} for pair in ("H-H", "H-O", "O-O")}})
long_range = {f"fmm.0.{name}": shape for name, shape in
              {"query.weight": (1, F), "key.weight": (1, F), "value.weight": (2, F), "vector_value.weight": (2, F), "radial.weight": (4, 2),
               "scalar_out.weight": (F, 4), "vector_out.weight": (F, 4), "scalar_gate": (F,), "vector_gate": (F,)}.items()}
potential("painn-fmm", "painn-fmm", painn | long_range,
          sizes | {"fmm_layers": 1, "fmm_directions": 0, "fmm_kappa_min": 0.0, "fmm_kappa_max": 1.5, "fmm_kappa_count": 1, "fmm_heads": 1, "fmm_key_width": 1,
                   "fmm_value_width": 2, "fmm_precision": "engine"})
potential("molecule-mlp", "molecule-mlp",
          {"input_mean": (3,), "input_scale": (3,), "reference_energy": (2,), "scale": (), "layer.0.weight": (2, 3), "layer.0.bias": (2,),
           "readout.weight": (1, 2), "readout.bias": (1,)}, {"widths": [2], "activation": "silu"},
          molecule={"atoms": ["O", "H", "H"], "bonds": [[0, 1], [0, 2]], "generators": [[0, 2, 1]], "handedness": [0, 0, 0]})
species = [{"name": name, "environment": "", "mass": mass, "velocity": 9.5, "force": 7.5, "displacement": 0.6, "velocity_change": 12.5}
           for name, mass in (("H", 1.008), ("O", 15.999))]
jump = {"timestep": 0.5, "strides": [4.0, 8.0], "temperatures": [300.0], "species": species}
R, rows = 2, 4
common = {"embedding": (rows, F), "linear": (rows, 2, 2), "input_scale": (2,), "target_scale": (R, 2), "readout.0.weight": (F, F), "readout.0.bias": (F,)}
potential("kstep-painn", "kstep-painn", painn_layers(common | {"vectors": (rows, 2, F), "readout.1.weight": (2 * F, F), "readout.1.bias": (2 * F,)}), sizes,
          jump=jump)


def linear_layers(shapes, layers):
    for name, (rows_of, columns, bias) in layers.items():
        shapes[name + ".weight"] = (rows_of, columns)
        if bias:
            shapes[name + ".bias"] = (rows_of,)
    return shapes


potential("kstep-egnn", "kstep-egnn",
          linear_layers(dict(common), {"velocity": (F, 3, False), "edge.0.0": (F, 2 * F + K + 8, True), "edge.0.1": (F, F, True), "push.0.0": (F, F, True),
                                       "push.0.1": (3, F, False), "mix.0.0": (F, F, True), "mix.0.1": (9, F, True), "node.0.0": (F, 2 * F + 3, True),
                                       "node.0.1": (F, F, True), "readout.1": (6, F, True)}), sizes, jump=jump | {"form": "published", "bound": 10.0})
potential("kstep-transformer", "kstep-transformer",
          linear_layers(common | {"vectors": (rows, 2, F)},
                        {"attention.0.query": (F, F, True), "attention.0.key": (F, F, True), "attention.0.distance": (1, K, True),
                         "attention.0.value": (3 * F, F, True), "attention.0.out": (F, F, True), "update.0.mix": (2 * F, F, False),
                         "update.0.0": (F, 2 * F, True), "update.0.1": (3 * F, F, True), "readout.1": (2 * F, F, True)}), sizes,
          jump=jump | {"form": "corrected", "bound": 10.0, "heads": 1})

# ---- settings

put("settings", "core.yaml", """model: {features: 8, core: {zbl: {inner: 0.4, outer: 0.9}}}
data: {train: {file: a.xyz}}
output: a.safetensors
""")
put("settings", "painn.yaml", """# comment
model: {features: 32, layers: 2, radial: 20, cutoff: 5.0, elements: [H, C, O], norm_floor: 1.0e-2}
data:
  train:
    - {file: [a.xyz, b.npz], frames: 100, weight: 0.5, labels: teacher, units: real, keys: {energy: dft_energy}}
    - file: c.xyz
  valid_fraction: 0.03
  max_force: 50
teacher: {models: [one.safetensors, two.safetensors], spread: 0.1}
loss:
  energy: {weight: 0.1, final_weight: 1}
  force: {weight: 1.0, kind: huber, delta: 0.01}
  jacobian: {weight: 0.5}
training: {steps: 100000, batch_atoms: 90, validate_every: 10000, learning_rate: 3.0e-3, final_learning_rate: 1.0e-6, ema: 0.9995, precision: mixed, seed: 7}
citation: "A. Author, Journal 1 (2026) 1"
output: result.safetensors
""")
put("settings", "long-range.yaml", """model:
  kind: painn-fmm
  fmm_layers: 1
  fmm_heads: 1
  fmm_kappa_max: 1.4
  fmm_precision: double
data: {train: {file: a.xyz}, valid: [{file: b.xyz}]}
training: {engine: torch, device: cpu}
output: "result.safetensors"
""")
put("settings", "molecule.yaml", """model: {kind: molecule-mlp, widths: [64, 64], permutations: 12}
data: {train: &files {file: a.xyz}, valid: {file: b.xyz}}
training: {engine: host, threads: 2}
output: result.safetensors
""")
put("settings", "jump.yaml", """model: {kind: kstep, network: egnn, form: published, bound: 5, features: 32, cutoff: 6.0, strides: [4.0, 8.0], classes: yes}
data:
  timestep: 0.5
  train: {file: [a.xyz, b.xyz]}
  valid_fraction: 0.1
  test: {file: c.xyz}
training: {steps: 6750, windows: 16, warmup: 300}
report: {every: 4, energies: 60}
output: result.safetensors
""")
