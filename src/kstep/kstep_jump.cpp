// Jumps by a network, by inner steps with a student, and by control methods.
#include "kstep/kstep_jump.h"

#include "core/errors.h"
#include "engine/make_engine.h"
#include "kstep/nested/student_forces.h"

#include <algorithm>
#include <cmath>

namespace mlff {

namespace {

  class NetworkJump : public KstepJump {
   public:
    NetworkJump(const Potential &potential, int stride, std::unique_ptr<JumpEngine> engine) :
        engine(std::move(engine)), cutoff(potential.cutoff), number(stride)
    {
    }

    void propose(const KstepMolecules &molecules, const KstepState &start, KstepState &end) override
    {
      find_pairs(molecules, start.x, cutoff, graph);
      stride.assign(molecules.n_molecules(), number);
      engine->evaluate(graph.view(), {molecules.mass, start.v, start.f, stride}, result);
      for (std::size_t k = 0; k < start.x.size(); k++) {
        end.x[k] = start.x[k] + result.displacement[k];
        end.v[k] = start.v[k] + result.velocity_change[k];
      }
      for (int m = 0; m < molecules.n_molecules(); m++) {
        const int first = molecules.first_atom[m], n = molecules.size(m);
        const auto part = [&](const std::vector<double> &list) {
          return std::span(list).subspan(3 * first, 3 * n);
        };
        restore_angular_momentum(std::span(molecules.mass).subspan(first, n), part(start.x),
                                 part(start.v), part(end.x),
                                 std::span(end.v).subspan(3 * first, 3 * n));
      }
    }

    std::string description() const override { return engine->description(); }

   private:
    std::unique_ptr<JumpEngine> engine;
    double cutoff;
    int number;
    std::vector<int> stride;
    GraphStorage graph;
    JumpResult result;
  };

  class ControlJump : public KstepJump {
   public:
    ControlJump(const Potential &potential, int stride, JumpControl control) :
        potential(potential), number(stride), control(control)
    {
    }

    void propose(const KstepMolecules &molecules, const KstepState &start, KstepState &end) override
    {
      // no edges: control methods do not look at neighbors
      graph.clear();
      graph.species = molecules.species;
      graph.first_atom = molecules.first_atom;
      graph.first_edge.assign(molecules.n_atoms() + 1, 0);
      stride.assign(molecules.n_molecules(), number);
      control_jump(potential, control, graph.view(), {molecules.mass, start.v, start.f, stride},
                   result);
      for (std::size_t k = 0; k < start.x.size(); k++) {
        end.x[k] = start.x[k] + result.displacement[k];
        end.v[k] = start.v[k] + result.velocity_change[k];
      }
    }

    std::string description() const override
    {
      return control == JumpControl::zero     ? "control: nothing moves"
          : control == JumpControl::ballistic ? "control: ballistic"
          : control == JumpControl::verlet    ? "control: one step of velocity Verlet"
                                              : "control: linear fit";
    }

   private:
    Potential potential;
    int number;
    JumpControl control;
    std::vector<int> stride;
    GraphStorage graph;
    JumpResult result;
  };

  class StudentJump : public KstepJump {
   public:
    StudentJump(const Potential &potential, int steps, double dt, std::unique_ptr<Engine> engine) :
        forces(potential, std::move(engine)), steps(steps), dt(dt)
    {
    }

    void propose(const KstepMolecules &molecules, const KstepState &start, KstepState &end) override
    {
      end.x = start.x;
      end.v = start.v;
      for (auto *remembered : {&before, &after})
        if (remembered->x == start.x) forces.f = remembered->f;
      if (before.x != start.x && after.x != start.x) {
        forces.find_at_start(molecules, start.x);
        before.x = start.x;
        before.f = forces.f;
      } else if (after.x == start.x)
        std::swap(before, after);
      for (int step = 0; step < steps; step++) forces.step(molecules, dt, end.x, end.v);
      after.x = end.x;
      after.f = forces.f;
    }

    void check(const KstepMolecules &molecules, const KstepState &start) override
    {
      // atoms of the same places may be others
      before.x.clear();
      after.x.clear();
      try {
        forces.find_at_start(molecules, start.x);
      } catch (const StateError &) {
      }
    }

    std::string description() const override { return forces.description(); }

   private:
    struct Remembered {
      std::vector<double> x, f;
    };
    StudentForces forces;
    int steps;
    double dt;
    // forces at the start and the end of the last jump: the next one begins at one of them
    Remembered before, after;
  };

}    // namespace

void KstepJump::check(const KstepMolecules &molecules, const KstepState &start)
{
  KstepState end = start;
  try {
    propose(molecules, start, end);
  } catch (const StateError &) {
  }
}

std::unique_ptr<KstepJump> make_network_jump(const Potential &potential, int stride,
                                             const EngineOptions &options)
{
  return make_network_jump(potential, stride, make_jump_engine(potential, options));
}

std::unique_ptr<KstepJump> make_network_jump(const Potential &potential, int stride,
                                             std::unique_ptr<JumpEngine> engine)
{
  return std::make_unique<NetworkJump>(potential, stride, std::move(engine));
}

std::unique_ptr<KstepJump> make_control_jump(const Potential &potential, int stride,
                                             JumpControl control)
{
  return std::make_unique<ControlJump>(potential, stride, control);
}

std::unique_ptr<KstepJump> make_student_jump(const Potential &potential, int steps, double dt,
                                             std::unique_ptr<Engine> engine)
{
  return std::make_unique<StudentJump>(potential, steps, dt, std::move(engine));
}

}    // namespace mlff
