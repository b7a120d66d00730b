// Structures evaluated by clients of the i-PI protocol, several at a time.
#pragma once

#include "ipi/ipi_client.h"

#include <exception>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlff {

/// Structures are sent, and their answers received in the same order; several may be under way.
/// Each composition (elements in their order, charge, multiplicity, periodic directions) has
/// clients of its own, as a client learns these when it starts: an idle client is ended where
/// another composition waits. A client that is lost is started again once for the structure that it
/// was at.
class IpiPool {
 public:
  /// `clients`: how many may run at a time.
  IpiPool(const IpiClientSettings &settings, int clients);
  ~IpiPool();

  void send(const Structure &structure);

  /// Answer for the structure that was sent first of those under way. Throws ClientError where its
  /// evaluation fails, and ClientUnavailable where no evaluation can succeed.
  IpiAnswer receive();

  bool is_empty() const { return jobs.empty(); }

  /// Programs started so far.
  long started() const { return n_started; }

 private:
  struct Job {
    Structure structure;
    bool is_running = false;
    int failures = 0;
    std::optional<IpiAnswer> answer;
    std::exception_ptr error;
    bool is_done() const { return answer || error; }
  };
  struct Worker {
    std::unique_ptr<IpiClient> client;
    Structure start;
    Job *job = nullptr;    // under way
  };

  IpiClientSettings settings;
  std::size_t most;
  std::list<Job> jobs;
  std::list<Worker> workers;
  std::string unavailable;    // why no client can be had; empty: not known
  bool any_connected = false;
  long n_started = 0;

  void work(double seconds, bool may_replace);
  void assign(bool may_replace);
  Worker *worker_for(const Job &job, bool may_replace);
  Worker *start_worker(const Job &job);
  bool is_wanted(const Worker &worker) const;
  bool advance(Worker &worker);
  void lose(Worker &worker, const std::string &why);
};

}    // namespace mlff
