// fix kstep/hybrid inside LAMMPS: forces and energies of other fixes.
#include "fix_kstep/kstep_fixture.h"

namespace mlff_test {

TEST_F(FixKstep, EnergiesOfOtherFixesCountOneRank)
{
  // defined before the fix or after it: what LAMMPS sets up last counts from the first jump on
  for (const bool after : {false, true}) {
    molecule(double_pair);
    const std::string words = "jump student 20 0.0005 temp 1e7 precision double";
    if (after) fix(words, student);
    commands("fix tether all spring/self 8.0\nfix_modify tether energy yes\ndisplace_atoms all "
             "move 0.5 0 0");
    if (!after) fix(words, student);
    command("run 0 post no");
    const double start = value("etotal + f_hyb");
    EXPECT_GT(value("f_tether"), 5.0);
    for (int k = 0; k < 5; k++) {
      command("run 1 pre no post no");
      EXPECT_NEAR(value("etotal + f_hyb"), start, 1e-6) << after;
    }
    EXPECT_EQ(entry("accepted"), 5.0);
    // a student that is the force keeps its energy: all change is that of the tether
    EXPECT_GT(std::abs(value("f_hyb")), 1e-3);
  }

  // a rejected jump leaves the energy that there was
  molecule(double_pair);
  fix("jump student 20 0.0005 temp 1e-9 precision double", student);
  commands("fix tether all spring/self 8.0\nfix_modify tether energy yes\nrun 0 post no");
  const double before = value("pe");
  command("run 1 pre no post no");
  EXPECT_EQ(entry("metropolis"), 1.0);
  EXPECT_NEAR(value("pe"), before, 1e-9);
  const double rejected = value("pe");
  command("run 0 post no");
  EXPECT_NEAR(value("pe"), rejected, 1e-9);
}

TEST_F(FixKstep, RestrainedAsInDynamicsOneRank)
{
  // a bond held longer than it would be
  molecule();
  const std::string restraint =
      "fix hold all restrain bond 2 3 20.0 20.0 2.60\nfix_modify hold energy yes\n"
      "variable d equal sqrt((x[2]-x[3])^2+(y[2]-y[3])^2+(z[2]-z[3])^2)\nfix mean all ave/time 1 1 "
      "1 v_d ave running start 300\n";
  fix("jump student 20 0.0005 langevin 300 0.05 7", student);
  commands(restraint + "run 3000 post no");
  const double held = value("f_mean");
  // 2.576 in dynamics, 2.45 where the restraint does not count; statistical error 0.003
  EXPECT_NEAR(held, 2.576, 0.02);
}

TEST_F(FixKstep, RefusesOtherFixesOneRank)
{
  const auto refuses = [&](const std::string &other, const std::vector<std::string> &words,
                           const std::string &keywords = "langevin 300 0.1 7",
                           const std::string &model = network) {
    SCOPED_TRACE(other);
    molecule(single_pair, student, other.find("EDGE") == std::string::npos ? "p p p" : "f f f");
    fix(keywords, model);
    commands(other);
    expect_refusal(words);
  };
  const std::string exact = "jump student 20 0.0005 langevin 300 0.1 7";
  const auto head = [](const std::string &style) {
    return "Fix kstep/hybrid does not work with fix other of style " + style + ": ";
  };
  refuses("fix other all dt/reset 5 1e-5 0.0005 0.01 units box",
          {head("dt/reset") + "it changes the time step during a run"});
  refuses("variable m equal 1\nfix other all adapt 1 atom charge v_m",
          {head("adapt") + "it changes parameters"});
  refuses("fix other all deform 1 x erate 0.1",
          {head("deform") + "it changes the box during a run"});
  refuses("fix other all press/berendsen iso 0 0 1.0 modulus 1e5",
          {head("press/berendsen") + "it changes the box"});
  refuses("region r block 10 11 10 11 10 11\nfix other all evaporate 100 1 r 1",
          {head("evaporate") + "it adds, removes or exchanges atoms"});
  refuses("fix other all EVENT/PRD", {head("EVENT/PRD") + "it takes steps of LAMMPS for time"});
  refuses("fix other all wall/reflect xlo EDGE",
          {head("wall/reflect") + "it moves atoms or turns velocities round"});
  for (const std::string &keywords :
       {std::string("langevin 300 0.1 7"), std::string("control corrector temp 300")})
    refuses("fix other all setforce 0 0 0",
            {head("setforce") + "atoms that a force of 0 is to hold would jump",
             "leave them out of the group"},
            keywords);
  for (const bool student_jumps : {false, true}) {
    const std::string keywords = student_jumps ? exact : "langevin 300 0.1 7",
                      model = student_jumps ? student : network;
    refuses("fix other all viscous 0.1",
            {head("viscous") + "it changes forces, which do not act in jumps, and has no energy",
             "use control corrector"},
            keywords, model);
    refuses("fix other all aveforce 0.1 0 0", {head("aveforce") + "it changes forces"}, keywords,
            model);
    refuses("fix other all spring/self 1.0",
            {head("spring/self"), "its energy is not counted; use fix_modify other energy yes"},
            keywords, model);
    refuses("fix other all restrain bond 2 3 20 20 2.6",
            {head("restrain"), "use fix_modify other energy yes"}, keywords, model);
    refuses("fix other all wall/harmonic xlo EDGE 1.0 1.0 2.0",
            {head("wall/harmonic"), "use fix_modify other energy yes"}, keywords, model);
    refuses("fix other all indent 1.0 sphere 0 0 0 1.0",
            {head("indent"), "use fix_modify other energy yes"}, keywords, model);
  }
  refuses("fix other all spring/self 1.0\nfix_modify other energy yes",
          {head("spring/self"),
           "as the model does not know it; use jump student with metropolis yes, or control "
           "corrector"});
  refuses("fix other all spring/self 1.0\nfix_modify other energy yes",
          {head("spring/self"), "as the model does not know it"}, exact + " metropolis no",
          student);
  refuses("variable f atom x\nfix other all addforce v_f 0 0\nfix_modify other energy yes",
          {head("addforce") +
           "its forces are variables, which have no energy without its keyword energy"},
          exact, student);
  refuses("fix other all external pf/array 1",
          {head("external") + "its energy is 0; the program that sets its forces"}, exact, student);
  refuses("fix tether all spring/self 1.0\nfix_modify tether energy yes\nfix other all recenter "
          "INIT INIT INIT",
          {head("recenter")}, exact, student);

  // These fixes are accepted: velocity Verlet sees every force, and a fix that holds other atoms
  // holds none that jump.
  molecule();
  commands("create_atoms 1 single 15 15 15 units box\ngroup wall id 10\ngroup mol id <= 9\nfix "
           "other wall setforce 0 0 0\nfix still wall viscous 1.0");
  command("fix hyb mol kstep/hybrid " + network + " C O H threads 1 langevin 300 0.1 7");
  command("run 2 post no");
  molecule();
  commands("fix tether all spring/self 1.0\nfix drag all viscous 0.1\nfix still all momentum 10 "
           "linear 1 1 1\nfix even all balance 1 1.1 shift xyz 10 1.1");
  fix("control corrector langevin 300 0.1 7");
  command("run 2 post no");
  molecule();
  commands("variable f atom 0.1\nvariable e atom -0.1*x\nfix field all addforce v_f 0 0 energy "
           "v_e\nfix_modify field energy yes");
  fix(exact, student);
  command("run 2 post no");
}

}    // namespace mlff_test
