#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace benchmarks {

// Values in PostgreSQL's binary form: nobody parses text.
std::string BinaryInt(uint64_t value);              // bigint
std::string BinaryId(uint64_t high, uint64_t low);  // uuid
class BinaryArray {                                 // uuid[] or bigint[]
 public:
  enum class Of : uint32_t { kInt = 20, kId = 2'950 };  // The type's number in every PostgreSQL.
  explicit BinaryArray(Of of) : of_(of) {}
  // Begins an array of `count` values, which must follow.
  void Begin(uint64_t count);
  void Add(absl::string_view binary_value);
  const std::string& bytes() const { return bytes_; }

 private:
  const Of of_;
  std::string bytes_;
};

// One connection. Not thread-safe.
class Database {
 public:
  static absl::StatusOr<Database> Connect(const std::string& socket_folder);

  // Statements without parameters, in one transaction; nothing of their results.
  absl::Status Execute(const std::string& sql);
  // The first value of the first row, as text.
  absl::StatusOr<std::string> Value(const std::string& sql);
  // All rows, as text.
  absl::StatusOr<std::vector<std::vector<std::string>>> Rows(const std::string& sql);

  absl::Status Prepare(const std::string& name, const std::string& sql);
  // A prepared statement with binary parameters: how many rows it answered, and their first value
  // when it is a bigint.
  struct Answer {
    uint64_t rows = 0;
    uint64_t first = 0;
  };
  absl::StatusOr<Answer> Run(const std::string& name,
                             const std::vector<absl::string_view>& parameters);

 private:
  struct Close {
    void operator()(PGconn* connection) const { ::PQfinish(connection); }
    void operator()(PGresult* result) const { ::PQclear(result); }
  };
  using Result = std::unique_ptr<PGresult, Close>;

  explicit Database(std::unique_ptr<PGconn, Close> connection)
      : connection_(std::move(connection)) {}
  absl::Status Check(const Result& result) const;

  std::unique_ptr<PGconn, Close> connection_;
};

}  // namespace benchmarks
