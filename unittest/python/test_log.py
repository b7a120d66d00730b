"""Logs of LAMMPS: as it writes them, cut, and of all partitions."""

import numpy as np
import pytest
from conftest import TOP

import mlff

STYLES = {
    "one": "thermo_style one",
    "multi": "thermo_style multi",
    "yaml": "thermo_style yaml",
    "custom": "thermo_style custom time temp step pe c_thermo_temp v_twice press",
    "custom multi": "thermo_style custom step temp v_twice pe\nthermo_modify line multi",
    "custom yaml": "thermo_style custom step temp v_twice pe\nthermo_modify line yaml",
    "renamed": "thermo_style custom step temp pe\nthermo_modify colname pe Energy colname step 'N'",
}

INPUT = """units lj
lattice fcc 0.8442
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 1.0
velocity all create 1.44 87287
pair_style zero 2.5
pair_coeff * *
fix 1 all nve
variable twice equal 2*temp
{style}
thermo 10
print "Step into the dark with 3 numbers"
run 50
fix 2 all print 20 "step 7 8 9"
run 40 every 20 "print 'between 1 2 3'"
"""


@pytest.mark.parametrize("style", STYLES)
def test_reads_what_lammps_writes(lmp, tmp_path, style):
    lmp(tmp_path, INPUT.format(style=STYLES[style]))
    log = mlff.read_log(tmp_path / "log.test")
    assert [run.is_complete for run in log] == [True] * 3
    assert log.errors == []
    step = "N" if style == "renamed" else "Step"
    assert [list(run[step]) for run in log] == [
        [0, 10, 20, 30, 40, 50],
        [50, 60, 70],
        [70, 80, 90],
    ]
    first = log[0]
    assert (first.n_procs, first.n_steps, first.n_atoms) == (1, 50, 108)
    assert first[step].dtype == np.int64
    energy = next(name for name in first if name in ("PotEng", "E_pair", "Energy"))
    assert (first[energy] == 0).all()
    temperature = first["Temp"]
    assert temperature.dtype == np.float64
    assert temperature[0] == pytest.approx(1.44)
    if "v_twice" in first:
        np.testing.assert_allclose(first["v_twice"], 2 * temperature, rtol=1e-4)
    array = first.array
    assert array.shape == (6,)
    assert (array["Temp"] == temperature).all()
    assert len(log.column(step)) == 12
    with pytest.raises(KeyError, match="no column 'Tepm'; it has: .*Temp"):
        first["Tepm"]


@pytest.mark.parametrize("style", STYLES)
def test_reads_every_beginning_of_a_log(lmp, tmp_path, style):
    lmp(tmp_path, INPUT.format(style=STYLES[style]))
    whole = (tmp_path / "log.test").read_text()
    full = mlff.read_log(tmp_path / "log.test")
    for end in range(whole.index("Per MPI rank"), len(whole), 37):
        cut = tmp_path / "cut"
        cut.write_text(whole[:end])
        part = mlff.read_log(cut)
        for run, complete in zip(part, full, strict=False):
            n = len(run.array)
            for name in run:
                assert (run[name] == complete[name][:n]).all()


def test_reads_the_log_of_the_example():
    log = mlff.read_log(TOP / "examples" / "ethanol" / "log.ethanol")
    assert log[0]["Step"].tolist() == [0, 43]
    assert log[0].loop_time == 0.059508
    assert log[1]["PotEng"][1] == -4210.012967
    assert all(run.is_complete for run in log)


def test_reads_tables_of_all_partitions():
    log = mlff.read_log(TOP / "examples" / "neb" / "log.mlff")
    assert "EBF" in log[0]
    assert log[0]["Step"][-1] == 231
    assert len(log) == 2


def test_reads_partitions(tmp_path):
    for k in range(3):
        (tmp_path / f"log.lammps.{k}").write_text(
            f"Per MPI rank memory allocation (min/avg/max) = 1 | 1 | 1 Mbytes\n"
            f"   Step          Temp\n         0   {k}.5\nLoop time of 1.0 on 1 procs for 0 steps "
            "with 9 atoms\n"
        )
    logs = mlff.read_partition_logs(tmp_path / "log.lammps")
    assert [log[0]["Temp"][0] for log in logs] == [0.5, 1.5, 2.5]
    with pytest.raises(FileNotFoundError, match="log.nothing"):
        mlff.read_partition_logs(tmp_path / "log.nothing")


def test_keeps_complaints_and_numbers_that_are_none(tmp_path):
    path = tmp_path / "log.lammps"
    path.write_text(
        "Per MPI rank memory allocation (min/avg/max) = 1 | 1 | 1 Mbytes\n"
        "   Time          Temp\n"
        "         0   nan\n"
        "WARNING: something is odd (src/x.cpp:1)\n"
        "         1   -inf\n"
        "ERROR: Lost atoms: original 9 current 8 (src/thermo.cpp:2)\n"
    )
    log = mlff.read_log(path)
    assert np.isnan(log[0]["Temp"][0])
    assert log[0]["Temp"][1] == -np.inf
    assert not log[0].is_complete
    assert log[0].loop_time is None
    assert log.warnings == ["WARNING: something is odd (src/x.cpp:1)"]
    assert len(log.errors) == 1
    assert "Lost atoms" in log.errors[0]


def test_file_that_is_missing_or_no_log(tmp_path):
    with pytest.raises(FileNotFoundError, match="log.nowhere"):
        mlff.read_log(tmp_path / "log.nowhere")
    path = tmp_path / "picture"
    path.write_bytes(bytes(range(256)) * 10)
    assert len(mlff.read_log(path)) == 0
