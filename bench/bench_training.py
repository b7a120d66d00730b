"""Training throughput of mlff beside the same model and loss in eager PyTorch, in one run: bench_training.py --data FRAMES.xyz [--mlff PROGRAM]

PaiNN as src/models/painn/torch/painn_torch.cpp has it (K. Schütt, O. Unke, M. Gastegger, ICML 2021): same sizes, batches, loss (energies and
forces, squared errors), AdamW, one thread, single precision. The three take turns; medians of frames per second are printed."""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

import torch


def read_xyz(path):
    """Frames as (numbers, positions, energy, forces) of an extended XYZ file with species, pos and forces."""
    symbols = {"H": 1, "C": 6, "N": 7, "O": 8}
    frames = []
    with open(path) as file:
        while line := file.readline():
            n, comment = int(line), file.readline()
            energy = float(comment.replace("Potential_energy", "energy").split("energy=")[1].split()[0])
            columns = comment.split("Properties=")[1].split()[0].split(":")
            at, place = {}, 0
            for name, _, width in zip(columns[::3], columns[1::3], columns[2::3]):
                at[name] = place
                place += int(width)
            rows = [file.readline().split() for _ in range(n)]
            forces = at["forces"] if "forces" in at else at["force"]
            pick = lambda first: torch.tensor([[float(x) for x in row[first : first + 3]] for row in rows], dtype=torch.float64)
            frames.append((torch.tensor([symbols[row[0]] for row in rows]), pick(at["pos"]), energy, pick(forces)))
    return frames


