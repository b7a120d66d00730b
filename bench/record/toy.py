"""Frames and trajectories of toy force fields: training data that no build has a part in."""

import math
import random

from .structures import MASSES, Frame, Structure, add

# (g/mol) (Å/ps)^2 in an eV
ACCELERATION = 9648.533212331
BOLTZMANN = 8.617333262e-5  # eV/K


class Springs:
    """Springs with a quartic part between all pairs of atoms; those of near pairs are stiff."""

    def __init__(self, structure):
        self.symbols = structure.symbols
        self.masses = [MASSES[symbol] for symbol in structure.symbols]
        self.pairs = []
        for i, p in enumerate(structure.positions):
            for j, q in enumerate(structure.positions[:i]):
                length = math.sqrt(sum((x - y) ** 2 for x, y in zip(p, q)))
                self.pairs.append(
                    (i, j, length, 25.0 if length < 1.7 else 2.0 if length < 2.8 else 0.2)
                )

    def evaluate(self, positions):
        """Energy and forces."""
        energy = 0.0
        forces = [[0.0, 0.0, 0.0] for _ in positions]
        for i, j, length, stiffness in self.pairs:
            r = [x - y for x, y in zip(positions[i], positions[j])]
            d = math.sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2])
            stretch = d - length
            energy += stiffness * stretch * stretch * (0.5 + 0.25 * stretch * stretch)
            pull = stiffness * stretch * (1.0 + stretch * stretch) / d
            for a in range(3):
                forces[i][a] -= pull * r[a]
                forces[j][a] += pull * r[a]
        return energy, [tuple(force) for force in forces]


def thermal(generator, masses, temperature):
    """Velocities in Å/ps without net momentum; sums of twelve numbers serve as Gaussian ones."""
    velocities = []
    for mass in masses:
        width = math.sqrt(BOLTZMANN * temperature * ACCELERATION / mass)
        velocities.append(
            [width * (sum(generator.random() for _ in range(12)) - 6.0) for _ in range(3)]
        )
    total = sum(masses)
    for a in range(3):
        drift = sum(m * v[a] for m, v in zip(masses, velocities)) / total
        for v in velocities:
            v[a] -= drift
    return [tuple(v) for v in velocities]


def trajectory(structure, seed, windows, frames, temperature=300.0, timestep=0.5, pause=30):
    """Windows of successive steps of velocity Verlet, each after new velocities and a pause."""
    springs = Springs(structure)
    generator = random.Random(seed)
    positions = [tuple(p) for p in structure.positions]
    dt = 1e-3 * timestep
    result, step = [], 0
    energy, forces = springs.evaluate(positions)
    for _ in range(windows):
        velocities = thermal(generator, springs.masses, temperature)
        for k in range(pause + frames):
            if k >= pause:
                columns = {"vel": velocities, "forces": forces, "mass": springs.masses}
                keys = {"energy": energy, "Timestep": step, "Time": 1e-3 * timestep * step}
                result.append(Frame(Structure(springs.symbols, positions), columns, keys))
            if k == pause + frames - 1:
                break
            half = [
                tuple(v[a] + 0.5 * dt * ACCELERATION * f[a] / m for a in range(3))
                for v, f, m in zip(velocities, forces, springs.masses)
            ]
            positions = [add(p, [dt * x for x in v]) for p, v in zip(positions, half)]
            energy, forces = springs.evaluate(positions)
            velocities = [
                tuple(v[a] + 0.5 * dt * ACCELERATION * f[a] / m for a in range(3))
                for v, f, m in zip(half, forces, springs.masses)
            ]
            step += 1
        step += 10
    return result


def rattled_frames(structure, seed, count, size=0.12):
    """Labelled frames of a molecule, rattled by up to `size`."""
    springs = Springs(structure)
    frames = []
    for k in range(count):
        one = structure.rattled(size, 1000 * seed + k)
        energy, forces = springs.evaluate(one.positions)
        frames.append(Frame(one, {"forces": forces}, {"energy": energy - 10.0 * len(one.symbols)}))
    return frames


def periodic_frames(structure, seed, count, size=0.1, reach=4.0):
    """Labelled frames of a cell: a smooth repulsion of all pairs within `reach`, images too."""
    images = [(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)]
    a, b, c = structure.vectors()
    shifts = [[i * a[d] + j * b[d] + k * c[d] for d in range(3)] for i, j, k in images]
    frames = []
    for number in range(count):
        one = structure.rattled(size, 1000 * seed + number)
        energy = 0.0
        forces = []
        for p in one.positions:
            force = [0.0, 0.0, 0.0]
            for q in one.positions:
                for shift in shifts:
                    r = [p[d] - q[d] - shift[d] for d in range(3)]
                    square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2]
                    if square > reach * reach or square < 1e-12:
                        continue
                    u = 1.0 - square / (reach * reach)
                    energy += 0.1 * u * u
                    for d in range(3):
                        force[d] += 0.8 * u * r[d] / (reach * reach)
            forces.append(tuple(force))
        frames.append(Frame(one, {"forces": forces}, {"energy": energy}))
    return frames
