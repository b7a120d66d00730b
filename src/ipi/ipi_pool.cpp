// Structures evaluated by clients of the i-PI protocol, several at a time.
#include "ipi/ipi_pool.h"

#include "ipi/client_errors.h"

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace mlff {

namespace {

  constexpr int most_failures = 2;

  /// Whether a client that was started for one structure can evaluate another one.
  bool same_composition(const Structure &a, const Structure &b)
  {
    return std::tie(a.numbers, a.charge, a.multiplicity, a.periodic) ==
        std::tie(b.numbers, b.charge, b.multiplicity, b.periodic);
  }

}    // namespace

IpiPool::IpiPool(const IpiClientSettings &settings, int clients) :
    settings(settings), most(std::size_t(std::max(1, clients)))
{
}

IpiPool::~IpiPool()
{
  // all at once, so that they end together
  for (auto &worker : workers) worker.client->dismiss();
}

void IpiPool::send(const Structure &structure)
{
  jobs.emplace_back().structure = structure;
  // others of the composition of an idle client may follow
  work(0.0, false);
}

IpiAnswer IpiPool::receive()
{
  if (jobs.empty()) throw std::logic_error("IpiPool: no structure is under way");
  while (!jobs.front().is_done()) work(1.0, true);
  Job job = std::move(jobs.front());
  jobs.pop_front();
  if (job.error) std::rethrow_exception(job.error);
  return std::move(*job.answer);
}

/// Gives work to clients, waits for one of them at most so many seconds, and takes what they have.
/// may_replace: whether idle clients may be ended in favour of other compositions.
void IpiPool::work(double seconds, bool may_replace)
{
  assign(may_replace);
  if (workers.empty()) return;
  std::vector<IpiClient *> clients;
  for (auto &worker : workers) clients.push_back(worker.client.get());
  IpiClient::poll_all(clients, seconds);
  std::erase_if(workers, [this](Worker &worker) {
    return !advance(worker);
  });
  assign(may_replace);
}

void IpiPool::assign(bool may_replace)
{
  for (auto &job : jobs) {
    if (job.is_done() || job.is_running) continue;
    if (!unavailable.empty()) {
      job.error = std::make_exception_ptr(ClientUnavailable(unavailable));
      continue;
    }
    try {
      Worker *worker = worker_for(job, may_replace);
      if (!worker) continue;
      worker->job = &job;
      job.is_running = true;
      worker->client->begin(job.structure.positions, job.structure.cell);
    } catch (const ClientError &error) {
      // an address, a folder or a file that cannot be had
      unavailable = error.what();
      job.error = std::make_exception_ptr(ClientUnavailable(unavailable));
    }
  }
}

/// An idle client that can evaluate the structure of a job, or a new one; null where it must wait.
IpiPool::Worker *IpiPool::worker_for(const Job &job, bool may_replace)
{
  for (auto &worker : workers)
    if (!worker.job && same_composition(worker.start, job.structure)) return &worker;
  // clients that come to one address could not be told apart
  if (settings.address.is_fixed() && std::any_of(workers.begin(), workers.end(), [](auto &worker) {
        return !worker.client->is_connected();
      }))
    return nullptr;
  if (workers.size() >= most) {
    if (!may_replace) return nullptr;
    const auto idle = std::find_if(workers.begin(), workers.end(), [this](const auto &worker) {
      return !worker.job && !is_wanted(worker);
    });
    if (idle == workers.end()) return nullptr;
    workers.erase(idle);
  }
  return start_worker(job);
}

IpiPool::Worker *IpiPool::start_worker(const Job &job)
{
  workers.push_back({std::make_unique<IpiClient>(settings, job.structure), job.structure, nullptr});
  n_started++;
  return &workers.back();
}

/// Whether a structure that waits is of the composition of a client.
bool IpiPool::is_wanted(const Worker &worker) const
{
  return std::any_of(jobs.begin(), jobs.end(), [&](const auto &job) {
    return !job.is_done() && !job.is_running && same_composition(worker.start, job.structure);
  });
}

/// False: the client is of no more use.
bool IpiPool::advance(Worker &worker)
{
  try {
    const bool is_done = worker.client->advance();
    any_connected |= worker.client->is_connected();
    if (!is_done) return true;
    worker.job->answer = worker.client->take();
    worker.job = nullptr;
    return true;
  } catch (const ClientNotFinite &error) {
    // nothing of a failed evaluation stays
    worker.job->error =
        std::make_exception_ptr(ClientNotFinite(std::string("the client failed: ") + error.what()));
  } catch (const ClientLost &error) {
    any_connected |= worker.client->is_connected();
    lose(worker, error.what());
  }
  return false;
}

/// The structure of a client that is lost goes to another one, or has failed.
void IpiPool::lose(Worker &worker, const std::string &why)
{
  Job *job = worker.job;
  if (!job) return;
  job->is_running = false;
  if (++job->failures < most_failures) return;
  const std::string text = "the client was started again, and failed twice: " + why;
  if (!any_connected) {
    unavailable = text;
    job->error = std::make_exception_ptr(ClientUnavailable(text));
  } else
    job->error = std::make_exception_ptr(ClientLost(text));
}

}    // namespace mlff