class Painn(torch.nn.Module):
    def __init__(self, features, layers, radial, cutoff):
        super().__init__()
        F, self.F, self.L, self.cutoff = features, features, layers, cutoff
        linear = torch.nn.Linear
        self.embedding = torch.nn.Embedding(20, F)
        self.filter = linear(radial, 3 * F * layers)
        self.message = torch.nn.ModuleList(torch.nn.Sequential(linear(F, F), torch.nn.SiLU(), linear(F, 3 * F)) for _ in range(layers))
        self.mix = torch.nn.ModuleList(linear(F, 2 * F, bias=False) for _ in range(layers))
        self.update = torch.nn.ModuleList(torch.nn.Sequential(linear(2 * F, F), torch.nn.SiLU(), linear(F, 3 * F)) for _ in range(layers))
        self.readout = torch.nn.Sequential(linear(F, F // 2), torch.nn.SiLU(), linear(F // 2, 1))
        self.register_buffer("centres", torch.linspace(0, cutoff, radial, dtype=torch.float64))

    def forward(self, numbers, centre, neighbor, r):
        F = self.F
        d = r.norm(dim=1, keepdim=True)
        u = (r / d).float().unsqueeze(2)
        spacing = self.centres[1]
        phi = torch.exp(-0.5 / spacing**2 * (d - self.centres) ** 2).float()
        W = self.filter(phi) * (0.5 * (torch.cos(torch.pi / self.cutoff * d) + 1) * (d < self.cutoff)).float()
        s = self.embedding(numbers)
        v = torch.zeros(len(numbers), 3, F)
        for l in range(self.L):
            x = W[:, 3 * F * l : 3 * F * (l + 1)] * self.message[l](s)[neighbor]
            a, c, b = x.split(F, 1)
            dv = u * c.unsqueeze(1)
            if l:
                dv = dv + v[neighbor] * b.unsqueeze(1)
            s = s.index_add(0, centre, a)
            v = v.index_add(0, centre, dv)
            p, q = self.mix[l](v).split(F, 2)
            norm = ((p * p).sum(1) + 1e-8).sqrt()
            ss, vv, sv = self.update[l](torch.cat([s, norm], 1)).split(F, 1)
            s = s + ss + sv * (p * q).sum(1)
            if l + 1 < self.L:
                v = v + vv.unsqueeze(1) * q
        return self.readout(s).squeeze(1)


def python_twin(frames, steps, batch, sizes, cutoff):
    """Frames per second of the eager twin; neighbor lists are made before, as mlff does."""
    torch.manual_seed(1)
    model = Painn(*sizes, cutoff)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.0)
    mean = statistics.mean(frame[2] for frame in frames)
    prepared = []
    for numbers, positions, energy, forces in frames:
        distance = torch.cdist(positions, positions)
        centre, neighbor = torch.nonzero((distance < cutoff) & (distance > 0), as_tuple=True)
        prepared.append((numbers, positions, centre, neighbor, energy - mean, forces.float()))
    start = None
    for step in range(steps + 10):
        if step == 10:
            start = time.perf_counter()
        chosen = [prepared[(step * batch + k) % len(prepared)] for k in range(batch)]
        counts = [len(c[0]) for c in chosen]
        offsets = [sum(counts[:k]) for k in range(batch)]
        numbers = torch.cat([c[0] for c in chosen])
        x = torch.cat([c[1] for c in chosen]).requires_grad_(True)
        centre = torch.cat([c[2] + o for c, o in zip(chosen, offsets)])
        neighbor = torch.cat([c[3] + o for c, o in zip(chosen, offsets)])
        structure = torch.repeat_interleave(torch.arange(batch), torch.tensor(counts))
        atoms = model(numbers, centre, neighbor, x[neighbor] - x[centre])
        energy = torch.zeros(batch).index_add(0, structure, atoms)
        force = -torch.autograd.grad(energy.sum(), x, create_graph=True)[0].float()
        n = torch.tensor(counts, dtype=torch.float32)
        loss = 0.1 * ((energy - torch.tensor([c[4] for c in chosen])) ** 2 / n).mean() + ((force - torch.cat([c[5] for c in chosen])) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return steps * batch / (time.perf_counter() - start)


def mlff(program, engine, data, steps, batch, atoms, sizes, cutoff):
    """Frames per second that mlff train reports."""
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/t.yaml", "w") as file:
            json.dump({"model": {"features": sizes[0], "layers": sizes[1], "radial": sizes[2], "cutoff": cutoff},
                       "data": {"train": {"file": os.path.abspath(data)}, "valid_fraction": 0},
                       "training": {"steps": steps, "batch_atoms": batch * atoms, "validate_every": steps, "threads": 1, "engine": engine, "device": "cpu"},
                       "output": "t.safetensors"}, file)
        subprocess.run([program, "train", "--no-plots", folder + "/t.yaml"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return json.loads(open(folder + "/t.training/log.jsonl").readlines()[-1])["frames_per_second"]


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--data", required=True, help="labelled frames of one molecule, extended XYZ")
parser.add_argument("--mlff", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "../build/bin/mlff"))
parser.add_argument("--sizes", type=int, nargs=3, default=[32, 2, 20], metavar=("F", "L", "K"))
parser.add_argument("--cutoff", type=float, default=5.0)
parser.add_argument("--batch", type=int, default=10, help="frames of a step")
parser.add_argument("--steps", type=int, default=100)
parser.add_argument("--repeats", type=int, default=3)
parser.add_argument("--json", action="store_true")
arguments = parser.parse_args()

torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"
frames = read_xyz(arguments.data)
atoms = len(frames[0][0])
rates = {"PyTorch eager": [], "mlff torch": [], "mlff host": []}
for _ in range(arguments.repeats):
    rates["PyTorch eager"].append(python_twin(frames, arguments.steps, arguments.batch, arguments.sizes, arguments.cutoff))
    for engine in ("torch", "host"):
        rates["mlff " + engine].append(mlff(arguments.mlff, engine, arguments.data, arguments.steps, arguments.batch, atoms, arguments.sizes, arguments.cutoff))
median = {name: statistics.median(values) for name, values in rates.items()}
if arguments.json:
    print(json.dumps({"sizes": arguments.sizes, "batch": arguments.batch, "atoms": atoms, "frames_per_second": median, "samples": rates}, indent=1))
else:
    print(f"training of PaiNN F{arguments.sizes[0]} L{arguments.sizes[1]} K{arguments.sizes[2]}, {arguments.batch} frames of {atoms} atoms a step, one thread, single precision")
    for name, value in median.items():
        print(f"{name:14s} {value:10.0f} frames/s   {value / median['PyTorch eager']:6.2f}x   ({min(rates[name]):.0f} to {max(rates[name]):.0f})")
